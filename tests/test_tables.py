"""Tables of lists: columns and types that do not depend on the values."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from customer_profiles import (
    CustomerProfiles,
    Domain,
    InvalidInputError,
    Key,
    ProfileObject,
    Results,
    Target,
)
from customer_profiles.models.base import Model
from customer_profiles.models.tables import leaves, to_arrow
from tests.contract.test_shapes import own_models

if TYPE_CHECKING:
    from collections.abc import Iterator


class Line(ProfileObject):
    """A line of an order."""

    sku: str
    count: int = 1


class Order(ProfileObject, name="Order", allow_profile_creation=True):
    """An order."""

    order_id: Annotated[str, Key("OrderId", unique=True)]
    email: Annotated[str, Key("_email", profile=True), Target("_profile.EmailAddress")]
    total: Decimal | None = None
    count: int | None = None
    is_paid: bool | None = None
    paid_on: date | None = None
    sent_at: datetime | None = None
    first: Line | None = None
    lines: list[Line] | None = None


ORDER = Order(
    order_id="1",
    email="ada@example.com",
    total=Decimal("12.50"),
    count=2,
    is_paid=True,
    paid_on=date(2024, 2, 29),
    sent_at=datetime(2024, 3, 1, 12, tzinfo=UTC),
    first=Line(sku="socks"),
    lines=[Line(sku="socks"), Line(sku="hat", count=3)],
)


@pytest.fixture
def shop() -> Iterator[Domain]:
    with CustomerProfiles.embedded() as cp:
        shop = cp.domains.create("shop")
        shop.object_types.put(Order)
        yield shop


def test_a_profile_is_a_row_of_flat_columns(shop: Domain) -> None:
    ada = shop.profiles.create(
        first_name="Ada", address={"city": "London"}, attributes={"tier": "gold"}
    )

    frame = shop.profiles.all().to_pandas()

    assert frame.loc[0, "profile_id"] == ada.profile_id
    assert frame.loc[0, "address.city"] == "London"
    assert frame.loc[0, "attributes.tier"] == "gold"
    assert pd.isna(frame.loc[0, "last_name"])


def test_an_empty_list_has_the_columns_and_types_of_a_full_one(shop: Domain) -> None:
    empty = shop.objects(Order).all().to_arrow()
    shop.objects(Order).put(ORDER)
    full = shop.objects(Order).all().to_arrow()

    assert empty.schema == full.schema
    assert (empty.num_rows, full.num_rows) == (0, 1)
    assert empty.column_names[:3] == ["profile_id", "order_id", "email"]


def test_values_keep_their_types_in_arrow(shop: Domain) -> None:
    shop.objects(Order).put(ORDER)
    (row,) = shop.objects(Order).all().to_arrow().to_pylist()

    del row["profile_id"]
    assert row == {
        "order_id": "1",
        "email": "ada@example.com",
        "total": Decimal("12.50"),
        "count": 2,
        "is_paid": True,
        "paid_on": date(2024, 2, 29),
        "sent_at": datetime(2024, 3, 1, 12, tzinfo=UTC),
        "first.sku": "socks",
        "first.count": 1,
        "lines": [{"sku": "socks", "count": 1}, {"sku": "hat", "count": 3}],
    }


def test_pandas_keeps_integers_with_gaps_dates_and_decimals(shop: Domain) -> None:
    orders = [ORDER, Order(order_id="2", email="ada@example.com")]
    shop.objects(Order).put_many(orders)

    frame = shop.objects(Order).all().to_pandas()

    kinds = {name: str(frame[name].dtype) for name in ("count", "is_paid", "paid_on", "sent_at")}
    assert kinds == {
        "count": "Int64",
        "is_paid": "boolean",
        "paid_on": "date32[day][pyarrow]",
        "sent_at": "datetime64[us, UTC]",
    }
    assert frame.loc[0, "total"] == Decimal("12.50")
    assert frame.loc[1, "count"] is pd.NA


def test_polars_has_the_same_columns(shop: Domain) -> None:
    shop.objects(Order).put(ORDER)
    frame = shop.objects(Order).all().to_polars()

    assert frame["paid_on"].dtype == pl.Date
    assert frame["total"].to_list() == [Decimal("12.5")]
    assert frame["lines"].to_list() == [[{"sku": "socks", "count": 1}, {"sku": "hat", "count": 3}]]


def test_attributes_of_later_chunks_stand_beside_the_others(
    shop: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("customer_profiles.models.tables._ROWS", 1)
    shop.profiles.create(first_name="Ada", attributes={"tier": "gold"})
    shop.profiles.create(first_name="Grace", attributes={"rank": "2"})

    table = shop.profiles.all().to_arrow()

    assert table["attributes.tier"].to_pylist() == ["gold", None]
    assert table["attributes.rank"].to_pylist() == [None, "2"]
    names = table.column_names
    assert names.index("attributes.rank") == names.index("attributes.tier") + 1


@pytest.mark.parametrize("model", list(own_models()), ids=lambda model: model.__name__)
def test_every_model_has_columns(model: type[Model]) -> None:
    table = to_arrow(model, [])

    assert table.num_rows == 0
    assert len(table.column_names) == sum(not leaf.is_mapping for leaf in leaves(model))


def test_settings_and_jobs_are_tables_too(shop: Domain) -> None:
    assert shop.object_types.all().to_pandas()["object_type_name"].tolist() == ["Order"]
    assert shop.jobs.all().to_polars().is_empty()


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_missing_library_is_named_before_anything_is_fetched(
    monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    def fetch(size: int, token: str | None) -> tuple[list[Order], str | None]:
        raise AssertionError((size, token))

    monkeypatch.setitem(sys.modules, library, None)
    results = Results(fetch, model=Order)

    with pytest.raises(ModuleNotFoundError, match=f"run: pip install {library} pyarrow"):
        getattr(results, f"to_{library}")()


def test_a_value_that_does_not_fit_is_not_quoted() -> None:
    order = Order(order_id="1", email="a@example.com", count=98765432109876543210)

    with pytest.raises(InvalidInputError, match="a value of count does not fit") as caught:
        to_arrow(Order, [order])
    assert "98765" not in str(caught.value)


def test_a_list_without_fields_says_so() -> None:
    results = Results[str](lambda _size, _token: (["a"], None))

    with pytest.raises(InvalidInputError, match="iterate over this list"):
        results.to_arrow()


def test_memory_is_bounded_by_chunks() -> None:
    orders = (Order(order_id=str(n), email="a@example.com") for n in range(20_001))

    assert isinstance(table := to_arrow(Order, orders), pa.Table)
    assert table.num_rows == 20_001
