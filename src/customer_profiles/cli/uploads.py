"""`customer-profiles uploads`: import a CSV file by an upload job, and see the jobs."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from customer_profiles import InvalidInputError, ResourceNotFoundError, UploadJob

from .console import check_is_no_folder, err, fail, out, progress
from .output import Limit, Output, shown
from .target import Target, with_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress

    from customer_profiles import Domain, UploadJobs, UploadProgress

app: typer.Typer = typer.Typer(
    help="Upload jobs: customers from a CSV file, imported by the service.", no_args_is_help=True
)

JobId = Annotated[str, typer.Argument(help="The job's id, as `uploads list` shows it.")]
_COLUMNS = shown("job_id", whole=True) + shown(
    *("display_name", "status", "created_at", "completed_at", "status_reason", "data_expiry"),
)
_PART = 1


@app.command()
@with_target
def run(  # noqa: PLR0913  (the command's options)
    file: Annotated[Path, typer.Argument(help="A CSV file in UTF-8 with a header.")],
    *,
    pairs: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="COLUMN=FIELD",
            help="Map a column to a field, such as 'Mail=email_address' or 'Tier=attributes.tier'; "
            "may be repeated. `COLUMN=` leaves a column out. Others are mapped by their names.",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help="The column or field that identifies a customer. Default: the account number, "
            "else the e-mail address, else the phone number."
        ),
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(
            min=1, max=1098, help="The days that the profiles are kept at least. Default: 14."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The job's name. Default: that of the file.")
    ] = None,
    target: Target,
    output: Output,
) -> None:
    """Import a CSV file: create a job, upload the file, start the job, and wait for its end.

    A row updates the profile with its key, or creates one. The service does not say which rows
    were refused; `load` does, and keeps profiles for as long as the domain does.

    Exit code: 0 all rows imported, 1 some refused, or the job failed, 2 an error.
    """
    check_is_no_folder(file)
    chosen = dict(_pair(pair) for pair in pairs or ())
    with target.open() as domain:
        jobs = domain.upload_jobs
        with progress() as shown_progress:
            job = jobs.upload(
                file,
                fields=_fields(jobs, file, chosen),
                unique_key=key,
                data_expiry=days,
                display_name=name,
                progress=_reporter(shown_progress),
            )
        if output.format == "table":
            _report(job)
        else:
            output.show([job], private=False)
        if job.status != "SUCCEEDED":
            raise typer.Exit(_PART)


def _pair(text: str) -> tuple[str, str]:
    column, sign, field = text.rpartition("=")
    if not (column and sign):
        fail(f"--map is COLUMN=FIELD, such as Mail=email_address, not {text}")
    return column, field


def _fields(jobs: UploadJobs, file: Path, chosen: dict[str, str]) -> dict[str, str] | None:
    """Return the fields by column; None if all are found by the names of the columns."""
    if not chosen:
        return None
    try:
        found = jobs.mapping(file).fields
    except InvalidInputError:  # No name says who a customer is; other problems occur again.
        found = {}
    taken = set(chosen.values())
    return {
        **{c: f for c, f in found.items() if c not in chosen and f not in taken},
        **{column: field for column, field in chosen.items() if field},
    }


def _reporter(shown_progress: Progress) -> Callable[[UploadProgress], None]:
    task = shown_progress.add_task("uploading", total=None)

    def report(state: UploadProgress) -> None:
        if state.stage == "mapped" and state.mapping is not None:
            err.print(escape(str(state.mapping)), soft_wrap=True, highlight=False)
        elif state.stage == "uploading":
            shown_progress.update(task, total=state.total_bytes, completed=state.sent_bytes)
        elif state.stage == "importing":
            shown_progress.update(task, description="importing")

    return report


def _report(job: UploadJob) -> None:
    results = job.results_summary
    created, updated, failed = (
        (getattr(results, name) or 0) if results else 0
        for name in ("created_records", "updated_records", "failed_records")
    )
    reason = f" ({job.status_reason})" if job.status_reason else ""
    out.print(
        f"{job.status}{reason}: {created:,} profiles created, {updated:,} rows updated profiles, "
        f"{failed:,} rows refused",
        soft_wrap=True,
        highlight=False,
    )
    err.print(f"job {job.job_id}", soft_wrap=True, highlight=False)


@app.command(name="list")
@with_target
def list_(*, limit: Limit = None, target: Target, output: Output) -> None:
    """List the upload jobs of a domain, the latest first."""
    with target.open() as domain:
        output.show(
            domain.upload_jobs.all(limit=output.limit(limit)),
            columns=_COLUMNS,
            model=UploadJob,
            limit=limit,
            private=False,
            empty="no upload jobs; `uploads run` runs one",
        )


@app.command()
@with_target
def show(job_id: JobId, *, target: Target, output: Output) -> None:
    """Show an upload job: its status, its times and counts, and the fields of its columns.

    Exit code: 0 the job did not fail, 1 it failed, 2 an error.
    """
    with target.open() as domain, _naming_job(domain, job_id):
        job = domain.upload_jobs.get(job_id)
        output.show([job], private=False, vertical=True)
        if job.status == "FAILED":
            raise typer.Exit(_PART)


@app.command()
@with_target
def stop(job_id: JobId, *, target: Target) -> None:
    """Stop an upload job; rows that were imported stay."""
    with target.open() as domain, _naming_job(domain, job_id):
        domain.upload_jobs.stop(job_id)
        out.print(f"stopped {escape(job_id)}", soft_wrap=True, highlight=False)


@contextmanager
def _naming_job(domain: Domain, job_id: str) -> Iterator[None]:
    try:
        yield
    except ResourceNotFoundError:
        latest = domain.upload_jobs.all().first()  # Of another domain, it is an error of its own.
        hint = f"the latest is {latest.job_id}" if latest else "it had no upload job yet"
        fail(f"domain {domain.domain_name} has no upload job {job_id}; {hint}")
