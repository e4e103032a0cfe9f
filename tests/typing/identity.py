"""Comparisons, blocking keys and weights of a user are typed."""

from __future__ import annotations

from typing import assert_type

from customer_profiles.identity import (
    Comparison,
    Level,
    Model,
    OwnKind,
    Resolution,
    Weight,
    resolve,
)


def same_start(left: str, right: str) -> bool:
    return left[:3] == right[:3]


plate = Comparison("plate", "Plate", [Level.exact(), Level("same start", same_start, m=0.1)])
kind = OwnKind([Level.exact()], normalize=str.upper)

found = resolve(
    [{"Plate": "B 1"}],
    comparisons=[plate],
    kinds={"Plate": kind, "Note": "text"},
    blocking=["Plate", ("Plate", "Note"), lambda record: record["Plate"], lambda record: [*record]],
    weights={"phone": {"exact": Weight(m=0.9), "different": (None, 0.99)}},
)
assert_type(found, Resolution)
model = Model.from_json(found.model.to_json(), comparisons=[plate], blocking=["Plate"])
assert_type(model, Model)
assert_type(Model.from_splink({"comparisons": []}), Model)

resolve([], kinds={"Plate": "plate"})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
resolve([], blocking=[3])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
