"""Reading stored profiles, which are JSON, into columns of text."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from customer_profiles import _wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

ROW = "row"
"""The column with the row of each profile."""
LEFT_OUT = frozenset(
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
"""Members of a profile that do not identify a person."""
_ATTRIBUTES = "Attributes"
_MOST_ATTRIBUTES = 20


def read(bodies: Iterable[list[tuple[int, bytes]]]) -> pa.Table | None:
    """Read chunks of rows with JSON bodies into columns of text; None if there are none."""
    import pyarrow as pa

    parser, parts = _Parser(), list[Any]()
    with ThreadPoolExecutor(1) as reader:
        # The next chunk is read while this one is parsed.
        chunks = iter(bodies)
        pending = reader.submit(next, chunks, None)
        while (chunk := pending.result()) is not None:
            pending = reader.submit(next, chunks, None)
            part = parser.columns(b"\n".join(body for _, body in chunk))
            parts.append(part.append_column(ROW, pa.array([row for row, _ in chunk], pa.int64())))
    if not parts:
        return None
    return _without_rare_attributes(pa.concat_tables(parts, promote_options="permissive"))


class _Parser:
    """A parser of chunks of profiles.

    Most profiles have few of the service's members. The members that the first chunk has are the
    schema of the next ones; a chunk with other members is parsed again with the whole schema.
    """

    def __init__(self) -> None:
        self._used: pa.Schema | None = None
        self._attributes: dict[str, None] = {}

    def columns(self, lines: bytes) -> pa.Table:
        """Read lines of JSON into columns of text; a nested one is called `Address.City`."""
        import pyarrow as pa

        if self._used is not None:
            try:
                return self._flat(_parsed(lines, self._used, "error"))
            except pa.ArrowInvalid:
                self._used = None
        table = self._parsed_fully(lines)
        self._used = _used(table)
        return self._flat(table)

    def _parsed_fully(self, lines: bytes) -> pa.Table:
        table = _parsed(lines, self._schema(), "infer")
        names = _attribute_names(table)
        if names - self._attributes.keys():
            # Read again as text, because times and numbers were inferred from text.
            self._attributes.update(dict.fromkeys(sorted(names)))
            table = _parsed(lines, self._schema(), "infer")
        return table

    def _schema(self) -> pa.Schema:
        import pyarrow as pa

        schema = _members(pa)
        if not self._attributes:
            return schema
        text = pa.struct([(name, pa.string()) for name in self._attributes])
        return schema.append(pa.field(_ATTRIBUTES, text))

    def _flat(self, table: pa.Table) -> pa.Table:
        kept = set(self._schema().names)
        return table.select([name for name in table.column_names if name in kept]).flatten()


def _parsed(lines: bytes, schema: pa.Schema, unexpected: str) -> pa.Table:
    import pyarrow as pa
    from pyarrow import json

    size = max(len(lines) // 4, 1 << 20)
    options = json.ReadOptions(use_threads=True, block_size=size)
    parsing = json.ParseOptions(explicit_schema=schema, unexpected_field_behavior=unexpected)
    return json.read_json(pa.BufferReader(lines), options, parsing)


def _used(table: pa.Table) -> pa.Schema:
    """Return the schema of the members that at least one profile has, all as text."""
    import pyarrow as pa

    fields = []
    for name in table.column_names:
        column = table.column(name)
        if column.null_count == len(column):
            continue
        kind = column.type
        if pa.types.is_struct(kind):
            inner = pa.table({name: column}).flatten()
            parts = zip(kind, inner.columns, strict=True)
            kind = pa.struct([field for field, values in parts if values.null_count < len(values)])
        fields.append(pa.field(name, kind))
    return pa.schema(fields)


def _members(pa: Any) -> pa.Schema:
    """Return the schema of the service's members of a profile, all as text."""
    shape: Any = _wire.service().shape_for("Profile")
    fields = []
    for name, member in shape.members.items():
        if name in LEFT_OUT:
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
    """Drop all custom attributes but those that the most profiles have."""
    names = [name for name in table.column_names if name.startswith(f"{_ATTRIBUTES}.")]
    filled = sorted(names, key=lambda name: table.column(name).null_count)
    return table.drop_columns(filled[_MOST_ATTRIBUTES:]) if names else table
