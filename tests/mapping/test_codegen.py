from __future__ import annotations

import itertools
import shutil
import string
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_profiles import InvalidInputError
from customer_profiles.mapping import (
    ObjectType,
    ObjectTypeField,
    ObjectTypeKey,
    Plan,
    ProfileObject,
    codegen,
)

MAPPINGS = sorted((Path(__file__).parents[1] / "data/mappings").glob("*.json"))
_count = itertools.count()


def classes(source: str) -> dict[str, type[ProfileObject]]:
    """Give the classes of generated source by the names of their object types."""
    module = ModuleType(f"generated_{next(_count)}")
    sys.modules[module.__name__] = module
    exec(compile(source, module.__name__, "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    found = [one for one in vars(module).values() if isinstance(one, type)]
    return {
        one.object_type_name: one
        for one in found
        if issubclass(one, ProfileObject) and one.object_type_name
    }


def plain(object_type: ObjectType) -> dict[str, Any]:
    """Give an object type's wire form, with what absence means written out."""
    wire = object_type._to_wire()
    wire["Description"] = wire.get("Description") or wire["ObjectTypeName"]
    for field in wire["Fields"].values():
        field.setdefault("ContentType", "STRING")
    for key in itertools.chain.from_iterable(wire["Keys"].values()):
        key["StandardIdentifiers"] = sorted(key.get("StandardIdentifiers", ()))
    return wire


def thing(**changes: Any) -> ObjectType:
    """Give a small object type."""
    given = {
        "object_type_name": "Thing",
        "description": "A thing",
        "fields": {"Id": ObjectTypeField(source="_source.Id", content_type="STRING")},
        "keys": {
            "Id": [ObjectTypeKey(standard_identifiers=["UNIQUE", "PROFILE"], field_names=["Id"])]
        },
    }
    return ObjectType(**(given | changes))


@pytest.mark.parametrize("path", MAPPINGS, ids=lambda path: path.stem)
def test_a_published_mapping_makes_a_class_that_declares_it(path: Path) -> None:
    object_type = ObjectType.from_file(path)
    made = classes(codegen(object_type))[object_type.object_type_name].object_type()

    assert plain(made) == plain(object_type)
    assert Plan.between([made], [object_type]).is_empty


@pytest.mark.skipif(shutil.which("ruff") is None, reason="ruff is a development tool")
@pytest.mark.parametrize("width", ["88", "100"])
def test_the_source_is_laid_out_as_ruff_does(width: str) -> None:
    source = codegen(*map(ObjectType.from_file, MAPPINGS))
    command = ["ruff", "format", "--isolated", "--line-length", width, "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=True)

    assert done.stdout == source


def test_the_source_reads_like_a_class_of_a_person() -> None:
    assert codegen(thing()) == (
        "from typing import Annotated\n"
        "\n"
        "from customer_profiles.mapping import Key, ProfileObject\n"
        "\n"
        "\n"
        'class Thing(ProfileObject, name="Thing", description="A thing"):\n'
        '    id: Annotated[str, Key("Id", unique=True, profile=True)]\n'
    )


def test_names_that_python_or_pydantic_have_are_escaped() -> None:
    names = ["class", "Copy", "A-b", "A_b", "model_x", "str"]
    there = {name: ObjectTypeField(source=f"_source.{name}") for name in names}
    object_type = thing(fields=(thing().fields or {}) | there)
    made = classes(codegen(object_type))["Thing"]

    assert " ".join(made.model_fields) == "id class_ copy_ a_b a_b_ field_model_x str_"
    assert plain(made.object_type()) == plain(object_type)


def test_lists_become_classes_of_their_items() -> None:
    sources = {"T": "_source.Items[].Title", "P": "_source.Items[].unit-price"}
    there = {
        name: ObjectTypeField(source=source, target="_profile.Attributes.X")
        for name, source in sources.items()
    }
    object_type = thing(fields=(thing().fields or {}) | there)
    made: Any = classes(codegen(object_type))["Thing"]
    item = made.from_object('{"Id":"1","Items":[{"Title":"Pen","unit-price":"2"}]}')

    assert plain(made.object_type()) == plain(object_type)
    assert (item.items[0].title, item.items[0].unit_price) == ("Pen", "2")


def test_a_timestamp_becomes_a_datetime() -> None:
    stamp = ObjectTypeField(source="_source.At", target="_profile.SourceLastUpdatedTimestamp")
    object_type = thing(
        fields=(thing().fields or {}) | {"At": stamp},
        source_last_updated_timestamp_format="EpochMilli",
    )

    assert "    at: Annotated[datetime | None, Target(" in codegen(object_type)
    assert plain(classes(codegen(object_type))["Thing"].object_type()) == plain(object_type)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fields": None}, "object type Thing: it has no fields and keys"),
        ({"template_id": "T", "keys": None}, "object type Thing: it has no fields and keys"),
        ({"fields": {"Id": ObjectTypeField()}}, "object type Thing, Id: its source is missing"),
    ],
)
def test_what_no_class_can_declare_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        codegen(thing(**changes))


NAMES = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=8).map(
    lambda text: f"N{text}"
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="{}[].\0"), min_size=1, max_size=6)
SOURCES = st.one_of(
    st.lists(TEXTS, min_size=1, max_size=3).map(lambda parts: ".".join(["_source", *parts])),
    st.lists(TEXTS, min_size=2, max_size=2).map("[].".join).map("_source.{}".format),
    TEXTS.map("{{{{_source.{}}}}} x".format),
)
FIELDS = st.builds(
    ObjectTypeField,
    source=SOURCES,
    target=st.none() | TEXTS.map("_profile.Attributes.{}".format),
    content_type=st.sampled_from(["STRING", "NUMBER", "PHONE_NUMBER", "EMAIL_ADDRESS", "NAME"]),
)


@st.composite
def object_types(draw: st.DrawFn) -> ObjectType:
    """Draw an object type that breaks no rule."""
    fields = draw(st.dictionaries(NAMES, FIELDS, min_size=1, max_size=6))
    names = st.lists(st.sampled_from(sorted(fields)), min_size=1, max_size=3, unique=True)
    identifiers = st.lists(st.sampled_from(["PROFILE", "ORDER", "NEW_ONLY"]), unique=True)
    first = ObjectTypeKey(standard_identifiers=["UNIQUE", "PROFILE"], field_names=draw(names))
    others = st.builds(ObjectTypeKey, standard_identifiers=identifiers, field_names=names)
    keys = {"_email" if draw(st.booleans()) else "First": [first]}
    keys |= {name: [one] for name, one in draw(st.dictionaries(NAMES, others, max_size=4)).items()}
    return ObjectType(
        object_type_name=draw(NAMES),
        description=draw(TEXTS),
        expiration_days=draw(st.none() | st.integers(1, 1098)),
        tags=draw(st.none() | st.dictionaries(TEXTS, TEXTS, min_size=1, max_size=2)),
        fields=fields,
        keys=keys,
    )


@given(object_types())
@settings(max_examples=150, deadline=None)
def test_every_object_type_makes_a_class_that_declares_it(object_type: ObjectType) -> None:
    source = codegen(object_type)
    made = classes(source)[object_type.object_type_name].object_type()

    assert plain(made) == plain(object_type)
    assert codegen(object_type) == source
