"""Calculated attributes have the values of the specification's vectors, on every target."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from customer_profiles import ObjectType

if TYPE_CHECKING:
    from customer_profiles import Domain

DAY_MS = 86_400_000
ORDER = ObjectType.model_validate(
    {
        "ObjectTypeName": "o",
        "Description": "Orders",
        "AllowProfileCreation": True,
        "Fields": {
            "id": {"Source": "_source.id"},
            "mail": {"Source": "_source.mail", "Target": "_profile.EmailAddress"},
        },
        "Keys": {
            "vectorId": [{"FieldNames": ["id"], "StandardIdentifiers": ["UNIQUE"]}],
            "vectorMail": [{"FieldNames": ["mail"], "StandardIdentifiers": ["PROFILE"]}],
        },
    }
)
# Each as its statistic, expression and settings, the objects by how many days ago, and the value.
VECTORS: dict[str, tuple[Any, ...]] = {
    "sum of 30 days": (
        "SUM",
        "{o.v}",
        {"days": 30},
        [(40, {"v": 5}), (20, {"v": 7.5}), (1, {"v": 2.5})],
        "10",
    ),
    "average without a range": ("AVERAGE", "{o.v}", {}, [(1, {"v": 1}), (2, {"v": 2})], "1.5"),
    "count above a threshold": (
        "COUNT",
        "{o.id}",
        {"days": 7, "threshold": ("GREATER_THAN", 1)},
        [(1, {}), (2, {}), (9, {})],
        "true",
    ),
    "count without data": (
        "COUNT",
        "{o.v}",
        {"days": 7, "threshold": ("GREATER_THAN", 5)},
        [(1, {})],
        None,
    ),
    "most frequent, a tie": (
        "MAX_OCCURRENCE",
        "{o.v}",
        {},
        [(4, {"v": "VOICE"}), (3, {"v": "CHAT"}), (2, {"v": "CHAT"}), (1, {"v": "VOICE"})],
        "VOICE",
    ),
    "last of one object": (
        "LAST_OCCURRENCE",
        "{o.v}",
        {"object_count": 1},
        [(1, {"v": "b"}), (3, {"v": "a"})],
        "b",
    ),
    "sum of products": (
        "SUM",
        "{o.a} * {o.b}",
        {},
        [(1, {"a": 2, "b": 3}), (1, {"a": 4}), (1, {"a": 5, "b": "x"})],
        "6",
    ),
    "count of the next 30 days": (
        "COUNT",
        "{o.id}",
        {"start": 0, "end": -30},
        [(-10, {}), (-40, {}), (1, {})],
        "1",
    ),
}


def test_calculated_attributes_have_the_values_of_the_vectors(shop: Domain) -> None:
    shop.object_types.put(ORDER)
    now = int(time.time() * 1000)
    values: dict[str, str | None] = {}
    for number, (name, vector) in enumerate(VECTORS.items()):
        statistic, expression, settings, objects, _ = vector
        mail = f"vector{number}@example.com"
        for position, (days, members) in enumerate(objects):
            at = now - int(days * DAY_MS)
            data = {"id": f"{number}-{position}", "mail": mail, "at": at, **members}
            shop.objects("o").put(data)
        shop.calculated_attributes.create(
            f"vector{number}",
            expression,
            statistic=statistic,
            timestamp="at",
            use_historical_data=True,
            **settings,
        )
        profile = shop.profiles.search(email=mail).one()
        values[name] = profile.calculated_attributes[f"vector{number}"].text

    assert values == {name: vector[-1] for name, vector in VECTORS.items()}
