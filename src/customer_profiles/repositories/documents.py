"""The kernel of named documents: create, get, list, update, save and delete by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from customer_profiles import _wire
from customer_profiles._problems import refuse

from .base import Collection, R, build, pascal, with_extra

if TYPE_CHECKING:
    from collections.abc import Mapping

    from customer_profiles._wire import Wire

    from .base import Extra


class Documents(Collection[R]):
    """Records that are created, updated and deleted by their names.

    A kind is a subclass: it declares its model, its page, its fields and its operations, and
    gives `create` and `update` the types of their keywords.
    """

    _fields: ClassVar[frozenset[str]]
    """The fields that `create` and `update` take, without the name."""
    _defaults: ClassVar[Wire] = {}
    """The fields that `create` sets where the caller does not."""
    _CREATE: ClassVar[str]
    _UPDATE: ClassVar[str]

    def get(self, name: str) -> R:
        """Read one by its name.

        Raises:
            ResourceNotFoundError: there is none of that name.
        """
        return self._read_by_name(name)

    def delete(self, name: str) -> None:
        """Delete one by its name.

        Raises:
            ResourceNotFoundError: there is none of that name.
        """
        self._delete_by_name(name)

    def save(self, record: R) -> None:
        """Send what changed in a record since it was read, nothing else."""
        before, after = self._before_and_after(record, self._UPDATE)
        changes, problems = _wire.difference(before, after, _wire.input_shape(self._UPDATE))
        refuse(problems, self._UPDATE)
        if changes:
            saved = self._read(self._UPDATE, {pascal(self._key): self._name_of(record)} | changes)
            record._attach(*saved._origin())

    def _create(self, name: str, settings: Mapping[str, Any], extra: Extra) -> R:
        record = self._build(name, {**self._defaults, **settings})
        wire = _wire.fit(record._to_wire(), _wire.input_shape(self._CREATE))
        return self._read(self._CREATE, with_extra(wire, extra, self._model, self._CREATE))

    def _update(self, name: str, settings: Mapping[str, Any], extra: Extra) -> R:
        shape = _wire.input_shape(self._UPDATE)
        wire = _wire.fit(self._build(name, settings)._to_wire(keep_none=True), shape)
        changes, problems = _wire.patch(wire, shape)
        refuse(problems, self._UPDATE)
        changes = with_extra(changes, extra, self._model, self._UPDATE)
        return self._read(self._UPDATE, changes) if len(changes) > 1 else self.get(name)

    def _build(self, name: str, settings: Mapping[str, Any]) -> R:
        return build(self._model, {self._key: name, **settings}, self._fields | {self._key})
