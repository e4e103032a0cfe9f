"""The calculated attributes that every domain has from the beginning."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from . import expressions

if TYPE_CHECKING:
    from customer_profiles._wire import Wire

_DATA = Path(__file__).with_name("data") / "default_attributes.json"

# AG:customerprofiles-default-calculated-attributes documents them. It does not document these:
# Assumed: a default attribute of e-mail or SMS without a documented display name has plain words.
# Assumed: the filter of a default attribute has one group, in which all conditions must hold.


@cache
def default_attributes() -> dict[str, Wire]:
    """Return the definitions by name, as the kernel of documents stores bodies."""
    return {row["name"]: _body(row) for row in json.loads(_DATA.read_text())}


def _body(row: Wire) -> Wire:
    body: Wire = {
        "DisplayName": row["display"],
        "AttributeDetails": {
            "Attributes": [
                {"Name": name} for _, name in expressions.ATTRIBUTE.findall(row["expression"])
            ],
            "Expression": row["expression"],
        },
        "Statistic": row["statistic"],
        "Status": "COMPLETED",
        "Readiness": {"ProgressPercentage": 100},
    }
    conditions: Wire = {}
    if "days" in row:
        conditions["Range"] = {"Value": row["days"], "Unit": "DAYS"}
    if "threshold" in row:
        operator, value = row["threshold"]
        conditions["Threshold"] = {"Value": value, "Operator": operator}
    if conditions:
        body["Conditions"] = conditions
    if "filter" in row:
        dimensions = [
            {"Attributes": {name: {"DimensionType": "INCLUSIVE", "Values": [value]}}}
            for name, value in row["filter"].items()
        ]
        groups = [{"Type": "ALL", "Dimensions": dimensions}]
        body["Filter"] = {"Include": row["include"], "Groups": groups}
    return body
