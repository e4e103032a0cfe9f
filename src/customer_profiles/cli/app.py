"""The names of the commands."""

from __future__ import annotations

import typer

import customer_profiles

from . import (
    calculated_attributes,
    dedupe,
    demo,
    domains,
    jobs,
    keys,
    label,
    load,
    matches,
    object_types,
    objects,
    person,
    profiles,
    review,
    segments,
    serve,
    streams,
    transfer,
    uploads,
)

app: typer.Typer = typer.Typer(
    name="customer-profiles",
    help="Amazon Connect Customer Profiles: typed, and embedded on this machine.",
    no_args_is_help=True,
    rich_markup_mode="markdown",  # It wraps docstrings at the terminal's width.
    pretty_exceptions_show_locals=False,
)
app.command()(demo.demo)
app.command()(load.load)
app.command()(dedupe.dedupe)
app.command()(label.label)
app.command()(serve.serve)
app.command()(transfer.export)
app.command(name="import")(transfer.import_)
app.add_typer(calculated_attributes.app, name="calculated-attributes")
app.add_typer(domains.app, name="domains")
app.add_typer(jobs.app, name="jobs")
app.add_typer(keys.app, name="keys")
matches.app.command()(review.review)
profiles.app.command()(person.export)
profiles.app.command()(person.forget)
app.add_typer(matches.app, name="matches")
app.add_typer(object_types.app, name="object-types")
app.add_typer(objects.app, name="objects")
app.add_typer(profiles.app, name="profiles")
app.add_typer(segments.app, name="segments")
app.add_typer(streams.app, name="streams")
app.add_typer(uploads.app, name="uploads")


@app.callback(invoke_without_command=True)
def main(
    *,
    version: bool = typer.Option(False, "--version", help="Print the version, and exit."),  # noqa: FBT003
) -> None:
    """Amazon Connect Customer Profiles: typed, and embedded on this machine."""
    if version:
        typer.echo(customer_profiles.__version__)
        raise typer.Exit
