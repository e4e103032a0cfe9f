"""What the commands share: a console for results, one for errors, and how they fail."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from customer_profiles import CustomerProfilesError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.text import Text

USAGE = 2
INTERRUPTED = 130
INPUT = Path("-")

CONTROLS: re.Pattern[str] = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]"
)
"""C0 and C1 controls, which terminals obey, and marks that reorder text; not tab and newline."""


def without_controls(text: str) -> str:
    """Return a text whose control characters are written as escape sequences."""
    return CONTROLS.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


class _SafeConsole(Console):
    """A console that prints no control characters of stored text."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(without_controls(text), **options)


out: Console = _SafeConsole()
err: Console = _SafeConsole(stderr=True)


def echo(text: str, *, nl: bool = True) -> None:
    """Print text as it is, but for its control characters."""
    typer.echo(without_controls(text), nl=nl)


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Print an error of this library or of a file as one line, and exit with 2."""
    try:
        yield
    except CustomerProfilesError as error:
        fail(str(error))
    except BrokenPipeError:  # The reader of a pipe has read enough, as `head` does.
        raise
    except OSError as error:
        fail(": ".join(str(part) for part in (error.filename, error.strerror) if part))


def check_is_no_folder(file: Path) -> None:
    """End the command if the file that it reads is a folder."""
    if file.is_dir():
        fail(f"{file} cannot be read: Is a directory; give a file")


def fail(message: str) -> NoReturn:
    """Print an error message, and exit with 2."""
    err.print(f"[red]error:[/] {escape(message)}", soft_wrap=True)
    raise typer.Exit(USAGE)


def draw(plot: Callable[[], Any], file: Path) -> None:
    """Write a plot into a file, or end the command."""
    try:
        plot().figure.savefig(file)
    except ImportError as error:
        fail(str(error))
    except (OSError, ValueError) as error:
        fail(f"{file} cannot be written: {error}")


def progress(*, in_rows: bool = False) -> Progress:
    """Create a progress bar, which is hidden where the output is a file or a pipe."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn() if in_rows else TaskProgressColumn(),
        TimeRemainingColumn(),
        console=err,
        disable=not err.is_terminal,
    )


def confirm(question: str) -> None:
    """Request a confirmation, and end the command without it."""
    if sys.stdin is None:  # A shell can close it.
        fail("standard input is closed, so that nobody can confirm; give --yes")
    typer.confirm(without_controls(question), abort=True)


@contextmanager
def reading(file: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading; `-` is standard input."""
    if file == INPUT:
        if sys.stdin is None:
            fail("standard input is closed; give a file")
        yield sys.stdin.buffer
        return
    try:
        raw = file.open("rb")
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")
    with raw:
        yield raw
