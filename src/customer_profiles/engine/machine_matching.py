"""Finding a domain's duplicates with the machine matcher, straight from the stored JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from customer_profiles import _wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pyarrow as pa

    from customer_profiles.identity import Model, Resolution

# Assumed: profiles match from a confidence of 0.8 on; how sure the service must be is not known.
THRESHOLD = 0.8

_ROW = "row"
# What says nothing about who somebody is.
_LEFT_OUT = frozenset(
    {
        "ProfileId",
        "AdditionalInformation",
        "PartyType",
        "PartyTypeString",
        "ProfileType",
        "FoundByItems",
        "EngagementPreferences",
    }
)
_ATTRIBUTES = "Attributes"
_MOST_ATTRIBUTES = 20


def read(bodies: Iterable[list[tuple[int, bytes]]]) -> pa.Table | None:
    """Read profiles, given as rows and JSON, into columns of text; None if there are none."""
    import pyarrow as pa

    schema = _schema(pa)
    parts: list[Any] = []
    attributes: dict[str, None] = {}
    for chunk in bodies:
        part = _columns(b"\n".join(body for _, body in chunk), schema, attributes)
        parts.append(part.append_column(_ROW, pa.array([row for row, _ in chunk], pa.int64())))
    if not parts:
        return None
    return _without_rare_attributes(pa.concat_tables(parts, promote_options="permissive"))


def find(bodies: Iterable[list[tuple[int, bytes]]]) -> Resolution | None:
    """Find the profiles that are one person's, by their rows; None if there are less than two.

    Raises:
        ModuleNotFoundError: the extra `identity` is not installed; the message says so.
    """
    from customer_profiles.identity import resolve

    tables = [one for one in [read(bodies)] if one is not None and one.num_rows > 1]
    if not tables:
        return None
    # Handed over, so that nobody holds the table once it is read.
    return resolve(tables.pop(), id_column=_ROW, threshold=THRESHOLD, keep_values=False)


def compared(profile: Mapping[str, Any]) -> dict[str, Any]:
    """Give what of a profile is compared."""
    return {name: value for name, value in profile.items() if name not in _LEFT_OUT}


def keys_of(
    bodies: Iterable[list[tuple[int, bytes]]], model: Model, limit: int
) -> Iterator[list[tuple[int, int]]]:
    """Yield what profiles are found by, as signed keys with rows, in the order of the keys."""
    import numpy as np

    from customer_profiles.identity import lasting_keys

    table = read(bodies)
    if table is None:
        return
    rows = table.column(_ROW).to_numpy()
    keys, places = lasting_keys(table.drop_columns([_ROW]), model)
    signed = keys.astype(np.int64)
    order = np.argsort(signed)
    signed, found = signed[order], rows[places[order]]
    for start in range(0, len(signed), limit):
        part = slice(start, start + limit)
        yield list(zip(signed[part].tolist(), found[part].tolist(), strict=True))


def _columns(lines: bytes, schema: pa.Schema, attributes: dict[str, None]) -> pa.Table:
    """Read lines of JSON into columns of text, nested ones as `Address.City`.

    Args:
        lines: profiles, one a line.
        schema: the service's members of a profile.
        attributes: the custom attributes that are known; new ones are added.
    """
    table = _parsed(lines, schema, attributes)
    names = _attribute_names(table)
    if names - attributes.keys():
        # Read again as text: what looks like a time or a number was taken for one.
        attributes.update(dict.fromkeys(sorted(names)))
        table = _parsed(lines, schema, attributes)
    kept = [*schema.names, *([_ATTRIBUTES] if attributes else [])]
    return table.select(kept).flatten()


def _parsed(lines: bytes, schema: pa.Schema, attributes: dict[str, None]) -> pa.Table:
    import pyarrow as pa
    from pyarrow import json

    if attributes:
        text = pa.struct([(name, pa.string()) for name in attributes])
        schema = schema.append(pa.field(_ATTRIBUTES, text))
    size = max(len(lines) // 4, 1 << 20)
    options = json.ReadOptions(use_threads=True, block_size=size)
    parsing = json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer")
    return json.read_json(pa.BufferReader(lines), options, parsing)


def _schema(pa: Any) -> pa.Schema:
    """Give the service's members of a profile as columns of text."""
    shape: Any = _wire.service().shape_for("Profile")
    fields = []
    for name, member in shape.members.items():
        if name in _LEFT_OUT:
            continue
        if member.type_name == "string":
            fields.append(pa.field(name, pa.string()))
        elif member.type_name == "structure":
            inner = [(part, pa.string()) for part in member.members]
            fields.append(pa.field(name, pa.struct(inner)))
    return pa.schema(fields)


def _attribute_names(table: pa.Table) -> set[str]:
    import pyarrow as pa

    if _ATTRIBUTES not in table.column_names:
        return set()
    kind = table.schema.field(_ATTRIBUTES).type
    return {field.name for field in kind} if pa.types.is_struct(kind) else set()


def _without_rare_attributes(table: pa.Table) -> pa.Table:
    """Leave out all but the custom attributes that the most profiles have."""
    names = [name for name in table.column_names if name.startswith(f"{_ATTRIBUTES}.")]
    filled = sorted(names, key=lambda name: table.column(name).null_count)
    return table.drop_columns(filled[_MOST_ATTRIBUTES:]) if names else table
