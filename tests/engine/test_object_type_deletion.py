"""Deleting an object type takes away all that its objects brought, and nothing else."""

from __future__ import annotations

import sqlite3

import pytest

from customer_profiles.engine import Refusal
from customer_profiles.engine.store import (
    database,
    history,
    keys,
    object_types,
    objects,
    profiles,
    tags,
)
from customer_profiles.engine.store.database import Database, StorageError

from .test_ingestion import counts, found, listed, put, put_type
from .test_resolution import keyed, put_key

WHO = "who PROFILE"


def delete(shop, name):
    shop.ask("DeleteProfileObjectType", ObjectTypeName=name)


def names(shop, name, targets, **settings):
    own = {f"{name}Id": "id UNIQUE ASSET", "Who": WHO, f"{name}Colour": "colour"}
    put_type(shop, name, own, targets, **settings)


def state(shop):
    """Give all rows of all tables."""
    with shop.engine._database.read() as connection:
        tables = [
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {
            table: sorted(map(repr, connection.execute(f"SELECT * FROM {table}")))  # noqa: S608
            for table in tables
            if not table.startswith("sqlite_")
        }


FIRST, LAST, MIDDLE = "_profile.FirstName", "_profile.LastName", "_profile.MiddleName"


@pytest.fixture
def two(shop):
    """Give a customer whose values come from two types and from hand."""
    names(shop, "A", {"first": FIRST, "city": "_profile.Address.City"})
    names(shop, "B", {"last": LAST, "zip": "_profile.Address.PostalCode"})
    put(shop, "A", id="1", who="ada", first="Ada", city="London", colour="red")
    put(shop, "B", id="1", who="ada", last="Lovelace", zip="SW1")
    ada = found(shop, "Who", "ada")
    shop.ask("UpdateProfile", ProfileId=ada, MiddleName="King", Address={"State": "x"})
    return shop


def test_what_objects_of_the_type_set_goes_and_all_else_stays(two):
    ada = found(two, "Who", "ada")
    delete(two, "A")
    assert two.read(ada) == {
        "LastName": "Lovelace",
        "MiddleName": "King",
        "Address": {"PostalCode": "SW1", "State": "x"},
    }
    assert set(two.engine.provenance("shop", ada)) == {"LastName", "Address.PostalCode"}
    assert counts(two) == (1, 1)


def test_the_keys_of_what_goes_go_as_well(two):
    ada = found(two, "_fullName", "Ada King Lovelace")
    delete(two, "A")
    assert two.search("_fullName", "Ada King Lovelace") == []
    assert two.search("_fullName", "King Lovelace") == [ada]
    assert two.search("Who", "ada") == [ada]
    with pytest.raises(Refusal, match="not defined"):
        two.search("AColour", "red")
    delete(two, "B")
    assert two.search("_fullName", "King") == [ada]


def test_objects_of_a_deleted_type_are_gone(two):
    ada = found(two, "Who", "ada")
    delete(two, "A")
    with pytest.raises(Refusal) as caught:
        listed(two, ada, "A")
    assert caught.value.code == "ResourceNotFoundException"
    names(two, "A", {})
    assert listed(two, ada, "A") == []
    assert two.search("AColour", "red") == []


def test_a_value_that_another_type_wrote_over_stays(shop):
    names(shop, "A", {"first": FIRST})
    names(shop, "B", {"first": FIRST})
    put(shop, "A", id="1", who="ada", first="A")
    put(shop, "B", id="1", who="ada", first="B")
    ada = found(shop, "Who", "ada")
    delete(shop, "A")
    assert shop.read(ada) == {"FirstName": "B"}


def test_a_value_that_was_changed_by_hand_stays(shop):
    names(shop, "A", {"first": FIRST, "last": LAST})
    put(shop, "A", id="1", who="ada", first="Ada", last="L")
    ada = found(shop, "Who", "ada")
    shop.ask("UpdateProfile", ProfileId=ada, FirstName="Augusta")
    delete(shop, "A")
    assert shop.read(ada) == {"FirstName": "Augusta"}
    assert shop.search("_fullName", "Augusta") == [ada]


def test_values_of_a_type_whose_name_begins_another_stay(shop):
    for name in ("A", "A-1", "AA"):
        names(shop, name, {"first": f"_profile.Attributes.{name}"})
        put(shop, name, id="1", who="ada", first="x")
    delete(shop, "A")
    assert shop.read(found(shop, "Who", "ada"))["Attributes"] == {"A-1": "x", "AA": "x"}


def test_what_an_object_that_is_gone_had_set_goes_with_its_type(shop):
    names(shop, "A", {"first": FIRST})
    names(shop, "B", {"last": LAST})
    unique = put(shop, "A", id="1", who="ada", first="Ada")
    put(shop, "B", id="1", who="ada", last="L")
    ada = found(shop, "Who", "ada")
    shop.ask(
        "DeleteProfileObject", ProfileId=ada, ObjectTypeName="A", ProfileObjectUniqueKey=unique
    )
    assert shop.read(ada) == {"FirstName": "Ada", "LastName": "L"}
    delete(shop, "A")
    assert shop.read(ada) == {"LastName": "L"}


# --- profiles ---


def test_a_profile_of_which_nothing_is_left_is_removed(shop):
    names(shop, "A", {"first": FIRST})
    put(shop, "A", id="1", who="ada", first="Ada", colour="red")
    delete(shop, "A")
    assert set(shop.stats().values()) == {0}
    rows = state(shop)
    empty = ("profiles", "objects", "keys", "fresh_keys", "added_keys", "history", "object_types")
    assert [rows[name] for name in empty] == [[]] * len(empty)


@pytest.mark.parametrize("keep", ["field", "key", "object"])
def test_a_profile_of_which_something_is_left_stays(shop, keep):
    names(shop, "A", {"first": FIRST})
    names(shop, "B", {})
    put(shop, "A", id="1", who="ada", first="Ada")
    ada = found(shop, "Who", "ada")
    if keep == "field":
        shop.ask("UpdateProfile", ProfileId=ada, LastName="L")
    elif keep == "key":
        put_key(shop, ada, "Who", "ada")
    else:
        put(shop, "B", id="1", who="ada")
    delete(shop, "A")
    assert counts(shop)[0] == 1
    shop.read(ada)


def test_a_profile_with_a_standard_object_of_another_type_stays(shop):
    names(shop, "A", {"first": FIRST})
    put_type(shop, "B", {"BId": "id UNIQUE DEVICE", "Who": WHO}, {"model": "_device.Model"})
    put(shop, "A", id="1", who="ada", first="Ada")
    unique = put(shop, "B", id="1", who="ada", model="x")
    ada = found(shop, "Who", "ada")
    shop.ask(
        "DeleteProfileObject", ProfileId=ada, ObjectTypeName="B", ProfileObjectUniqueKey=unique
    )
    delete(shop, "A")
    assert len(listed(shop, ada, "_device")) == 1


def test_profiles_that_the_type_never_touched_stay(shop):
    names(shop, "A", {"first": FIRST})
    ada = shop.create()
    put(shop, "A", id="1", who="eve", first="Eve")
    delete(shop, "A")
    assert counts(shop) == (1, 0)
    assert shop.read(ada) == {}


# --- standard objects ---


def test_a_standard_object_keeps_what_other_types_set(shop):
    targets = {"name": "_asset.AssetName", "price": "_asset.Price", "x": "_asset.Attributes.x"}
    for name in ("A", "B"):
        own = {f"{name}Id": "id UNIQUE", "Who": WHO, "Plate": "plate ASSET"}
        put_type(shop, name, own, targets)
    put(shop, "A", id="1", who="ada", plate="1", name="Beetle", price=1, x="a")
    put(shop, "B", id="1", who="ada", plate="1", price=2)
    ada = found(shop, "Who", "ada")
    delete(shop, "A")
    (asset,) = listed(shop, ada, "_asset")
    assert (len(asset), asset["Price"]) == (2, "2")
    assert shop.search("_assetName", "Beetle") == []
    assert shop.search("_assetId", asset["AssetId"]) == [ada]
    put(shop, "B", id="1", who="ada", plate="1", name="Mini")
    assert len(listed(shop, ada, "_asset")) == 1
    assert shop.search("_assetName", "Mini") == [ada]


def test_a_standard_object_of_which_nothing_is_left_is_removed(shop):
    names(shop, "A", {"name": "_asset.AssetName"})
    ada = keyed(shop, Who="ada")
    put(shop, "A", id="1", who="ada", name="Beetle")
    delete(shop, "A")
    assert listed(shop, ada, "_asset") == []
    assert shop.search("_assetName", "Beetle") == []
    assert state(shop)["objects"] == []


def test_a_standard_object_is_found_by_no_key_of_a_deleted_type(shop):
    for name in ("A", "B"):
        own = {f"{name}Id": "id UNIQUE", "Who": WHO, "B": "b ASSET", f"{name}Own": "own ASSET"}
        put_type(shop, name, own, {"name": "_asset.AssetName", "price": "_asset.Price"})
    put(shop, "A", id="1", who="ada", b="1", own="mine", name="Beetle")
    put(shop, "B", id="1", who="ada", b="1", price=2)
    delete(shop, "A")
    other = {"CId": "id UNIQUE", "Who": WHO, "AOwn": "own ASSET"}
    put_type(shop, "C", other, {"name": "_asset.AssetName"})
    put(shop, "C", id="1", who="ada", own="mine", name="Mini")
    assert len(listed(shop, found(shop, "Who", "ada"), "_asset")) == 2


# --- all or nothing ---


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (history, "add"),
        (objects, "delete"),
        (keys, "remove"),
        (profiles, "replace"),
        (object_types, "delete"),
        (object_types, "put_key_names"),
        (tags, "clear"),
    ],
)
def test_a_failure_half_way_leaves_everything_as_it_was(two, monkeypatch, module, name):
    def fail(*_):
        raise sqlite3.OperationalError

    before = state(two)
    with monkeypatch.context() as patched:
        patched.setattr(module, name, fail)
        with pytest.raises(StorageError):
            delete(two, "A")
    assert state(two) == before
    delete(two, "A")
    assert counts(two) == (1, 1)


# --- domains and files ---


def test_a_deleted_domain_leaves_no_row(two):
    shop = two
    names(shop, "C", {"name": "_asset.AssetName"}, Tags={"team": "crm"})
    put(shop, "C", id="1", who="ada", name="x")
    names(shop, "D", {}, AllowProfileCreation=False)
    put(shop, "D", id="2", who="nobody")
    keyed(shop, Own="1")
    shop.ask("CreateDomain", DomainName="other", DefaultExpirationDays=30)
    kept = state(shop)["domains"][-1]
    shop.ask("DeleteDomain")
    rows = state(shop)
    assert rows.pop("meta")
    assert rows.pop("key_rules")
    assert rows.pop("domains") == [kept]
    assert {name: left for name, left in rows.items() if left} == {}


def test_a_domain_takes_nothing_of_the_next_one_with_it(shop):
    names(shop, "A", {"first": FIRST})
    shop.ask("CreateDomain", DomainName="other", DefaultExpirationDays=30)
    other = {"DomainName": "other"}
    ada = shop.ask("CreateProfile", **other, FirstName="Ada")["ProfileId"]
    put(shop, "A", id="1", who="eve", first="Eve")
    shop.ask("DeleteDomain")
    assert shop.search("_fullName", "Ada", **other) == [ada]


def test_a_domain_of_the_same_name_begins_with_nothing(two):
    two.ask("DeleteDomain")
    two.ask("CreateDomain", DefaultExpirationDays=30)
    assert counts(two) == (0, 0)
    names(two, "A", {"first": FIRST})
    assert two.search("Who", "ada") == []
    put(two, "A", id="1", who="ada", first="Ada")
    assert counts(two) == (1, 1)


@pytest.fixture
def first_schema(tmp_path, monkeypatch):
    """Make the shop's file as the first release did, with one profile, and give the id."""
    monkeypatch.setattr(database, "MIGRATIONS", database.MIGRATIONS[:1])
    Database(tmp_path / "shop.db").close()
    connection = sqlite3.connect(tmp_path / "shop.db")
    ada = "0" * 31 + "1"
    body = f'{{"ProfileId":"{ada}","EmailAddress":"a@x.org"}}'
    settings = '{"DefaultExpirationDays": 30}'
    row = (1 << 40) + 1
    connection.execute(
        "INSERT INTO domains VALUES (1, 'shop', ?, 30, 0, 0, ?, 1, 0, ?)",
        (settings, row, len(body)),
    )
    connection.execute(
        "INSERT INTO profiles VALUES (?, 1, ?, 2000000000, CAST(? AS BLOB))",
        (row, bytes(15) + b"\x01", body),
    )
    connection.execute("INSERT INTO key_names VALUES (1, 'Own')")
    connection.commit()
    connection.close()
    monkeypatch.undo()
    return ada


def test_a_file_of_the_first_schema_keeps_its_profiles(first_schema, open_shop):
    shop, ada = open_shop(), first_schema
    assert shop.read(ada) == {"EmailAddress": "a@x.org"}
    assert shop.search("Own", "1") == []
    put_type(shop, "A", {"Own": "id UNIQUE PROFILE", "_profileId": "who PROFILE LOOKUP_ONLY"})
    put(shop, "A", id="1", who=ada)
    assert shop.search("Own", "1") == [ada]
    shop.ask("DeleteProfile", ProfileId=ada)
    assert set(shop.stats().values()) == {0}
