"""Import an export into a new domain, in steps, so that an interrupted import can continue."""

from __future__ import annotations

import json
import secrets
import shutil
from dataclasses import dataclass, field
from functools import partial
from itertools import islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from customer_profiles.channels.embedded import EngineChannel
from customer_profiles.errors import (
    BadRequestError,
    CustomerProfilesError,
    InvalidInputError,
    ResourceNotFoundError,
    TransferError,
)
from customer_profiles.models.domain import Domain, DomainFields
from customer_profiles.models.integration import Integration, IntegrationFields
from customer_profiles.models.layout import Layout, LayoutFields
from customer_profiles.models.object_type import ObjectType
from customer_profiles.models.profile import Profile
from customer_profiles.models.segment import Segment, SegmentFields
from customer_profiles.repositories.domains import Domains
from customer_profiles.repositories.private_files import write_private
from customer_profiles.repositories.profiles import creatable
from customer_profiles.repositories.tags import Tags

from .definitions import CalculatedAttributeWriter, settings_of
from .ids import NO_ID, IdLog, IdMap
from .manifest import MANIFEST, SETTINGS, Manifest, file_errors, hash_of, read_manifest, verify
from .parts import read_rows

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from customer_profiles._gateway import Gateway
    from customer_profiles._wire import Wire

    from .parts import Row

MARK = "customer-profiles-import"
"""The tag of a domain whose import is not complete; its value is the id of the import."""
_BATCH = 1_000
_AT_ONCE = 20
_MAYBE_TWICE = (
    "the import was interrupted, and AWS lists no profiles: one or a few that no e-mail address, "
    "phone or account number finds may be stored twice"
)
_NO_DECISIONS = "decisions about pairs of profiles: AWS keeps none"
# Fields by which the service finds profiles. They are set after the objects were put, so that each
# object finds the only profile that has the keys of its own.
_KEY_MEMBERS = frozenset(
    {
        *("AccountNumber", "FirstName", "MiddleName", "LastName"),
        *("PhoneNumber", "MobilePhoneNumber", "HomePhoneNumber", "BusinessPhoneNumber"),
        *("EmailAddress", "PersonalEmailAddress", "BusinessEmailAddress"),
    }
)
_SEARCHED = (
    ("EmailAddress", "email"),
    ("PhoneNumber", "phone"),
    ("AccountNumber", "account"),
    ("PersonalEmailAddress", "email"),
    ("MobilePhoneNumber", "phone"),
)
_FIXED = ("gender", "party_type", "profile_type")


@dataclass(frozen=True)
class ImportReport:
    """What an import stored."""

    domain_name: str
    """The new domain."""
    counts: dict[str, int]
    """How many of each kind were stored."""
    not_imported: list[str] = field(default_factory=list)
    """What is not as it was in the export, in words."""

    @property
    def is_complete(self) -> bool:
        """Whether all that the export has was stored."""
        return not self.not_imported


class _State(BaseModel):
    """How far an import is; it is written after each step."""

    import_id: str
    manifest: str
    """The hash of the manifest."""
    domain: str
    step: int = 0
    position: int = 0
    """How many rows of the step are done."""
    problems: dict[str, int] = {}
    """What could not be stored, with counts."""
    counts: dict[str, int] = {}


def import_domain(  # noqa: PLR0913  (all but the folder are seldom given)
    gateway: Gateway,
    folder: str | os.PathLike[str],
    *,
    name: str | None = None,
    state: str | os.PathLike[str] | None = None,
    ids: str | os.PathLike[str] | None = None,
    event_stream_uri: str | None = None,
    on_progress: Callable[[str, int], object] | None = None,
    **settings: Any,
) -> ImportReport:
    """Import an export as a new domain, or continue an import that was interrupted.

    Args:
        gateway: the way to the service, on AWS or embedded.
        folder: the folder of the export.
        name: the name of the new domain; None for the one that was exported.
        state: the folder that remembers how far the import is; None for one in `folder`.
        ids: a CSV file to write the former and the new id of each profile to.
        event_stream_uri: the Kinesis data stream to which the event stream sends; None creates no
            event stream.
        on_progress: called with the kind and the number of its rows, now and then.
        settings: settings of the domain to use instead of those that were exported, such as
            `default_encryption_key`.

    Raises:
        TransferError: the export is damaged or not whole, or the domain exists.
    """
    path = Path(folder)
    with file_errors(path, "import"):
        manifest = read_manifest(path)
        verify(path, manifest)
        progress, home = _begin(gateway, path, name or manifest.domain, state)
        run = _Import(
            gateway,
            path,
            manifest,
            state=progress,
            home=home,
            settings=settings,
            event_stream_uri=event_stream_uri,
            on_progress=on_progress or (lambda *_: None),
        )
        return run.run(None if ids is None else Path(ids))


def _begin(
    gateway: Gateway,
    folder: Path,
    name: str,
    state: str | os.PathLike[str] | None,
) -> tuple[_State, Path]:
    """Return the state of the import of a domain, and the folder that it is in."""
    root = folder if state is None else Path(state)
    known = hash_of(folder / MANIFEST)
    try:
        mark = Tags(gateway).all(Domains(gateway).get(name)).get(MARK)
    except ResourceNotFoundError:
        import_id = secrets.token_hex(8)
        home = root / f"import-{import_id}"
        home.mkdir(mode=0o700, parents=True)
        progress = _State(import_id=import_id, manifest=known, domain=name)
        _save(home, progress)
        return progress, home
    if mark is None:
        msg = f"domain {name} exists; import under another name, or delete it first"
        raise TransferError(msg)
    home = root / f"import-{mark}"
    try:
        progress = _State.model_validate_json((home / "state.json").read_bytes())
    except (FileNotFoundError, ValueError):
        msg = (
            f"domain {name} has an import that is not complete, whose state is not in {root}; "
            "give its folder, or delete the domain and import again"
        )
        raise TransferError(msg) from None
    if progress.manifest != known:
        msg = f"the import of domain {name} began from another export; delete the domain first"
        raise TransferError(msg)
    return progress, home


def _save(home: Path, progress: _State) -> None:
    write_private(home / "state.json", progress.model_dump_json().encode())


class _Import:
    """One run of an import."""

    def __init__(  # noqa: PLR0913  (what it works on)
        self,
        gateway: Gateway,
        folder: Path,
        manifest: Manifest,
        *,
        state: _State,
        home: Path,
        settings: Wire,
        event_stream_uri: str | None,
        on_progress: Callable[[str, int], object],
    ) -> None:
        self._folder, self._manifest = folder, manifest
        self._domains, self._tags = Domains(gateway), Tags(gateway)
        self._state, self._home = state, home
        self._overrides = settings
        self._event_stream_uri = event_stream_uri
        self._on_progress = on_progress
        self._embedded = isinstance(gateway.channel, EngineChannel)
        self._content: dict[str, Any] = json.loads((folder / SETTINGS).read_bytes())
        self._domain = self._domains.named(state.domain)
        self._ids = IdLog(home / "ids.bin")
        self._resumed = state.step > 0

    def run(self, ids: Path | None) -> ImportReport:
        steps = (
            self._create_domain,
            self._put_types,
            self._create_profiles,
            self._put_objects,
            self._finish_profiles,
            self._store_decisions,
            self._put_rest,
            self._verify,
        )
        for number, step in enumerate(steps):
            if self._state.step == number:
                step()
                self._state.step, self._state.position = number + 1, 0
                _save(self._home, self._state)
        if ids is not None:
            self._write_ids(ids)
        self._tags.remove(self._domain_record(), MARK)
        shutil.rmtree(self._home)
        problems = [f"{count:,} {what}" for what, count in self._state.problems.items() if count]
        notes = [what for what, count in self._state.problems.items() if not count]
        return ImportReport(self._state.domain, self._state.counts, [*problems, *notes])

    def _domain_record(self) -> Domain:
        return self._domains.get(self._state.domain)

    def _problem(self, what: str, count: int = 1) -> None:
        """Count what is not as it was; a count of 0 is a statement without a number."""
        self._state.problems[what] = self._state.problems.get(what, 0) + count

    # The settings that matching needs are set at the end, so that no job runs in between.

    def _create_domain(self) -> None:
        wire = Domain._from_wire(self._content["Domain"])
        known = settings_of(wire, DomainFields, "matching", "rule_based_matching")
        known["tags"] = {**(wire.tags or {}), MARK: self._state.import_id}
        try:
            self._domains.create(self._state.domain, **{**known, **self._overrides})
        except BadRequestError:
            mark = self._tags.all(self._domain_record()).get(MARK)
            if mark != self._state.import_id:
                raise

    def _put_types(self) -> None:
        for wire in self._content["ObjectTypes"]:
            self._domain.object_types.put(ObjectType._from_wire(wire))
        self._state.counts["object_types"] = len(self._content["ObjectTypes"])
        if "CalculatedAttributes" in self._content:
            self._write_calculated_attributes(self._content["CalculatedAttributes"])

    # Before the objects, which are counted from the creation of a calculated attribute on.

    def _write_calculated_attributes(self, wires: list[Wire]) -> None:
        writer = CalculatedAttributeWriter(self._domain)
        if others := writer.others(wires):
            if (self._manifest.source == "embedded") == self._embedded:
                for name in others:
                    writer.delete(name)
            else:
                names = ", ".join(others)
                self._problem(f"default calculated attributes that the export lacks: {names}", 0)
        self._each("calculated_attributes", wires, writer.write)

    def _rows(self, kind: str, start: int = 0) -> Iterator[Row]:
        return read_rows(self._folder, self._manifest.of_kind(kind), start)

    # Profiles.

    def _create_profiles(self) -> None:
        if self._resumed:
            self._adopt()
        rows = self._rows("profiles", self._ids.count)
        while batch := list(islice(rows, _BATCH)):
            try:
                self._create(batch)
            finally:
                self._ids.flush()
            _save(self._home, self._state)
            self._on_progress("profiles", self._ids.count)
        refused = self._state.problems.get("profiles were refused", 0)
        self._state.counts["profiles"] = self._ids.count - refused

    def _create(self, rows: list[Row]) -> None:
        profiles = [Profile._from_wire(_first_form(row)) for row in rows]
        results = self._domain.profiles.create_many(profiles)
        for row, result in zip(rows, results, strict=True):
            if result.profile_id is not None:
                self._keep(row, result.profile_id)
            elif isinstance(result.error, (BadRequestError, InvalidInputError)):
                self._problem("profiles were refused")
                self._ids.add(row["Profile"]["ProfileId"], NO_ID)
            elif result.error is not None:
                raise result.error

    def _keep(self, row: Row, profile_id: str) -> None:
        """Add the keys by which the objects of a profile find it, and remember its id."""
        for member in ("ObjectKeys", "AddedKeys"):
            for name, values in row.get(member, {}).items():
                self._domain.profiles.add_key(profile_id, name, *values)
        self._ids.add(row["Profile"]["ProfileId"], profile_id)

    def _adopt(self) -> None:
        """Find the profiles that an interrupted import created and did not remember."""
        rows = self._rows("profiles", self._ids.count)
        if self._embedded:
            # Nothing but the import writes to the domain, and profiles are listed as created.
            known = sum(new != NO_ID for new in self._ids.new_ids())
            stored = islice(self._domain.profiles.all(), known, None)
            for profile, row in zip(stored, rows, strict=False):
                if not _has_values(profile, _first_form(row)):
                    msg = (
                        f"domain {self._state.domain} was changed since its import was "
                        "interrupted; delete it, and import again"
                    )
                    raise TransferError(msg)
                self._keep(row, profile.profile_id)
        else:
            for row in islice(rows, _BATCH):
                wire = _first_form(row)
                if not any(wire.get(member) for member, _ in _SEARCHED):
                    self._problem(_MAYBE_TWICE, 0)
                found = self._find(wire)
                if found is None:
                    self._create([row])
                else:
                    self._keep(row, found)
        self._ids.flush()

    def _find(self, wire: Wire) -> str | None:
        """Return the id of a profile that has exactly these values, by its keys."""
        for member, key in _SEARCHED:
            if not wire.get(member):
                continue
            options: Any = {key: wire[member]}
            for profile in self._domain.profiles.search(**options):
                if _has_values(profile, wire):
                    return profile.profile_id
            return None
        return None

    # Objects.

    def _put_objects(self) -> None:
        rows = self._rows("objects", self._state.position)
        before = self._state.counts.get("objects", 0)
        while batch := list(islice(rows, _BATCH)):
            for name, run in _by_type(batch):
                results = self._domain.objects(name).put_each([row["Object"] for row in run])
                for result in results:
                    if result.error is None:
                        before += 1
                    else:
                        code = getattr(result.error, "code", type(result.error).__name__)
                        self._problem(f"objects of type {name} were refused ({code})")
            self._state.position += len(batch)
            self._state.counts["objects"] = before
            _save(self._home, self._state)
            self._on_progress("objects", self._state.position)

    # Values that objects have set, and those that waited for the objects.

    def _finish_profiles(self) -> None:
        start = self._state.position
        rows = zip(self._rows("profiles", start), self._ids.new_ids(start), strict=True)
        while batch := list(islice(rows, _BATCH)):
            waiting = {new: row for row, new in batch if _has_objects(row) and new != NO_ID}
            ids = list(waiting)
            for first in range(0, len(ids), _AT_ONCE):
                for profile in self._domain.profiles.get_many(ids[first : first + _AT_ONCE]):
                    self._assign(profile, waiting[profile.profile_id]["Profile"])
            self._state.position += len(batch)
            _save(self._home, self._state)
            self._on_progress("values", self._state.position)

    def _assign(self, profile: Profile, wire: Wire) -> None:
        wanted = Profile._from_wire(creatable(wire))
        for name in Profile.model_fields:
            value = getattr(wanted, name)
            if name in ("profile_id", "found_by") or value == getattr(profile, name):
                continue
            if value is None and name in _FIXED:
                self._problem(f"profiles have a {name} that an object set and nothing can clear")
            else:
                setattr(profile, name, value)
        profile.save()

    # Decisions, and settings that start something.

    def _store_decisions(self) -> None:
        rows = self._rows("decisions")
        if not self._embedded:
            if self._manifest.of_kind("decisions"):
                self._problem(_NO_DECISIONS, 0)
            return
        new_ids = self._id_map() if self._manifest.of_kind("decisions") else None
        count = 0
        for row in rows:
            left, right = (new_ids.get(old) if new_ids else None for old in row["ProfileIds"])
            if left is None or right is None:
                self._problem("decisions are about profiles that were not exported")
                continue
            self._domain.matches.decide(left, right, same=row["IsMatch"])
            count += 1
        self._state.counts["decisions"] = count

    def _id_map(self) -> IdMap:
        return IdMap(self._ids.pairs(), self._ids.count)

    def _put_rest(self) -> None:
        record = Domain._from_wire(self._content["Domain"])
        known = settings_of(record, DomainFields)
        later: dict[str, Any] = {
            name: known[name] for name in ("matching", "rule_based_matching") if name in known
        }
        if later:
            later |= {name: self._overrides[name] for name in later if name in self._overrides}
            self._domains.update(self._state.domain, **later)
        self._each("layouts", self._content["Layouts"], self._create_layout)
        self._each("integrations", self._content["Integrations"], self._put_integration)
        self._each("segments", self._content.get("Segments", []), self._create_segment)
        streams = self._content.get("EventStreams", [])
        if (uri := self._event_stream_uri) is not None:
            self._each("event_streams", streams, partial(self._create_event_stream, uri))
        elif streams:
            name, sent_to = streams[0]["EventStreamName"], streams[0]["DestinationDetails"]["Uri"]
            self._problem(
                f"event stream {name}, which sent to {sent_to}, was not created: give its "
                "event_stream_uri to let the new domain send records too",
                0,
            )

    def _each(self, kind: str, wires: list[Wire], store: Callable[[Wire], object]) -> None:
        count = 0
        for wire in wires:
            try:
                count += store(wire) is not False
            except CustomerProfilesError as error:
                self._problem(f"of the {kind.replace('_', ' ')} were refused: {error}")
        self._state.counts[kind] = count

    def _create_layout(self, wire: Wire) -> None:
        layout = Layout._from_wire(wire)
        name = layout.layout_definition_name
        settings: Any = settings_of(layout, LayoutFields)
        try:
            self._domain.layouts.create(name, **settings)
        except BadRequestError:
            if not _is_there(self._domain.layouts, name):
                raise

    def _create_segment(self, wire: Wire) -> None:
        segment = Segment._from_wire(wire)
        name, groups = segment.segment_definition_name, segment.segment_groups
        settings = settings_of(segment, SegmentFields, "sort", "tags")
        settings |= {"tags": segment.tags} if segment.tags else {}
        settings |= {"sort": segment.segment_sort} if segment.segment_sort else {}
        try:
            self._domain.segments.create(name, groups, sql=segment.segment_sql_query, **settings)
        except BadRequestError:
            if not _is_there(self._domain.segments, name):
                raise

    def _create_event_stream(self, uri: str, wire: Wire) -> None:
        name, streams = wire["EventStreamName"], self._domain.event_streams
        try:
            streams.create(name, uri, tags=wire.get("Tags") or None)
        except BadRequestError:
            if not _is_there(streams, name):
                raise

    def _put_integration(self, wire: Wire) -> None:
        integration = Integration._from_wire(wire)
        settings: Any = settings_of(integration, IntegrationFields)
        self._domain.integrations.put(integration.uri, **settings)

    # Verification.

    def _verify(self) -> None:
        wanted = self._manifest.counts
        if not self._embedded:
            return
        stats = self._domain_record().stats
        stored = (stats and stats.profile_count) or 0
        if stored != wanted.get("profiles", 0):
            self._problem(
                f"profiles more or fewer than the {wanted.get('profiles', 0):,} of the export",
                abs(stored - wanted.get("profiles", 0)),
            )
        if wanted.get("objects"):
            self._verify_objects()

    def _verify_objects(self) -> None:
        """Check that each object is stored, and that it belongs to the profile that it had."""
        new_ids = self._id_map()
        for wire in self._content["ObjectTypes"]:
            name = wire["ObjectTypeName"]
            stored = self._domain.objects(name).all().with_profile_ids()
            exported = (row for row in self._rows("objects") if row["ObjectTypeName"] == name)
            current = next(stored, None)
            lost = moved = 0
            for row in exported:
                if current is None or not _is_same(current[1], row):
                    lost += 1
                    continue
                moved += new_ids.get(row["ProfileId"]) != current[0]
                current = next(stored, None)
            if lost:
                self._problem(f"objects of type {name} are not stored as they were", lost)
            if moved:
                self._problem(f"objects of type {name} belong to other profiles", moved)

    def _write_ids(self, path: Path) -> None:
        lines = (f"{old},{new}\n" for old, new in self._ids.pairs())
        with path.open("w", encoding="ascii") as file:
            file.write("former_profile_id,profile_id\n")
            file.writelines(lines)


def _is_there(documents: Any, name: str) -> bool:
    """Return whether an interrupted import created a document."""
    try:
        documents.get(name)
    except ResourceNotFoundError:
        return False
    return True


def _first_form(row: Row) -> Wire:
    """Return what a profile is created with: all, or what no object is found by."""
    wire = creatable(row["Profile"])
    if not _has_objects(row):
        return wire
    return {name: value for name, value in wire.items() if name not in _KEY_MEMBERS}


def _has_objects(row: Row) -> bool:
    # A key that was added may be one of an object too.
    return any(row.get(member) for member in ("ObjectKeys", "AddedKeys", "HasObjects"))


def _has_values(profile: Profile, wire: Wire) -> bool:
    """Return whether a profile has exactly the values that it would be created with."""
    return creatable(profile._to_wire()) == Profile._from_wire(wire)._to_wire()


def _by_type(rows: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Yield runs of objects of one type, in their order."""
    run: list[Row] = []
    for row, following in zip_longest(rows, rows[1:]):
        run.append(row)
        if following is None or following["ObjectTypeName"] != row["ObjectTypeName"]:
            yield row["ObjectTypeName"], run
            run = []


def _is_same(stored: Any, row: Row) -> bool:
    if stored.profile_object_unique_key != row["ProfileObjectUniqueKey"]:
        return False
    return stored.object == row["Object"] or bool(
        json.loads(stored.object) == json.loads(row["Object"])
    )
