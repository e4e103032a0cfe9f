"""The domains of an account and region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from pydantic import Field

from customer_profiles import _wire
from customer_profiles._problems import refuse
from customer_profiles._results import Results
from customer_profiles.channels.embedded import embedded
from customer_profiles.errors import InvalidInputError
from customer_profiles.models.base import attach_all
from customer_profiles.models.domain import Domain, DomainFields
from customer_profiles.models.profile_object import DeadLetter

from .base import Answer, build, source_of
from .profiles import Profiles

if TYPE_CHECKING:
    from customer_profiles._gateway import Gateway
    from customer_profiles._wire import Wire
    from customer_profiles.mapping.profile_object import ProfileObject

    from .integrations import Integrations
    from .jobs import Jobs
    from .matches import Matches
    from .object_types import ObjectTypes
    from .profile_objects import ProfileObjects

_CREATE = "CreateDomain"
_GET = "GetDomain"
_UPDATE = "UpdateDomain"
_DELETE = "DeleteDomain"
_LIST = "ListDomains"

_FIELDS = frozenset(DomainFields.__annotations__)


class _Page(Answer):
    items: list[Domain] | None = Field(default=None, validation_alias="Items")
    next_token: str | None = Field(default=None, validation_alias="NextToken")


def _read_page(body: bytes) -> _Page:
    return _Page.model_validate_json(body, extra="allow")


class Domains:
    """The domains of an account and region.

    Source: CreateDomain, GetDomain, UpdateDomain, DeleteDomain and ListDomains of the
    service's API reference.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def create(self, name: str, /, **settings: Unpack[DomainFields]) -> Domain:
        """Create a domain.

        Args:
            name: up to 64 letters, digits, `_` and `-`.
            settings: any setting by its name; `default_expiration_days` is 366 when it is left
                out, as in the service's console.

        Raises:
            BadRequestError: a domain of that name exists.
            InvalidInputError: a setting breaks the service's rules; nothing was sent.
        """
        fields = {"default_expiration_days": 366, **settings}
        domain = build(Domain, {"domain_name": name, **fields}, _FIELDS | {"domain_name"})
        shape: Any = _wire.operation(_CREATE).input_shape
        return self._read(_CREATE, _wire.fit(domain._to_wire(), shape))

    def get(self, name: str) -> Domain:
        """Read a domain with its settings and statistics.

        Raises:
            ResourceNotFoundError: there is no such domain.
        """
        return self._read(_GET, {"DomainName": name})

    def update(self, name: str, /, **settings: Unpack[DomainFields]) -> Domain:
        """Change the settings that are given, each as a whole; the others are kept.

        None clears the encryption key and the dead-letter queue. Nothing given sends nothing
        but reads the domain.

        Raises:
            ResourceNotFoundError: there is no such domain.
            InvalidInputError: a setting breaks the service's rules; nothing was sent.
        """
        shape: Any = _wire.operation(_UPDATE).input_shape
        patch = build(Domain, {"domain_name": name, **settings}, _FIELDS | {"domain_name"})
        given = _wire.fit(patch._to_wire(keep_none=True), shape)
        changes, problems = _wire.patch(given, shape)
        refuse(problems, _UPDATE)
        return self._update(changes)

    def delete(self, name: str) -> None:
        """Delete a domain and everything in it.

        Raises:
            ResourceNotFoundError: there is no such domain.
        """
        self._gateway.call(_DELETE, {"DomainName": name})

    def all(
        self, *, limit: int | None = None, page_size: int | None = None, start: str | None = None
    ) -> Results[Domain]:
        """List the domains; pages are fetched as you iterate.

        Listed domains know their name, times and tags; `refresh()` reads the rest.
        """

        def fetch(size: int, token: str | None) -> tuple[list[Domain], str | None]:
            request = {"MaxResults": size} | ({"NextToken": token} if token else {})
            answer, body = self._gateway.read(_LIST, request, _read_page)
            items = answer.items or []
            attach_all(items, self, body, "Items")
            return items, answer.next_token

        return Results(fetch, limit=limit, page_size=page_size, start=start)

    def named(self, name: str) -> Domain:
        """Give a domain that knows only its name; sends nothing."""
        return Domain(domain_name=name)._attach(self, {"DomainName": name})

    def profiles(self, name: str) -> Profiles:
        """Give the profiles of a domain; sends nothing."""
        return Profiles(self._gateway, name)

    def object_types(self, name: str) -> ObjectTypes:
        """Give the object types of a domain; sends nothing."""
        from .object_types import ObjectTypes

        return ObjectTypes(self._gateway, name)

    def objects(self, name: str, object_type: type[ProfileObject] | str) -> ProfileObjects[Any]:
        """Give the way for objects of one type into a domain; sends nothing."""
        from .profile_objects import ProfileObjects

        return ProfileObjects(self._gateway, name, object_type)

    def integrations(self, name: str) -> Integrations:
        """Give the integrations of a domain; sends nothing."""
        from .integrations import Integrations

        return Integrations(self._gateway, name)

    def matches(self, name: str) -> Matches:
        """Give the matches of a domain; sends nothing."""
        from .matches import Matches

        return Matches(self._gateway, name)

    def jobs(self, name: str) -> Jobs:
        """Give the identity-resolution jobs of a domain; sends nothing."""
        from .jobs import Jobs

        return Jobs(self._gateway, name)

    def dead_letters(self, name: str) -> list[DeadLetter]:
        """Read the objects that ingestion rejected, the oldest first; embedded only.

        Raises:
            InvalidInputError: this is AWS, where an SQS queue has them.
            ResourceNotFoundError: there is no such domain.
        """
        channel = embedded(
            self._gateway.channel,
            "only the embedded engine gives dead letters; on AWS they are messages of the "
            "SQS queue that is the domain's dead_letter_queue_url",
        )
        return [DeadLetter._from_wire(wire) for wire in channel.dead_letters(name)]

    def save(self, record: Domain) -> None:
        """Send what changed in a domain since it was read, nothing else."""
        shape: Any = _wire.operation(_UPDATE).input_shape
        stored, wanted = source_of(record), _wire.fit(record._to_wire(), shape)
        name = stored["DomainName"]
        if record.domain_name != name:
            msg = "domain_name cannot be changed: a domain keeps its name"
            raise InvalidInputError(msg)
        before = _wire.fit(stored, shape)
        if (before.pop("Tags", None) or {}) != (wanted.pop("Tags", None) or {}):
            msg = "a domain's tags are changed by cp.tags.add() and cp.tags.remove()"
            raise InvalidInputError(msg)
        changes, problems = _wire.difference(before, wanted, shape)
        refuse(problems, _UPDATE)
        if changes:
            saved = self._update({"DomainName": name} | changes)
            record._attach(*saved._origin())

    def _reread(self, record: Domain) -> Domain:
        """Read a domain again."""
        return self.get(str(source_of(record)["DomainName"]))

    def _erase(self, record: Domain) -> None:
        """Delete a domain."""
        self.delete(str(source_of(record)["DomainName"]))

    def _update(self, changes: Wire) -> Domain:
        if changes.keys() == {"DomainName"}:
            return self.get(changes["DomainName"])
        return self._read(_UPDATE, changes)

    def _read(self, operation: str, request: Wire) -> Domain:
        domain, body = self._gateway.read(operation, request, Domain._from_wire)
        return domain._attach(self, body)
