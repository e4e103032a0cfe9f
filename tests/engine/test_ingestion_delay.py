"""An engine on which objects are seen some time after they were put, as on the service."""

from __future__ import annotations

import json

import pytest

from customer_profiles.engine import Engine, Refusal

from .conftest import Shop
from .test_ingestion import NO_KEY, counts, found, letters, listed, put, put_type
from .test_resolution import keyed

KEYS = {"Id": "id UNIQUE", "Who": "who PROFILE"}
NAME = {"name": "_profile.FirstName"}


@pytest.fixture
def late(tmp_path, clock):
    """Open the shop in a file, with a delay of five seconds unless another is given."""
    engines = []

    def open_it(delay=5.0):
        path = tmp_path / "late.db"
        engines.append(Engine(path, clock=clock, ingestion_delay=delay, strict=True))
        shop = Shop(engines[-1])
        if not shop.ask("ListDomains")["Items"]:
            shop.ask("CreateDomain", DefaultExpirationDays=30)
            put_type(shop, "Order", KEYS, NAME)
        return shop

    yield open_it
    for engine in engines:
        engine.close()


def test_nothing_is_seen_before_its_time_and_all_of_it_after(late, clock):
    shop = late()
    unique = put(shop, "Order", id="1", who="ada", name="Ada")
    assert len(unique) == 44
    clock.advance(seconds=4.9)
    assert shop.search("Who", "ada") == []
    assert counts(shop) == (0, 0)
    clock.advance(seconds=0.1)
    assert shop.read(found(shop, "Who", "ada")) == {"FirstName": "Ada"}
    assert counts(shop) == (1, 1)


def test_objects_are_ingested_in_the_order_in_which_they_came(late, clock):
    shop = late()
    put_type(shop, "Note", {"Note": "id UNIQUE", "Who": "who PROFILE"}, NAME)
    for number, name in enumerate(("Order", "Note", "Note", "Order")):
        put(shop, name, id=str(number), who="ada", name=str(number))
    clock.advance(seconds=5)
    ada = found(shop, "Who", "ada")
    assert shop.read(ada) == {"FirstName": "3"}
    assert [one["id"] for one in listed(shop, ada, "Note")] == ["1", "2"]


@pytest.mark.parametrize("delay", [5.0, 0.0])
def test_what_waits_survives_closing_and_opening_the_file(late, clock, delay):
    shop = late()
    put(shop, "Order", id="1", who="ada")
    shop.engine.close()
    again = late(delay)
    assert again.search("Who", "ada") == []
    clock.advance(seconds=5)
    assert len(again.search("Who", "ada")) == 1


def test_what_is_refused_is_refused_at_once(late):
    shop = late()
    for text in ("{", '{"who": "ada"}', '{"id": "1"}'):
        with pytest.raises(Refusal):
            shop.ask("PutProfileObject", ObjectTypeName="Order", Object=text)


def test_what_is_rejected_is_a_dead_letter_when_its_time_has_come(late, clock):
    shop = late()
    put_type(shop, "Order", KEYS, AllowProfileCreation=False)
    put(shop, "Order", id="1", who="ada")
    assert letters(shop) == []
    clock.advance(seconds=5)
    assert letters(shop) == ["No profile matches the object and AllowProfileCreation is false"]
    (letter,) = shop.engine.dead_letters("shop")
    assert letter["FailedAt"] == clock.now()


def test_an_object_whose_type_was_deleted_meanwhile_is_lost_with_it(late, clock):
    shop = late()
    put(shop, "Order", id="1", who="ada")
    shop.ask("DeleteProfileObjectType", ObjectTypeName="Order")
    clock.advance(seconds=5)
    assert counts(shop) == (0, 0)
    assert letters(shop) == []


def test_an_object_of_a_deleted_type_is_lost_although_the_type_is_put_again(late, clock):
    shop = late()
    put(shop, "Order", id="1", who="ada")
    shop.ask("DeleteProfileObjectType", ObjectTypeName="Order")
    put_type(shop, "Order", KEYS)
    clock.advance(seconds=5)
    assert counts(shop) == (0, 0)


def test_an_object_whose_type_was_put_anew_meanwhile_is_read_by_the_new_one(late, clock):
    shop = late()
    put(shop, "Order", id="1", who="ada", name="L")
    put_type(shop, "Order", KEYS, {"name": "_profile.LastName"})
    clock.advance(seconds=5)
    assert shop.read(found(shop, "Who", "ada")) == {"LastName": "L"}


def test_an_object_that_its_types_new_mapping_refuses_is_a_dead_letter(late, clock):
    shop = late()
    put(shop, "Order", id="1", who="ada")
    put(shop, "Order", id="1", who="ada", new="2")
    put_type(shop, "Order", {"New": "new UNIQUE PROFILE"})
    clock.advance(seconds=5)
    assert letters(shop) == [NO_KEY]
    assert counts(shop) == (1, 1)


def test_an_object_whose_domain_was_deleted_meanwhile_is_lost(late, clock):
    shop = late()
    put(shop, "Order", id="1", who="ada")
    shop.ask("DeleteDomain")
    shop.ask("CreateDomain", DefaultExpirationDays=30)
    put_type(shop, "Order", KEYS)
    clock.advance(seconds=5)
    assert counts(shop) == (0, 0)


def test_retention_runs_from_the_moment_of_ingestion(late, clock):
    shop = late()
    put_type(shop, "Order", KEYS, ExpirationDays=1)
    keyed(shop, Who="ada")
    put(shop, "Order", id="1", who="ada")
    clock.advance(seconds=5)
    ada = found(shop, "Who", "ada")
    clock.advance(seconds=86_399)
    assert len(listed(shop, ada, "Order")) == 1
    clock.advance(seconds=1)
    assert listed(shop, ada, "Order") == []


def test_a_template_may_be_used_late_too(late, clock):
    shop = late()
    put(shop, "Zendesk-users", id="1")
    clock.advance(seconds=5)
    assert len(shop.search("_zendeskUserId", "1")) == 1


def test_many_objects_of_many_types_are_all_ingested(late, clock):
    shop = late()
    put_type(shop, "Note", {"Note": "id UNIQUE", "Who": "who PROFILE"})
    for start in range(0, 1_200, 10):
        items = [
            {"Id": str(n), "Object": json.dumps({"id": str(n), "who": str(n % 7)})}
            for n in range(start, start + 10)
        ]
        name = ("Order", "Note")[start // 10 % 2]
        shop.ask("BatchPutProfileObject", ObjectTypeName=name, Items=items)
    clock.advance(seconds=5)
    assert counts(shop) == (7, 1_200)


def test_provenance_sees_what_is_due(late, clock):
    shop = late()
    ada = keyed(shop, Who="ada")
    put(shop, "Order", id="1", who="ada", name="Ada")
    clock.advance(seconds=5)
    assert set(shop.engine.provenance("shop", ada)) == {"FirstName"}


def test_the_time_at_which_an_object_is_due_does_not_depend_on_who_asks(late, clock):
    shop, other = late(), late()
    put(shop, "Order", id="1", who="ada")
    clock.advance(seconds=5)
    assert len(other.search("Who", "ada")) == 1
    assert len(shop.search("Who", "ada")) == 1
    assert counts(other) == (1, 1)


def test_the_keys_of_expired_objects_lead_no_late_object_to_a_profile(late, clock):
    shop = late()
    put_type(shop, "Order", {**KEYS, "Colour": "colour"}, ExpirationDays=1)
    put_type(shop, "Note", {"NoteId": "id UNIQUE", "Colour": "colour PROFILE"})
    ada = keyed(shop, Who="ada")
    put(shop, "Order", id="1", who="ada", colour="red")
    clock.advance(seconds=5)
    assert counts(shop) == (1, 1)
    clock.advance(days=1, seconds=-1)
    put(shop, "Note", id="1", colour="red")
    clock.advance(seconds=5)
    assert listed(shop, ada, "Note") == []
