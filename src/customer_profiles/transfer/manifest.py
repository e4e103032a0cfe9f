"""The manifest of an export: what is in it, and the checks that it is whole."""

from __future__ import annotations

import errno
import hashlib
import json
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from customer_profiles.errors import TransferError

if TYPE_CHECKING:
    from collections.abc import Iterator

PartFormat: TypeAlias = Literal["jsonl", "parquet"]
MANIFEST, PROGRESS, SETTINGS = "manifest.json", "progress.json", "settings.json"
FORMAT = "customer-profiles export"
VERSION = 2
_READABLE = (1, VERSION)
"""Exports of version 1 have no calculated attributes, segments and event streams."""
KINDS: dict[str, str] = {
    "layouts": "Layouts",
    "integrations": "Integrations",
    "calculated_attributes": "CalculatedAttributes",
    "segments": "Segments",
    "event_streams": "EventStreams",
}
"""The members of the settings by the names of their counts."""
_CHUNK = 1 << 20


class FileEntry(BaseModel):
    """A file of an export."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    name: str
    """The path within the folder."""
    kind: Literal["settings", "profiles", "objects", "decisions"]
    """What its rows are."""
    rows: int = Field(ge=0)
    bytes: int = Field(ge=0)
    sha256: str


class Manifest(BaseModel):
    """What an export has."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    format: Literal["customer-profiles export"] = "customer-profiles export"
    version: int = VERSION
    domain: str
    source: Literal["aws", "embedded"]
    exported_at: str
    part_format: PartFormat
    counts: dict[str, int] = Field(default_factory=dict)
    """The rows of each kind."""
    files: list[FileEntry] = Field(default_factory=list)
    not_included: list[str] = Field(default_factory=list)
    """What the source could not give, in words."""

    def of_kind(self, kind: str) -> list[FileEntry]:
        """Return the files of a kind, in their order."""
        return [entry for entry in self.files if entry.kind == kind]


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of an export.

    Raises:
        TransferError: the folder has no whole export, or one of a newer release.
    """
    path = folder / MANIFEST
    if not folder.is_dir():
        msg = f"{folder} is not a folder; give the folder of an export"
        raise TransferError(msg)
    if not path.exists():
        msg = (
            f"{folder} has an export that is not complete; run the same export again to go on"
            if (folder / PROGRESS).exists()
            else f"{folder} has no {MANIFEST}, so it is no export of a domain"
        )
        raise TransferError(msg)
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        msg = f"{path} is not the manifest of an export of this library"
        raise TransferError(msg)
    if content.get("version") not in _READABLE:
        msg = (
            f"{folder} was exported by another release (version {content.get('version')}); "
            "upgrade customer-profiles"
        )
        raise TransferError(msg)
    try:
        manifest = Manifest.model_validate(content)
    except ValidationError as error:
        where = ".".join(map(str, error.errors(include_url=False, include_input=False)[0]["loc"]))
        msg = f"{path} is damaged at {where}; export the domain again"
        raise TransferError(msg) from None
    for entry in manifest.files:
        name = PurePosixPath(entry.name)
        if name.is_absolute() or ".." in name.parts or "\\" in entry.name or not name.parts:
            msg = f"{path} names {entry.name!r}, which is outside of the folder; do not import it"
            raise TransferError(msg)
    return manifest


def verify(folder: Path, manifest: Manifest) -> None:
    """Check the sizes and hashes of all files of an export.

    Raises:
        TransferError: a file is missing or differs.
    """
    for entry in manifest.files:
        path = folder / entry.name
        if not path.is_file():
            msg = f"{path} is missing; copy the whole export again"
            raise TransferError(msg)
        if path.stat().st_size != entry.bytes or hash_of(path) != entry.sha256:
            msg = f"{path} is damaged: it is not the file that was exported; copy it again"
            raise TransferError(msg)


def hash_of(path: Path) -> str:
    """Return the SHA-256 hash of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def file_errors(folder: Path, what: str) -> Iterator[None]:
    """Turn errors of files into ours, which say how to go on.

    Args:
        folder: the folder of the export.
        what: `export` or `import`.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "free some space" if full else "check the folder"
        msg = (
            f"{error.filename or folder} cannot be used: {error.strerror or error}; {advice}, and "
            f"run the same {what} again, which goes on where it stopped"
        )
        raise TransferError(msg) from error
