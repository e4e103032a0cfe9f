"""Run the Python blocks of README and docs as tests, each page in a folder of its own.

A block runs in the namespace of its page, after the blocks before it. A block that needs AWS or
a user's files is skipped by the comment `<!-- skip: next -->` on the line before it. A `text` block
right below a Python block is what that block prints; `...` in it stands for any text.
"""

from __future__ import annotations

import doctest
import io
import tempfile
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import pytest
from sybil import Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser, SkipParser

if TYPE_CHECKING:
    from sybil import Example

# The plugin of this package is loaded from here even where it is not installed.
pytest_plugins = ["pytester", "customer_profiles.testing"]

_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}


def _enter(namespace: dict[str, Any]) -> None:
    folder = tempfile.TemporaryDirectory(prefix="customer-profiles-docs-")
    patch = pytest.MonkeyPatch()
    patch.chdir(folder.name)
    for name, value in _SETTINGS.items():
        patch.setenv(name, value)
    namespace["_leave"] = [patch.undo, folder.cleanup]


def _leave(namespace: dict[str, Any]) -> None:
    for leave in namespace.pop("_leave"):
        leave()


class _PrintingEvaluator(PythonEvaluator):
    """Runs a block, and keeps what it prints and where it ends."""

    def __call__(self, example: Example) -> None:
        with redirect_stdout(io.StringIO()) as printed:
            super().__call__(example)
        example.namespace["_printed"] = (example.region.end, printed.getvalue())


_ELLIPSIS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def _compare_output(example: Example) -> str | None:
    """Compare a text block with the output of the Python block that it follows, if any."""
    end, printed = example.namespace.get("_printed", (None, ""))
    if end is None or example.document.text[end : example.region.start].strip():
        return None
    if doctest.OutputChecker().check_output(str(example.parsed), printed, _ELLIPSIS):
        return None
    return f"the block above prints:\n{printed}\nbut the page shows:\n{example.parsed}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files with slow tests first, so that parallel workers finish together."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


pytest_collect_file = Sybil(
    parsers=[
        CodeBlockParser("python", _PrintingEvaluator()),
        CodeBlockParser("text", _compare_output),
        SkipParser(),
    ],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    setup=_enter,
    teardown=_leave,
).pytest()
