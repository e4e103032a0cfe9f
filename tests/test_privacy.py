"""Values of customers appear in no `repr`, log record or error text, unless asked for."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import pytest

from customer_profiles import (
    Address,
    BadRequestError,
    ContactPreference,
    CustomerProfiles,
    CustomerProfilesError,
    Domain,
    EngagementPreferences,
    FoundBy,
    Profile,
    RetryPolicy,
    StoredObject,
    UnreadableAnswerError,
)
from customer_profiles.models.base import Model
from tests.serving import serving

CANARY = "canary7f3a"
LONG = CANARY * 30
ADDRESS = {name: f"{CANARY}-{name}" for name in Address.model_fields}
TEXTS = {
    name: f"{CANARY}-{name}@example.com"
    for name, info in Profile.model_fields.items()
    if info.annotation == str | None and name != "profile_id"
}
FULL: dict[str, Any] = {
    **TEXTS,
    "address": Address(**ADDRESS),
    "shipping_address": Address(**ADDRESS),
    "attributes": {f"{CANARY}-key": f"{CANARY}-value"},
    "engagement_preferences": EngagementPreferences(
        email=[ContactPreference(key_name="_email", key_value=CANARY)]
    ),
}


def everything(shop: Domain) -> None:
    """Use every operation with canaries in every field, search and key."""
    ada = shop.profiles.create(Profile(**FULL))
    profile_id = ada.profile_id
    shop.profiles.update(profile_id, **{**FULL, "first_name": f"{CANARY}-2"})
    shop.profiles.add_key(profile_id, "_orderId", f"{CANARY}-order")
    for keys in ({"email": TEXTS["email_address"]}, {"keys": {"_orderId": f"{CANARY}-order"}}):
        found = shop.profiles.search(**keys).one()  # type: ignore[arg-type]
        print(found, repr(found.found_by), f"{found}", [found], {"it": found.address})  # noqa: T201
    shop.profiles.lookup(phone=f"{CANARY}-phone", email=TEXTS["email_address"])
    shop.profiles.find_or_create(email=TEXTS["email_address"])
    shop.profiles.remove_key(profile_id, "_orderId", f"{CANARY}-order")
    ada.middle_name = f"{CANARY}-3"
    ada.save().refresh().delete()


def failures(shop: Domain) -> list[BaseException]:
    """Make every kind of error with canaries in what was wrong."""
    ada = shop.profiles.create(first_name=CANARY)
    profile_id = ada.profile_id
    calls: list[Any] = [
        lambda: Profile(gender=CANARY),  # type: ignore[arg-type]
        lambda: Profile(first_name=[CANARY]),  # type: ignore[arg-type]
        lambda: Profile(address={"city": [CANARY]}),  # type: ignore[arg-type]
        lambda: Profile._from_wire({"FirstName": [CANARY]}),
        lambda: setattr(ada, "gender", CANARY),
        lambda: shop.profiles.create(first_name=LONG),
        lambda: shop.profiles.create(gender=CANARY),  # type: ignore[arg-type]
        lambda: shop.profiles.create(attributes={CANARY: LONG, LONG: CANARY}),
        lambda: shop.profiles.update(profile_id, address={"city": LONG}),
        lambda: shop.profiles.update("0" * 32, first_name=CANARY),
        lambda: shop.profiles.search(email=LONG).first(),
        lambda: shop.profiles.search(email=[]).first(),
        lambda: shop.profiles.search(email=CANARY).one(),
        lambda: shop.profiles.search(keys={"_nope": CANARY}).first(),
        lambda: shop.profiles.search(email=CANARY, start="forged").first(),
        lambda: shop.profiles.add_key(profile_id, "_nope", CANARY),
        lambda: shop.profiles.add_key("0" * 32, "_orderId", CANARY),
        lambda: shop.profiles.remove_key(profile_id, "_nope", CANARY),
        lambda: shop.profiles.remove_key(profile_id, "_fullName", CANARY),
    ]
    caught: list[BaseException] = []
    for call in calls:
        with pytest.raises((CustomerProfilesError, ValueError)) as raised:
            call()
        caught.append(raised.value)
    return caught


def test_no_log_record_and_no_repr_holds_a_value(
    shop: Domain, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    everything(shop)

    shown = capsys.readouterr()
    assert CANARY not in caplog.text + shown.out + shown.err
    assert [record for record in caplog.records if CANARY in repr(record.__dict__)] == []


def test_no_error_text_holds_a_value(shop: Domain, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for error in failures(shop):
        assert CANARY not in f"{error} {error!r} {error.__cause__} {error.__cause__!r}"
        assert CANARY not in "".join(traceback.format_exception_only(error))
        before: BaseException | None = error
        while before is not None:
            assert CANARY not in f"{before!r} {before.args} {before.__dict__}"
            assert CANARY not in f"{getattr(before, 'doc', '')} {getattr(before, 'object', '')}"
            before = before.__context__
    assert CANARY not in caplog.text


def test_an_error_of_the_service_keeps_the_values_out_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(lambda *_: None) as url:
        cp = CustomerProfiles(
            region="us-east-1", endpoint_url=url, retry=RetryPolicy(attempts=2, base=0.0)
        )
        with pytest.raises(CustomerProfilesError) as caught:
            cp.domain("shop").profiles.search(email=CANARY).first()

    assert CANARY not in caplog.text + str(caught.value)


def test_a_service_that_repeats_what_it_refuses_leaks_nothing() -> None:
    said = f"Value '{CANARY}@example.com' at 'values' failed to satisfy constraint"
    answer = (400, {"x-amzn-errortype": "BadRequestException"}, b'{"message":"%s"}' % said.encode())
    with serving(lambda *_: answer) as url, pytest.raises(BadRequestError) as caught:
        cp = CustomerProfiles(region="us-east-1", endpoint_url=url)
        cp.domain("shop").profiles.search(email=f"{CANARY}@example.com").first()

    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert "Value '<redacted>' at 'values'" in caught.value.message


@pytest.mark.parametrize("text", [f'{{"a": "{CANARY}', "[" * 100_000])
def test_an_object_that_is_not_json_does_not_travel_in_the_error(text: str) -> None:
    with pytest.raises(UnreadableAnswerError, match="not JSON") as caught:
        StoredObject(object=text).data  # noqa: B018

    assert caught.value.__context__ is None


def test_the_values_are_there_when_asked_for() -> None:
    ada = Profile(first_name="Ada", profile_id="0" * 32)

    assert ada.reveal() == {"first_name": "Ada", "profile_id": "0" * 32}


@pytest.mark.parametrize("model", [Profile, Address, FoundBy, ContactPreference])
def test_a_repr_says_how_much_is_hidden(model: type[Model]) -> None:
    names = {"values": ["a"], "key_name": "_email", "city": "b", "first_name": "c"}
    given = {name: value for name, value in names.items() if name in model.model_fields}

    assert "more field" in repr(model.model_validate(given))
