from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, NewType

import pytest
from pydantic import BaseModel, EmailStr, Field

from customer_profiles import _type_rules
from customer_profiles._standard_objects import standard
from customer_profiles.engine.ingestion import compiled_types
from customer_profiles.engine.ingestion.templates import templates
from customer_profiles.mapping import (
    Content,
    Key,
    ObjectTypeField,
    ObjectTypeKey,
    ProfileObject,
    Source,
    Target,
)

Id = Annotated[str, Key("Id", unique=True, profile=True)]


class Order(ProfileObject, name="Order", allow_profile_creation=True, expiration_days=30):
    """An order of the web shop.

    More words.
    """

    order_id: Annotated[str, Key("OrderId", unique=True)]
    email: Annotated[str, Key("_email", profile=True), Target("_profile.EmailAddress")]
    total: Annotated[Decimal, Target("_order.TotalPrice")]
    placed_at: datetime


def fields(kind: type[ProfileObject]) -> dict[str, ObjectTypeField]:
    return kind.object_type().fields or {}


def keys(kind: type[ProfileObject]) -> dict[str, list[ObjectTypeKey]]:
    return kind.object_type().keys or {}


def refused(body: dict[str, Any], **keywords: Any) -> str:
    """Give what is said of a class `Thing` with that body."""
    values = {"__module__": __name__, "__qualname__": "Thing", "__annotations__": {}}
    given = {name: one for name, one in body.items() if isinstance(one, Source)}
    values["__annotations__"] = {n: one for n, one in body.items() if n not in given}
    with pytest.raises(TypeError) as raised:
        type(ProfileObject)("Thing", (ProfileObject,), values | given, name="Thing", **keywords)
    return str(raised.value)


def test_a_class_declares_its_fields() -> None:
    assert fields(Order) == {
        "OrderId": ObjectTypeField(source="_source.OrderId", content_type="STRING"),
        "Email": ObjectTypeField(
            source="_source.Email", target="_profile.EmailAddress", content_type="EMAIL_ADDRESS"
        ),
        "Total": ObjectTypeField(
            source="_source.Total", target="_order.TotalPrice", content_type="NUMBER"
        ),
        "PlacedAt": ObjectTypeField(source="_source.PlacedAt", content_type="STRING"),
    }


def test_the_unique_key_ties_to_the_standard_objects_that_are_filled() -> None:
    assert keys(Order) == {
        "OrderId": [
            ObjectTypeKey(standard_identifiers=["UNIQUE", "ORDER"], field_names=["OrderId"])
        ],
        "_email": [ObjectTypeKey(standard_identifiers=["PROFILE"], field_names=["Email"])],
    }


def test_class_keywords_are_settings_and_the_docstring_describes() -> None:
    object_type = Order.object_type()

    assert Order.object_type_name == object_type.object_type_name == "Order"
    assert object_type.description == "An order of the web shop."
    assert object_type.allow_profile_creation is True
    assert object_type.expiration_days == 30


def test_what_a_class_gives_is_a_copy() -> None:
    (Order.object_type().fields or {}).clear()

    assert len(fields(Order)) == 4


def test_an_engine_accepts_what_a_class_declares() -> None:
    compiled_types.check(Order.object_type()._to_wire(), {})


def test_an_email_type_says_its_content_type() -> None:
    pytest.importorskip("email_validator")

    class Thing(ProfileObject, name="Thing"):
        thing_id: Id
        email: EmailStr | None = None

    assert fields(Thing)["Email"].content_type == "EMAIL_ADDRESS"


def test_content_types_follow_keys_and_types_unless_they_are_given() -> None:
    class Thing(ProfileObject, name="Thing"):
        thing_id: Id
        phone: Annotated[str | None, Key("_phone")] = None
        count: int | None = None
        price: float | None = None
        is_new: bool | None = None
        nick: Annotated[str | None, Content("NAME")] = None

    found = {name: one.content_type for name, one in fields(Thing).items()}
    assert found == {
        "ThingId": "STRING",
        "Phone": "PHONE_NUMBER",
        "Count": "NUMBER",
        "Price": "NUMBER",
        "IsNew": "STRING",
        "Nick": "NAME",
    }


def test_markers_are_found_inside_an_optional_type_and_a_new_type() -> None:
    number = NewType("number", int)

    class Thing(ProfileObject, name="Thing"):
        thing_id: Id
        city: Annotated[str, Target("_profile.Address.City")] | None = None
        size: number | None = None

    assert fields(Thing)["City"].target == "_profile.Address.City"
    assert fields(Thing)["Size"].content_type == "NUMBER"


def test_an_alias_is_the_name_on_the_wire() -> None:
    class Thing(ProfileObject, name="Thing"):
        thing_id: Id
        pnr: Annotated[str | None, Field(alias="PNR")] = None

    assert fields(Thing)["PNR"].source == "_source.PNR"


def test_a_source_says_where_a_value_is() -> None:
    class Thing(ProfileObject, name="Thing"):
        thing_id: Id
        phone: Annotated[str | None, Source("_source.contact.phone")] = None

    assert fields(Thing)["Phone"].source == "_source.contact.phone"


def test_a_source_without_a_type_is_a_field_without_a_value() -> None:
    class Thing(ProfileObject, name="Thing"):
        thing_id: Id
        full_name = Source(
            "{{_source.First}} {{_source.Last}}", Key("_fullName"), Target("_profile.LastName")
        )

    assert "full_name" not in Thing.model_fields
    assert fields(Thing)["FullName"] == ObjectTypeField(
        source="{{_source.First}} {{_source.Last}}", target="_profile.LastName", content_type="NAME"
    )
    assert keys(Thing)["_fullName"][0].field_names == ["FullName"]


def test_nested_classes_give_dotted_sources_and_lists_give_arrays() -> None:
    class City(BaseModel):
        name: Annotated[str, Target("_order.ShippingAddress.City")]

    class Item(ProfileObject):
        title: Annotated[str, Target("_order.OrderItems[].Title")]
        note: str | None = None

    class Thing(ProfileObject, name="Thing"):
        thing_id: Id
        city: City
        items: list[Item] | None = None

    found = {name: one.source for name, one in fields(Thing).items()}
    assert found == {
        "ThingId": "_source.ThingId",
        "City_name": "_source.City.name",
        "Items_Title": "_source.Items[].Title",
    }


def test_one_key_name_on_several_fields_is_several_definitions() -> None:
    class Thing(ProfileObject, name="Thing"):
        thing_id: Id
        home: Annotated[str | None, Key("_phone", profile=True)] = None
        work: Annotated[str | None, Key("_phone", profile=True, secondary=True)] = None

    found = [(one.field_names, one.standard_identifiers) for one in keys(Thing)["_phone"]]
    assert found == [(["Home"], ["PROFILE"]), (["Work"], ["PROFILE", "SECONDARY"])]


def test_a_key_of_the_class_joins_fields() -> None:
    class Place(BaseModel):
        code: str

    class Thing(ProfileObject, name="Thing", keys=[Key("Seat", fields=["flight", "place.code"])]):
        flight: Id
        place: Place

    assert keys(Thing)["Seat"][0].field_names == ["Flight", "Place_code"]


def test_fields_keys_and_settings_are_inherited() -> None:
    class WithEmail(ProfileObject, expiration_days=9):
        email: Annotated[str | None, Key("_email", profile=True)] = None

    class Thing(WithEmail, name="Thing"):
        thing_id: Annotated[str, Key("ThingId", unique=True)]

    assert list(fields(Thing)) == ["Email", "ThingId"]
    assert Thing.object_type().expiration_days == 9
    assert WithEmail.object_type_name == ""
    with pytest.raises(TypeError, match="WithEmail declares no object type; define it with name="):
        WithEmail.object_type()


def test_a_class_may_name_one_that_comes_later() -> None:
    class Thing(ProfileObject, name="Thing"):
        thing_id: Id
        later: Later | None = None

    class Later(BaseModel):
        code: str | None = None

    Thing.model_rebuild()
    assert list(fields(Thing)) == ["ThingId", "Later_code"]


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"a": str}, "Thing: no key is UNIQUE"),
    ({"a": Annotated[str, Key("A", unique=True)]}, "Thing: no key is a PROFILE key"),
    (
        {"a": Id, "b": Annotated[str, Key("B", unique=True)]},
        "Thing.b: Key 'B': only one key can be UNIQUE",
    ),
    ({"a": Id, "b": Annotated[str, Key("_b")]}, "Thing.b: Key '_b': only predefined keys"),
    ({"a": Id, "b": Annotated[str, Key("b!")]}, "Thing.b: Key 'b!': it must be a letter"),
    ({"a": Id, "b": Annotated[str, Key("_orderId")]}, "Thing.b: Key '_orderId': the service keeps"),
    (
        {"a": Annotated[str, Key("A", unique=True, profile=True, lookup_only=True)]},
        "Thing.a: Key 'A': UNIQUE and LOOKUP_ONLY exclude each other",
    ),
    ({"a": Id, "b": Annotated[str, Key("B", standard="ODER")]}, "standard= must be the identifier"),
    (
        {"a": Id, "b": Annotated[str, Target("_person.Name")]},
        "Thing.b: Field 'B': Target: '_person' is not a standard",
    ),
    (
        {"a": Id, "b": Annotated[str, Target("_profile")]},
        "Thing.b: Field 'B': Target: '_profile' is a whole object",
    ),
    (
        {"a": Id, "b": Annotated[str, Target("_order.OrderId")]},
        "is the id that the service gives",
    ),
    ({"a": Id, "b": Annotated[str, Target("_profile.FoundByItems[]")]}, "is filled by the service"),
    (
        {
            "a": Id,
            "b": Annotated[str, Target("_profile.Gender")],
            "c": Annotated[str, Target("_profile.GenderString")],
        },
        "Thing.c: Field 'C': Target: _profile.Gender and _profile.GenderString exclude each other",
    ),
    (
        {"a": Id, "b": Annotated[str, Target("_profile.SourceLastUpdatedTimestamp")]},
        "Thing.b: Field 'B': Target: _profile.SourceLastUpdatedTimestamp needs",
    ),
    ({"a": Id, "b": Annotated[str, Field(alias="A")]}, "Thing.b: it and a have the same name, A"),
    (
        {"a": Id, "b": Annotated[str, Source("_source.A")]},
        "Thing.b: another field has the path _source.A",
    ),
    ({"a": Id, "b": Annotated[str, Source("{{_source.A}}")]}, "write b = Source"),
    (
        {"a": Id, "b": Annotated[str, Source("_source.X", name="Y")]},
        "write the other markers beside Source",
    ),
    (
        {"a": Id, "b": Source("source.A")},
        "Thing.b: Field 'B': Source: its path is wrong: it must begin with _source.",
    ),
    ({"a": Id, "b": Source("_source.A", Source("_source.B"))}, "a Source cannot contain another"),
    ({"a": Id, "b": complex}, "Thing.b: its type is not supported; use str, EmailStr"),
    ({"a": Id, "b": int | str}, "Thing.b: its type is not supported"),
    ({"a": Id, "b": list[list[str]]}, "Thing.b: its type is not supported"),
    ({"a": Id, "b": Annotated[dict[str, str], Key("B")]}, "a dict is stored as it is"),
    ({"a": Id, "b": Annotated[list[str], Key("B")]}, "Thing.b: a key cannot be made of a list"),
    ({"a": Id, "b": Annotated[str, Field(alias="1b")]}, "Thing.b: Field '1b': it must be a letter"),
    ({"a": Id, "b": Annotated[str, Field(alias="b.c")]}, "Thing.b: the name 'b.c' cannot be part"),
    ({"a": Id, "tags": str}, "Thing.tags: Field 'Tags': the name is reserved"),
    (
        {"a": Id, "b": Annotated[str, Target("_case.Title"), Target("_profile.LastName")]},
        "Thing.b: a field has one Target",
    ),
    (
        {"a": Id, "b": Annotated[int, Key("B")], "c": Annotated[str, Key("B")]},
        "Thing.c: Key 'B': it has the content types",
    ),
    ({"a": Id, "b": Annotated[str, Key("B", fields=["a"])]}, "fields= is for the class keyword"),
    ({"a": Id, "b": Annotated[str, Content("TEXT")]}, "Thing.b: its content type"),  # type: ignore[arg-type]
    ({"a": Id} | {f"x{n}": str for n in range(250)}, "Thing: it has 251 fields; the most are 250"),
    (
        {"a": Id} | {f"x{n}": Annotated[str, Key(f"X{n}")] for n in range(10)},
        "Thing: it has 11 definitions of keys; the most are 10",
    ),
]


@pytest.mark.parametrize(("body", "message"), BROKEN, ids=lambda value: str(value)[:40])
def test_a_wrong_field_fails_with_the_class(body: dict[str, Any], message: str) -> None:
    assert message in refused(body)


SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"expiration_days": 0}, "Thing: expiration_days must be 1 to 1098"),
    ({"source_priority": 0}, "Thing: source_priority must be 1 or more"),
    ({"description": ""}, "Thing: description must have 1 to 1000 characters"),
    (
        {"source_last_updated_timestamp_format": "qq"},
        "'q' is not a supported letter of a timestamp's format",
    ),
    ({"keys": [Key("B")]}, "Thing: key B: fields= names fields of the class"),
    ({"keys": [Key("B", fields=["b"])]}, "it has no 'b'"),
    ({"expiration_days": "many"}, "Thing: expiration_days: Input should be a valid integer"),
]


@pytest.mark.parametrize(("keywords", "message"), SETTINGS, ids=lambda value: str(value)[:40])
def test_a_wrong_setting_fails_with_the_class(keywords: dict[str, Any], message: str) -> None:
    assert message in refused({"a": Id}, **keywords)


@pytest.mark.parametrize("name", ["", "_Order", "1st", "a b"])
def test_a_wrong_name_fails_with_the_class(name: str) -> None:
    with pytest.raises(TypeError, match=r"Thing: '.*' must be a letter"):
        type(ProfileObject)("Thing", (ProfileObject,), {"__module__": __name__}, name=name)


def test_a_profile_key_must_last_where_profiles_are_created() -> None:
    body = {
        "a": Annotated[str, Key("A", unique=True)],
        "b": Annotated[str, Key("_email", profile=True, lookup_only=True)],
    }

    assert "Thing.b: Key '_email': allow_profile_creation needs a PROFILE key" in refused(
        body, allow_profile_creation=True
    )


def test_a_nested_class_has_rules_of_its_own() -> None:
    class Sourced(BaseModel):
        code: Annotated[str, Source("_source.code")]

    class Looped(BaseModel):
        inner: Looped | None = None

    assert "Thing.b.code: a nested class cannot have Source" in refused({"a": Id, "b": Sourced})
    assert "a nested class cannot contain itself" in refused({"a": Id, "b": Looped})
    marked = Annotated[Looped, Target("_profile.LastName")]
    assert "write markers beside the fields of a nested" in refused({"a": Id, "b": marked})


def test_an_enum_is_a_text() -> None:
    class Tier(Enum):
        GOLD = "gold"

    class Thing(ProfileObject, name="Thing"):
        thing_id: Id
        tier: Tier

    assert fields(Thing)["Tier"].content_type == "STRING"


def test_the_rules_know_the_keys_and_objects_of_the_engine() -> None:
    indexes = {name for item in standard().values() for name, _ in item.keys}
    of_templates = {key for template in templates().values() for key in template["Keys"]}
    predefined = {name for name in indexes | of_templates if name.startswith("_")}

    assert _type_rules.SEARCH_KEYS | predefined == _type_rules.PREDEFINED_KEYS
    assert standard().keys() == _type_rules.STANDARD_OBJECTS.keys()


def test_a_list_of_texts_is_a_field_where_it_has_a_target() -> None:
    class Thing(ProfileObject, name="Thing"):
        thing_id: Id
        titles: Annotated[list[str] | None, Target("_order.OrderItems[].Title")] = None
        notes: list[str] | None = None
        raw: dict[str, str] | None = None

    assert list(fields(Thing)) == ["ThingId", "Titles"]
    assert fields(Thing)["Titles"].source == "_source.Titles[]"


def test_a_misspelled_class_keyword_names_the_right_one() -> None:
    with pytest.raises(TypeError, match="'allow_creation'; did you mean allow_profile_creation"):

        class Bad(ProfileObject, name="Bad", allow_creation=True):  # type: ignore[call-arg]
            bad_id: Annotated[str, Key("BadId", unique=True, profile=True)]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("_profile.EmailAdress", "did you mean 'EmailAddress'"),
        ("_profile.Address.Cty", "did you mean 'City'"),
        ("_case.Titel", "did you mean 'Title'"),
        ("_case.Subject", "'_case' has no member 'Subject'; it has CaseId, Title, Summary"),
        ("_profile.Address", "has several values"),
        ("_profile.FirstName.Short", "Short"),
    ],
)
def test_a_wrong_path_of_a_target_is_an_error_of_the_class(target: str, message: str) -> None:
    with pytest.raises(TypeError, match=message):

        class Bad(ProfileObject, name="Bad"):
            bad_id: Annotated[
                str, Key("BadId", unique=True, profile=True, standard=["CASE"]), Target(target)
            ]
