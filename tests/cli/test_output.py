"""How rows are printed: tables that fit, JSON and CSV for pipes, masking, settings and paging."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from customer_profiles import Address, FoundBy, Profile
from customer_profiles.cli import output
from customer_profiles.cli.output import Column, Output, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

ADA = Profile(
    profile_id="0" * 31 + "1",
    first_name="Ada",
    last_name="King",
    email_address="ada@example.com",
    phone_number="+1 206 555 0100",
    gender="FEMALE",
    address=Address(city="London", country="GB"),
    attributes={"tier": "gold"},
)
GRACE = Profile(
    profile_id="0" * 31 + "2",
    first_name="Grace Brewster Murray",
    last_name="Hopper",
    email_address="grace.brewster.murray.hopper@example.org",
)
COLUMNS = [
    *shown("profile_id", whole=True),
    *map(Column, ("first_name", "last_name", "email_address", "phone_number")),
]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("CUSTOMER_PROFILES_CONFIG", str(tmp_path / "config.toml"))


def printed(rows: Iterable[output.Row], **options: Any) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        output.show(rows, **options)
    return out.getvalue(), err.getvalue()


def test_a_table_at_eighty_columns() -> None:
    out, err = printed([ADA, GRACE], columns=COLUMNS)

    assert out == (
        "profile id                        first name             last      email address\n"
        "                                                         name\n"
        "00000000000000000000000000000001  A••                    K•••      a•••@e•••.com\n"
        "00000000000000000000000000000002  G•••• B••••••• M•••••  H•••••    g•••@e•••.org\n"
    )
    assert " ".join(err.split()) == (
        "5 columns left out: phone_number, gender, address.city, address.country, … "
        "(--columns NAME,… or --json prints them)"
    )


def test_a_revealed_table_cuts_with_an_ellipsis() -> None:
    out, _ = printed([ADA, GRACE], columns=COLUMNS, reveal=True)

    assert "Grace Brewster Mu…" in out
    assert max(cell_len(line) for line in out.splitlines()) <= 80


def test_a_pipe_without_columns_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS")
    out, err = printed([ADA, GRACE], columns=COLUMNS, reveal=True)

    assert "grace.brewster.murray.hopper@example.org" in out
    assert "4 columns left out: gender" in err


ROWS = st.lists(st.dictionaries(st.sampled_from("abcdef") | st.text(), st.text()), min_size=1)


@given(rows=ROWS, width=st.integers(20, 120), vertical=st.booleans())
def test_no_line_is_wider_than_the_terminal(
    *, rows: list[dict[str, str]], width: int, vertical: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        out, _ = printed(rows, private=False, vertical=vertical)

    assert max((cell_len(line) for line in out.split("\n")), default=0) <= width


def test_two_columns_of_one_name_have_whole_headings() -> None:
    row = {"address": {"city": "London"}, "shipping_address": {"city": "Rome"}}

    heading, _ = printed([row])[0].splitlines()

    assert heading == "address city  shipping address city"


def test_a_row_alone_is_a_list_of_its_members() -> None:
    out, _ = printed([ADA], vertical=True)

    assert out.splitlines()[1:4] == [
        "first_name       A••",
        "last_name        K•••",
        "gender           •••",
    ]
    assert "attributes.tier  g•••" in out


def test_long_members_are_wrapped() -> None:
    out, _ = printed([{"note": "word " * 40}], vertical=True, reveal=True)

    assert len(out.splitlines()) == 3
    assert out.splitlines()[1].startswith("      word")


def test_json_lines_are_nested_and_masked() -> None:
    out, _ = printed([ADA], format="jsonl")

    assert json.loads(out) == {
        "profile_id": "0" * 31 + "1",
        "first_name": "A••",
        "last_name": "K•••",
        "email_address": "a•••@e•••.com",
        "phone_number": "+• ••• ••• ••00",
        "gender": "•••",
        "address": {"city": "L•••••", "country": "G•"},
        "attributes": {"tier": "g•••"},
    }


def test_json_is_an_array_even_when_empty() -> None:
    assert (
        json.loads(printed([ADA, GRACE], format="json", reveal=True)[0])[1]["last_name"] == "Hopper"
    )
    assert json.loads(printed([], format="json")[0]) == []
    assert printed([], format="jsonl")[0] == ""


def test_times_are_iso_and_decimals_exact() -> None:
    row = {
        "at": datetime(2024, 2, 29, 12, tzinfo=UTC),
        "on": date(2024, 2, 29),
        "total": Decimal("12.50"),
        "count": 3,
        "is_paid": True,
    }

    assert json.loads(printed([row], format="jsonl", reveal=True)[0]) == {
        "at": "2024-02-29T12:00:00+00:00",
        "on": "2024-02-29",
        "total": "12.50",
        "count": 3,
        "is_paid": True,
    }
    assert printed([row], format="csv", reveal=True)[0] == (
        "at,on,total,count,is_paid\n2024-02-29T12:00:00+00:00,2024-02-29,12.50,3,true\n"
    )


def test_no_control_characters_of_names_or_values_reach_the_terminal() -> None:
    row = {"attributes": {"a\x1b[2Jb": "c\x1b[31md"}}

    for vertical in (False, True):
        assert "\x1b" not in "".join(printed([row], reveal=True, vertical=vertical))


def test_records_within_rows_are_masked() -> None:
    out, _ = printed([{"match_id": "1", "profile": ADA}], columns=shown("match_id"), format="jsonl")

    profile = json.loads(out)["profile"]
    assert (profile["profile_id"], profile["last_name"]) == (ADA.profile_id, "K•••")


def test_control_characters_stay_valid_json() -> None:
    text = "a\x1b[31m\x9f\u202e\n\tb"
    out, _ = printed([{"note": text}], format="jsonl", reveal=True)

    assert json.loads(out) == {"note": text}
    assert out.isprintable() or out.strip().isprintable()


def test_csv_has_the_columns_of_the_model_even_without_rows() -> None:
    empty, _ = printed([], format="csv", model=Profile)
    full, _ = printed([GRACE], format="csv", model=Profile)

    assert empty.splitlines()[0] == full.splitlines()[0]
    assert {"address.city", "engagement_preferences.phone"} <= set(empty.strip().split(","))
    assert "attributes" not in empty


def test_csv_has_the_members_that_only_later_rows_have() -> None:
    out, _ = printed([GRACE, ADA], format="csv", model=Profile, reveal=True)

    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["attributes.tier"] for row in rows] == ["", "gold"]
    assert rows[1]["address.city"] == "London"


@pytest.mark.parametrize("value", ["=1+1", "@SUM(A1)", "+cmd|x", "-2+3+cmd", "\t=1"])
def test_a_formula_is_guarded_in_csv_and_exact_in_json(value: str) -> None:
    assert f"'{value}" in printed([{"note": value}], format="csv", reveal=True)[0]
    assert json.loads(printed([{"note": value}], format="jsonl", reveal=True)[0])["note"] == value


def test_a_phone_number_is_no_formula() -> None:
    out, _ = printed([{"phone": "+1 206 555 0100"}], format="csv", reveal=True)

    assert out.splitlines()[1] == "+1 206 555 0100"


def test_chosen_columns_are_printed_in_every_format() -> None:
    chosen = ["last_name", "address.city"]

    assert printed([ADA], chosen=chosen)[0].splitlines()[1] == "K•••       L•••••"
    assert json.loads(printed([ADA], format="jsonl", chosen=chosen)[0]) == {
        "last_name": "K•••",
        "address.city": "L•••••",
    }
    assert printed([ADA], format="csv", chosen=chosen)[0] == "last_name,address.city\nK•••,L•••••\n"


@pytest.mark.parametrize("kind", ["table", "csv", "json"])
def test_a_mistyped_column_names_the_nearest(
    kind: output.Format, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit):
        output.show([ADA], format=kind, chosen=["adress.city"], model=Profile)

    assert "no column 'adress.city'; did you mean address.city" in capsys.readouterr().err


def test_a_table_says_that_it_is_cut() -> None:
    rows = [{"n": n} for n in range(51)]

    assert "the first 50; --limit N prints more" in printed(rows, private=False)[1]
    assert "the first" not in printed(rows[:50], private=False)[1]
    assert len(printed(rows, private=False, limit=51)[0].splitlines()) == 52


def test_rows_are_printed_as_they_are_read() -> None:
    def rows() -> Iterable[output.Row]:
        yield {"n": 1}
        assert out.getvalue() == '{"n": 1}\n'
        yield {"n": 2}

    out = io.StringIO()
    with redirect_stdout(out):
        output.show(rows(), format="jsonl", reveal=True)


def test_shown_columns_of_mappings_are_not_masked() -> None:
    row = {"match_id": "abc", "name": "Ada", "found": 12}

    out, _ = printed([row], columns=[*shown("match_id", "found"), "name"])

    assert out.splitlines()[1].split() == ["abc", "12", "A••"]


WORDS = st.text("qxzQXZ0123456789 -_.é王ñ", min_size=4, max_size=30).filter(
    lambda text: len(text.strip(" -_.")) > 3
)
VALUES = WORDS | st.builds("{}@{}.{}".format, WORDS, WORDS, st.sampled_from(["com", "org"]))
PROFILES = st.builds(
    Profile,
    first_name=VALUES,
    email_address=VALUES,
    phone_number=VALUES,
    birth_date=VALUES,
    gender_string=VALUES,
    address=st.builds(Address, city=VALUES, postal_code=VALUES),
    attributes=st.dictionaries(st.sampled_from("ab"), VALUES, min_size=1),
    found_by=st.lists(st.builds(FoundBy, key_name=st.just("_email"), values=st.lists(VALUES))),
)


def values_of(value: object) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(values_of, value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*map(values_of, value)) if value else set()
    return {str(value)}


@given(
    st.lists(PROFILES, min_size=1, max_size=3), st.sampled_from(["table", "json", "jsonl", "csv"])
)
def test_no_masked_output_contains_a_stored_value(
    profiles: list[Profile], kind: output.Format
) -> None:
    values = set().union(*(values_of(profile.reveal()) for profile in profiles)) - {"_email"}
    texts = printed(profiles, format=kind, model=Profile, columns=COLUMNS)
    texts += printed(profiles, format=kind, vertical=True)

    assert [value for value in values if any(value.strip() in text for text in texts)] == []


def test_a_masked_object_keeps_the_names_of_its_members_only() -> None:
    row = {"object": {"email": "ada@example.com", "lines": [{"sku": "socks", "price": 9.5}]}}
    out, _ = printed([row], format="jsonl")

    assert json.loads(out)["object"] == {
        "email": "a•••@e•••.com",
        "lines": [{"sku": "s••••", "price": "•••"}],
    }


def test_values_are_revealed_by_the_users_own_setting(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine" / "shop.db", tmp_path / "shop.db"
    (tmp_path / "config.toml").write_text(f'reveal = ["{tmp_path}/mine"]\n')

    assert Output().reveals(mine)
    assert not Output().reveals(other)
    assert not Output().reveals(None)
    assert not Output(reveal=False).reveals(mine)
    assert Output(reveal=True).reveals(None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("reveal = true", "reveal is a list of database files or folders"),
        ("revael = []", "no setting 'revael'; known is reveal"),
        ("reveal = [", "cannot be read"),
    ],
)
def test_a_wrong_setting_is_an_error(
    tmp_path: Path, text: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.toml").write_text(text)

    with pytest.raises(typer.Exit):
        Output().reveals(tmp_path / "shop.db")
    assert problem in " ".join(capsys.readouterr().err.split())


def test_two_formats_are_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        _ = Output(json=True, csv=True).format
    assert "give one of --json and --csv" in capsys.readouterr().err


SCRIPT = """
import sys
from customer_profiles.cli import output
output.show([{"n": n} for n in range(int(sys.argv[1]))], private=False, pager=sys.argv[2] == "on")
"""


def in_terminal(*arguments: str, **variables: str) -> str:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "LINES": "10", "PAGER": "sed s/^/paged:/", "TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment | variables,
    )
    os.close(theirs)
    text = b""
    try:
        while part := os.read(ours, 65_536):
            text += part
    except OSError:  # The terminal is closed.
        pass
    finally:
        os.close(ours)
    assert process.wait() == 0
    return text.decode()


def test_long_tables_are_paged_on_a_terminal() -> None:
    assert in_terminal("30", "on").count("paged:") == 31
    assert "paged:" not in in_terminal("5", "on")
    assert "paged:" not in in_terminal("30", "off")


def test_colours_are_for_terminals_that_want_them() -> None:
    assert "\x1b[1m" in in_terminal("5", "on")
    assert "\x1b[3" not in in_terminal("5", "on", NO_COLOR="1")
    assert "\x1b" not in printed([{"n": 1}], private=False)[0]
