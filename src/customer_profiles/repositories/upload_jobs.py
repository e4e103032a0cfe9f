"""The upload jobs of a domain, and the upload of a file in one call."""

from __future__ import annotations

import codecs
import csv
import logging
import os
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, TypeAlias, cast

from customer_profiles import _wire
from customer_profiles._hints.nearest import did_you_mean, listed
from customer_profiles.channels import uploading
from customer_profiles.errors import (
    AmbiguousWriteError,
    ConnectionFailedError,
    InternalServerError,
    InvalidInputError,
    WaitTimeoutError,
)
from customer_profiles.models.upload_job import UploadJob, UploadPath

from .base import ReadOnlyCollection, pascal, with_extra

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from customer_profiles._wire import Wire
    from customer_profiles.models.object_type import ObjectTypeField
    from customer_profiles.models.upload_job import UploadFile

    from .base import Extra

log: logging.Logger = logging.getLogger("customer_profiles")

UploadFields: TypeAlias = "Mapping[str, str | ObjectTypeField]"
"""Columns of a file, each with the field of a profile, such as `{"Mail": "email_address"}`.

A field may also be an `ObjectTypeField`; then the key is a name of your own.
"""
MOST_FIELDS = 25
"""The most columns that a job maps."""
_NAME = re.compile("[a-zA-Z0-9_.-]{1,64}")
"""What the service allows as the name of a field."""
_LIMIT = 1_000_000_000
_PIECE = 1 << 20
_PROFILE, _ATTRIBUTES = "_profile", "attributes."
_CONTENT_TYPES = {
    "EmailAddress": "EMAIL_ADDRESS",
    "PhoneNumber": "PHONE_NUMBER",
    "Name": "NAME",
}
_UNIQUE = ("account_number", "email_address", "phone_number")
"""The fields that identify a customer, the best first."""
Stage = Literal["mapped", "uploading", "importing", "over"]


@dataclass(frozen=True, slots=True)
class UploadMapping:
    """Which columns of a file are imported into which fields."""

    fields: dict[str, str]
    """The fields by column, such as `email_address` for `Mail`."""
    unique_key: str
    """The field that identifies the customers."""
    left_out: list[str]
    """The columns that are not imported."""

    def __str__(self) -> str:
        """Describe it in words."""
        columns = ", ".join(f"{column} -> {name}" for column, name in self.fields.items())
        left = f"; not imported: {', '.join(self.left_out)}" if self.left_out else ""
        return f"{columns}; customers are identified by {self.unique_key}{left}"


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """How far an upload is."""

    stage: Stage
    """mapped, uploading, importing or over."""
    sent_bytes: int = 0
    """The bytes of the file that were sent."""
    total_bytes: int = 0
    """The size of the file."""
    job: UploadJob | None = field(default=None, repr=False)
    """The job, once it exists; its `results_summary` counts the rows."""
    mapping: UploadMapping | None = None
    """The columns and their fields, if they were found by the names of the columns."""


class UploadJobs(ReadOnlyCollection[UploadJob]):
    """The upload jobs of one domain: CSV files of customers, each imported once.

    ```python
    job = shop.upload_jobs.upload("people.csv", unique_key="email_address")
    print(job.status, job.results_summary)
    ```

    A row updates the profile with its unique value, or creates one; it fails if several profiles
    have it. The service does not tell which rows failed.

    Source: CreateUploadJob, GetUploadJob, GetUploadJobPath, ListUploadJobs, StartUploadJob and
    StopUploadJob of the service's API reference.
    """

    _model, _key, _noun = UploadJob, "job_id", "upload job"
    _CREATE = "CreateUploadJob"
    _GET = "GetUploadJob"
    _PATH = "GetUploadJobPath"
    _LIST = "ListUploadJobs"
    _START = "StartUploadJob"
    _STOP = "StopUploadJob"
    _why_not_saved = "an upload job cannot be changed; create another one"
    _why_not_deleted = "an upload job cannot be deleted; stop() ends one, and the record is kept"

    def create(
        self,
        display_name: str,
        *,
        fields: UploadFields,
        unique_key: str,
        data_expiry: int | None = None,
        extra: Extra = None,
    ) -> UploadJob:
        """Create a job, to put a file and to start it; `upload` does all of that.

        Args:
            display_name: the name that users see.
            fields: up to 25 columns with their fields, such as `{"Mail": "email_address",
                "Town": "address.city", "Tier": "attributes.tier"}`.
            unique_key: the column or the field whose values identify the customers.
            data_expiry: the days that the imported profiles are kept at least, 1 to 1098; 14 by
                default.
            extra: members that only the service has, by their wire names.

        Raises:
            InvalidInputError: a field does not exist; nothing was sent.
            ResourceNotFoundError: there is no such domain.
        """
        named, key = _wire_fields(fields, unique_key)
        wire: Wire = {"DisplayName": display_name, "Fields": named, "UniqueKey": key}
        if data_expiry is not None:
            wire["DataExpiry"] = data_expiry
        request = self._request(with_extra(wire, extra, UploadJob, self._CREATE))
        answer = self._gateway.call(self._CREATE, request)
        return self.get(UploadJob._from_wire(answer).job_id)

    def get(self, job_id: str) -> UploadJob:
        """Read one job.

        Raises:
            ResourceNotFoundError: the domain has no such job.
        """
        return self._read_by_name(job_id)

    def path(self, job_id: str) -> UploadPath:
        """Return a URL to put the file of a job to; see `UploadJob.path`."""
        request = self._request({"JobId": job_id})
        return self._gateway.read(self._PATH, request, UploadPath._from_wire)[0]

    def put(
        self,
        job_id: str,
        file: UploadFile,
        on_progress: Callable[[int, int], object] | None = None,
    ) -> None:
        """Upload the file of a job; see `UploadJob.put`."""
        with _opened(file) as (stream, size):
            _check(stream)
            self._put(job_id, stream, size, on_progress or (lambda _sent, _size: None))

    def start(self, job_id: str) -> None:
        """Start the import of the file of a job; see `UploadJob.start`."""
        try:
            self._gateway.call(self._START, self._request({"JobId": job_id}))
        except AmbiguousWriteError:
            # The answer was lost; the state tells whether the request arrived.
            if self.get(job_id).status == "CREATED":
                raise

    def stop(self, job_id: str) -> None:
        """Stop a job; see `UploadJob.stop`."""
        try:
            self._gateway.call(self._STOP, self._request({"JobId": job_id}))
        except AmbiguousWriteError:
            if self.get(job_id).status != "STOPPED":
                raise

    def wait(
        self,
        job: UploadJob,
        timeout: float | None = None,
        on_progress: Callable[[UploadJob], object] | None = None,
    ) -> None:
        """Read a job repeatedly until it is over; see `UploadJob.wait`."""
        report = on_progress or (lambda _: None)
        report(job)
        waits = self._gateway.waits(timeout)
        while not job.is_over:
            if job.status == "CREATED":
                msg = f"upload job {job.job_id} was not started; call start() before wait()"
                raise InvalidInputError(msg)
            if next(waits, None) is None:
                msg = (
                    f"the upload job is still {job.status} after {timeout} seconds; it keeps "
                    "running, and you can call wait() again"
                )
                raise WaitTimeoutError(msg)
            before = (job.status, job.results_summary)
            job.refresh()
            if (job.status, job.results_summary) != before:
                report(job)

    def mapping(self, file: UploadFile, *, unique_key: str | None = None) -> UploadMapping:
        """Return which columns `upload` would import, found by their names; sends nothing.

        ```python
        mapping = shop.upload_jobs.mapping("people.csv")
        shop.upload_jobs.upload("people.csv", fields={**mapping.fields, "Tier": "attributes.tier"})
        ```

        Args:
            file: the path of the file, or a binary stream.
            unique_key: the column or the field that identifies the customers; by default the
                account number, else the e-mail address, else the phone number.

        Raises:
            InvalidInputError: the service would refuse the file, or no column identifies a
                customer.
        """
        with _opened(file) as (stream, _):
            return _guess(_check(stream), unique_key)

    def upload(  # noqa: PLR0913  (the parts of a job)
        self,
        file: UploadFile,
        *,
        fields: UploadFields | None = None,
        unique_key: str | None = None,
        data_expiry: int | None = None,
        display_name: str | None = None,
        progress: Callable[[UploadProgress], object] | None = None,
        timeout: float | None = None,
    ) -> UploadJob:
        """Import a file: create a job, upload the file, start the job, and wait until it is over.

        Args:
            file: the path of a CSV file in UTF-8 with a header, or a binary stream.
            fields: columns with their fields, such as `{"Mail": "email_address"}`; by default
                they are found by the names of the columns, as `mapping` returns them. What was
                found is logged, and reported to `progress`.
            unique_key: the column or the field whose values identify the customers; by default
                the account number, else the e-mail address, else the phone number.
            data_expiry: the days that the imported profiles are kept at least, 1 to 1098; 14 by
                default.
            display_name: the name that users see; by default the name of the file.
            progress: called with an `UploadProgress` again and again.
            timeout: the most seconds to wait for the import; None waits until it is over.

        Returns:
            The job, which is over: read `status` and `results_summary`.

        Raises:
            InvalidInputError: the service would refuse the file, or a field or column does not
                exist; nothing was sent.
            ConnectionFailedError: no answer came.
            WaitTimeoutError: the job is not over after that time; it continues to run.
        """
        report = progress or (lambda _: None)
        with _opened(file) as (stream, size):
            header = _check(stream)
            mapping = None
            if fields is None:
                mapping = _guess(header, unique_key)
                fields, unique_key = mapping.fields, mapping.unique_key
                log.info("columns were found by their names: %s", mapping)
            unique_key = unique_key or _unique_of(_fields_by_column(fields))
            _check_columns(header, fields)
            report(UploadProgress("mapped", 0, size, mapping=mapping))
            name = display_name or Path(str(getattr(stream, "name", "upload"))).name
            job = self.create(name, fields=fields, unique_key=unique_key, data_expiry=data_expiry)

            def sent(count: int, total: int) -> None:
                report(UploadProgress("uploading", count, total, job, mapping))

            self._put(job.job_id, stream, size, sent)

        def imported(state: UploadJob) -> None:
            stage: Stage = "over" if state.is_over else "importing"
            report(UploadProgress(stage, size, size, state, mapping))

        return job.start().wait(timeout, on_progress=imported)

    def _put(
        self,
        job_id: str,
        stream: BinaryIO,
        size: int,
        on_progress: Callable[[int, int], object],
    ) -> None:
        channel, failure = self._gateway.channel, None
        for _ in self._gateway.rounds():
            stream.seek(0)
            path = self.path(job_id)
            try:
                body = uploading.Body(stream, size, on_progress)
                uploading.put(channel, self._PATH, path.url, path.client_token, body)
            except (ConnectionFailedError, InternalServerError) as error:
                # The same file may be put again, in place of an earlier one.
                failure = error
            else:
                return
        if failure is not None:
            raise failure


@contextmanager
def _opened(file: UploadFile) -> Iterator[tuple[BinaryIO, int]]:
    """Open a file, or use a stream, from its beginning.

    Raises:
        InvalidInputError: it cannot be opened, or is no binary stream that can be read twice.
    """
    if isinstance(file, (str, os.PathLike)):
        try:
            stream: BinaryIO = Path(file).open("rb")  # noqa: SIM115  (closed below)
        except OSError as error:
            msg = f"{os.fspath(file)} cannot be read: {error.strerror}"
            raise InvalidInputError(msg) from error
        with stream:
            yield stream, os.fstat(stream.fileno()).st_size
        return
    size, first = -1, None
    with suppress(AttributeError, OSError):
        size, _, first = file.seek(0, os.SEEK_END), file.seek(0), cast("object", file.read(0))
    if not isinstance(first, bytes):
        msg = "file must be a path, or a binary stream that can be read twice"
        raise InvalidInputError(msg)
    yield file, size


def _check(stream: BinaryIO) -> list[str]:
    """Return the header of a file that the service accepts.

    Raises:
        InvalidInputError: the service would refuse the file.
    """
    name = Path(str(getattr(stream, "name", "the file"))).name
    if stream.seek(0, os.SEEK_END) >= _LIMIT:
        msg = f"{name} has 1 GB or more; split it into several files"
        raise InvalidInputError(msg)
    stream.seek(0)
    if stream.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8:
        msg = (
            f"{name} begins with a byte order mark (BOM), which the service refuses; save it as "
            "UTF-8 without BOM"
        )
        raise InvalidInputError(msg)
    stream.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while piece := stream.read(_PIECE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        msg = f"{name} is not UTF-8, the only encoding that the service reads; convert it"
        raise InvalidInputError(msg) from None
    stream.seek(0)
    try:
        lines = iter(partial(stream.readline, _PIECE), b"")
        header = next(csv.reader(line.decode(errors="replace") for line in lines), None)
    except csv.Error:
        header = None
    if not header:
        msg = f"the first line of {name} is no header; add a line with the names of the columns"
        raise InvalidInputError(msg)
    return header


def _guess(header: Sequence[str], unique_key: str | None) -> UploadMapping:
    """Return the mapping of columns whose names tell what they have."""
    from customer_profiles.engine.ingestion.profile_members import member_named, members_of

    usable = [name for name in header if "." not in name and header.count(name) == 1]
    known: dict[str, str] = {}
    for column in usable:
        member = member_named(column)
        if member and member not in known.values():
            known[column] = member
    found = members_of(usable, known)
    fields = {
        column: ".".join(map(_wire.field_name, member.split(".")))
        for column, member in list(found.items())[:MOST_FIELDS]
    }
    left_out = [name for name in header if name not in fields]
    if unique_key in left_out:
        msg = f"no field is known for the column {unique_key!r} of unique_key; give fields"
        raise InvalidInputError(msg)
    unique = _unique_of(fields) if unique_key is None else fields.get(unique_key, unique_key)
    return UploadMapping(fields, unique, left_out)


def _unique_of(fields: Mapping[str, str]) -> str:
    """Return the field of a mapping that identifies the customers.

    Raises:
        InvalidInputError: there is none.
    """
    for name in _UNIQUE:
        if name in fields.values():
            return name
    msg = (
        f"no column is known to be one of {listed(_UNIQUE)}, which identify a customer; give "
        "fields and unique_key"
    )
    raise InvalidInputError(msg)


def _fields_by_column(fields: UploadFields) -> dict[str, str]:
    """Return the fields by column; those of an `ObjectTypeField` are left out."""
    return {column: name for column, name in fields.items() if isinstance(name, str)}


def _check_columns(header: Sequence[str], fields: UploadFields) -> None:
    """Refuse columns that the file does not have, because the service would say nothing of it."""
    for key, target in fields.items():
        source = key if isinstance(target, str) else target.source or ""
        column = source.removeprefix("_source.")
        if column not in header:
            close = did_you_mean(column, header) or f"it has {listed(header)}"
            msg = f"the file has no column {column!r}; {close}"
            raise InvalidInputError(msg)
        if header.count(column) > 1:
            msg = f"the file has the column {column!r} twice; rename one of them"
            raise InvalidInputError(msg)


def _wire_fields(fields: UploadFields, unique_key: str) -> tuple[Wire, str]:
    """Return the members Fields and UniqueKey of a request.

    Raises:
        InvalidInputError: a field does not exist, or `unique_key` is none of them.
    """
    named: Wire = {}
    paths: set[str] = set()
    key: str | None = None
    for column, target in fields.items():
        if not isinstance(target, str):
            named[column] = target._to_wire()
            key = column if column == unique_key else key
            continue
        path = _target(target)
        if "." in column:
            msg = f"column {column!r} has a dot in its name, so no job can read it; rename it"
            raise InvalidInputError(msg)
        if path in paths:
            msg = f"two columns go into the field {target}; choose one"
            raise InvalidInputError(msg)
        entry = target if _NAME.fullmatch(target) else f"column{len(named) + 1}"
        named[entry] = {
            "Source": f"_source.{column}",
            "Target": f"{_PROFILE}.{path}",
            "ContentType": _content_type(path),
        }
        paths.add(path)
        key = entry if unique_key in (column, target) else key
    if not 0 < len(named) <= MOST_FIELDS:
        msg = f"fields has {len(named)} columns; a job maps 1 to {MOST_FIELDS}"
        raise InvalidInputError(msg)
    if key is None:
        msg = f"unique_key {unique_key!r} is none of the fields; it must be one of {listed(named)}"
        raise InvalidInputError(msg)
    return named, key


def _target(name: str) -> str:
    """Return the path of a field in a profile, such as `Address.City` for `address.city`."""
    from customer_profiles._standard_objects import PROFILE, standard

    if name.startswith(_ATTRIBUTES) and len(name) > len(_ATTRIBUTES):
        return f"Attributes.{name.removeprefix(_ATTRIBUTES)}"
    path = ".".join(map(pascal, name.split(".")))
    if not standard()[PROFILE].takes(path) or name == "profile_id":
        known = [*map(_wire.field_name, standard()[PROFILE].tree.members)]
        hint = did_you_mean(name, known) or "attributes.<name> takes any other value"
        msg = f"there is no field {name!r}; {hint}"
        raise InvalidInputError(msg)
    return path


def _content_type(path: str) -> str:
    """Return how the values of a field are compared."""
    return next((kind for end, kind in _CONTENT_TYPES.items() if path.endswith(end)), "STRING")
