from __future__ import annotations

import json
from pathlib import Path

import pytest

from customer_profiles import InvalidInputError
from customer_profiles.mapping import ObjectType, ObjectTypeField
from customer_profiles.models.object_type import DetectedObjectType

MAPPINGS = sorted((Path(__file__).parents[1] / "data/mappings").glob("*.json"))


@pytest.mark.parametrize("path", MAPPINGS, ids=lambda path: path.stem)
def test_a_published_mapping_is_read_and_written_unchanged(path: Path, tmp_path: Path) -> None:
    object_type = ObjectType.from_file(path)
    object_type.to_file(tmp_path / "again.json")

    assert json.loads((tmp_path / "again.json").read_text()) == json.loads(path.read_text())
    assert ObjectType.from_file(str(tmp_path / "again.json")) == object_type


def written(folder: Path, text: str) -> Path:
    path = folder / "Order.json"
    path.write_text(text)
    return path


def test_an_answer_of_the_service_is_read_whole(tmp_path: Path) -> None:
    answer = {
        "ObjectTypeName": "Order",
        "Description": "Orders",
        "CreatedAt": "2026-01-02T03:04:05+00:00",
        "LastUpdatedAt": 1767322800.5,
        "MaxAvailableProfileObjectCount": 9,
        "Tags": {"a": "b"},
        "ResponseMetadata": {"HTTPStatusCode": 200},
    }
    object_type = ObjectType.from_file(written(tmp_path, json.dumps(answer)))

    assert object_type.created_at is not None
    assert object_type.max_available_profile_object_count == 9


CLOUDFORMATION = {
    "DomainName": "shop",
    "ObjectTypeName": "Order",
    "Description": "Orders",
    "Fields": [
        {"Name": "id", "ObjectTypeField": {"Source": "_source.id", "ContentType": "STRING"}},
        {"Name": "mail", "ObjectTypeField": {"Source": "_source.mail"}},
    ],
    "Keys": [
        {
            "Name": "_orderKey",
            "ObjectTypeKeyList": [{"StandardIdentifiers": ["UNIQUE"], "FieldNames": ["id"]}],
        }
    ],
    "Tags": [{"Key": "team", "Value": "a"}],
}


@pytest.mark.parametrize("depth", ["properties", "resource", "template"])
def test_the_form_of_cloudformation_is_read(tmp_path: Path, depth: str) -> None:
    resource = {"Type": "AWS::CustomerProfiles::ObjectType", "Properties": CLOUDFORMATION}
    whole = {"properties": CLOUDFORMATION, "resource": resource}.get(
        depth, {"Resources": {"Type1": resource, "Queue": {"Type": "AWS::SQS::Queue"}}}
    )
    object_type = ObjectType.from_file(written(tmp_path, json.dumps(whole)))

    assert object_type.object_type_name == "Order"
    assert object_type.fields == {
        "id": ObjectTypeField(source="_source.id", content_type="STRING"),
        "mail": ObjectTypeField(source="_source.mail"),
    }
    assert object_type.keys is not None
    assert object_type.keys["_orderKey"][0].field_names == ["id"]
    assert object_type.tags == {"team": "a"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (["x"], 'Fields[0] is an object with "Name" and "ObjectTypeField"'),
        ([{"Name": "a", "Field": {}}], "Fields[0].Field is not known here; known are Name, Obj"),
        ([{"Name": "a"}, {"Name": "a"}], "there are two Fields of the name a; keep one"),
        ([{"Name": "a", "ObjectTypeField": {"Sorce": "x"}}], "Fields.a.Sorce is not known here"),
    ],
    ids=range(4),
)
def test_a_wrong_list_of_cloudformation_is_refused(
    tmp_path: Path, fields: list[object], message: str
) -> None:
    text = json.dumps(CLOUDFORMATION | {"Fields": fields})
    with pytest.raises(InvalidInputError) as caught:
        ObjectType.from_file(written(tmp_path, text))

    assert message in str(caught.value)


def test_what_is_read_only_is_not_written(tmp_path: Path) -> None:
    object_type = ObjectType._from_wire(
        {"ObjectTypeName": "Ä", "CreatedAt": 1.0, "MaxAvailableProfileObjectCount": 9}
    )
    object_type.to_file(tmp_path / "it.json")

    text = (tmp_path / "it.json").read_text(encoding="utf-8")
    assert text == '{\n  "ObjectTypeName": "Ä"\n}\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{\n  oops", "Order.json: line 2, column 3: this is not JSON"),
        ("[]", "Order.json: an object type is a JSON object"),
        ("[" * 100_000, "Order.json: this is not JSON"),
        ('{"ObjectTypeName":"A","Feilds":{}}', "Order.json: Feilds is not known here; known are"),
        ('{"object_type_name":"A"}', "Order.json: ObjectTypeName: Field required"),
        (
            '{"ObjectTypeName":"A","Fields":{"fields":{"Sorce":"x"}}}',
            "Order.json: Fields.fields.Sorce is not known here; known are Source, Target",
        ),
        (
            '{"ObjectTypeName":"A","Keys":{"K":[{"FieldNames":["a"],"X":1}]}}',
            "Order.json: Keys.K.0.X is not known here; known are StandardIdentifiers, FieldNames",
        ),
        (
            '{"ObjectTypeName":"A","Fields":{"F":{"ContentType":"TEXT"}}}',
            "Order.json: Fields.F.ContentType: Input should be 'STRING'",
        ),
        ('{"ObjectTypeName":"A","Fields":{"F":{},"F":{}}}', "Order.json: F occurs twice"),
    ],
    ids=range(9),
)
def test_a_wrong_file_is_refused_by_name_and_member(
    text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError) as raised:
        ObjectType.from_file(written(tmp_path, text))

    assert message in str(raised.value)


def test_a_file_of_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Order.json"
    path.write_bytes(b"\xff\xfe{}")

    with pytest.raises(InvalidInputError, match=r"Order\.json: this is not JSON in UTF-8"):
        ObjectType.from_file(path)


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "Order.json"
    path.write_bytes(b'\xef\xbb\xbf{"ObjectTypeName": "A"}')

    assert ObjectType.from_file(path).object_type_name == "A"


def test_repr_shows_settings_and_no_mapping() -> None:
    object_type = ObjectType(object_type_name="A", fields={"F": ObjectTypeField(source="s3cret")})

    assert repr(object_type) == "ObjectType(object_type_name='A', <1 more field>)"


def test_a_detected_mapping_becomes_an_object_type_by_a_name() -> None:
    detected = DetectedObjectType(fields={"F": ObjectTypeField(source="_source.F")})
    object_type = detected.named("Order", expiration_days=9)

    assert object_type.object_type_name == object_type.description == "Order"
    assert object_type.expiration_days == 9
    assert object_type.fields == detected.fields
