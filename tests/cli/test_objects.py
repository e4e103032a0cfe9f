"""`customer-profiles objects put`: lines, rejects, interruption and going on."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import customer_profiles
from customer_profiles import CustomerProfiles
from customer_profiles.cli.app import app

COMMAND = [sys.executable, "-m", "customer_profiles"]
GOOD = '{"id": "1", "email": "ada@example.com"}\n{"id": "2", "email": "grace@example.com"}\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with CustomerProfiles.embedded(tmp_path / "shop.db") as cp:
        shop = cp.domains.create("shop", default_expiration_days=30)
        shop.object_types.put("Zendesk-users", template_id="Zendesk-users")
    path = tmp_path / "users.jsonl"
    path.write_text(GOOD)
    return path


def arguments(path: Path) -> list[str]:
    db = str(path.parent / "shop.db")
    return ["objects", "put", str(path), "--domain", "shop", "--type", "Zendesk-users", "--db", db]


def put(path: Path, *options: str, text: str | None = None) -> Result:
    return CliRunner().invoke(app, [*arguments(path), *options], input=text)


def count(path: Path) -> int:
    with CustomerProfiles.embedded(path.parent / "shop.db") as cp:
        stats = cp.domains.get("shop").stats
        return (stats.object_count or 0) if stats else 0


def rejected(path: Path) -> list[list[str]]:
    with path.with_suffix(".rejects.csv").open(newline="") as lines:
        return list(csv.reader(lines))[1:]


def many(path: Path, number: int) -> None:
    lines = (json.dumps({"id": str(n), "email": f"{n}@example.com"}) for n in range(number))
    path.write_text("\n".join(lines))


def test_each_line_is_an_object(file: Path) -> None:
    result = put(file)

    assert result.exit_code == 0
    assert "2 put, 0 rejected" in result.output
    assert count(file) == 2
    assert [one.name for one in file.parent.iterdir() if "progress" in one.name] == []


def test_each_row_is_an_object_and_empty_cells_are_left_out(file: Path) -> None:
    rows = file.with_suffix(".csv")
    rows.write_text("id,email,phone\n7,ada@example.com,\n8,,+1 206 555 0100\n")
    assert put(rows).exit_code == 0

    with CustomerProfiles.embedded(file.parent / "shop.db") as cp:
        ada = cp.domain("shop").profiles.search(email="ada@example.com").one()
        assert ada.objects("Zendesk-users").one().data == {"id": "7", "email": "ada@example.com"}


def test_bad_lines_are_kept_with_number_and_reason(file: Path) -> None:
    file.write_text(GOOD + 'no json\n\n{"email": "x@example.com"}\n[1]\n')
    result = put(file)

    assert result.exit_code == 1
    assert "2 put, 3 rejected" in result.output
    assert [(row[0], row[2]) for row in rejected(file)] == [
        ("3", "no json"),
        ("5", '{"email": "x@example.com"}'),
        ("6", "[1]"),
    ]
    assert rejected(file)[0][1] == "Object is not valid JSON; give the text of one JSON object"


def test_no_value_of_a_customer_is_printed(file: Path) -> None:
    file.write_text('{"email": "canary@example.com"}\n')

    assert "canary" not in put(file).output


def test_the_standard_input_is_read(file: Path) -> None:
    command = arguments(file)
    command[2] = "-"
    result = CliRunner().invoke(app, command, input=GOOD)

    assert result.exit_code == 0
    assert count(file) == 2


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_many_lines_are_put_by_several_jobs(file: Path, jobs: str) -> None:
    many(file, 1_050)
    assert put(file, "--jobs", jobs).exit_code == 0

    assert count(file) == 1_050


def test_an_unknown_object_type_is_one_line(file: Path) -> None:
    command = [*arguments(file), "--type", "Nope"]
    result = CliRunner().invoke(app, command)

    assert result.exit_code == 2
    assert "Object type Nope does not exist" in result.output


def test_a_missing_file_is_one_line(file: Path) -> None:
    result = put(file.with_name("nowhere.jsonl"))

    assert result.exit_code == 2
    assert "cannot be read" in result.output


def test_the_rejects_file_never_is_the_input(file: Path) -> None:
    assert put(file, "--rejects", str(file)).exit_code == 2
    assert file.read_text() == GOOD


def ended_early(file: Path, how: int) -> int:
    environment = {**os.environ, "PYTHONPATH": str(Path(customer_profiles.__file__).parents[1])}
    process = subprocess.Popen(
        [*COMMAND, *arguments(file)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    progress = file.with_name("users.jsonl.progress.json")
    for _ in range(2_000):
        if progress.exists():
            break
        time.sleep(0.01)
    process.send_signal(how)
    return process.wait(timeout=30)


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_goes_on_where_it_stopped(file: Path, how: int) -> None:
    many(file, 90_000)
    file.write_text("no json\n" + file.read_text())
    assert ended_early(file, how) != 0
    assert 0 < count(file) < 90_000

    result = put(file)
    assert "continuing after line" in result.output
    assert "90000 put, 1 rejected" in result.output
    assert (count(file), len(rejected(file))) == (90_000, 1)


def test_a_changed_file_is_put_from_its_beginning(file: Path) -> None:
    note = {"line": 1, "stored": 1, "rejected": 0, "rejects_size": 0}
    progress = file.with_name("users.jsonl.progress.json")
    progress.write_text(json.dumps({"run": {"size": 3}, "done": note}))

    assert "2 put" in put(file).output


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "users.json",
            '[{"id": "1", "email": "ada@example.com"}, {"id": "2", "email": "b@x.org"}]',
        ),
        (
            "users.json",
            '{"users": [{"id": "1", "email": "a@x.org"}, {"id": "2", "email": "b@x.org"}]}',
        ),
        ("users.csv", "id;email\n1;ada@example.com\n2;b@x.org\n"),
        ("users.tsv", "id\temail\n1\tada@example.com\n2\tb@x.org\n"),
    ],
)
def test_objects_of_other_formats_are_put(file: Path, name: str, text: str) -> None:
    path = file.with_name(name)
    path.write_text(text)
    result = put(path)

    assert (result.exit_code, count(file)) == (0, 2), result.output
    assert "2 put, 0 rejected" in result.output
