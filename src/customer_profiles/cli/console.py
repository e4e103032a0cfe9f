"""What the commands share: a console for results, one for errors, and how they fail."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, NoReturn

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
    from collections.abc import Iterator

USAGE = 2
INTERRUPTED = 130
INPUT = Path("-")

out: Console = Console()
err: Console = Console(stderr=True)


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Print an error of this library as one line, without a traceback, and exit with 2."""
    try:
        yield
    except CustomerProfilesError as error:
        fail(str(error))


def fail(message: str) -> NoReturn:
    """Print an error message, and exit with 2."""
    err.print(f"[red]error:[/] {escape(message)}", soft_wrap=True)
    raise typer.Exit(USAGE)


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


@contextmanager
def reading(file: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading; `-` is standard input."""
    if file == INPUT:
        yield sys.stdin.buffer
        return
    try:
        raw = file.open("rb")
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")
    with raw:
        yield raw
