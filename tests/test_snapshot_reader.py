"""The reader of snapshots takes what AWS may write."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from customer_profiles import CustomerProfiles, Profile, ServiceError, UnreadableAnswerError
from customer_profiles.channels.s3 import Folder
from customer_profiles.repositories.snapshot_reader import SnapshotProfiles

if TYPE_CHECKING:
    from collections.abc import Iterator

ID, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def bucket() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="exports")
        yield client


def read(bucket: Any, files: dict[str, bytes], data_format: str = "CSV") -> list[Profile]:
    for key, body in files.items():
        bucket.put_object(Bucket="exports", Key=key, Body=body)
    with CustomerProfiles.embedded() as cp:
        folder = Folder("s3://exports/seg/", cp._gateway.channel)
        return list(SnapshotProfiles(folder, "0" * 32, data_format, cp.domain("shop").profiles))


def test_any_csv_with_a_column_profileid_is_read(bucket: Any) -> None:
    found = read(
        bucket,
        {
            "seg/test-file": b"not a table",
            "seg/run/one.csv": f"PROFILEID,firstname\n{ID},Ada\n".encode(),
            "seg/run/two.CSV": f"LastName,profileId\r\nByron,{OTHER}\r\n".encode(),
            "seg/run/notes.csv": b"a,b\n1,2\n",
            "seg/run/empty.csv": b"",
            "segments/other.csv": f"ProfileId\n{'c' * 32}\n".encode(),
        },
    )

    assert found == [
        Profile(profile_id=ID, first_name="Ada"),
        Profile(profile_id=OTHER, last_name="Byron"),
    ]


def test_a_byte_order_mark_quotes_and_empty_cells_are_read(bucket: Any) -> None:
    text = f'profileid,FirstName,Address.City,Gender\n{ID},"Ada, ""A""\nB",,MALE\n\n'

    found = read(bucket, {"seg/a.csv": b"\xef\xbb\xbf" + text.encode()})

    assert found == [Profile(profile_id=ID, first_name='Ada, "A"\nB', gender="MALE")]


def test_columns_that_are_no_members_are_custom_attributes(bucket: Any) -> None:
    text = f"profileid,customerid,Attributes.tier,attributes.x,Address.Planet\n{ID},7,gold,1,Mars\n"

    found = read(bucket, {"seg/a.csv": text.encode()})

    assert found[0].attributes == {
        "customerid": "7",
        "tier": "gold",
        "x": "1",
        "Address.Planet": "Mars",
    }


def test_nested_columns_are_read_whatever_their_case(bucket: Any) -> None:
    text = f"profileid,shippingaddress.postalcode\n{ID},98101\n"

    found = read(bucket, {"seg/a.csv": text.encode()})

    assert found[0].shipping_address is not None
    assert found[0].shipping_address.postal_code == "98101"


def test_files_of_other_snapshots_are_left_out_where_keys_have_the_id(bucket: Any) -> None:
    found = read(
        bucket,
        {
            f"seg/{'0' * 32}/part-00000.csv": f"ProfileId\n{ID}\n".encode(),
            f"seg/{'1' * 32}/part-00000.csv": f"ProfileId\n{OTHER}\n".encode(),
        },
    )

    assert [profile.profile_id for profile in found] == [ID]


def test_lines_of_json_are_read(bucket: Any) -> None:
    body = f'{{"ProfileId": "{ID}", "Address": {{"City": "Rome"}}}}\n\n'.encode()

    found = read(bucket, {"seg/a.jsonl": body, "seg/a.csv": b"ProfileId\n1\n"}, "JSONL")

    assert found == [Profile(profile_id=ID, address={"city": "Rome"})]  # type: ignore[arg-type]


def test_orc_is_read(bucket: Any) -> None:
    pa = pytest.importorskip("pyarrow")
    orc = pytest.importorskip("pyarrow.orc")
    table = pa.table(
        {"ProfileId": [ID], "Address.City": ["Rome"], "Attributes": [[("tier", "gold")]]},
        schema=pa.schema(
            [
                ("ProfileId", pa.string()),
                ("Address.City", pa.string()),
                ("Attributes", pa.map_(pa.string(), pa.string())),
            ]
        ),
    )
    out = io.BytesIO()
    orc.write_table(table, out)

    found = read(bucket, {"seg/a.orc": out.getvalue()}, "ORC")

    assert found[0].attributes == {"tier": "gold"}
    assert found[0].address is not None
    assert found[0].address.city == "Rome"


@pytest.mark.parametrize(
    "files",
    [{}, {"seg/a.txt": b"profileid\n1"}, {"seg/a.csv": b"id\n1\n"}, {"seg/a.csv": b""}],
)
def test_a_folder_without_profiles_is_an_error_not_nobody(
    bucket: Any, files: dict[str, bytes]
) -> None:
    with pytest.raises(UnreadableAnswerError, match=r"no \.csv file with a column profileid"):
        read(bucket, files)


def test_a_file_that_is_damaged_is_an_error_without_its_values(bucket: Any) -> None:
    with pytest.raises(UnreadableAnswerError, match="is not CSV: Error") as caught:
        read(bucket, {"seg/a.csv": b'ProfileId,FirstName\nx,"Ada" Byron"\n'})
    assert "Ada" not in str(caught.value)
    with pytest.raises(UnreadableAnswerError, match="is not CSV: UnicodeDecodeError"):
        read(bucket, {"seg/a.csv": b"ProfileId,FirstName\nx,\xff\xfe\n"})


def test_a_bucket_that_cannot_be_listed_names_the_permission(bucket: Any) -> None:
    bucket.delete_bucket(Bucket="exports")
    with CustomerProfiles.embedded() as cp:
        folder = Folder("s3://exports/seg", cp._gateway.channel)
        with pytest.raises(ServiceError, match=r"NoSuchBucket; .*need s3:ListBucket"):
            list(folder.list_keys())


def test_files_are_opened_when_they_are_needed(bucket: Any) -> None:
    files = {f"seg/{name}.csv": f"ProfileId\n{ID}\n".encode() for name in "abc"}
    read(bucket, files)
    opened: list[str] = []
    bucket.meta.events.register(
        "before-call.s3.GetObject", lambda params, **_: opened.append(params["url_path"])
    )
    with CustomerProfiles.embedded() as cp:
        folder = Folder("s3://exports/seg", cp._gateway.channel, bucket)
        profiles = iter(SnapshotProfiles(folder, "0", "CSV", cp.domain("shop").profiles))
        assert opened == []
        next(profiles)

    assert len(opened) == 1


def test_a_snapshot_is_a_lazy_list_with_tables(bucket: Any) -> None:
    rows = "".join(f"{number:032x},n{number}\n" for number in range(250))
    bucket.put_object(Bucket="exports", Key="seg/a.csv", Body=f"ProfileId,FirstName\n{rows}")
    with CustomerProfiles.embedded() as cp:
        folder = Folder("s3://exports/seg", cp._gateway.channel)
        found = SnapshotProfiles(folder, "0", "CSV", cp.domain("shop").profiles)

        assert [len(page) for page in found.pages()] == [100, 100, 50]
        assert found.first() == Profile(profile_id="0" * 32, first_name="n0")
        assert len(list(found.rows())) == 250
        assert found.to_arrow().num_rows == 250


def test_a_row_that_is_no_profile_is_an_error_without_its_values(bucket: Any) -> None:
    with pytest.raises(UnreadableAnswerError, match="a row that is no profile") as caught:
        read(bucket, {"seg/a.jsonl": b'{"ProfileId": "1", "Attributes": ["secret"]}\n'}, "JSONL")
    assert "secret" not in str(caught.value)
