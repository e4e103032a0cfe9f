"""Standard objects: filled by objects, added to by others, found by their own keys."""

from __future__ import annotations

import json

import pytest

from .test_ingestion import counts, found, letters, listed, put, put_type
from .test_resolution import keyed

ASSET = {"name": "_asset.AssetName", "price": "_asset.Price", "note": "_asset.Attributes.note"}


@pytest.fixture
def garage(shop):
    """Return the shop with a type `Car` that fills assets, one by its plate."""
    keys = {"Id": "id UNIQUE", "Who": "who PROFILE", "Plate": "plate ASSET"}
    put_type(shop, "Car", keys, ASSET)
    return shop


def assets(shop, who):
    """Return a profile's assets without their ids."""
    found_ones = listed(shop, found(shop, "Who", who), "_asset")
    return [{name: one[name] for name in one if name != "AssetId"} for one in found_ones]


def test_an_object_fills_a_standard_object(garage):
    put(garage, "Car", id="1", who="ada", plate="A-1", name="Beetle", price=5)
    (asset,) = listed(garage, found(garage, "Who", "ada"), "_asset")
    assert len(asset.pop("AssetId")) == 32
    assert asset == {"AssetName": "Beetle", "Price": "5"}
    assert counts(garage) == (1, 1)


def test_standard_objects_accumulate(garage):
    put(garage, "Car", id="1", who="ada", plate="A-1", name="Beetle", price=5)
    put(garage, "Car", id="2", who="ada", plate="A-1", price="", note="red")
    put(garage, "Car", id="1", who="ada", plate="A-1")
    asset = {"AssetName": "Beetle", "Price": "5", "Attributes": {"note": "red"}}
    assert assets(garage, "ada") == [asset]


def test_another_value_of_the_identifier_is_another_standard_object(garage):
    put(garage, "Car", id="1", who="ada", plate="A-1", name="Beetle")
    put(garage, "Car", id="2", who="ada", plate="A-2", name="Mini")
    assert [asset["AssetName"] for asset in assets(garage, "ada")] == ["Beetle", "Mini"]


def test_two_types_fill_one_standard_object(garage):
    keys = {"Ticket": "id UNIQUE", "Who": "who PROFILE", "Plate": "plate ASSET"}
    put_type(garage, "Repair", keys, {"status": "_asset.Status"})
    put(garage, "Car", id="1", who="ada", plate="A-1", name="Beetle")
    put(garage, "Repair", id="9", who="ada", plate="A-1", status="broken")
    assert assets(garage, "ada") == [{"AssetName": "Beetle", "Status": "broken"}]


def test_an_object_without_an_identifier_value_has_a_standard_object_of_its_own(garage):
    for _ in range(2):
        put(garage, "Car", id="1", who="ada", name="Beetle")
    put(garage, "Car", id="2", who="ada", name="Beetle")
    assert len(assets(garage, "ada")) == 2


@pytest.mark.parametrize(
    ("target", "index"),
    [
        ("_asset.AssetName", "_assetName"),
        ("_asset.SerialNumber", "_serialNumber"),
        ("_loyalty.MembershipId", "_loyaltyMembershipId"),
        ("_airBooking.PreferenceRef", "_airPreferenceRef"),
        ("_airSegment.BookingRef", "_airBookingRef"),
        ("_airPreference.ReferenceId", "_airReferenceId"),
        ("_hotelReservation.PreferenceRef", "_hotelPreferenceRef"),
        ("_hotelPreference.ReferenceId", "_hotelReferenceId"),
    ],
)
def test_a_profile_is_found_by_the_default_keys_of_its_standard_objects(shop, target, index):
    name = target.split(".")[0]
    identifier = {
        "_airBooking": "AIR_BOOKING",
        "_airSegment": "AIR_SEGMENT",
        "_airPreference": "AIR_PREFERENCE",
        "_hotelReservation": "HOTEL_RESERVATION",
        "_hotelPreference": "HOTEL_PREFERENCE",
    }.get(name, name[1:].upper())
    put_type(shop, "A", {"Id": f"id UNIQUE PROFILE {identifier}"}, {"value": target})
    put(shop, "A", id="1", value="Beetle")
    assert shop.search(index, "Beetle") == shop.search("Id", "1")
    put(shop, "A", id="1", value="Mini")
    assert shop.search(index, "Beetle") == []
    assert len(shop.search(index, "Mini")) == 1


@pytest.mark.parametrize(
    ("name", "member"), [("_order", "OrderId"), ("_case", "CaseId"), ("_asset", "AssetId")]
)
def test_a_profile_is_found_by_the_ids_of_its_standard_objects(shop, name, member):
    target = {"_order": "Name", "_case": "Title", "_asset": "AssetName"}[name]
    keys = {"Id": f"id UNIQUE PROFILE {name[1:].upper()}"}
    put_type(shop, "A", keys, {"value": f"{name}.{target}"})
    put(shop, "A", id="1", value="x")
    ada = found(shop, "Id", "1")
    (stored,) = listed(shop, ada, name)
    index = f"_{member[0].lower()}{member[1:]}"
    assert shop.search(index, stored[member]) == [ada]
    wanted = {"KeyName": index, "Values": [stored[member]]}
    assert listed(shop, ada, name, ObjectFilter=wanted) == [stored]


def test_an_object_may_name_its_standard_object_by_id(garage):
    put(garage, "Car", id="1", who="ada", plate="A-1", name="Beetle")
    (asset,) = listed(garage, found(garage, "Who", "ada"), "_asset")
    keys = {"Wash": "id UNIQUE", "Who": "who PROFILE", "_assetId": "asset ASSET LOOKUP_ONLY"}
    put_type(garage, "Wash", keys, {"status": "_asset.Status"})
    put(garage, "Wash", id="1", who="ada", asset=asset["AssetId"], status="clean")
    assert assets(garage, "ada") == [{"AssetName": "Beetle", "Status": "clean"}]


def test_an_ambiguous_standard_object_is_a_dead_letter_and_changes_nothing(garage):
    put(garage, "Car", id="1", who="ada", plate="A-1", name="Beetle")
    put(garage, "Car", id="2", who="ada", plate="A-2", name="Mini")
    keys = {
        "Deal": "id UNIQUE",
        "Who": "who PROFILE",
        "Plate": "plate ASSET",
        "Owned": "owned ASSET",
    }
    put_type(garage, "Deal", keys, {"status": "_asset.Status"})
    put(garage, "Deal", id="1", who="ada", owned="x", plate="A-1", status="s")
    put(garage, "Deal", id="2", who="new", owned="x", plate="A-2", status="s")
    (reason,) = letters(garage)
    assert "more than one _asset objects" in reason
    assert counts(garage) == (1, 3)
    assert garage.search("Who", "new") == []


def test_a_standard_object_goes_with_the_profile_of_the_object_that_filled_it_last(garage):
    put(garage, "Car", id="1", who="ada", plate="A-1", name="Beetle")
    put(garage, "Car", id="2", who="eve", plate="A-1", price=7)
    assert assets(garage, "ada") == []
    assert assets(garage, "eve") == [{"AssetName": "Beetle", "Price": "7"}]
    assert garage.search("_assetName", "Beetle") == garage.search("Who", "eve")


def test_carrying_an_identifier_fills_nothing(shop):
    put_type(shop, "A", {"Id": "id UNIQUE PROFILE ASSET"})
    put(shop, "A", id="1")
    assert listed(shop, found(shop, "Id", "1"), "_asset") == []


def test_one_object_fills_several_standard_objects(shop):
    keys = {"Id": "id UNIQUE PROFILE AIR_BOOKING", "Leg": "leg AIR_SEGMENT"}
    targets = {"ref": "_airBooking.BookingName", "number": "_airSegment.FlightNumber"}
    put_type(shop, "Trip", keys, targets)
    put(shop, "Trip", id="1", leg="a", ref="XYZ", number="LH 1")
    put(shop, "Trip", id="1", leg="b", ref="XYZ", number="LH 2")
    ada = found(shop, "Id", "1")
    assert len(listed(shop, ada, "_airBooking")) == 1
    assert [one["FlightNumber"] for one in listed(shop, ada, "_airSegment")] == ["LH 1", "LH 2"]


def test_lists_of_a_standard_object_are_replaced_whole(shop):
    fields = {
        "id": {"Source": "_source.id"},
        "titles": {"Source": "_source.lines[].title", "Target": "_order.OrderItems[].Title"},
        "prices": {"Source": "_source.lines[].price", "Target": "_order.OrderItems[].Price"},
    }
    keys = {"Id": [{"FieldNames": ["id"], "StandardIdentifiers": ["UNIQUE", "PROFILE", "ORDER"]}]}
    members = {"Description": "x", "AllowProfileCreation": True, "Fields": fields, "Keys": keys}
    shop.ask("PutProfileObjectType", ObjectTypeName="Order", **members)
    for lines in ([{"title": "a", "price": 1}, {"title": "b"}], [{"title": "c"}]):
        put(shop, "Order", id="1", lines=lines)
    (order,) = listed(shop, found(shop, "Id", "1"), "_order")
    assert order["OrderItems"] == [{"Title": "c"}]


def test_a_profile_is_resolved_by_a_key_of_its_standard_object(garage):
    put(garage, "Car", id="1", who="ada", plate="A-1", name="Beetle")
    ada = found(garage, "Who", "ada")
    (asset,) = listed(garage, ada, "_asset")
    keys = {"Call": "id UNIQUE", "_assetId": "asset PROFILE LOOKUP_ONLY"}
    put_type(garage, "Call", keys, AllowProfileCreation=False)
    put(garage, "Call", id="1", asset=asset["AssetId"])
    assert len(listed(garage, ada, "Call")) == 1


def test_a_standard_object_outlives_the_object_that_filled_it(garage):
    unique = put(garage, "Car", id="1", who="ada", plate="A-1", name="Beetle")
    ada = keyed(garage)
    put(garage, "Car", id="2", who="ada", plate="A-2")
    ada = found(garage, "Who", "ada")
    garage.ask(
        "DeleteProfileObject", ProfileId=ada, ObjectTypeName="Car", ProfileObjectUniqueKey=unique
    )
    assert assets(garage, "ada") == [{"AssetName": "Beetle"}]


def test_a_deleted_standard_object_is_found_no_more(garage):
    put(garage, "Car", id="1", who="ada", plate="A-1", name="Beetle")
    ada = found(garage, "Who", "ada")
    answer = garage.ask("ListProfileObjects", ProfileId=ada, ObjectTypeName="_asset")
    (asset,) = answer["Items"]
    garage.ask(
        "DeleteProfileObject",
        ProfileId=ada,
        ObjectTypeName="_asset",
        ProfileObjectUniqueKey=asset["ProfileObjectUniqueKey"],
    )
    assert garage.search("_assetName", "Beetle") == []
    assert garage.search("_assetId", json.loads(asset["Object"])["AssetId"]) == []
    assert counts(garage) == (1, 1)
