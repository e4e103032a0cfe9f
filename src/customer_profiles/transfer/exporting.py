"""Export a domain into a folder, in parts, so that an interrupted export can continue."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from customer_profiles.channels.embedded import EngineChannel
from customer_profiles.errors import (
    BadRequestError,
    BatchError,
    CustomerProfilesError,
    InvalidInputError,
    ResourceNotFoundError,
    TransferError,
)
from customer_profiles.repositories.base import source_of
from customer_profiles.repositories.private_files import private_file, write_private

from .definitions import is_own, read_definitions
from .manifest import (
    KINDS,
    MANIFEST,
    PROGRESS,
    SETTINGS,
    FileEntry,
    Manifest,
    file_errors,
    hash_of,
    read_manifest,
)
from .parts import PartWriter, check_format

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator

    from customer_profiles.models.domain import Domain
    from customer_profiles.models.profile import Profile

    from .manifest import PartFormat

_PART_ROWS = 50_000
_AT_ONCE = 20
_BATCH = 1_000
_NO_PROFILES = (
    "profiles, keys and objects: AWS lists no profiles of a domain; give `snapshot`, an address in "
    "S3 to which a segment of all profiles is exported, or the ids of the profiles"
)
_NO_KEYS = (
    "search keys that were added to profiles, or that objects provide: AWS does not return them"
)
_NO_FLOWS = "flows of integrations: the service does not return them"
_NEVER = (
    "history, provenance, jobs, upload jobs, matches, dead letters, and estimates and snapshots of "
    "segments: they are of this domain alone, and ids of profiles are assigned anew"
)
_NO_RECORDS = (
    "records that an event stream has not sent yet, and what it has sent: only its definition is "
    "exported"
)
_IDS = "ids.txt"
"""The ids of a snapshot, while an export is not complete."""


@dataclass(frozen=True)
class ExportReport:
    """What an export wrote."""

    folder: Path
    """The folder."""
    counts: dict[str, int]
    """The rows of each kind, such as `profiles`."""
    not_included: list[str] = field(default_factory=list)
    """What the source could not give, in words."""
    is_complete: bool = True
    """Whether all profiles that were wanted are in it."""


class _Progress(BaseModel):
    """How far an export is; it is written after each part."""

    manifest: Manifest
    stage: int = 0
    """The position among the stages."""
    token: str | None = None
    """Where the stage continues."""
    done: int = 0
    """With given ids: how many of them were read."""
    missing: int = 0
    """With given ids: how many do not exist."""
    numbers: dict[str, int] = Field(default_factory=dict)
    """The number of parts of each kind."""


def export_domain(  # noqa: PLR0913  (all but the folder are seldom given)
    domain: Domain,
    folder: str | os.PathLike[str],
    *,
    part_format: PartFormat = "jsonl",
    ids: Iterable[str] | None = None,
    snapshot: str | None = None,
    role_arn: str | None = None,
    on_progress: Callable[[str, int], object] | None = None,
) -> ExportReport:
    """Export a domain into a folder, or continue an export that was interrupted.

    Args:
        domain: the domain.
        folder: a folder that is new or empty, or has the same export unfinished.
        part_format: `jsonl` (JSON lines) or `parquet`.
        ids: the ids of the profiles; None for all profiles.
        snapshot: on AWS, which lists no profiles, the address in S3 of a snapshot that lists them.
        role_arn: the role with which AWS writes the snapshot.
        on_progress: called with the kind and the number of its rows, now and then.

    Raises:
        TransferError: the folder has other content, or a file cannot be written.
        ResourceNotFoundError: there is no such domain.
    """
    path = Path(folder)
    check_format(part_format)
    domain = domain._home().get(domain.domain_name)
    with file_errors(path, "export"):
        progress = _begin(path, domain, part_format)
        run = _Export(domain, path, progress, on_progress or (lambda *_: None))
        if ids is None and snapshot is not None and not _is_embedded(domain):
            ids = run.ids_of_snapshot(snapshot, role_arn)
        return run.run(ids)


def _begin(folder: Path, domain: Domain, part_format: PartFormat) -> _Progress:
    """Return the progress of the export in a folder, or that of a new one."""
    name = domain.domain_name
    if folder.exists() and not folder.is_dir():
        msg = f"{folder} is a file; give a folder that is new or empty"
        raise TransferError(msg)
    if (folder / MANIFEST).exists():
        other = read_manifest(folder)
        msg = (
            f"{folder} already has an export of domain {other.domain} of {other.exported_at[:10]}; "
            "give another folder"
        )
        raise TransferError(msg)
    source: Any = "embedded" if _is_embedded(domain) else "aws"
    if (folder / PROGRESS).exists():
        try:
            progress = _Progress.model_validate_json((folder / PROGRESS).read_bytes())
        except ValueError:
            msg = f"{folder / PROGRESS} is damaged; remove the folder and export again"
            raise TransferError(msg) from None
        begun = progress.manifest
        if (begun.domain, begun.source, begun.part_format) != (name, source, part_format):
            msg = (
                f"{folder} has an unfinished export of domain {begun.domain} as "
                f"{begun.part_format}; go on with that one, or give another folder"
            )
            raise TransferError(msg)
        for leftover in folder.glob("*.tmp"):
            leftover.unlink()
        return progress
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    others = [entry.name for entry in folder.iterdir() if not entry.name.endswith(".tmp")]
    if others:
        msg = f"{folder} has other files, such as {min(others)}; give a folder that is new or empty"
        raise TransferError(msg)
    manifest = Manifest(
        domain=name,
        source=source,
        exported_at=datetime.now(UTC).isoformat(timespec="seconds"),
        part_format=part_format,
    )
    progress = _Progress(manifest=manifest)
    write_private(folder / PROGRESS, progress.model_dump_json().encode())
    return progress


def _is_embedded(domain: Domain) -> bool:
    return isinstance(domain._home()._gateway.channel, EngineChannel)


class _Export:
    """One run of an export."""

    def __init__(
        self,
        domain: Domain,
        folder: Path,
        progress: _Progress,
        on_progress: Callable[[str, int], object],
    ) -> None:
        self._domain, self._folder, self._progress = domain, folder, progress
        self._manifest = progress.manifest
        self._on_progress = on_progress
        self._counts = Counter(self._manifest.counts)

    def run(self, ids: Iterable[str] | None) -> ExportReport:
        if self._progress.stage == 0:
            self._write_settings()
        missing = [_NEVER, *self._manifest.not_included]
        types = [item["ObjectTypeName"] for item in self._settings()["ObjectTypes"]]
        has_profiles = True
        if ids is not None:
            if self._progress.stage == 1:
                self._write_people(ids, types)
            missing += [] if _is_embedded(self._domain) else [_NO_KEYS]
            if self._progress.missing:
                missing.append(f"{self._progress.missing} of the ids: no such profiles exist")
        elif _is_embedded(self._domain):
            self._write_all(types)
        else:
            has_profiles = False
            missing.append(_NO_PROFILES)
        if self._settings()["Integrations"]:
            missing.append(_NO_FLOWS)
        self._write_decisions()
        if self._settings().get("EventStreams"):
            missing.append(_NO_RECORDS)
        self._manifest.not_included = missing
        self._manifest.counts = dict(self._counts)
        write_private(self._folder / MANIFEST, self._manifest.model_dump_json(indent=1).encode())
        for name in (PROGRESS, _IDS):
            (self._folder / name).unlink(missing_ok=True)
        return ExportReport(
            self._folder,
            dict(self._counts),
            missing,
            is_complete=has_profiles and not self._progress.missing,
        )

    # Stage 0: settings.

    def _write_settings(self) -> None:
        domain = self._domain
        object_types = [
            source_of(domain.object_types.get(item.object_type_name))
            for item in domain.object_types.all()
        ]
        content: dict[str, Any] = {
            "Domain": source_of(domain),
            "ObjectTypes": object_types,
            "Layouts": [],
            "Integrations": [source_of(item) for item in domain.integrations.all()],
        }
        try:
            content["Layouts"] = [source_of(item.refresh()) for item in domain.layouts.all()]
        except CustomerProfilesError:  # AWS may keep them to its own website.
            content["Layouts"] = []
        definitions, denied = read_definitions(domain)
        content |= definitions
        self._manifest.not_included = denied
        path = self._folder / SETTINGS
        write_private(path, json.dumps(content, ensure_ascii=False, indent=1).encode())
        self._counts["object_types"] = len(object_types)
        for kind, name in KINDS.items():
            self._counts[kind] = len(content.get(name, ()))
        self._counts["calculated_attributes"] = sum(
            map(is_own, content.get("CalculatedAttributes", ()))
        )
        self._add(_entry(path, "settings", 1))
        self._save(stage=1)

    def _settings(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self._folder / SETTINGS).read_bytes())
        return found

    # Embedded: all objects, type by type, and then all profiles. The profile of an object is never
    # stored after the object, so that objects come first.

    def _write_all(self, types: list[str]) -> None:
        stages: list[tuple[str, Callable[[str | None], Iterator[tuple[list[Any], str | None]]]]]
        stages = [("objects", _object_pages(self._domain, name)) for name in types]
        stages.append(("profiles", _profile_pages(self._domain)))
        for number, (kind, pages) in enumerate(stages, 1):
            if self._progress.stage == number:
                self._write_stage(kind, pages)
                self._save(stage=number + 1, token=None)

    def _write_stage(
        self,
        kind: str,
        pages: Callable[[str | None], Iterator[tuple[list[Any], str | None]]],
    ) -> None:
        part: PartWriter | None = None
        try:
            for rows, token in pages(self._progress.token):
                if part is None:
                    part = self._part(kind)
                for row in rows:
                    part.write(row)
                if part.rows >= _PART_ROWS:
                    finished, part = part, None
                    self._finish(kind, finished)
                    # After the last page, the next stage is saved.
                    if token is not None:
                        self._save(token=token)
            if part is not None:
                finished, part = part, None
                self._finish(kind, finished)
        except BaseException as error:
            if part is not None:
                part.discard(error)
            if isinstance(error, BadRequestError) and self._progress.token:
                msg = f"{self._folder} has an export that is too old to go on; remove the folder"
                raise TransferError(msg) from error
            raise

    # Given ids: the profiles with their objects, as on AWS.

    def ids_of_snapshot(self, snapshot: str, role_arn: str | None) -> Iterator[str]:
        """Yield the ids of all profiles, which are kept in a file until the export is complete."""
        path = self._folder / _IDS
        if not path.exists():
            options: Any = {} if role_arn is None else {"role_arn": role_arn}
            with private_file(path) as file:
                for profile in self._domain.profiles.all(snapshot=snapshot, **options):
                    file.write(f"{profile.profile_id}\n".encode())
        with path.open(encoding="ascii") as lines:
            yield from map(str.strip, lines)

    def _write_people(self, ids: Iterable[str], types: list[str]) -> None:
        wanted = iter(dict.fromkeys(ids))
        wanted = islice(wanted, self._progress.done, None)
        while batch := list(islice(wanted, _BATCH)):
            parts = {kind: self._part(kind) for kind in ("profiles", "objects")}
            missing = 0
            try:
                for start in range(0, len(batch), _AT_ONCE):
                    ids_at_once = batch[start : start + _AT_ONCE]
                    profiles = self._read(ids_at_once)
                    missing += len(ids_at_once) - len(profiles)
                    for profile in profiles:
                        objects = 0
                        for name in types:
                            for item in profile.objects(name):
                                objects += 1
                                parts["objects"].write(_object_row(profile.profile_id, item))
                        row = _profile_row(self._domain, profile)
                        parts["profiles"].write({**row, "HasObjects": objects > 0})
            except BaseException as error:
                for part in parts.values():
                    part.discard(error)
                raise
            for kind, part in parts.items():
                self._finish(kind, part)
            self._progress.missing += missing
            self._progress.done += len(batch)
            self._save()
        self._save(stage=2)

    def _read(self, ids: list[str]) -> list[Profile]:
        try:
            return self._domain.profiles.get_many(ids)
        except BatchError as error:
            for failure in error.failed.values():
                if not isinstance(failure, (ResourceNotFoundError, BadRequestError)):
                    raise failure from error
            return list(error.succeeded)
        except InvalidInputError as error:
            msg = f"one of the ids is not the id of a profile: {error}"
            raise TransferError(msg) from None

    # Decisions.

    def _write_decisions(self) -> None:
        if not _is_embedded(self._domain) or self._manifest.of_kind("decisions"):
            return
        decisions = self._domain.matches.decisions()
        if not decisions:
            return
        path = self._folder / "decisions-00001.jsonl"
        lines = [
            json.dumps({"ProfileIds": decision.profile_ids, "IsMatch": decision.is_match})
            for decision in decisions
        ]
        write_private(path, "".join(f"{line}\n" for line in lines).encode())
        self._counts["decisions"] = len(lines)
        self._add(_entry(path, "decisions", len(lines)))
        self._save()

    def _part(self, kind: str) -> PartWriter:
        number = self._progress.numbers.get(kind, 0) + 1
        return PartWriter(self._folder, kind, number, self._manifest.part_format)

    def _finish(self, kind: str, part: PartWriter) -> None:
        entry = part.close()
        self._progress.numbers[kind] = self._progress.numbers.get(kind, 0) + 1
        self._counts[kind] += entry.rows
        self._add(entry)
        self._on_progress(kind, self._counts[kind])

    def _add(self, entry: FileEntry) -> None:
        self._manifest.files.append(entry)

    def _save(self, **changes: Any) -> None:
        self._manifest.counts = dict(self._counts)
        for name, value in changes.items():
            setattr(self._progress, name, value)
        write_private(self._folder / PROGRESS, self._progress.model_dump_json().encode())


def _entry(path: Path, kind: Any, rows: int) -> FileEntry:
    size = path.stat().st_size
    return FileEntry(name=path.name, kind=kind, rows=rows, bytes=size, sha256=hash_of(path))


def _object_pages(
    domain: Domain, name: str
) -> Callable[[str | None], Iterator[tuple[list[Any], str | None]]]:
    def pages(start: str | None) -> Iterator[tuple[list[Any], str | None]]:
        found = domain.objects(name).all(start=start)
        for page in found.pages():
            yield [_object_row(item.profile_id or "", item) for item in page], found.next_token

    return pages


def _profile_pages(
    domain: Domain,
) -> Callable[[str | None], Iterator[tuple[list[Any], str | None]]]:
    def pages(start: str | None) -> Iterator[tuple[list[Any], str | None]]:
        found = domain.profiles.all(start=start)
        for page in found.pages():
            yield [_profile_row(domain, profile) for profile in page], found.next_token

    return pages


def _object_row(profile_id: str, item: Any) -> dict[str, Any]:
    return {
        "ProfileId": profile_id,
        "ObjectTypeName": item.object_type_name,
        "ProfileObjectUniqueKey": item.profile_object_unique_key,
        "Object": item.object,
    }


def _profile_row(domain: Domain, profile: Profile) -> dict[str, Any]:
    """Return a profile with the keys that its own fields do not provide."""
    # Not `source_of`, which decodes the page of the profile again.
    row: dict[str, Any] = {"Profile": {**(profile.model_extra or {}), **profile._to_wire()}}
    if _is_embedded(domain):
        added: dict[str, list[str]] = {}
        provided: dict[str, list[str]] = {}
        for key in domain.profiles.keys(profile.profile_id):
            if key.source == "added":
                added.setdefault(key.key_name, []).append(key.value)
            elif key.source != "_profile":
                provided.setdefault(key.key_name, []).append(key.value)
        if added:
            row["AddedKeys"] = added
        if provided:
            row["ObjectKeys"] = provided
    return row
