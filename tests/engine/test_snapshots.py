"""Snapshots of segments: their files in S3, their states, and kills."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import threading

import boto3
import pytest
from moto import mock_aws

from customer_profiles.engine import Engine, ManualClock, Quotas, Refusal, background
from customer_profiles.engine.audiences import snapshot_files, snapshots

from .conftest import Shop
from .filling import rows
from .test_segments import GOLD, calculated, condition, define, enable_data_store, groups, where

ROLE = "arn:aws:iam::000000000000:role/exports"
KEY = "arn:aws:kms:us-east-1:000000000000:key/a"


@pytest.fixture
def bucket(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        made = boto3.resource("s3", region_name="us-east-1").Bucket("exports")
        made.create()
        yield made


@pytest.fixture(autouse=True)
def _no_thread(monkeypatch):
    """Leave pending work to `run_due`."""
    monkeypatch.setattr(background, "start", lambda _: None)


def start(shop, name="gold", uri="s3://exports/seattle/", file_format="CSV", **more):
    made = shop.ask(
        "CreateSegmentSnapshot",
        SegmentDefinitionName=name,
        DataFormat=file_format,
        DestinationUri=uri,
        RoleArn=ROLE,
        **more,
    )
    return made["SnapshotId"]


def state(shop, snapshot_id, name="gold"):
    return shop.ask("GetSegmentSnapshot", SegmentDefinitionName=name, SnapshotId=snapshot_id)


def snapshot(shop, bucket, name="gold", **more):
    """Make a snapshot and return its files by name."""
    snapshot_id = start(shop, name, **more)
    shop.engine.run_due()
    assert state(shop, snapshot_id, name)["Status"] == "COMPLETED"
    return {
        item.key.removeprefix(f"seattle/{snapshot_id}/"): item.get()["Body"].read()
        for item in bucket.objects.filter(Prefix=f"seattle/{snapshot_id}/")
    }


def table(files):
    (content,) = files.values()
    return list(csv.reader(io.StringIO(content.decode())))


def ids(files):
    header, *lines = table(files)
    return [line[header.index("ProfileId")] for line in lines]


def create(shop, **fields):
    """Create a profile whose id is larger than those before, because it begins with the time."""
    shop.engine._clock.advance(seconds=1)
    return shop.create(**fields)


@pytest.fixture
def three(shop):
    """Create the three members of the vector, and a segment of everybody."""
    define(shop, "gold", groups())
    return [
        create(shop, FirstName="Ada", Attributes={"tier": "gold, first"}),
        create(shop, FirstName='A "B"\nC', Address={"City": "Köln"}),
        create(shop, LastName="Byron"),
    ]


def test_a_snapshot_has_a_column_for_each_attribute_in_use(shop, bucket, three):
    files = snapshot(shop, bucket)
    assert list(files) == ["part-00000.csv"]
    assert table(files) == [
        ["ProfileId", "FirstName", "LastName", "Address.City", "Attributes.tier"],
        [three[0], "Ada", "", "", "gold, first"],
        [three[1], 'A "B"\nC', "", "Köln", ""],
        [three[2], "", "Byron", "", ""],
    ]


def test_the_state_goes_from_in_progress_to_completed_without_the_slash(shop, bucket, three):
    snapshot_id = start(shop, EncryptionKey=KEY)
    expected = {
        "SnapshotId": snapshot_id,
        "Status": "IN_PROGRESS",
        "DataFormat": "CSV",
        "EncryptionKey": KEY,
        "RoleArn": ROLE,
        "DestinationUri": "s3://exports/seattle",
    }
    assert state(shop, snapshot_id) == expected
    shop.engine.run_due()
    assert state(shop, snapshot_id) == expected | {"Status": "COMPLETED"}
    for item in bucket.objects.all():
        assert item.get()["SSEKMSKeyId"] == KEY
        assert item.get()["ServerSideEncryption"] == "aws:kms"


def test_an_empty_test_file_without_csv_in_its_name_is_beside_the_files(shop, bucket, three):
    snapshot(shop, bucket)
    names = {item.key: item.size for item in bucket.objects.all() if ".csv" not in item.key}
    assert names == {"seattle/aws-customer-profiles-test": 0}


@pytest.mark.parametrize("uri", ["s3://exports", "s3://exports/"])
def test_a_snapshot_may_be_written_to_the_root_of_a_bucket(shop, bucket, three, uri):
    snapshot_id = start(shop, uri=uri)
    shop.engine.run_due()
    assert state(shop, snapshot_id)["DestinationUri"] == "s3://exports"
    assert {item.key for item in bucket.objects.all()} == {
        "aws-customer-profiles-test",
        f"{snapshot_id}/part-00000.csv",
    }


def test_jsonl_has_a_profile_a_line(shop, bucket, three):
    (content,) = snapshot(shop, bucket, file_format="JSONL").values()
    profiles = [json.loads(line) for line in content.splitlines()]
    assert [profile["ProfileId"] for profile in profiles] == three
    assert profiles[1] == {"ProfileId": three[1], **shop.read(three[1])}


def test_orc_has_the_columns_as_strings_and_attributes_as_a_map(shop, bucket, three):
    orc = pytest.importorskip("pyarrow.orc")
    files = snapshot(shop, bucket, file_format="ORC")
    assert list(files) == ["part-00000.orc"]
    found = orc.read_table(io.BytesIO(files["part-00000.orc"])).to_pylist()
    assert found[0] == {
        "ProfileId": three[0],
        "FirstName": "Ada",
        "LastName": None,
        "Address.City": None,
        "Attributes": [("tier", "gold, first")],
    }
    assert found[2]["Attributes"] is None


def test_orc_without_its_library_fails_and_names_the_extra(shop, bucket, three, monkeypatch):
    for name in ("pyarrow", "pyarrow.orc"):
        monkeypatch.setitem(sys.modules, name, None)
    snapshot_id = start(shop, file_format="ORC")
    shop.engine.run_due()
    ended = state(shop, snapshot_id)
    assert ended["Status"] == "FAILED"
    assert "pyarrow" in ended["StatusMessage"]
    assert "pip install" in ended["StatusMessage"]
    assert list(bucket.objects.all()) == []


@pytest.mark.parametrize(("file_format", "expected"), [("CSV", b"ProfileId\n"), ("JSONL", b"")])
def test_a_snapshot_of_nobody_is_an_empty_file(shop, bucket, file_format, expected):
    define(shop, "gold", where(GOLD))
    files = snapshot(shop, bucket, file_format=file_format)
    assert list(files.values()) == [expected]


def test_members_are_split_into_files_of_a_limited_size(shop, bucket, monkeypatch):
    monkeypatch.setattr(snapshots, "_PROFILES_A_PART", 4)
    define(shop, "gold", groups())
    made = [create(shop, FirstName=f"{number}") for number in range(10)]
    files = snapshot(shop, bucket)
    assert list(files) == [f"part-0000{number}.csv" for number in range(3)]
    assert [profile for name in files for profile in ids({name: files[name]})] == made


def sorted_by(*listed):
    return {"Attributes": [dict(zip(("Name", "Order"), item, strict=False)) for item in listed]}


SORTS = [
    ([("LastName", "ASC")], ["b", "e", "c", "a", "d"]),
    ([("LastName", "DESC")], ["a", "c", "b", "e", "d"]),
    ([("Attributes.score", "ASC")], ["c", "a", "b", "d", "e"]),
    ([("Attributes.score", "DESC")], ["b", "a", "c", "d", "e"]),
    ([("LastName", "ASC"), ("Attributes.score", "DESC")], ["b", "e", "c", "a", "d"]),
    ([("BirthDate", "DESC")], ["a", "b", "c", "d", "e"]),
]


@pytest.mark.parametrize(("sort", "expected"), SORTS)
def test_the_order_is_that_of_the_sort_with_absent_values_last(shop, bucket, sort, expected):
    made = {
        "a": create(shop, LastName="C", Attributes={"score": "10"}, BirthDate="2000-01-02"),
        "b": create(shop, LastName="A", Attributes={"score": "100"}, BirthDate="1999-12-31T10:00Z"),
        "c": create(shop, LastName="B", Attributes={"score": "9"}),
        "d": create(shop),
        "e": create(shop, LastName="A"),
    }
    define(shop, "gold", groups(), SegmentSort=sorted_by(*sort))
    names = {profile_id: name for name, profile_id in made.items()}
    assert [names[profile_id] for profile_id in ids(snapshot(shop, bucket))] == expected


def test_the_data_type_of_a_sort_decides_how_values_compare(shop, bucket):
    by_text = sorted_by(("Attributes.score", "ASC"))
    by_text["Attributes"][0]["DataType"] = "STRING"
    made = [create(shop, Attributes={"score": score}) for score in ("9", "10", "100")]
    define(shop, "gold", groups(), SegmentSort=by_text)
    assert ids(snapshot(shop, bucket)) == [made[1], made[2], made[0]]


def test_a_bucket_that_does_not_exist_fails_the_snapshot(shop, bucket, three):
    snapshot_id = start(shop, uri="s3://missing/a")
    shop.engine.run_due()
    ended = state(shop, snapshot_id)
    assert ended["Status"] == "FAILED"
    assert "bucket missing: NoSuchBucket" in ended["StatusMessage"]
    assert rows(shop.engine)["segment_parts"] == []
    assert rows(shop.engine)["pending_work"] == []


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"RoleArn": ROLE}, "DestinationUri is missing"),
        ({"RoleArn": ROLE, "DestinationUri": "exports/a"}, "DestinationUri must be a folder"),
        ({"RoleArn": ROLE, "DestinationUri": "s3://"}, "DestinationUri must be a folder"),
        ({"DestinationUri": "s3://exports"}, "RoleArn is missing"),
    ],
)
def test_a_snapshot_needs_a_folder_in_s3_and_a_role(shop, members, message):
    define(shop, "gold", groups())
    with pytest.raises(Refusal, match=message):
        shop.ask("CreateSegmentSnapshot", SegmentDefinitionName="gold", DataFormat="CSV", **members)


def test_missing_segments_and_snapshots_are_not_found(shop):
    with pytest.raises(Refusal, match="Segment definition gold does not exist"):
        start(shop)
    define(shop, "gold", groups())
    with pytest.raises(Refusal, match="no snapshot with this id"):
        state(shop, "0" * 32)


def test_snapshots_go_with_their_segment(shop, bucket, three):
    snapshot_id = start(shop)
    shop.ask("DeleteSegmentDefinition", SegmentDefinitionName="gold")
    define(shop, "gold", groups())
    with pytest.raises(Refusal, match="no snapshot"):
        state(shop, snapshot_id)
    shop.engine.run_due()
    assert rows(shop.engine)["pending_work"] == []
    assert list(bucket.objects.all()) == []


def test_snapshots_of_sql_segments_fail(shop, bucket):
    enable_data_store(shop)
    shop.ask(
        "CreateSegmentDefinition",
        SegmentDefinitionName="sql",
        DisplayName="SQL",
        SegmentSqlQuery="SELECT profileid FROM profile_standard",
    )
    snapshot_id = start(shop, "sql")
    shop.engine.run_due()
    ended = state(shop, snapshot_id, "sql")
    assert (ended["Status"], "cannot run" in ended["StatusMessage"]) == ("FAILED", True)
    assert list(bucket.objects.all()) == []


def test_a_domain_makes_a_limited_number_of_snapshots_a_day(clock):
    with Engine(clock=clock, quotas=Quotas(snapshots=2)) as engine:
        shop = Shop(engine)
        shop.ask("CreateDomain", DefaultExpirationDays=30)
        define(shop, "gold", groups())
        start(shop)
        start(shop)
        with pytest.raises(Refusal, match="limit of 2 snapshots in 24 hours"):
            start(shop)
        clock.advance(days=1)
        start(shop)


def test_a_profile_that_is_deleted_meanwhile_is_left_out(shop, bucket, three, monkeypatch):
    snapshot_id = start(shop)
    background.run_step(shop.engine._context)
    shop.ask("DeleteProfile", ProfileId=three[1])
    shop.engine.run_due()
    assert state(shop, snapshot_id)["Status"] == "COMPLETED"
    content = bucket.Object(f"seattle/{snapshot_id}/part-00000.csv").get()["Body"].read()
    assert ids({"": content}) == [three[0], three[2]]


def test_conditions_on_calculated_attributes_select_members(shop, bucket):
    create(shop, FirstName="Ada")
    define(shop, "gold", groups({"Dimensions": calculated(1)}))
    assert ids(snapshot(shop, bucket)) == []
    absent = {"_call_count": condition("EXCLUSIVE", "1")}
    define(shop, "none", groups({"Dimensions": [{"CalculatedAttributes": absent}]}))
    assert len(ids(snapshot(shop, bucket, "none"))) == 1


def test_engagement_preferences_are_no_column():
    profile = {"ProfileId": "a", "EngagementPreferences": {"Phone": []}, "Gender": "FEMALE"}
    shapes = [snapshot_files.shape_of(profile)]
    assert snapshot_files.columns(shapes) == ["ProfileId", "Gender"]


CHILD = """
import sys, time
from customer_profiles.engine import Engine, ManualClock, background
from customer_profiles.engine.audiences import snapshots
background.start = lambda _: None
snapshots._PROFILES_A_PART = 2
class Bucket:
    def client(self, *args, **options):
        return self
    def put_object(self, Key, **_):
        if Key.endswith("part-00001.csv"):
            print("writing", flush=True)
            time.sleep(60)
engine = Engine(sys.argv[1], clock=ManualClock(seed=7), session=Bucket())
engine.run_due()
"""


def test_a_killed_snapshot_goes_on_at_the_file_that_was_not_written(tmp_path, bucket, monkeypatch):
    monkeypatch.setattr(snapshots, "_PROFILES_A_PART", 2)
    path = tmp_path / "shop.db"
    with Engine(path, clock=ManualClock(seed=3)) as engine:
        shop = Shop(engine)
        shop.ask("CreateDomain", DefaultExpirationDays=30)
        define(shop, "gold", groups())
        made = [create(shop, FirstName=f"{number}") for number in range(6)]
        snapshot_id = start(shop)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "writing\n"
    child.kill()
    child.wait()
    child.stdout.close()
    with Engine(path, clock=ManualClock(seed=5)) as engine:
        shop = Shop(engine)
        assert state(shop, snapshot_id)["Status"] == "IN_PROGRESS"
        engine.run_due()
        assert state(shop, snapshot_id)["Status"] == "COMPLETED"
    # The first file went to the child's own bucket.
    keys = [f"seattle/{snapshot_id}/part-0000{number}.csv" for number in (1, 2)]
    files = {key: bucket.Object(key).get()["Body"].read() for key in keys}
    assert [profile for key in keys for profile in ids({key: files[key]})] == made[2:]
    assert "part-00000.csv" not in str([item.key for item in bucket.objects.all()])


def test_two_threads_make_a_snapshot_once(open_shop, bucket, monkeypatch):
    shop = open_shop()
    define(shop, "gold", groups())
    create(shop, FirstName="Ada")
    snapshot_id = start(shop)
    written = []
    put = type(shop.engine._context.aws).put

    def counted(self, bucket, key, *rest):
        written.append(key)
        put(self, bucket, key, *rest)

    monkeypatch.setattr(type(shop.engine._context.aws), "put", counted)
    threads = [threading.Thread(target=shop.engine.run_due) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state(shop, snapshot_id)["Status"] == "COMPLETED"
    assert sorted(written) == [
        f"seattle/{snapshot_id}/part-00000.csv",
        "seattle/aws-customer-profiles-test",
    ]


def test_a_closed_engine_leaves_the_snapshot_to_the_next_one(open_shop, bucket):
    shop = open_shop()
    define(shop, "gold", groups())
    create(shop, FirstName="Ada")
    snapshot_id = start(shop)
    shop.engine._context.closing.set()
    background.run_step(shop.engine._context)
    shop.engine.close()
    again = open_shop()
    assert state(again, snapshot_id)["Status"] == "IN_PROGRESS"
    again.engine.run_due()
    assert state(again, snapshot_id)["Status"] == "COMPLETED"
