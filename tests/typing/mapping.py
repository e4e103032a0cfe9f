"""Declared classes as mypy and pyright see them; read by both, never run."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, assert_type

from customer_profiles.mapping import (
    Content,
    Key,
    ObjectType,
    Plan,
    ProfileObject,
    Source,
    Target,
    codegen,
)


class Item(ProfileObject):
    title: Annotated[str, Target("_order.OrderItems[].Title")]


class Order(ProfileObject, name="Order", expiration_days=30, keys=[Key("Both", fields=["a"])]):
    order_id: Annotated[str, Key("OrderId", unique=True, standard="ORDER")]
    total: Annotated[Decimal | None, Target("_order.TotalPrice")] = None
    placed_at: datetime | None = None
    items: list[Item] | None = None
    full_name = Source("{{_source.First}} {{_source.Last}}", Content("NAME"))


order = Order(order_id="1", items=[Item(title="Pen")])
assert_type(order.order_id, str)
assert_type(order.total, Decimal | None)
assert_type(order.items, list[Item] | None)
assert_type(Order.from_object(order.to_object()), Order)
assert_type(Order.object_type(), ObjectType)
assert_type(str(Plan.between([Order], [])), str)
assert_type(codegen(Order.object_type()), str)

# A misspelled, a missing and a wrong field.
order.totl  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
Order(order_idd="1", order_id="1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Order()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Order(order_id=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# An unknown identifier and content type.
Key("A", standard="ODER")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Content("TEXT")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
