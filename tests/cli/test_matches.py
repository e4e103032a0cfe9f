"""`customer-profiles matches`: find, list, explain, merge and preview."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from customer_profiles import (
    AutoMerging,
    Consolidation,
    CustomerProfiles,
    JobSchedule,
    MatchingConfig,
    MatchingRule,
    RuleBasedMatchingConfig,
)
from customer_profiles.cli.app import app

NOBODY = "f" * 32
SETTINGS = MatchingConfig(
    enabled=False,
    job_schedule=JobSchedule(day_of_the_week="MONDAY", time="03:00"),
    auto_merging=AutoMerging(
        enabled=False,
        consolidation=Consolidation(matching_attributes_list=[["LastName", "EmailAddress"]]),
    ),
)
RULES = RuleBasedMatchingConfig(
    enabled=True, matching_rules=[MatchingRule(rule=["LastName", "EmailAddress"])]
)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """Give a domain of fifty customers and one that is there twice, whose matching is off."""
    with CustomerProfiles.embedded(tmp_path / "shop.db") as cp:
        options = {"matching": SETTINGS, "rule_based_matching": RULES}
        shop = cp.domains.create("shop", default_expiration_days=30, **options)
        for n in range(50):
            shop.profiles.create(
                first_name=f"First{n}", last_name=f"Last{n}", email_address=f"p{n}@example.com"
            )
        for first, phone in (("Augusta", "+1 206 555 0100"), ("Agusta", "206-555-0100")):
            shop.profiles.create(
                first_name=first,
                last_name="Lovelace",
                email_address="lovelace@example.org",
                phone_number=phone,
            )
    return tmp_path / "shop.db"


def run(db: Path, *arguments: str, text: str | None = None) -> Result:
    command = ["matches", *arguments, "--domain", "shop", "--db", str(db)]
    return CliRunner().invoke(app, command, input=text, env={"COLUMNS": "200"})


def names(db: Path) -> list[str | None]:
    """Give the first names of the customer who is there twice."""
    with CustomerProfiles.embedded(db) as cp:
        found = cp.domain("shop").profiles.search(email="lovelace@example.org")
        return [one.first_name for one in found]


@pytest.fixture
def matched(db: Path) -> Path:
    assert run(db, "run").exit_code == 0
    return db


def match_of(db: Path, *, rules: bool = False) -> tuple[str, list[str]]:
    with CustomerProfiles.embedded(db) as cp:
        matches = cp.domain("shop").matches
        found = matches.rule_based().one().refresh() if rules else matches.all().one()
        return found.match_id, found.profile_ids


def test_run_enables_the_matching_and_keeps_its_other_settings(db: Path) -> None:
    result = run(db, "run")

    assert "matching is now enabled in domain shop" in result.output
    assert "52 profiles compared, 1 matches found, 0 merges done" in result.output
    with CustomerProfiles.embedded(db) as cp:
        matching = cp.domains.get("shop").matching
    assert matching == SETTINGS.model_copy(update={"enabled": True})


def test_a_job_that_fails_exits_with_1(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr("customer_profiles.engine.matching.machine.find", find)
    result = run(db, "run")

    assert result.exit_code == 1
    assert "The job failed: ValueError" in result.output


@pytest.mark.parametrize("rules", [False, True])
def test_list_shows_ids_and_how_sure_a_match_is(matched: Path, rules: bool) -> None:
    match_id, profile_ids = match_of(matched, rules=rules)
    result = run(matched, "list", *(["--rules"] if rules else []))

    assert result.exit_code == 0
    assert {match_id, *profile_ids} <= set(result.output.split())
    assert ("1" if rules else "%") in result.output


def test_list_says_that_there_is_nothing(db: Path) -> None:
    with CustomerProfiles.embedded(db) as cp:
        shop = cp.domains.get("shop")
        shop.matching = MatchingConfig(enabled=True)
        shop.save()

    assert run(db, "list").output == "no matches\n"


def test_explain_shows_evidence_and_no_values(matched: Path, tmp_path: Path) -> None:
    match_id, profile_ids = match_of(matched)
    result = run(matched, "explain", match_id, "--plot", str(tmp_path / "why.png"))

    assert result.exit_code == 0
    assert f"{profile_ids[0]} and {profile_ids[1]}" in result.output
    assert "email" in result.output
    assert "ovelace" not in result.output
    assert (tmp_path / "why.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("file", ["missing/why.png", "why.xyz"])
def test_a_plot_that_cannot_be_written_is_an_error(
    matched: Path, tmp_path: Path, file: str
) -> None:
    result = run(matched, "explain", match_of(matched)[0], "--plot", str(tmp_path / file))

    assert result.exit_code == 2
    assert f"{tmp_path / file} cannot be written" in result.output


def test_merge_makes_one_profile_and_takes_a_field(matched: Path) -> None:
    match_id, (keep, other) = match_of(matched)
    take = f"first_name={other}"
    result = run(matched, "merge", match_id, "--keep", keep, "--take", take, "--yes")

    assert result.stdout == f"merged 2 profiles into {keep}\n"
    assert "undo: `matches restore" in result.stderr
    assert names(matched) == ["Agusta"]


def test_merge_asks_first(matched: Path) -> None:
    match_id, (keep, _) = match_of(matched)
    assert run(matched, "merge", match_id, "--keep", keep, text="n\n").exit_code == 1
    assert len(names(matched)) == 2

    assert run(matched, "merge", match_id, "--keep", keep, text="y\n").exit_code == 0
    assert names(matched) == ["Augusta"]


def test_a_match_of_rules_is_merged_too(db: Path) -> None:
    match_id, (keep, _) = match_of(db, rules=True)
    result = run(db, "merge", match_id, "--keep", keep, "--rules", "--yes")

    assert result.exit_code == 0
    assert names(db) == ["Augusta"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["explain", NOBODY], "no match with this id"),
        (["merge", NOBODY, "--keep", NOBODY, "--yes"], "matches list --rules"),
        (["merge", NOBODY, "--keep", NOBODY, "--take", "first_name"], "FIELD=PROFILE_ID"),
        (["preview", "--min-confidence", "0.9"], "needs a --criterion"),
        (["preview", "--criterion", "LastNme"], "LastNme is no attribute"),
    ],
)
def test_what_is_wrong_is_said_plainly(matched: Path, arguments: list[str], told: str) -> None:
    result = run(matched, *arguments)

    assert result.exit_code == 2
    assert told in result.output


def test_a_profile_that_is_not_of_the_match_cannot_be_kept(matched: Path) -> None:
    result = run(matched, "merge", match_of(matched)[0], "--keep", NOBODY, "--yes")

    assert result.exit_code == 2
    assert "keep is not one of the profiles" in result.output
    assert len(names(matched)) == 2


@pytest.mark.parametrize(
    ("arguments", "merged"),
    [
        ([], 2),
        (["--criterion", "LastName, EmailAddress"], 2),
        (["--criterion", "FirstName"], 0),
        (["--criterion", "FirstName", "--criterion", "EmailAddress"], 2),
        (["--criterion", "EmailAddress", "--min-confidence", "1"], 0),
    ],
)
def test_preview_counts_what_would_be_merged(
    matched: Path, arguments: list[str], merged: int
) -> None:
    result = run(matched, "preview", *arguments)

    assert result.output == f"{merged} of 2 profiles in 1 matches would be merged\n"
    assert len(names(matched)) == 2


def test_preview_draws_what_each_minimum_confidence_would_merge(
    matched: Path, tmp_path: Path
) -> None:
    result = run(matched, "preview", "--plot", str(tmp_path / "preview.png"))

    assert result.exit_code == 0
    assert (tmp_path / "preview.png").read_bytes().startswith(b"\x89PNG")


def test_a_domain_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    CustomerProfiles.embedded(tmp_path / "empty.db").close()
    result = run(tmp_path / "empty.db", "run")

    assert result.exit_code == 2
    assert "shop" in result.output


def review(db: Path, keys: str, *options: str) -> Result:
    return run(db, "review", *options, text=keys)


def test_list_shows_people_masked_with_what_agrees_and_differs(matched: Path) -> None:
    result = run(matched, "list")

    assert "L•••••••" in result.output
    assert "ovelace" not in result.output
    assert "agreeing: last_name, phone_number, email_address" in result.output
    assert "differing: first_name" in result.output
    assert "Lovelace" in run(matched, "list", "--reveal").output


def test_list_gives_json_to_pipes(matched: Path) -> None:
    (row,) = json.loads(run(matched, "list", "--json").stdout)

    assert row["differing"] == ["first_name"]
    assert row["state"] == "open"
    assert "ovelace" not in json.dumps(row)


def test_show_has_every_field_side_by_side(matched: Path) -> None:
    result = run(matched, "show", match_of(matched)[0], "--reveal")

    assert re.search(r"~ +first_name +Augusta +Agusta", result.output)
    assert re.search(r"= +phone_number +\+1 206 555 0100 +206-555-0100", result.output)


def test_review_merges_after_confirmation_with_an_undo_file(matched: Path) -> None:
    result = review(matched, "my")

    assert result.exit_code == 0
    assert "1 to merge, 0 kept apart, 0 skipped" in result.output
    assert len(names(matched)) == 1
    (file,) = matched.with_name("shop.db.undo").glob("*.undo.json")
    assert run(matched, "restore", str(file)).exit_code == 0
    assert sorted(filter(None, names(matched))) == ["Agusta", "Augusta"]


def test_review_stores_decisions_that_the_next_job_honours(matched: Path) -> None:
    assert "0 to merge, 1 kept apart" in review(matched, "a").output
    assert run(matched, "run").exit_code == 0
    assert run(matched, "list").output == "no matches\n"
    assert (
        "False" in run(matched, "decisions").output or "false" in run(matched, "decisions").output
    )


def test_review_takes_an_answer_back_and_chooses_the_profile_to_keep(matched: Path) -> None:
    keep = match_of(matched)[1][1]
    result = review(matched, "a" + "q")
    assert result.exit_code == 0
    left, right = match_of(matched)[1]
    assert run(matched, "forget", left, right).exit_code == 0

    assert f"merged 2 profiles into {keep}" in review(matched, "2my").output


def test_review_goes_on_where_the_input_ended(matched: Path) -> None:
    assert "nothing was merged" in review(matched, "m").output
    assert "merged 2 profiles" in review(matched, "y", "--apply").output


def test_all_matches_of_a_confidence_are_merged(matched: Path) -> None:
    dry = run(matched, "merge", "--all", "--min-confidence", "0.5", "--dry-run")
    assert "would merge 2 profiles in 1 matches" in dry.output
    assert len(names(matched)) == 2

    result = run(matched, "merge", "--all", "--min-confidence", "0.5", "--yes")
    assert "merged 1 of 1 matches" in result.output
    assert len(names(matched)) == 1


def test_merging_all_leaves_out_what_is_kept_apart(matched: Path) -> None:
    review(matched, "a")
    result = run(matched, "merge", "--all", "--min-confidence", "0", "--yes")

    assert "1 matches are left out" in result.output
    assert len(names(matched)) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["merge"], "give the id of a match, or --all"),
        (["merge", "--all"], "--all needs --min-confidence"),
        (["merge", "x", "--min-confidence", "1"], "--min-confidence needs --all"),
        (["merge", "--all", "--keep", "x"], "leave them out"),
        (["review", "--json"], "matches list --json"),
    ],
)
def test_options_that_do_not_fit_are_named(db: Path, arguments: list[str], words: str) -> None:
    result = run(db, *arguments)

    assert result.exit_code == 2
    assert words in result.output


def test_an_explanation_keeps_its_columns_in_80(matched: Path) -> None:
    command = ["matches", "explain", match_of(matched)[0], "--domain", "shop", "--db", str(matched)]
    output = CliRunner().invoke(app, command, env={"COLUMNS": "80"}).output

    assert max(map(len, output.splitlines())) <= 80
    assert "…" not in output
