"""`customer-profiles label`: labels are asked for, stored at once, and learned from."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from customer_profiles.cli.app import app
from customer_profiles.identity import Labels

FIRST = ["Augusta", "Grace", "Ida", "Mary", "Jean", "Kay", "Betty", "Ruth", "Adele", "Edith"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file of people, of whom every fourth has a second, damaged row."""
    dice = random.Random(3)
    rows: list[list[str]] = []
    for number in range(160):
        first, last = dice.choice(FIRST), f"Lovelace{dice.choice('abcdefghijklmnopqrst')}"
        day = f"19{dice.randrange(40, 99)}-{dice.randrange(1, 13):02}-{dice.randrange(1, 29):02}"
        row = [first, last, day, f"+1206{dice.randrange(10**7):07}"]
        rows.append(row)
        if number % 4 == 0:
            damaged = [first[1:], last, day if dice.random() < 0.5 else "", ""]
            rows.append(damaged)
    path = tmp_path / "shop.csv"
    with path.open("w", newline="") as text:
        table = csv.writer(text)
        table.writerow(["id", "FirstName", "LastName", "BirthDate", "PhoneNumber"])
        table.writerows([f"c{number}", *row] for number, row in enumerate(rows))
    return path


def run(file: Path, answers: str, *options: str) -> Result:
    return CliRunner().invoke(app, ["label", str(file), *options], input=answers)


def labels(file: Path) -> list[tuple[str, str, bool | None]]:
    return list(Labels.read(file.with_name("shop.labels.csv")))


def test_each_answer_is_stored_and_the_next_run_goes_on(file: Path) -> None:
    first = run(file, "y\nn\nu\nq\n")
    assert first.exit_code == 0, first.output
    assert [label[2] for label in labels(file)] == [True, False, None]
    assert "3 labels written to" in first.stdout
    assert all(record in first.stdout for label in labels(file) for record in label[:2])

    run(file, "n\nn\n")
    pairs = {frozenset(label[:2]) for label in labels(file)}
    assert len(labels(file)) == len(pairs) == 5


def test_going_back_replaces_an_answer(file: Path) -> None:
    run(file, "y\nb\nn\nq\n")
    assert [label[2] for label in labels(file)] == [False]


def test_other_answers_are_asked_again(file: Path) -> None:
    result = run(file, "what\n\ny\nq\n")
    assert [label[2] for label in labels(file)] == [True]
    assert "answer y (one person)" in result.stderr


def test_the_end_of_the_input_loses_nothing(file: Path) -> None:
    assert run(file, "y\nn\n").exit_code == 0
    assert len(labels(file)) == 2


def test_so_many_pairs_are_asked_and_no_more(file: Path) -> None:
    run(file, "n\n" * 40, "--count", "3")
    assert len(labels(file)) == 3


def test_the_result_obeys_labels(file: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("left,right,match\nc0,c5,y\nc0,c1,n")
    run(file, "n\n", "--labels", str(tmp_path / "mine.csv"), "--count", "1")
    assert len(Labels.read(tmp_path / "mine.csv")) == 3

    command = ["dedupe", str(file), "--labels", str(tmp_path / "mine.csv")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    with (tmp_path / "shop.matches.csv").open() as text:
        group = {row["id"]: row["match_group"] for row in csv.DictReader(text)}
    assert group["c0"] == group["c5"] != ""
    assert group["c0"] != group["c1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("left,right,match\nc0,c1,y\nc1,c2,y\nc0,c2,n\n", "'c0' = 'c1' = 'c2' match; correct one"),
        ("a,b\n1,2\n", "no column 'left'"),
        ("left,right,match\nc0,c1,perhaps\n", "line 2: write two ids and y, n or u"),
        ("left,right,match\nx0,x1,y\n", "no ids such as 'x0' and 'x1'"),
    ],
)
def test_wrong_labels_are_said_plainly(file: Path, text: str, message: str) -> None:
    wrong = file.with_name("shop.labels.csv")
    wrong.write_text(text)
    for command in (["label", str(file)], ["dedupe", str(file), "--labels", str(wrong)]):
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 2
        assert message in " ".join(result.stderr.split())


def test_a_source_of_one_value_is_a_warning(file: Path) -> None:
    text = file.read_text().splitlines()
    lines = [f"{text[0]},Shop", *(f"{line},one" for line in text[1:])]
    file.write_text("\n".join(lines))
    result = CliRunner().invoke(app, ["dedupe", str(file), "--source", "Shop"])
    assert result.exit_code == 0
    assert "the column 'Shop' has only one value" in " ".join(result.stderr.split())


def test_rows_without_ids_are_numbered(file: Path) -> None:
    file.write_text(file.read_text().replace("id,First", "number,First"))
    result = run(file, "y\n", "--kind", "number=ignored")
    assert "labels name rows by their numbers" in " ".join(result.stderr.split())
    assert all(label[0].isdigit() for label in labels(file))


def test_unwritable_labels_are_an_error(file: Path, tmp_path: Path) -> None:
    result = run(file, "y\n", "--labels", str(tmp_path / "missing" / "labels.csv"))
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
