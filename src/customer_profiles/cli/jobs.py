"""`customer-profiles jobs`: the identity-resolution jobs of a domain."""

from __future__ import annotations

from typing import Annotated

import typer

from customer_profiles import IdentityResolutionJob, ResourceNotFoundError

from .console import fail
from .output import Limit, Output, shown
from .target import Target, with_target

app: typer.Typer = typer.Typer(
    help="Identity-resolution jobs, which find duplicate profiles.", no_args_is_help=True
)

_COLUMNS = shown("job_id", whole=True) + shown(
    *("status", "job_start_time", "job_end_time", "job_stats.number_of_matches_found"),
    *("job_stats.number_of_profiles_reviewed", "job_stats.number_of_merges_done", "message"),
)


@app.command(name="list")
@with_target
def list_(*, limit: Limit = None, target: Target, output: Output) -> None:
    """List the jobs, the latest first."""
    with target.open() as domain:
        output.show(
            domain.jobs.all(limit=output.limit(limit)),
            columns=_COLUMNS,
            model=IdentityResolutionJob,
            limit=limit,
            private=False,
            empty="no jobs; `matches run` starts one",
        )


@app.command()
@with_target
def show(
    job_id: Annotated[str, typer.Argument(help="The job's id, as `jobs list` shows it.")],
    *,
    target: Target,
    output: Output,
) -> None:
    """Show a job: its status, its times, and what it has done.

    Exit code: 0 the job did not fail, 1 it failed, 2 an error.
    """
    with target.open() as domain:
        try:
            job = domain.jobs.get(job_id)
        except ResourceNotFoundError:
            latest = domain.jobs.all().first()  # Of another domain, it is an error of its own.
            hint = f"the latest is {latest.job_id}" if latest else "it had no job yet"
            fail(f"domain {target.domain} has no job {job_id}; {hint}")
        output.show([job], private=False, vertical=True)
        if job.status == "FAILED":
            raise typer.Exit(1)
