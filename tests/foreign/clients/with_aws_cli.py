"""Answer calls by the AWS CLI.

A call with a region or keys of its own is a process. The others run the CLI's main function in
this one, as starting takes most of the time of a command.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import answering
from awscli.clidriver import create_clidriver

if TYPE_CHECKING:
    from answering import Call

AWS = Path(sys.executable).parent / "aws"
_ERROR = re.compile(
    r"An error occurred \((\w+)\) when calling the (\w+) operation(?: \([^)]*\))?: (.*)", re.DOTALL
)


def answer(call: Call) -> dict[str, Any]:
    """Return the answer of the command that a call is."""
    command = re.sub("(?<!^)(?=[A-Z])", "-", call["operation"]).lower()
    text = json.dumps(call["input"], default=datetime.isoformat)
    arguments = ["customer-profiles", command, "--output", "json", "--cli-input-json", text]
    if "page_size" in call:
        arguments += ["--page-size", str(call["page_size"])]
    else:
        arguments.append("--no-paginate")
    if "region" in call:
        arguments += ["--region", call["region"]]
    is_own = "region" in call or "key" in call
    code, printed, errors = (start if is_own else run_here)(arguments, call)
    if code:
        found = _ERROR.search(errors)
        if found is None or found[2] != call["operation"]:
            raise RuntimeError(errors)
        return {"error": {"code": found[1], "message": found[3].strip()}}
    # A command whose operation answers nothing prints nothing.
    output = json.loads(printed or "{}")
    return {"items": output[call["items"]]} if "page_size" in call else {"output": output}


def start(arguments: list[str], call: Call) -> tuple[int, str, str]:
    """Run a command as a process."""
    environment = dict(os.environ)
    if "key" in call:
        environment["AWS_ACCESS_KEY_ID"] = call["key"]
        environment["AWS_SECRET_ACCESS_KEY"] = call["secret"]
    done = subprocess.run(
        [AWS, *arguments], capture_output=True, check=False, encoding="utf-8", env=environment
    )
    return done.returncode, done.stdout, done.stderr


@cache
def driver() -> Any:
    """Return what the command `aws` runs."""
    return create_clidriver()


def run_here(arguments: list[str], _: Call) -> tuple[int, str, str]:
    """Run a command in this process."""
    printed, errors = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with redirect_stdout(printed), redirect_stderr(errors):
        code = driver().main(arguments)
    texts = []
    for stream in (printed, errors):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
    return code, texts[0], texts[1]


if __name__ == "__main__":
    answering.run("AWS CLI", version("awscli"), answer)
