"""`customer-profiles profiles export` and `forget`: the requests of a person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from customer_profiles.channels.embedded import EngineChannel
from customer_profiles.repositories.private_files import write_private

from .console import confirm, err, fail, out
from .matches import undo_folder
from .profiles import ProfileId, name_of_profile
from .target import Target, naming_profile, with_target

if TYPE_CHECKING:
    from customer_profiles import Domain


@with_target
def export(
    profile_id: ProfileId,
    *,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="The file to write. Default: standard output."),
    ] = None,
    target: Target,
) -> None:
    """Print all that the domain stores about a person, as JSON, in the clear.

    It has the profile, keys, objects, history and decisions. A file can be read by its owner only.
    """
    with target.open() as domain, naming_profile(domain, profile_id):
        person = domain.profiles.export(profile_id)
        text = person.to_json()
        for missing in person.not_included:
            err.print(escape(f"not included: {missing}"), soft_wrap=True, highlight=False)
        if to is None:
            typer.echo(text)
            return
        if to.exists():
            fail(f"{to} exists; give another file, or remove it first")
        write_private(to, text.encode() + b"\n")
        out.print(f"wrote {escape(str(to))}", soft_wrap=True, highlight=False)


@with_target
def forget(  # noqa: PLR0913  (the command's options)
    ids: Annotated[list[str], typer.Argument(metavar="PROFILE_ID...", help="The ids of profiles.")],
    *,
    receipt: Annotated[
        Path | None,
        typer.Option(help="A file to write the receipts to. Default: standard output."),
    ] = None,
    undo_dir: Annotated[
        Path | None,
        typer.Option(
            "--undo-dir",
            help="The folder with undo files of merges; those of the person are removed. Default: "
            "the folder that `matches merge` writes to.",
            show_default=False,
        ),
    ] = None,
    compact: Annotated[
        bool,
        typer.Option(
            "--compact/--no-compact",
            help="Rewrite the database file, so that no bytes of the person remain in it.",
        ),
    ] = True,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    target: Target,
) -> None:
    """Erase persons: profile, objects, keys, history, decisions, and rejected objects.

    An id that was merged into another profile stands for that profile. The receipt is JSON with
    counts and hashes, without values. This cannot be undone.

    Exit code: 0 erased, 2 an error.
    """
    if receipt is not None and receipt.exists():
        fail(f"{receipt} exists; give another file, or remove it first")
    with target.open() as domain:
        found = list(dict.fromkeys(_current(domain, profile_id) for profile_id in ids))
        if not yes:
            profiles = [domain.profiles.get(profile_id) for profile_id in found]
            names = ", ".join(map(name_of_profile, profiles))
            confirm(f"Erase {names}, with all that is stored about them? It cannot be undone.")
        folder = undo_folder(target, undo_dir)
        receipts = [
            domain.profiles.forget(
                profile_id,
                compact=compact and profile_id == found[-1],
                undo=folder if folder.is_dir() else None,
            )
            for profile_id in found
        ]
        lines = "".join(f"{item.model_dump_json()}\n" for item in receipts)
        if receipt is None:
            typer.echo(lines, nl=False)
        else:
            write_private(receipt, lines.encode())
            out.print(f"erased {len(receipts)}; the receipt is {escape(str(receipt))}")
        for text in dict.fromkeys(text for item in receipts for text in item.not_reached):
            err.print(escape(f"not reached: {text}"), soft_wrap=True, highlight=False)


def _current(domain: Domain, profile_id: str) -> str:
    """Return the id of the profile into which one with this id was merged, or the id itself."""
    channel = domain.profiles._gateway.channel
    with naming_profile(domain, profile_id):
        if not isinstance(channel, EngineChannel):
            return domain.profiles.get(profile_id).profile_id
        current = channel.extras.current_profile_id(domain.domain_name, profile_id)
    if current != profile_id:
        err.print(
            f"{profile_id} was merged into {current}, which is erased",
            soft_wrap=True,
            highlight=False,
        )
    return current
