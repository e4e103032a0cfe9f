"""Conditions on calculated attributes, and filters of objects, mean in the engine what they say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from customer_profiles import CustomerProfiles, EngineChannel, InvalidInputError, where
from customer_profiles.conditions import Condition, evaluate, to_filter, to_segment_groups
from customer_profiles.engine import Engine, ManualClock
from customer_profiles.mapping import Key, ProfileObject, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_profiles import Domain, Profile

ATTRIBUTES = ("spend", "orders", "largest", "often")


class Order(ProfileObject, name="order", allow_profile_creation=True):
    order_id: Annotated[str, Key("OrderId", unique=True)]
    email: Annotated[str, Key("OrderMail", profile=True), Target("_profile.EmailAddress")]
    total: str | None = None
    status: str | None = None
    placed_at: str | None = None


# Of each person, the totals, states and ages in days of the orders.
ORDERS: dict[str, list[tuple[str | None, str | None, float]]] = {
    "ada": [("400", "new", 40), ("12.5", "open", 1), ("99", "cancelled", 10)],
    "bob": [("1", "open", 5), ("1.0", None, 6), (None, "open", 20)],
    "eve": [("10", "new", 100)],
}


@pytest.fixture(scope="module")
def shop() -> Iterator[Domain]:
    """Yield a domain with orders and four calculated attributes."""
    clock = ManualClock(1_790_000_000)
    with Engine(strict=True, clock=clock) as engine:
        domain = CustomerProfiles(channel=EngineChannel(engine)).domains.create("shop")
        domain.object_types.put(Order)
        now = datetime.fromtimestamp(clock.now(), UTC)
        for name, orders in ORDERS.items():
            for number, (total, status, age) in enumerate(orders):
                domain.objects(Order).put(
                    Order(
                        order_id=f"{name}-{number}",
                        email=f"{name}@example.com",
                        total=total,
                        status=status,
                        placed_at=(now - timedelta(days=age)).isoformat(),
                    )
                )
        times: Any = {"timestamp": "PlacedAt", "timestamp_format": "ISO_8601", "days": 60}
        for name, statistic in zip(ATTRIBUTES, ("SUM", "COUNT", "MAXIMUM", "COUNT"), strict=True):
            domain.calculated_attributes.create(
                name,
                "{order.Total}",
                statistic=statistic,
                use_historical_data=True,
                **(times | ({"threshold": ("GREATER_THAN", 1)} if name == "often" else {})),
            ).wait(10)
        yield domain


@pytest.fixture(scope="module")
def people(shop: Domain) -> list[Profile]:
    return [shop.profiles.search(email=f"{name}@example.com").one() for name in ORDERS]


numbers = st.sampled_from([0, 1, 1.5, 2, 10, 12.5, 111.5, 400])
windows = st.none() | st.sampled_from([3, 30, 200, (50, 5), (10, 10)])
fields = st.sampled_from([where.calculated(name) for name in ATTRIBUTES])
calculated = (
    st.builds(
        lambda field, method, number, days: getattr(field, method)(number, days=days),
        fields,
        st.sampled_from(["equal_to", "over", "at_least", "under", "at_most"]),
        numbers,
        windows,
    )
    | st.builds(
        lambda field, method, bounds, days: getattr(field, method)(*sorted(bounds), days=days),
        fields,
        st.sampled_from(["between", "not_between"]),
        st.tuples(numbers, numbers),
        windows,
    )
    | st.builds(
        lambda field, method, values, days: getattr(field, method)(*values, days=days),
        fields,
        st.sampled_from(["is_in", "is_not_in", "contains", "begins_with"]),
        st.lists(st.sampled_from(["1", "2", "12.5", "true"]), min_size=1, max_size=2),
        windows,
    )
)
of_objects = st.builds(
    lambda field, method, values: getattr(field, method)(*values),
    st.sampled_from([where.field("Status"), where.field("Total")]),
    st.sampled_from(["is_in", "is_not_in", "contains", "begins_with", "ends_with"]),
    st.lists(st.sampled_from(["open", "new", "o", "1", "1.0", "e"]), min_size=1, max_size=2),
) | st.builds(
    lambda method, number: getattr(where.field("Total"), method)(number),
    st.sampled_from(["equal_to", "over", "at_least", "under", "at_most"]),
    numbers,
)


def trees(leaves: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    return st.recursive(
        leaves,
        lambda inner: (
            inner.map(lambda condition: ~condition)
            | st.builds(lambda left, right: left & right, inner, inner)
            | st.builds(lambda left, right: left | right, inner, inner)
        ),
        max_leaves=5,
    )


@settings(max_examples=150)
@given(trees(calculated))
def test_the_engine_agrees_on_calculated_attributes(
    shop: Domain, people: list[Profile], condition: Condition
) -> None:
    try:
        to_segment_groups(condition)
    except InvalidInputError as refused:
        assume("two levels" not in str(refused))
        assume("met by" not in str(refused))
        raise

    with_segment = shop.segments.create("drawn", condition)
    members = with_segment.members(people)
    with_segment.delete()

    expected = [evaluate(condition, who, calculated=values_of(shop, who)) for who in people]
    assert [who in members for who in people] == expected


def values_of(shop: Domain, person: Profile) -> Any:
    def value(name: str, days: tuple[int, int] | None) -> object:
        start, end = days or (None, None)
        read = shop.calculated_attributes.values(name, [person], start=start, end=end)
        return read[0].text

    return value


@settings(max_examples=150)
@given(trees(of_objects))
def test_the_engine_counts_the_objects_that_a_filter_finds(
    shop: Domain, people: list[Profile], condition: Condition
) -> None:
    try:
        to_filter(condition)
    except InvalidInputError as refused:
        assume("two levels" not in str(refused))
        assume("2 groups of" not in str(refused))
        assume("met by" not in str(refused))
        raise

    attribute = shop.calculated_attributes.create(
        "drawn", "{order.OrderId}", statistic="COUNT", where=condition, use_historical_data=True
    ).wait(10)
    counts = [int(item.value or 0) for item in shop.calculated_attributes.values("drawn", people)]
    attribute.delete()

    assert counts == [
        sum(evaluate(condition, {"Status": status, "Total": total}) for total, status, _ in orders)
        for orders in ORDERS.values()
    ]
