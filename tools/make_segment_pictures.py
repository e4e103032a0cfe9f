"""Draw how a segment and a calculated attribute are evaluated, for docs/explanation/segments.md.

What the pictures show is what the engine answers: every row is a segment or a calculated attribute
of its own.

Usage: python tools/make_segment_pictures.py [--check]
"""

from __future__ import annotations

import json
import sys
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from customer_profiles.engine import Engine, ManualClock

if TYPE_CHECKING:
    from collections.abc import Mapping

ASSETS = Path(__file__).parents[1] / "docs/assets"
DAY = 86_400
NOW = 1_700_000_000

PEOPLE: dict[str, dict[str, Any]] = {
    "Ada": {"Address": {"City": "Seattle"}, "Attributes": {"optIn": "true"}},
    "Ben": {"Address": {"City": "Bellevue"}, "Attributes": {"optIn": "true", "staff": "true"}},
    "Cleo": {"Address": {"City": "seattle"}, "Attributes": {"optIn": "true"}},
    "Dan": {"Address": {"City": "Seattle"}, "Attributes": {"optIn": "true"}},
    "Eve": {"Address": {"City": "Seattle"}},
    "Finn": {"Attributes": {"optIn": "true"}},
}
# Days ago, total and status of each order.
ADA: list[tuple[int, float, str]] = [
    (110, 80, "paid"),
    (75, 120, "paid"),
    (50, 60, "cancelled"),
    (25, 200, "paid"),
]
ADA += [(10, 92.5, "paid")]
ORDERS: dict[str, list[tuple[int, float, str]]] = {
    "Ada": ADA,
    "Ben": [(20, 300, "paid")],
    "Cleo": [(15, 260, "paid")],
    "Dan": [(60, 900, "paid"), (5, 40, "paid")],
    "Eve": [(2, 400, "paid")],
    "Finn": [(1, 500, "paid")],
}

PAID = {
    "Include": "ALL",
    "Groups": [
        {
            "Type": "ALL",
            "Dimensions": [
                {"Attributes": {"status": {"DimensionType": "EXCLUSIVE", "Values": ["cancelled"]}}}
            ],
        }
    ],
}
TIMES = {
    "Unit": "DAYS",
    "TimestampSource": "{order.placedAt}",
    "TimestampFormat": "EPOCHMILLI",
}
LAST_90 = {"Range": TIMES | {"Value": 90}}
LAST_30 = {"Range": {"Start": 30, "End": 0, "Unit": "DAYS"}}
OVER_250 = {"Threshold": {"Operator": "GREATER_THAN", "Value": "250"}}


class Row(NamedTuple):
    """A row of the first picture: how deep it is in the tree, its words, and who satisfies it."""

    depth: int
    title: str
    detail: str
    groups: dict[str, Any]


def condition(operator: str, *values: str, **members: Any) -> dict[str, Any]:
    """Return what a dimension says about one attribute."""
    return {"DimensionType": operator, "Values": list(values), **members}


def groups(dimension: dict[str, Any]) -> dict[str, Any]:
    """Return the groups of a segment with one dimension."""
    return {"Groups": [{"Dimensions": [dimension]}]}


CITY = {"ProfileAttributes": {"Address": {"City": condition("INCLUSIVE", "Seattle", "Bellevue")}}}
STAFF = {"ProfileAttributes": {"Attributes": {"staff": condition("INCLUSIVE", "true")}}}
OPT_IN = {"ProfileAttributes": {"Attributes": {"optIn": condition("INCLUSIVE", "true")}}}
SPENT = {
    "CalculatedAttributes": {
        "spend_90d": condition("GREATER_THAN", "250", ConditionOverrides=LAST_30)
    }
}
SOURCE = {"SourceSegments": [{"SegmentDefinitionName": "newsletter"}]}
BUYERS = {**SOURCE, "Type": "ALL", "Dimensions": [CITY, SPENT]}
NO_STAFF = {"Type": "NONE", "Dimensions": [STAFF]}
ROWS = [
    Row(
        0,
        "Segment",
        "Include ALL: in every group",
        {"Include": "ALL", "Groups": [BUYERS, NO_STAFF]},
    ),
    Row(1, "Group 1", "in the source, and Type ALL: all dimensions", {"Groups": [BUYERS]}),
    Row(2, "SourceSegments", "newsletter", {"Groups": [SOURCE]}),
    Row(2, "Dimension", "Address.City INCLUSIVE Seattle, Bellevue", groups(CITY)),
    Row(2, "Dimension", "spend_90d GREATER_THAN 250, in 30 days", groups(SPENT)),
    Row(1, "Group 2", "Type NONE: no dimension", {"Groups": [NO_STAFF]}),
    Row(2, "Dimension", "Attributes.staff INCLUSIVE true", groups(STAFF)),
]


class Shop:
    """A domain with the people and orders of the pictures."""

    def __init__(self) -> None:
        """Store them."""
        self.engine = Engine(clock=ManualClock(now=NOW))
        self.ask("CreateDomain", DefaultExpirationDays=366)
        self.ask(
            "PutProfileObjectType",
            ObjectTypeName="order",
            Description="Orders",
            Fields={
                name: {"Source": f"_source.{name}"}
                for name in ("id", "who", "total", "status", "placedAt")
            },
            Keys={
                "OrderId": [{"StandardIdentifiers": ["UNIQUE"], "FieldNames": ["id"]}],
                "_account": [
                    {"StandardIdentifiers": ["PROFILE", "LOOKUP_ONLY"], "FieldNames": ["who"]}
                ],
            },
        )
        self.ids = {
            name: self.ask("CreateProfile", FirstName=name, AccountNumber=name, **members)[
                "ProfileId"
            ]
            for name, members in PEOPLE.items()
        }
        for who, orders in ORDERS.items():
            for number, (ago, total, status) in enumerate(orders):
                order = {"id": f"{who}-{number}", "who": who, "total": total, "status": status}
                order["placedAt"] = 1000 * (NOW - ago * DAY)
                self.ask("PutProfileObject", ObjectTypeName="order", Object=json.dumps(order))
        self.define("spend_90d", "SUM", LAST_90, PAID)
        self.segment("newsletter", groups(OPT_IN))

    def ask(self, operation: str, **members: Any) -> Any:
        """Return an operation's answer."""
        return json.loads(self.engine.answer(operation, {"DomainName": "shop", **members}))

    def define(
        self, name: str, statistic: str, conditions: dict[str, Any], filters: dict[str, Any] | None
    ) -> None:
        """Create a calculated attribute over the orders' totals."""
        details = {"Attributes": [{"Name": "total"}], "Expression": "{order.total}"}
        optional = {"Filter": filters} if filters else {}
        self.ask(
            "CreateCalculatedAttributeDefinition",
            CalculatedAttributeName=name,
            AttributeDetails=details,
            Statistic=statistic,
            Conditions=conditions,
            UseHistoricalData=True,
            **optional,
        )

    def segment(self, name: str, groups: dict[str, Any]) -> None:
        """Create a segment."""
        self.ask(
            "CreateSegmentDefinition",
            SegmentDefinitionName=name,
            DisplayName=name,
            SegmentGroups=groups,
        )

    def members(self, name: str) -> set[str]:
        """Return the names of a segment's members."""
        answer = self.ask(
            "GetSegmentMembership", SegmentDefinitionName=name, ProfileIds=[*self.ids.values()]
        )
        present = {
            item["ProfileId"] for item in answer["Profiles"] if item["QueryResult"] == "PRESENT"
        }
        return {name for name, profile_id in self.ids.items() if profile_id in present}

    def value(self, name: str, overrides: dict[str, Any] | None) -> str:
        """Return a calculated attribute of Ada's."""
        optional = {"ConditionOverrides": overrides} if overrides else {}
        answer = self.ask(
            "BatchGetCalculatedAttributeForProfile",
            CalculatedAttributeName=name,
            ProfileIds=[self.ids["Ada"]],
            **optional,
        )
        return str(answer["CalculatedAttributeValues"][0]["Value"])


# --- drawing ---

INK, MUTED, LINE, TRUE, PAPER = "#1f2933", "#5f6c7b", "#b8c2cc", "#1f6feb", "#ffffff"


class Drawing:
    """An SVG that grows by its elements."""

    def __init__(self, width: int, height: int, title: str) -> None:
        """Begin with a white sheet."""
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            '<g font-family="Helvetica, Arial, sans-serif" font-size="14">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width}" height="{height}" rx="8" fill="{PAPER}"/>',
        ]

    def text(self, x: float, y: float, words: str, **style: object) -> None:
        """Write words."""
        self.element("text", words, {"x": x, "y": y, "fill": INK} | style)

    def line(self, x1: float, y1: float, x2: float, y2: float, **style: object) -> None:
        """Draw a line."""
        ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
        self.element("line", "", {**ends, "stroke": LINE} | style)

    def dot(self, x: float, y: float, radius: float, *, is_full: bool) -> None:
        """Draw a circle: full for what counts, hollow for what does not."""
        fill, stroke = (TRUE, TRUE) if is_full else (PAPER, LINE)
        colours = {"fill": fill, "stroke": stroke, "stroke-width": 1.5}
        self.element("circle", "", {"cx": x, "cy": y, "r": radius} | colours)

    def element(self, name: str, words: str, attributes: Mapping[str, object]) -> None:
        """Add an element."""
        written = " ".join(
            f'{key.replace("_", "-")}="{value}"' for key, value in attributes.items()
        )
        self.parts.append(f"<{name} {written}>{escape(words)}</{name}>")

    def __str__(self) -> str:
        """Return the file's text."""
        return "\n".join([*self.parts, "</g>", "</svg>"]) + "\n"


def segment_picture(shop: Shop) -> str:
    """Draw a segment as a tree, and beside each part the profiles that satisfy it."""
    left, right, top, step, column = 24, 470, 74, 40, 66
    drawing = Drawing(
        right + column * len(PEOPLE) + 6,
        top + step * len(ROWS),
        "A segment as a tree of groups and dimensions, and the profiles that satisfy each part",
    )
    for number, name in enumerate(PEOPLE):
        x = right + column * number
        drawing.text(x, 30, name, text_anchor="middle", font_weight="bold")
        city = PEOPLE[name].get("Address", {}).get("City", "no city")
        drawing.text(x, 47, city, text_anchor="middle", font_size=11, fill=MUTED)
    for number, row in enumerate(ROWS):
        y = top + step * number
        name = f"row-{number}"
        shop.segment(name, row.groups)
        members = shop.members(name)
        x = left + 26 * row.depth
        if row.depth:
            parent = max(above for above in range(number) if ROWS[above].depth == row.depth - 1)
            drawing.line(x - 14, top + step * parent + 20, x - 14, y)
            drawing.line(x - 14, y, x - 4, y)
        drawing.text(x, y - 2, row.title, font_weight="normal" if row.depth > 1 else "bold")
        drawing.text(x, y + 14, row.detail, font_size=12, fill=MUTED)
        for position, person in enumerate(PEOPLE):
            radius = 10 if row.depth == 0 else 7
            drawing.dot(right + column * position, y, radius, is_full=person in members)
    return str(drawing)


class Step(NamedTuple):
    """A row of the second picture: its words, and the calculated attribute behind it."""

    title: str
    conditions: dict[str, Any]
    filters: dict[str, Any] | None = PAID
    overrides: dict[str, Any] | None = None


STEPS = [
    Step("Objects of the type", {"Range": TIMES}, None),
    Step("Filter: status is not cancelled", {"Range": TIMES}),
    Step("Range: 90 days", LAST_90),
    Step("ObjectCount: the newest 2", LAST_90 | {"ObjectCount": 2}),
    Step("ConditionOverrides: 20 days", LAST_90, PAID, {"Range": LAST_30["Range"] | {"Start": 20}}),
    Step("Threshold: GREATER_THAN 250", LAST_90 | OVER_250),
]


def attribute_picture(shop: Shop) -> str:
    """Draw Ada's orders on a line of time, and which of them count under which conditions."""
    left, oldest, today, top, step = 24, 300, 700, 70, 48
    days = 120
    drawing = Drawing(
        today + 130,
        top + step * len(STEPS) - 10,
        "Ada's orders on a line of time, those that count, and the sum of their totals",
    )

    def position(ago: float) -> float:
        return today - (today - oldest) * ago / days

    for ago in (120, 90, 60, 30, 0):
        drawing.text(
            position(ago),
            26,
            f"{ago} days ago" if ago else "now",
            text_anchor="middle",
            font_size=12,
            fill=MUTED,
        )
        drawing.line(position(ago), 34, position(ago), top + step * len(STEPS) - 26)
    drawing.text(today + 40, 26, "Value", font_weight="bold")
    for number, (title, conditions, filters, overrides) in enumerate(STEPS):
        y = top + step * number
        shop.define(f"value_{number}", "SUM", conditions, filters)
        # The same conditions without the threshold, to know which orders count.
        counted = {name: value for name, value in conditions.items() if name != "Threshold"}
        shop.define(f"counted_{number}", "RECENT_OCCURRENCES", counted, filters)
        totals = json.loads(shop.value(f"counted_{number}", overrides))
        drawing.text(left, y + 5, title)
        for ago, total, _ in ADA:
            is_full = str(total) in map(str, totals)
            drawing.dot(position(ago), y, 7, is_full=is_full)
            drawing.text(
                position(ago),
                y + 21,
                str(total),
                text_anchor="middle",
                font_size=11,
                fill=INK if is_full else MUTED,
            )
        value = shop.value(f"value_{number}", overrides)
        drawing.text(today + 40, y + 5, value, font_weight="bold")
    return str(drawing)


def main() -> int:
    """Write the pictures, or say which is not current."""
    shop = Shop()
    pictures = {
        ASSETS / "segment.svg": segment_picture(shop),
        ASSETS / "calculated-attribute.svg": attribute_picture(shop),
    }
    if "--check" not in sys.argv:
        for path, text in pictures.items():
            path.write_text(text, "utf-8")
        return 0
    for path, text in pictures.items():
        if not path.exists() or path.read_text("utf-8") != text:
            name = path.relative_to(ASSETS.parents[1])
            print(f"{name} is not current: run python {Path(__file__).name}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
