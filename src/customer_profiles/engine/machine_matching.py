"""Finding a domain's duplicates with the machine matcher, straight from the stored JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from customer_profiles import _wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa

    from customer_profiles.identity import Group

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
    """Read profiles, given as rows and JSON, into columns of text; None if there are none.

    Raises:
        ModuleNotFoundError: the extra `identity` is not installed; the message says so.
    """
    import pyarrow as pa

    from customer_profiles.identity import resolve  # noqa: F401  (says what is not installed)

    schema = _schema(pa)
    parts = []
    for chunk in bodies:
        part = _columns(b"\n".join(body for _, body in chunk), schema)
        parts.append(part.append_column(_ROW, pa.array([row for row, _ in chunk], pa.int64())))
    if not parts:
        return None
    return _without_rare_attributes(pa.concat_tables(parts, promote_options="permissive"))


def find(table: pa.Table | None) -> Sequence[Group]:
    """Find the profiles that are one person's, by their rows."""
    from customer_profiles.identity import resolve

    if table is None or table.num_rows < 2:  # noqa: PLR2004  (a pair)
        return []
    return resolve(table, id_column=_ROW, threshold=THRESHOLD).groups


def _columns(lines: bytes, schema: pa.Schema) -> pa.Table:
    """Read lines of JSON into columns of text, nested ones as `Address.City`."""
    import pyarrow as pa
    from pyarrow import json

    block = max(len(lines) + 1, 1 << 20)
    options = json.ReadOptions(use_threads=True, block_size=block)
    parsing = json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer")
    table = json.read_json(pa.BufferReader(lines), options, parsing)
    names = _attribute_names(table)
    if names:
        # Read again as text: what looks like a time or a number would be taken for one.
        text = pa.struct([(name, pa.string()) for name in names])
        parsing = json.ParseOptions(
            explicit_schema=schema.append(pa.field(_ATTRIBUTES, text)),
            unexpected_field_behavior="ignore",
        )
        table = json.read_json(pa.BufferReader(lines), options, parsing)
    kept = [*schema.names, *([_ATTRIBUTES] if names else [])]
    return table.select(kept).flatten()


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


def _attribute_names(table: pa.Table) -> list[str]:
    import pyarrow as pa

    if _ATTRIBUTES not in table.column_names:
        return []
    kind = table.schema.field(_ATTRIBUTES).type
    return [field.name for field in kind] if pa.types.is_struct(kind) else []


def _without_rare_attributes(table: pa.Table) -> pa.Table:
    """Leave out all but the custom attributes that the most profiles have."""
    names = [name for name in table.column_names if name.startswith(f"{_ATTRIBUTES}.")]
    filled = sorted(names, key=lambda name: table.column(name).null_count)
    return table.drop_columns(filled[_MOST_ATTRIBUTES:]) if names else table
