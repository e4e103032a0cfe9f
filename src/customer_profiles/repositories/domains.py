"""The domains of an account and region."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from pydantic.alias_generators import to_pascal

from customer_profiles.channels.embedded import EngineChannel, embedded
from customer_profiles.models.domain import Domain, DomainFields, DomainStats
from customer_profiles.models.event_stream import Delivery
from customer_profiles.models.profile_object import DeadLetter

from .documents import Documents

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from customer_profiles._gateway import Gateway
    from customer_profiles.transfer import ExportReport, ImportReport

    from .base import Extra


PROFILE_KEYS = ("_account", "_email", "_fullName", "_phone", "_profileId")
"""The keys of a profile's own fields."""
_NAMES_SHOWN = 20
_NO_DELIVERIES = (
    "only the embedded engine tells how it delivers; on AWS the destination of an event stream "
    "has a status"
)


class Domains(Documents[Domain]):
    """The domains of an account and region.

    Listed domains have their name, times and tags; `refresh()` reads the rest.

    Source: CreateDomain, GetDomain, UpdateDomain, DeleteDomain and ListDomains of the
    service's API reference.
    """

    _model, _noun = Domain, "domain"
    _key, _fields = "domain_name", frozenset(DomainFields.__annotations__)
    _defaults: ClassVar = {"default_expiration_days": 366}
    _CREATE = "CreateDomain"
    _GET = "GetDomain"
    _UPDATE = "UpdateDomain"
    _DELETE = "DeleteDomain"
    _LIST = "ListDomains"

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._scope = {}

    def create(
        self,
        name: str,
        /,
        *,
        extra: Extra = None,
        **settings: Unpack[DomainFields],
    ) -> Domain:
        """Create a domain.

        Args:
            name: up to 64 letters, digits, `_` and `-`.
            extra: members that only the service has, by their wire names, such as
                `{"NewMember": "x"}`.
            settings: any setting by its name; `default_expiration_days` is 366 when it is left
                out, as in the service's console.

        Raises:
            BadRequestError: a domain of that name exists.
            InvalidInputError: a setting breaks the service's rules; nothing was sent.
        """
        return self._create(name, settings, extra)

    def update(
        self,
        name: str,
        /,
        *,
        extra: Extra = None,
        **settings: Unpack[DomainFields],
    ) -> Domain:
        """Change settings, each as a whole; those that you leave out are kept.

        None clears the encryption key and the dead-letter queue. Without settings, the domain is
        read and nothing is changed.

        Args:
            name: the name.
            extra: members that only the service has, by their wire names, such as
                `{"NewMember": "x"}`.
            settings: the settings to change.

        Raises:
            ResourceNotFoundError: there is no such domain.
            InvalidInputError: a setting breaks the service's rules; nothing was sent.
        """
        return self._update(name, settings, extra)

    def named(self, name: str) -> Domain:
        """Return a domain that has only its name; sends nothing."""
        return Domain(domain_name=name)._attach(self, {"DomainName": name})

    def contents(self, name: str, collection: str, *args: Any) -> Any:
        """Return a collection of a domain, such as its `layouts`; sends nothing."""
        return _collection_class(collection)(self._gateway, name, *args)

    def export(
        self, domain: Domain, folder: str | os.PathLike[str], **options: Any
    ) -> ExportReport:
        """Export a domain into a folder; see `Domain.export`."""
        report: ExportReport = _transfer().export_domain(domain, folder, **options)
        return report

    def import_from(  # noqa: PLR0913  (all but the folder are seldom given)
        self,
        folder: str | os.PathLike[str],
        name: str | None = None,
        *,
        state: str | os.PathLike[str] | None = None,
        ids: str | os.PathLike[str] | None = None,
        event_stream_uri: str | None = None,
        on_progress: Callable[[str, int], object] | None = None,
        **settings: Unpack[DomainFields],
    ) -> ImportReport:
        """Import an export as a new domain.

        Files are checked first, and what was stored is counted at the end. Profiles get new ids.
        After an interruption, call it again with the same folder and name: it continues. Until the
        import is complete, the domain has the tag `customer-profiles-import`.

        Args:
            folder: the folder that `domain.export` wrote.
            name: the name of the new domain; None for the one that was exported.
            state: a folder that remembers how far the import is, if `folder` is read-only.
            ids: a CSV file to write the former and the new ids of the profiles to.
            event_stream_uri: the ARN of the Kinesis data stream to which the event stream of the
                export sends; None creates no event stream, so that a copy does not send records
                to the consumers of the original.
            on_progress: called with a kind, such as `profiles`, and the number of its rows.
            settings: settings of the domain instead of those that were exported, such as
                `default_encryption_key`.

        Returns:
            The counts, and in `not_imported` what is not as it was.

        Raises:
            TransferError: the export is damaged, not whole or foreign, or the domain exists.
        """
        report: ImportReport = _transfer().import_domain(
            self._gateway,
            folder,
            name=name,
            state=state,
            ids=ids,
            event_stream_uri=event_stream_uri,
            on_progress=on_progress,
            **settings,
        )
        return report

    def _describe(self, domain: Domain) -> str:
        """Return lines that say what is in a domain, for people.

        The embedded engine is queried, AWS is not.
        """
        channel = self._gateway.channel
        if not isinstance(channel, EngineChannel):
            if domain.stats is None:
                return f"domain {domain.domain_name}: refresh() reads what is in it"
            return _counted(domain.domain_name, domain.stats)
        wire = channel.extras.contents(domain.domain_name)
        lines = [_counted(domain.domain_name, DomainStats._from_wire(wire))]
        for noun, names in (
            ("object types", wire["ObjectTypeNames"]),
            ("keys", list(dict.fromkeys([*PROFILE_KEYS, *wire["KeyNames"]]))),
        ):
            shown = ", ".join(names[:_NAMES_SHOWN]) or "none"
            lines.append(f"{noun}: {shown}{', …' if len(names) > _NAMES_SHOWN else ''}")
        return "\n".join(lines)

    def dead_letters(self, name: str) -> list[DeadLetter]:
        """Read the objects that ingestion rejected, the oldest first; embedded only.

        Raises:
            InvalidInputError: this is AWS, where an SQS queue has them.
            ResourceNotFoundError: there is no such domain.
        """
        channel = embedded(
            self._gateway.channel,
            "only the embedded engine returns dead letters; on AWS they are messages in the "
            "SQS queue of the domain's dead_letter_queue_url",
        )
        return [DeadLetter._from_wire(wire) for wire in channel.dead_letters(name)]

    def deliveries(self, name: str) -> list[Delivery]:
        """Describe how well changes and dead letters are delivered; see `Domain.deliveries`."""
        channel = embedded(self._gateway.channel, _NO_DELIVERIES)
        return [Delivery._from_wire(wire) for wire in channel.deliveries(name)]

    def retry_deliveries(self, name: str) -> int:
        """Try undeliverable records again; see `Domain.retry_deliveries`."""
        return embedded(self._gateway.channel, _NO_DELIVERIES).retry_deliveries(name)


def _counted(name: str, stats: DomainStats) -> str:
    size = (stats.total_size or 0) / 1e6
    return (
        f"domain {name}: {_number(stats.profile_count, 'profile')}, "
        f"{_number(stats.object_count, 'object')} ({size:,.1f} MB)"
    )


def _number(count: int | None, noun: str) -> str:
    return f"{count or 0:,} {noun}{'' if count == 1 else 's'}"


def _transfer() -> Any:
    """Import the room that exports and imports when it is needed; it needs this one."""
    return import_module("customer_profiles.transfer")


@cache
def _collection_class(module: str) -> Any:
    """Import a collection when it is first used, so that a script pays for what it uses."""
    return getattr(import_module(f".{module}", __package__), to_pascal(module))
