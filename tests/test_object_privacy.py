"""Values of objects appear in no `repr`, log record or error text, unless asked for."""

from __future__ import annotations

import json
import logging
import traceback
from decimal import Decimal
from typing import Annotated, Any

import pytest

from customer_profiles import (
    CustomerProfilesError,
    Domain,
    InvalidInputError,
    StoredObject,
    UnreadableAnswerError,
)
from customer_profiles.mapping import Key, ProfileObject, Target
from customer_profiles.repositories import profile_objects

CANARY = "canary7f3a"


class Line(ProfileObject):
    """A part of an order."""

    title: str
    price: Decimal | None = None


class Order(
    ProfileObject,
    name="Order",
    allow_profile_creation=True,
    keys=[Key("Words", fields=["email", "note"])],
):
    """An object whose every field may be private."""

    order_id: Annotated[str, Key("OrderId", unique=True, standard="ORDER")]
    email: Annotated[str | None, Key("_email", profile=True), Target("_profile.EmailAddress")] = (
        None
    )
    phone: Annotated[str | None, Key("_phone", profile=True, secondary=True)] = None
    note: Annotated[str | None, Target("_order.Attributes.note")] = None
    vip: Annotated[str | None, Target("_profile.Attributes.vip")] = None
    lines: list[Line] | None = None
    amount: int | None = None


NAMES = ("order_id", "email", "phone", "note", "vip")
FULL: dict[str, Any] = {
    **{name: f"{CANARY}-{name}@example.com" for name in NAMES},
    "lines": [Line(title=f"{CANARY}-line")],
}


def shown(*values: Any) -> None:
    """Print values in all the ways in which they get on a screen."""
    for value in values:
        print(value, repr(value), f"{value}", [value], {"it": value})  # noqa: T201


def everything(shop: Domain) -> None:
    """Put, list, find and delete objects with canaries in every field, key and object."""
    shown(shop.object_types.put(Order))
    orders, order = shop.objects(Order), Order(**FULL)
    unique = orders.put(order)
    shown(order, order.lines, orders, unique)
    shown(*orders.put_each([Order(**FULL | {"order_id": f"{CANARY}-2"})]))
    raw = {"OrderId": f"{CANARY}-3", "Email": FULL["email"], CANARY: {CANARY: [CANARY]}}
    shown(shop.objects("Order").put_many([raw, json.dumps(raw)]))
    ada = shop.profiles.search(email=FULL["email"]).one()
    shown(ada, ada.objects(Order), list(ada.objects(Order)), list(ada.objects("Order")))
    shown(*ada.objects("_order"), *ada.objects("Order", keys={"OrderId": f"{CANARY}-3"}))
    shown(shop.profiles.search(keys={"OrderId": f"{CANARY}-3"}).one().found_by)
    shop.profiles.add_key(ada.profile_id, "OrderId", f"{CANARY}-4")
    shown(*ada.history(), *(ada.history().get(one.id) for one in ada.history()))
    shown(ada.provenance("email_address"), ada.provenance("attributes.vip"))
    stored = ada.objects("Order").first()
    assert stored is not None
    stored.object = json.dumps(stored.data | {"Note": f"{CANARY}-note-2"})
    stored.save()
    ada.objects(Order).delete(unique)
    shop.object_types.delete(Order)


def test_no_log_record_and_no_repr_holds_a_value(
    shop: Domain, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    everything(shop)

    printed = capsys.readouterr()
    assert CANARY not in caplog.text + printed.out + printed.err
    assert [record for record in caplog.records if CANARY in repr(record.__dict__)] == []


def calls_that_fail(shop: Domain) -> list[Any]:
    """Give calls that go wrong with canaries in what is wrong."""
    orders, raw = shop.objects(Order), shop.objects("Order")
    ada = shop.profiles.create(first_name=CANARY)
    listed = ada.objects("Order")
    wrong: Any = {**FULL, "amount": CANARY}
    return [
        lambda: Order(**wrong),
        lambda: Order(**FULL | {"lines": [{"title": [CANARY]}]}),
        lambda: Order(**FULL | {"lines": [{"title": "x", "price": CANARY}]}),
        lambda: Order.from_object(f'{{"OrderId": "{CANARY}"'),
        lambda: Order.from_object(json.dumps({"OrderId": "1", "Amount": CANARY})),
        lambda: Order.from_object(f'["{CANARY}"]'),
        lambda: setattr(Order(**FULL), "amount", CANARY),
        lambda: orders.put({"OrderId": CANARY}),  # type: ignore[arg-type]
        lambda: raw.put(f'{{"OrderId": "{CANARY}"'),
        lambda: raw.put(f'["{CANARY}"]'),
        lambda: raw.put(f'"{CANARY}"'),
        lambda: raw.put({"Email": CANARY}),
        lambda: raw.put({"OrderId": f"{CANARY}\ud800"}),
        lambda: raw.put({"OrderId": CANARY, "x": float("nan")}),
        lambda: raw.put({"OrderId": CANARY, "x": {CANARY}}),
        lambda: raw.put({"OrderId": CANARY, "x": CANARY * 30_000}),
        lambda: raw.put_many([CANARY, {"Email": CANARY}, {"OrderId": CANARY, "Email": CANARY}]),
        lambda: shop.objects("Nope").put({"OrderId": CANARY}),
        lambda: shop.objects("_order").put({"OrderId": CANARY}),
        lambda: shop.objects("Order").delete("0" * 32, f"{CANARY}="),
        lambda: listed.delete(f"{CANARY}="),
        lambda: ada.objects("Order", start="forged").first(),
        lambda: ada.objects("Order", keys={"OrderId": CANARY}).one(),
        lambda: ada.history().get(CANARY),
        lambda: shop.object_types.detect(f"{{{CANARY}"),
        lambda: shop.profiles.search(keys={"OrderId": f"{CANARY}-none"}).one(),
    ]


def test_no_error_text_holds_a_value(shop: Domain, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shop.object_types.put(Order)
    leaks = []
    for position, call in enumerate(calls_that_fail(shop)):
        with pytest.raises((CustomerProfilesError, ValueError, TypeError)) as caught:
            call()
        error = caught.value
        text = "".join(traceback.format_exception_only(error))
        leaks += (
            [position] if CANARY in f"{error!r} {error.__cause__!r} {vars(error)} {text}" else []
        )
    assert leaks == []
    assert CANARY not in caplog.text


def test_a_stored_object_that_fits_no_class_is_not_shown(shop: Domain) -> None:
    shop.object_types.put(Order)
    shop.objects("Order").put({"OrderId": "1", "Email": "a@x.org", "Amount": f"{CANARY}"})
    ada = shop.profiles.search(email="a@x.org").one()
    with pytest.raises(CustomerProfilesError) as caught:
        list(ada.objects(Order))

    assert CANARY not in "".join(traceback.format_exception(caught.value))


def rejected(shop: Domain) -> None:
    """Make dead letters of several kinds."""
    shop.object_types.put(Order)
    raw = shop.objects("Order")
    for _ in range(2):
        shop.profiles.create(email_address=FULL["email"])
    raw.put({"OrderId": f"{CANARY}-1", "Email": FULL["email"]})
    raw.put({"OrderId": f"{CANARY}-2", "Email": FULL["email"]})
    raw.put({"OrderId": f"{CANARY}-3", "Email": "b@x.org", "x": f"{CANARY}é" * 22_000})


@pytest.mark.parametrize("cp", ["embedded", "file"], indirect=True)
def test_a_dead_letter_shows_its_reason_only(
    shop: Domain, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    rejected(shop)
    letters = shop.dead_letters

    assert len(letters) == 3
    assert CANARY not in f"{letters} {letters[0]!s} {letters[1]!r}" + caplog.text
    assert [letter.message for letter in letters if CANARY in letter.message] == []
    assert letters[0].data == {"OrderId": f"{CANARY}-1", "Email": FULL["email"]}


def test_the_values_are_there_when_asked_for() -> None:
    order = Order(**FULL)

    assert json.loads(order.to_object())["Email"] == FULL["email"]
    assert order.lines is not None
    assert order.lines[0].title == f"{CANARY}-line"


@pytest.mark.parametrize(
    "text", [f'{{"order_id": "{CANARY}', f'["{CANARY}"]', "[" * 100_000, "NaN"]
)
def test_the_error_of_an_object_that_is_not_json_does_not_hold_it(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"^Order: the object is") as caught:
        Order.from_object(text)

    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_the_error_of_an_object_that_does_not_fit_its_class_does_not_hold_it() -> None:
    text = Order(order_id="1", amount=5).to_object().replace("5", f'"{CANARY}"')
    item = StoredObject(object_type_name="Order", object=text)
    with pytest.raises(UnreadableAnswerError, match=r"does not fit Order: \w*[aA]mount") as caught:
        profile_objects._read(Order, item)

    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert CANARY not in str(caught.value)
