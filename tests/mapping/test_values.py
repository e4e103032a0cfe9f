from __future__ import annotations

import copy
import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from customer_profiles import InvalidInputError
from customer_profiles._timestamps import timestamp_format
from customer_profiles.mapping import Key, ProfileObject, Source, Target


class Tier(Enum):
    GOLD = "gold"


class Level(Enum):
    LOW = 1


class Rank(IntEnum):
    FIRST = 1


class Item(ProfileObject):
    title: Annotated[str, Target("_order.OrderItems[].Title")]
    price: Decimal | None = None


class Order(ProfileObject, name="Order"):
    order_id: Annotated[str, Key("OrderId", unique=True, profile=True)]
    total: Decimal | None = None
    count: int = 0
    rate: float | None = None
    is_gift: bool | None = None
    placed_at: datetime | None = None
    due: date | None = None
    tier: Tier | None = None
    level: Level | None = None
    rank: Rank | None = None
    ref: UUID | None = None
    items: list[Item] | None = None
    raw: dict[str, Any] | None = None
    phone: Annotated[str | None, Source("_source.contact.phone")] = None
    mail: Annotated[str | None, Source("_source.Mail2")] = None


class Stamped(
    ProfileObject, name="Stamped", source_last_updated_timestamp_format="dd/MM/yyyy HH:mm"
):
    stamped_id: Annotated[str, Key("Id", unique=True, profile=True)]
    updated: Annotated[datetime | None, Target("_profile.SourceLastUpdatedTimestamp")] = None


def read(**members: Any) -> Order:
    return Order.from_object(json.dumps({"OrderId": "1"} | members))


def test_an_object_is_written_under_its_names_on_the_wire() -> None:
    order = Order(order_id="1", total=Decimal("1.10"), items=[Item(title="Pen")], phone="5")

    assert order.to_object() == (
        '{"OrderId":"1","Total":"1.10","Count":0,"Items":[{"Title":"Pen"}],"contact":{"phone":"5"}}'
    )


@pytest.mark.parametrize(
    ("member", "text", "field", "value"),
    [
        ("Total", "12.50", "total", Decimal("12.50")),
        ("Count", "3", "count", 3),
        ("Rate", "1.5", "rate", 1.5),
        ("IsGift", "true", "is_gift", True),
        ("PlacedAt", "2026-01-02T03:04:05Z", "placed_at", datetime(2026, 1, 2, 3, 4, 5, 0, UTC)),
        ("Due", "2026-01-02", "due", date(2026, 1, 2)),
        ("Tier", "gold", "tier", Tier.GOLD),
        ("Level", "1", "level", Level.LOW),
        ("Rank", "1", "rank", Rank.FIRST),
        ("OrderId", 42, "order_id", "42"),
    ],
)
def test_a_text_is_read_as_what_the_field_holds(
    member: str, text: Any, field: str, value: Any
) -> None:
    assert getattr(read(**{member: text}), field) == value


@pytest.mark.parametrize("nothing", ["", None])
def test_an_empty_value_is_no_value(nothing: str | None) -> None:
    order = read(Total=nothing, Count=nothing, Items=[{"Title": "Pen", "Price": nothing}])

    assert (order.total, order.count) == (None, 0)
    assert order.items == [Item(title="Pen")]


def test_an_empty_text_stays_one() -> None:
    assert read(Mail2="").mail == ""


def test_what_is_not_declared_is_kept_and_written_back() -> None:
    text = (
        '{"OrderId":"1","Count":0,"Items":[{"Title":"Pen","Size":1.50}],'
        '"contact":{"phone":"5","fax":null},"Mail":"x","Mail2":"y","order_id":7,'
        '"Weight":0.12345678901234567890,"Note":null}'
    )
    order = Order.from_object(text)

    assert (order.phone, order.mail) == ("5", "y")
    assert (order.model_extra or {})["Weight"] == Decimal("0.12345678901234567890")
    assert Order.from_object(order.to_object()) == order
    assert json.loads(order.to_object()) == json.loads(text)
    assert '"Weight":0.12345678901234567890' in order.to_object()


def test_an_assignment_is_validated_and_keeps_what_is_not_declared() -> None:
    order = read(Note="n")
    order.count = 5

    assert order.model_extra == {"Note": "n"}
    with pytest.raises(ValidationError):
        order.count = "many"  # type: ignore[assignment]


def test_construction_refuses_what_is_not_declared() -> None:
    with pytest.raises(ValidationError, match="order_idd"):
        Order(order_id="1", order_idd="2")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Order: the object is not JSON"),
        ('{"a": NaN}', "Order: the object is not JSON"),
        ("[" * 100_000, "Order: the object is not JSON"),
        ("[]", "Order: the object is JSON, but no JSON object"),
    ],
)
def test_what_is_no_object_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        Order.from_object(text)


def test_a_timestamp_is_written_and_read_in_the_source_s_format() -> None:
    moment = datetime(2026, 1, 2, 5, 4, tzinfo=timezone(timedelta(hours=2)))
    stamped = Stamped(stamped_id="1", updated=moment)

    assert stamped.to_object() == '{"StampedId":"1","Updated":"02/01/2026 03:04"}'
    assert Stamped.from_object(stamped.to_object()).updated == moment


def test_a_timestamp_in_iso_form_is_read_too() -> None:
    stamped = Stamped.from_object('{"StampedId":"1","Updated":"2026-01-02T03:04:00Z"}')

    assert stamped.updated == datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def test_a_timestamp_in_a_nested_class_has_the_format_too() -> None:
    class Meta(BaseModel):
        at: Annotated[datetime, Target("_profile.SourceLastUpdatedTimestamp")]

    class Thing(ProfileObject, name="Thing", source_last_updated_timestamp_format="EpochMilli"):
        thing_id: Annotated[str, Key("Id", unique=True, profile=True)]
        meta: Meta | None = None

    thing = Thing(thing_id="1", meta=Meta(at=datetime(2026, 1, 1, tzinfo=UTC)))
    assert thing.to_object() == '{"ThingId":"1","Meta":{"at":1767225600000}}'
    assert Thing.from_object(thing.to_object()) == thing
    assert Thing(thing_id="1").to_object() == '{"ThingId":"1"}'
    assert Thing.from_object('{"ThingId":"1"}').meta is None


PATTERNS = [
    "EpochMilli",
    "yyyy-MM-dd'T'HH:mm:ss'Z'",
    "yyyy-MM-dd'T'HH:mm:ss.SSSX",
    "EEE, d MMM yyyy h:mm:ss a Z",
    "EEEE MMMM dd yyyy HH:mm:ss z",
    "yyyyMMddHHmmss",
    "dd/MM/yy 'o''clock' HH:mm:ss XXX",
]


@given(
    st.sampled_from(PATTERNS),
    st.datetimes(datetime(1970, 1, 1), datetime(2060, 1, 1)),  # noqa: DTZ001  (the zone is next)
    st.sampled_from([UTC, timezone(timedelta(hours=-5, minutes=-30))]),
)
def test_a_timestamp_that_is_written_is_read_here_and_by_the_engine(
    pattern: str, moment: datetime, zone: timezone
) -> None:
    moment = moment.replace(microsecond=0, tzinfo=zone)
    compiled = timestamp_format(pattern)
    text = compiled.write(moment)

    assert compiled.read(text) == moment
    assert compiled.seconds(text) == moment.timestamp()


@pytest.mark.parametrize("pattern", ["HH:mm", "yyyy yyyy", "yyyy-'open", "QQ"])
def test_a_format_that_cannot_be_followed_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="timestamp's format"):
        timestamp_format(pattern)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(
    st.builds(
        dict,
        total=st.none() | st.decimals(-(10**9), 10**9, places=4),
        count=st.integers(),
        rate=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        is_gift=st.none() | st.booleans(),
        placed_at=st.none() | st.datetimes(timezones=st.just(UTC)),
        due=st.none() | st.dates(),
        tier=st.none() | st.sampled_from(Tier),
        level=st.none() | st.sampled_from(Level),
        ref=st.none() | st.uuids(),
        items=st.none() | st.lists(st.text().map(lambda text: Item(title=text)), max_size=3),
        phone=st.none() | st.text(),
    ),
    st.dictionaries(st.text(max_size=4).map("x{}".format), JSON, max_size=3),
)
def test_what_is_written_is_read_back(fields: dict[str, Any], extra: dict[str, Any]) -> None:
    order = Order(order_id="1", **fields)
    text = json.dumps(json.loads(order.to_object()) | extra)

    read_back = Order.from_object(text)
    assert {name: getattr(read_back, name) for name in fields} == fields
    assert Order.from_object(read_back.to_object()) == read_back
    assert (read_back.model_extra or {}).items() >= extra.items()


def test_repr_and_errors_show_no_value() -> None:
    order = read(Mail2="canary7f3a", Note="canary7f3a")
    with pytest.raises(ValidationError) as raised:
        read(Count="canary7f3a")

    assert repr(order) == str(order) == "Order(<3 fields>)"
    assert "canary7f3a" not in str(raised.value)
    assert order.reveal()["mail"] == "canary7f3a"


def test_an_object_that_was_read_knows_its_key() -> None:
    order = Order.from_object('{"OrderId":"1"}', unique_key="k=")

    assert order.profile_object_unique_key == "k="
    assert Order(order_id="1").profile_object_unique_key is None
    assert copy.copy(order) == order


def test_numbers_that_json_cannot_write_are_refused() -> None:
    with pytest.raises(ValidationError, match="finite number"):
        Order(order_id="1", rate=float("nan"))


def test_a_default_belongs_to_the_object() -> None:
    class Thing(ProfileObject, name="Thing"):
        thing_id: Annotated[str, Key("Id", unique=True, profile=True)]
        currency: str = Field(default="EUR")

    assert Thing(thing_id="1").to_object() == '{"ThingId":"1","Currency":"EUR"}'
