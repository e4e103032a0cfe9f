"""Search keys of files that an earlier version wrote by other rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from customer_profiles.engine.profiles import keys

from .test_ingestion import counts, listed, put, put_type

if TYPE_CHECKING:
    from collections.abc import Callable

NATIONAL, INTERNATIONAL = "06 12 34 56 78", "+33 6 12 34 56 78"


@pytest.fixture
def reopened(open_shop: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a shop whose file was written when phones kept their leading zeros."""
    with monkeypatch.context() as earlier:
        earlier.setattr(keys, "_without_trunk_prefix", lambda digits: digits)
        earlier.setattr(keys, "exact", str)
        shop = open_shop()
        ada = shop.create(PhoneNumber=NATIONAL, FirstName="Zoe\u0308")
        shop.ask("AddProfileKey", ProfileId=ada, KeyName="_phone", Values=["06 00 00 00 00"])
        keys_of_calls = {"Caller": "caller UNIQUE PROFILE"}
        put_type(shop, "Call", keys_of_calls, types={"caller": "PHONE_NUMBER"})
        put(shop, "Call", caller=NATIONAL, note="first")
        with shop.engine._database.write() as connection:
            connection.execute("DELETE FROM key_rules")
        shop.engine.close()
    return open_shop()


@pytest.mark.parametrize("number", [NATIONAL, INTERNATIONAL])
def test_a_profile_of_an_earlier_file_is_found_by_all_forms_of_its_number(
    reopened: Any, number: str
) -> None:
    assert len(reopened.search("_phone", number)) == 2
    assert len(reopened.search("Caller", number)) == 1


def test_added_keys_and_names_of_an_earlier_file_are_found(reopened: Any) -> None:
    assert len(reopened.search("_phone", "+33 6 00 00 00 00")) == 1
    assert len(reopened.search("_fullName", "Zo\u00eb")) == 1


@pytest.mark.parametrize("number", [NATIONAL, INTERNATIONAL])
def test_an_object_of_an_earlier_file_is_replaced(reopened: Any, number: str) -> None:
    before = counts(reopened)
    put(reopened, "Call", caller=number, note="second")
    assert counts(reopened) == before
    (caller,) = reopened.search("Caller", INTERNATIONAL)
    assert listed(reopened, caller, "Call") == [{"caller": number, "note": "second"}]


def test_what_an_earlier_file_held_can_be_deleted(reopened: Any) -> None:
    for key in ("_phone", "Caller"):
        for profile in reopened.search(key, INTERNATIONAL):
            reopened.ask("DeleteProfile", ProfileId=profile)
        assert reopened.search(key, INTERNATIONAL) == []


def test_the_keys_of_a_file_are_renewed_once(
    open_shop: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    open_shop().create(PhoneNumber=NATIONAL)
    monkeypatch.setattr(keys, "of_fields", lambda _: pytest.fail("read again"))
    open_shop()
