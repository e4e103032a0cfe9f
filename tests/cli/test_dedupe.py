"""`customer-profiles dedupe`: the duplicates of a file."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from typer.testing import CliRunner, Result

from customer_profiles.cli.app import app

HEADER = ["FirstName", "LastName", "EmailAddress", "PhoneNumber"]
ROWS = [
    ["Augusta", "Lovelace", "lovelace@example.org", "+1 206 555 0100"],
    ["Agusta", "Lovelace", "LOVELACE@example.org", "206-555-0100"],
    *([f"First{n}", f"Last{n}", f"p{n}@example.com", f"+1206{n:07d}"] for n in range(40)),
]


def write(file: Path, header: list[str] = HEADER, sep: str = ",", encoding: str = "utf-8") -> Path:
    with file.open("w", encoding=encoding, newline="") as text:
        csv.writer(text, delimiter=sep).writerows([*([header] if header else []), *ROWS])
    return file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "shop.csv")


def run(file: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["dedupe", str(file), *options])


def rows(file: Path, sep: str = ",") -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text, delimiter=sep))


def groups(file: Path, sep: str = ",") -> list[str]:
    return [one["match_group"] for one in rows(file, sep)]


def test_rows_of_one_person_have_one_group(file: Path, tmp_path: Path) -> None:
    result = run(file)
    found = rows(tmp_path / "shop.matches.csv")

    assert result.exit_code == 0
    assert "42 rows, 1 groups of 2 rows, 1 duplicate rows" in result.stdout
    assert [one["match_group"] for one in found] == ["1", "1", *[""] * 40]
    assert float(found[0]["match_confidence"]) > 0.95
    assert [[one[name] for name in HEADER] for one in found] == ROWS


def columns(result: Result) -> dict[str, tuple[str, str, str]]:
    """Return what the table of columns says of each: its kind, its use and the reason."""
    lines = result.stderr.splitlines()
    (title,) = [line for line in lines if line.startswith("column ")]
    starts = [title.index(word) for word in ("column", "taken for", "use", "why")]
    found: dict[str, tuple[str, str, str]] = {}
    for line in lines[lines.index(title) + 1 :]:
        if line.startswith("--kind"):
            break
        name, *rest = [line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
        if name:
            found[name] = (rest[0], rest[1], rest[2])
        else:
            last = list(found)[-1]
            found[last] = (*found[last][:2], f"{found[last][2]} {rest[2]}")
    return found


def test_what_columns_are_taken_for_is_said_beside_the_result(tmp_path: Path) -> None:
    file = write(tmp_path / "shop.csv", ["FirstName", "note", "contact", "id"])
    result = run(file)
    found = columns(result)

    assert {name: use[0] for name, use in found.items()} == {
        "FirstName": "given_name", "note": "text", "contact": "email", "id": "ignored"
    }  # fmt: skip
    # The values tell that it holds e-mail addresses.
    assert found["contact"][2].startswith("100% of its values are e-mail addresses; ")
    assert found["id"][1:] == ("ignored", "it holds the records' ids")
    assert "--kind COLUMN=KIND corrects what a column is taken for" in result.stderr
    assert "given_name" not in result.stdout


def test_columns_are_listed_once_and_classified_once(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from customer_profiles.identity.preparing import classifying, prepared

    calls = []

    def counted(*arguments: Any) -> Any:
        calls.append(arguments)
        return classify(*arguments)

    classify = classifying.classify
    for module in (classifying, prepared):
        if hasattr(module, "classify"):
            monkeypatch.setattr(module, "classify", counted)
    result = run(file)

    assert len(calls) == 1
    assert list(columns(result)) == HEADER
    assert all(result.stderr.count(name) == 1 for name in HEADER)


def test_a_kind_says_what_a_column_holds(tmp_path: Path) -> None:
    file = write(tmp_path / "shop.csv", ["vorname", "nachname", "adresse", "nummer"])
    kinds = ["vorname=given_name", "nachname=family_name", "adresse=email", "nummer=phone"]
    result = run(file, *(it for one in kinds for it in ("--kind", one)))

    assert [f"{name}={use[0]}" for name, use in columns(result).items()] == kinds
    assert groups(tmp_path / "shop.matches.csv")[:3] == ["1", "1", ""]


@pytest.mark.parametrize("header", [[], ["colx", "coly", "city", "state"]])
def test_columns_that_tell_nobody_apart_are_refused(tmp_path: Path, header: list[str]) -> None:
    result = run(write(tmp_path / "shop.csv", header))

    assert result.exit_code == 2
    assert "is the first row a header?" in result.stderr
    assert "ovelace" not in result.output
    assert not (tmp_path / "shop.matches.csv").exists()


def test_values_tell_where_names_tell_nothing(tmp_path: Path) -> None:
    result = run(write(tmp_path / "shop.csv", ["a", "Spalte1", "col_3", "d"]))

    found = columns(result)
    assert (found["col_3"][0], found["d"][0]) == ("email", "phone")
    assert found["col_3"][2].startswith("100% of its values are e-mail addresses; ")
    assert groups(tmp_path / "shop.matches.csv")[:3] == ["1", "1", ""]


@pytest.mark.parametrize(
    ("sep", "encoding", "options"),
    [
        (";", "utf-8", ["--delimiter", ";"]),
        ("\t", "utf-8", ["--delimiter", "\\t"]),
        (",", "utf-16", ["--encoding", "utf-16"]),
        (",", "utf-8-sig", []),
    ],
)
def test_other_forms_of_text_are_read(
    tmp_path: Path, sep: str, encoding: str, options: list[str]
) -> None:
    result = run(write(tmp_path / "shop.csv", HEADER, sep, encoding), *options)

    assert result.exit_code == 0
    assert groups(tmp_path / "shop.matches.csv", sep)[:3] == ["1", "1", ""]


def test_parquet_is_read_and_written(tmp_path: Path) -> None:
    table = pa.table(dict(zip(HEADER, zip(*ROWS, strict=True), strict=True)))
    parquet.write_table(table, tmp_path / "shop.parquet")
    assert run(tmp_path / "shop.parquet").exit_code == 0

    found = parquet.read_table(tmp_path / "shop.matches.parquet")
    assert found.column("match_group").to_pylist() == [1, 1, *[None] * 40]


def test_an_output_is_replaced_only_by_force(file: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    output.write_text("old")
    assert run(file, "--output", str(output)).exit_code == 2
    assert output.read_text() == "old"

    assert run(file, "--output", str(output), "--force").exit_code == 0
    assert groups(output)[:2] == ["1", "1"]


def test_a_result_is_not_read_again(file: Path, tmp_path: Path) -> None:
    run(file)
    result = run(tmp_path / "shop.matches.csv")

    assert result.exit_code == 2
    assert "is it an output of `dedupe`?" in result.stderr


def test_groups_are_explained_and_drawn(tmp_path: Path) -> None:
    file = write(tmp_path / "shop.csv", ["FirstName", "LastName", "EmailAddress", "key"])
    result = run(file, "--explain", "1", "--plot", str(tmp_path / "plot.png"), "--id", "key")

    assert "+1 206 555 0100 and 206-555-0100" in result.stdout
    assert "before comparing" in result.stdout
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--delimiter", ";;"], "must be one ASCII character"),
        (["--delimiter", ""], "must be one ASCII character"),
        (["--delimiter", "§"], "must be one ASCII character"),
        (["--delimiter", '"'], "must be one ASCII character"),
        (["--delimiter", ";"], "check --delimiter"),
        (["--encoding", "latin-99"], "there is no encoding 'latin-99'"),
        (["--encoding", "utf-16"], "the file is not utf-16"),
        (["--id", "Nope"], "no column 'Nope'"),
        (["--kind", "Nope=email"], "'Nope', which the records do not have"),
        (["--kind", "FirstName=nope"], "a kind is one of"),
        (["--kind", "FirstName"], "COLUMN=KIND"),
        (["--threshold", "0.3"], "0.5"),
        (["--output", "missing/out.csv"], "cannot be written"),
        (["--plot", "missing/plot.png"], "cannot be written"),
    ],
)
def test_wrong_options_are_said_plainly(file: Path, options: list[str], told: str) -> None:
    result = run(file, *options)

    assert result.exit_code == 2
    assert told in result.stderr
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no header"),
        ("FirstName\nAda\n", "no header of several different columns"),
        ("FirstName,LastName\nAda,King,1\nBob\n", "the row has 3 columns, the header has 2"),
        (f"FirstName,{'x' * 200_000}\nAda,King\n", "cannot be read"),
    ],
)
def test_a_file_that_is_no_table_is_an_error(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "shop.csv").write_text(text)
    result = run(tmp_path / "shop.csv")

    assert (result.exit_code, told in result.stderr) == (2, True)
    assert [one.name for one in tmp_path.iterdir()] == ["shop.csv"]


@pytest.mark.parametrize("name", ["missing.csv", "missing.parquet", "."])
def test_a_file_that_is_not_there_is_an_error(tmp_path: Path, name: str) -> None:
    result = run(tmp_path / name)

    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")


def test_a_file_of_nobody_has_no_groups(tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_text("FirstName,LastName\n")

    assert "0 rows, 0 groups" in run(tmp_path / "shop.csv").stdout


def test_cells_that_a_spreadsheet_would_run_are_guarded(tmp_path: Path) -> None:
    file = tmp_path / "shop.csv"
    formulas = ["=HYPERLINK(A1)", "@SUM(A1)", "-2+cmd|' /C calc'!A0", "+1 206 555 0100", "Ada"]
    with file.open("w", newline="") as text:
        csv.writer(text).writerows([[*HEADER, "Note"], *([*row, "x"] for row in ROWS)])
        csv.writer(text).writerows(
            ["Ada", f"Last{n}x", f"q{n}@example.com", "", formula]
            for n, formula in enumerate(formulas)
        )
    run(file)
    notes = [row["Note"] for row in rows(tmp_path / "shop.matches.csv")]

    assert notes[-5:] == [f"'{formula}" for formula in formulas[:3]] + formulas[3:]


def test_a_plot_without_matplotlib_is_refused_before_anything_is_written(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("customer_profiles.cli.dedupe.find_spec", lambda _: None)
    result = run(file, "--plot", str(tmp_path / "plot.png"))

    assert result.exit_code == 2
    assert 'pip install "customer-profiles[plots]"' in result.stderr
    assert [part.name for part in tmp_path.iterdir()] == ["shop.csv"]


def test_a_precision_chooses_the_threshold(file: Path, tmp_path: Path) -> None:
    result = run(file, "--precision", "0.9")

    assert result.exit_code == 0
    assert "expected precision" in result.stderr
    assert groups(tmp_path / "shop.matches.csv")[:3] == ["1", "1", ""]


def test_a_threshold_and_a_precision_are_refused(file: Path) -> None:
    result = run(file, "--precision", "0.9", "--threshold", "0.9")

    assert result.exit_code == 2
    assert "not both" in result.stderr


def test_a_doubtful_result_is_said_with_its_remedy(file: Path) -> None:
    result = run(file)

    assert "the result is unreliable" in result.stderr
    assert (
        "the model was estimated from too few matches (about 1); review the groups" in result.stderr
    )
    assert "unreliable" not in result.stdout
