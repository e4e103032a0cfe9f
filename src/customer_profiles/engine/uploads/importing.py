"""The import of rows: each finds its profile by the unique value and updates it, or creates one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pydantic_core import from_json

from customer_profiles import _wire
from customer_profiles.engine.events import feed
from customer_profiles.engine.ingestion.batch import Batch
from customer_profiles.engine.profiles import changes, history, keys, owned_keys, provenance
from customer_profiles.engine.profiles.expiry import expires_after
from customer_profiles.engine.profiles.provenance import Source, Sources
from customer_profiles.engine.service.refusals import Refusal, bad_request
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import upload_jobs as store
from customer_profiles.engine.store.rows import key_slot, key_slots

from . import fields

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection
    from customer_profiles.engine.store.domains import DomainRow
    from customer_profiles.engine.store.profiles import Stored

    from .fields import Plan

SOURCE = "_uploadJob"
"""What the provenance of imported values has as the type of their object."""
_MOST_HOLDERS = 1_000
# Members that the shape requires, whatever the domain and the profile are.
_NAMES = {"DomainName": "-", "ProfileId": "0" * 32}


class _Record(NamedTuple):
    """A row of the file."""

    members: Wire
    """The members of a profile that it sets."""
    normal: str
    """The unique value in its normal form."""
    slot: int
    """The slot of the index that has the profiles with this value; 0 without an index."""


class Import:
    """The import of rows of a job, within one transaction."""

    def __init__(
        self,
        context: Context,
        connection: Connection,
        job: store.UploadJob,
        domain: DomainRow,
        plan: Plan,
    ) -> None:
        """Import into the domain of the job."""
        self._context, self._connection = context, connection
        self._domain, self._plan = domain, plan
        self._now = context.clock.now()
        self._expires = expires_after(self._now, job.expiry_days)
        # Assumed: a row replaces values of every source, and any later object replaces its values.
        self._source = Source(SOURCE, job.job_id, self._now, None, self._now)
        self._last_row = domain.last_row
        self._created = self._bytes = 0

    def all(self, rows: Sequence[Mapping[str, str]]) -> store.Results:
        """Import rows in their order, so that a later one replaces values of an earlier one."""
        records = [self._record(row) for row in rows]
        self._batch = Batch(
            self._connection,
            self._now,
            {record.slot for record in records if record.slot},
            self._domain.feed,
        )
        self._rows = self._read_rows({record.normal for record in records})
        updated = failed = 0
        for record in records:
            try:
                updated += self._import(record)
            except Refusal:
                failed += 1
        self._batch.write()
        more = domain_store.Counts(self._created, 0, self._bytes)
        domain_store.count_rows(self._connection, self._domain.id, self._last_row, more)
        return store.Results(updated, self._created, failed)

    def _record(self, row: Mapping[str, str]) -> _Record:
        unique = self._plan.unique
        value = row.get(unique.column, "")
        name, slot = unique.search_key, 0
        if name is not None and (normal := keys.normalize(name, value)):
            slot = key_slot(self._domain.id, (name, normal))
        return _Record(self._plan.members(row), unique.normalize(value) if value else "", slot)

    def _read_rows(self, normals: AbstractSet[str]) -> dict[str, list[int]]:
        """Return the profiles with these unique values, for a member without a search key."""
        unique = self._plan.unique
        if unique.search_key is not None:
            return {}
        found: dict[str, list[int]] = {normal: [] for normal in normals}
        for row, text in store.rows_with_text(
            self._connection, self._domain.id, unique.path, self._now
        ):
            if (rows := found.get(unique.normalize(text))) is not None:
                rows.append(row)
        return found

    def _import(self, record: _Record) -> bool:
        """Update the profile of a record, or create one; return whether it was updated.

        Raises:
            Refusal: the record is not valid; nothing of it is stored.
        """
        if not record.normal:
            # Assumed: a row without a unique value is a failed record.
            raise bad_request("The unique value is empty")
        found = self._holders(record)
        if len(found) > 1:
            raise bad_request("Several profiles have the unique value")
        if _wire.problems({**record.members, **_NAMES}, _wire.shape(fields.UPDATE)):
            # Assumed: a row with a value that its member cannot hold is a failed record.
            raise bad_request("A value of the row is not valid")
        if found:
            self._update(found[0], record.members)
        else:
            self._create(record)
        return bool(found)

    def _holders(self, record: _Record) -> list[Stored]:
        """Return the profiles whose value of the unique member is the record's."""
        unique = self._plan.unique
        if unique.search_key is not None:
            stored = self._batch.profiles(record.slot, _MOST_HOLDERS) if record.slot else []
            found = [item for item in stored if self._value_of(item) == record.normal]
            # Of a value of very many profiles, not all are read.
            return stored if len(stored) == _MOST_HOLDERS else found
        return [item for row in self._rows[record.normal] if (item := self._batch.profile(row))]

    def _value_of(self, stored: Stored) -> str | None:
        # A search key covers other members too, such as PersonalEmailAddress.
        return self._plan.unique.value_in(from_json(stored.body))

    def _create(self, record: _Record) -> None:
        profile = changes.new_profile(self._context, record.members)
        self._last_row += 1
        stored = profile.at(self._context, self._domain, self._last_row)._replace(
            expires=self._expires, sources=provenance.write(Sources(rest=self._source))
        )
        self._batch.insert_profile(stored)
        self._batch.enter(stored.id, key_slots(self._domain.id, profile.keys))
        if self._domain.feed:
            self._batch.record(feed.profile_written(stored, self._now, created=True))
        self._rows.setdefault(record.normal, []).append(stored.id)
        self._created += 1
        self._bytes += len(stored.body)

    def _update(self, stored: Stored, members: Wire) -> None:
        update = changes.update(self._context, self._domain, stored, members)
        body = update.stored.body
        sources = provenance.read_by_path(update.stored.sources, from_json(body), "ProfileId")
        for path, _ in provenance.leaves(members):
            sources.named[path] = self._source
        # AG:customer-profiles-data-expiration: of two imports of a profile, the longer one wins.
        expires = max(stored.expires, self._expires)
        if body != stored.body:
            history.add(self._context, self._connection, stored, "UPDATED", body)
            if self._domain.feed:
                self._batch.record(feed.profile_written(update.stored, self._now))
        self._batch.replace_profile(
            update.stored._replace(expires=expires, sources=provenance.write(sources))
        )
        if update.released:
            self._batch.flush()
            owned_keys.release(self._connection, update.stored, update.released)
            self._batch.forget(key_slots(self._domain.id, update.released))
        self._batch.enter(stored.id, key_slots(self._domain.id, update.gained))
        self._bytes += len(body) - len(stored.body)
