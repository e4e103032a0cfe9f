"""The tasks of a flow: how each changes a record, as Amazon AppFlow does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from customer_profiles import _wire
from customer_profiles._flow_rules import OPERATORS
from customer_profiles.engine.service.refusals import bad_request

from . import operators

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from customer_profiles._wire import Wire

    Check = Callable[[Wire], bool]
    Change = Callable[[Wire], None]

# Assumed: a task of these types needs no ConnectorOperator, the others do.
_PLAIN = ("Map", "Merge", "Truncate")
_ACTIONS = ("DropRecord", "DropDataset")
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")


class DatasetDropped(Exception):  # noqa: N818 - the flow is configured to end here
    """A record failed a validation that ends the run; nothing of the run is imported."""


class Tasks:
    """The compiled tasks of a flow."""

    # Assumed: the order of a flow's tasks does not matter, only the order of their types.
    # Assumed: tasks run as Filter, Validate, Mask, Truncate, Arithmetic, Merge, at last Map.
    # Assumed: all tasks but Map read every field of the record.

    def __init__(self) -> None:
        self.filters: list[Check] = []
        self.validations: list[tuple[Check, bool]] = []
        self.changes: dict[str, list[Change]] = {
            kind: [] for kind in ("Mask", "Truncate", "Arithmetic", "Merge")
        }
        self.projected: set[str] = set()
        self.maps: list[tuple[str, str]] = []

    @property
    def may_drop_all(self) -> bool:
        """Return whether a record can end the run, so that all must be checked first."""
        return any(drops_all for _, drops_all in self.validations)

    def apply(self, record: Wire) -> Wire | None:
        """Return the changed record; None if it is left out.

        Raises:
            DatasetDropped: the record fails a validation that ends the run.
        """
        if not all(passes(record) for passes in self.filters):
            return None
        for passes, drops_all in self.validations:
            if not passes(record):
                if drops_all:
                    raise DatasetDropped
                return None
        record = dict(record)
        for changes in self.changes.values():
            for change in changes:
                change(record)
        return self._mapped(record)

    def _mapped(self, record: Wire) -> Wire:
        # Assumed: without Map tasks the object has the fields of the projection, else all fields.
        if not self.maps and not self.projected:
            return record
        mapped: Wire = {}
        for name, destination in self.maps or [(name, name) for name in sorted(self.projected)]:
            # Assumed: a field that is missing or null in a record is left out of the object.
            if (value := operators.value_of(record, name)) is not None:
                operators.put(mapped, destination, value)
        return mapped


def compile_tasks(tasks: Sequence[Wire], member: str) -> Tasks:
    """Compile the tasks of a flow.

    Args:
        tasks: the tasks, as in a request.
        member: the name of the flow's connector in ConnectorOperator.

    Raises:
        Refusal: a task breaks a rule; the message names its number and the member.
    """
    compiled = Tasks()
    for number, task in enumerate(tasks, start=1):
        _Task(number, task, member).add_to(compiled)
    _check_maps(compiled, tasks)
    return compiled


def _check_maps(compiled: Tasks, tasks: Sequence[Wire]) -> None:
    made = {task["DestinationField"] for task in tasks if "DestinationField" in task}
    for name, _ in compiled.maps:
        # Assumed: a Map task reads fields that a PROJECTION lists or another task writes.
        if compiled.projected and name not in compiled.projected | made:
            raise bad_request(
                f"Tasks: a Map task reads '{name}', which no Filter task with PROJECTION lists; "
                "list it there"
            )


class _Task:
    """One task while it is compiled."""

    def __init__(self, number: int, task: Wire, member: str) -> None:
        self.where = f"Tasks.{number}"
        self.kind: str = task["TaskType"]
        self.sources: list[str] = task["SourceFields"]
        self.destination: str = task.get("DestinationField", "")
        self.properties: dict[str, str] = task.get("TaskProperties", {})
        self.operator = self._operator(task.get("ConnectorOperator", {}), member)

    def add_to(self, tasks: Tasks) -> None:
        if not self.sources:
            raise bad_request(f"{self.where}.SourceFields is empty; name the fields to work on")
        if self.kind == "Filter":
            if self.operator == "PROJECTION":
                tasks.projected.update(self.sources)
            elif self.operator != "NO_OP":
                tasks.filters.append(self._filter())
        elif self.kind == "Map":
            source = self._source()
            # Assumed: a Map task without DestinationField keeps the field's name.
            tasks.maps.append((source, self.destination or source))
        elif self.kind == "Validate":
            tasks.validations.append((self._validation(), self._drops_all()))
        else:
            compilers = {
                "Mask": self._mask,
                "Truncate": self._truncate,
                "Arithmetic": self._arithmetic,
                "Merge": self._merge,
            }
            tasks.changes[self.kind].append(compilers[self.kind]())

    def _operator(self, operators_by_connector: Wire, member: str) -> str:
        if others := [name for name in operators_by_connector if name != member]:
            raise bad_request(
                f"{self.where}.ConnectorOperator.{others[0]} does not belong to the flow's "
                f"connector; give {member}"
            )
        operator = operators_by_connector.get(member)
        known = _known(self.kind, member)
        if operator is None:
            if self.kind in _PLAIN:
                return "NO_OP"
            raise bad_request(
                f"{self.where}.ConnectorOperator.{member} is missing; a task of TaskType "
                f"{self.kind} needs one of {', '.join(known)}"
            )
        if operator not in known:
            raise bad_request(
                f"{self.where}.ConnectorOperator.{member} {operator} is not for TaskType "
                f"{self.kind}; use one of {', '.join(known)}"
            )
        return str(operator)

    def _source(self) -> str:
        if len(self.sources) != 1:
            raise bad_request(
                f"{self.where}.SourceFields has {len(self.sources)} fields; a task of TaskType "
                f"{self.kind} with {self.operator} takes one"
            )
        return self.sources[0]

    def _required_destination(self) -> str:
        if not self.destination:
            raise bad_request(
                f"{self.where}.DestinationField is missing; a task of TaskType {self.kind} "
                "writes its result there"
            )
        return self.destination

    def _property(self, name: str) -> str:
        if name not in self.properties:
            raise bad_request(
                f"{self.where}.TaskProperties.{name} is missing; {self.operator} of TaskType "
                f"{self.kind} needs it"
            )
        return self.properties[name]

    def _length(self, name: str) -> int:
        text = self._property(name)
        if not re.fullmatch("[1-9][0-9]{0,8}", text):
            raise bad_request(f"{self.where}.TaskProperties.{name} must be a positive number")
        return int(text)

    def _filter(self) -> Check:
        name, operator = self._source(), self.operator
        read = operators.reader(self.properties.get("DATA_TYPE", ""))
        bounds = [self._read_bound(read, text) for text in self._bounds()]

        def passes(record: Wire) -> bool:
            text = operators.text_of(record, name)
            value = None if text is None else read(text)
            if value is None:
                # Assumed: a field that is missing or not of the DATA_TYPE passes NOT_EQUAL_TO only.
                return operator == "NOT_EQUAL_TO"
            return operators.compare(operator, value, bounds)

        return passes

    def _bounds(self) -> list[str]:
        if self.operator == "BETWEEN":
            return [self._property("LOWER_BOUND"), self._property("UPPER_BOUND")]
        if (
            self.operator in {"EQUAL_TO", "NOT_EQUAL_TO", "CONTAINS"}
            and "VALUES" in self.properties
        ):
            # Assumed: VALUES are separated by commas; any may match, for NOT_EQUAL_TO none.
            return self.properties["VALUES"].split(",")
        return [self._property("VALUE")]

    def _read_bound(self, read: Callable[[str], Any], text: str) -> Any:
        bound = read(text)
        if bound is None:
            raise bad_request(
                f"{self.where}.TaskProperties has a value that is not of its DATA_TYPE "
                f"{self.properties['DATA_TYPE']}"
            )
        return bound

    def _drops_all(self) -> bool:
        # Assumed: a Validate task without VALIDATION_ACTION drops the record.
        action = self.properties.get("VALIDATION_ACTION", "DropRecord")
        if action not in _ACTIONS:
            raise bad_request(
                f"{self.where}.TaskProperties.VALIDATION_ACTION must be DropRecord or DropDataset"
            )
        return action == "DropDataset"

    def _validation(self) -> Check:
        names, fits = self.sources, operators.FITS[self.operator]
        return lambda record: all(fits(operators.text_of(record, name)) for name in names)

    def _mask(self) -> Change:
        sign = self.properties.get("MASK_VALUE", "*")
        needs_length = self.operator != "MASK_ALL" or "MASK_LENGTH" in self.properties
        length = self._length("MASK_LENGTH") if needs_length else 0
        mask = operators.MASKS[self.operator]
        return self._on_texts(lambda text: mask(text, sign, length))

    def _truncate(self) -> Change:
        length = self._length("TRUNCATE_LENGTH")
        return self._on_texts(lambda text: text[:length])

    def _on_texts(self, change: Callable[[str], str]) -> Change:
        names = self.sources

        def apply(record: Wire) -> None:
            for name in names:
                text = operators.text_of(record, name)
                if text is not None:
                    operators.put(record, name, change(text))

        return apply

    def _arithmetic(self) -> Change:
        destination, operator = self._required_destination(), self.operator
        order = self.properties.get("MATH_OPERATION_FIELDS_ORDER")
        names = self.sources if order is None else order.split(",")
        if sorted(names) != sorted(self.sources) or len(names) != _OPERANDS:
            raise bad_request(
                f"{self.where}.SourceFields must be two fields, and "
                "TaskProperties.MATH_OPERATION_FIELDS_ORDER the same ones"
            )

        def apply(record: Wire) -> None:
            left, right = (operators.text_of(record, name) or "" for name in names)
            operators.put(record, destination, operators.calculate(operator, left, right))

        return apply

    def _merge(self) -> Change:
        destination, names = self._required_destination(), self.sources
        # Assumed: CONCAT_FORMAT names fields as ${field}; without it their values are joined.
        layout = self.properties.get("CONCAT_FORMAT")
        if unknown := [name for name in _PLACEHOLDER.findall(layout or "") if name not in names]:
            raise bad_request(
                f"{self.where}.TaskProperties.CONCAT_FORMAT names '{unknown[0]}', which is none "
                "of SourceFields"
            )

        def apply(record: Wire) -> None:
            texts = {name: operators.text_of(record, name) or "" for name in names}
            merged = "".join(texts[name] for name in names)
            if layout is not None:
                merged = _PLACEHOLDER.sub(lambda match: texts[match[1]], layout)
            operators.put(record, destination, merged)

        return apply


_OPERANDS = 2


def _known(kind: str, member: str) -> list[str]:
    """Return the operators of a task type that the connector has."""
    shape: Any = _wire.service().shape_for("ConnectorOperator")
    return [name for name in OPERATORS[kind] if name in shape.members[member].enum]
