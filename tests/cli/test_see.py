"""`domains`, `profiles`, `objects`, `object-types`, `jobs`, `keys`: see and change what is stored.

They run on a database file and, over HTTP, on an engine at --endpoint-url.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from customer_profiles import CustomerProfiles
from customer_profiles.cli.app import app
from tests.cli.where import NOBODY, SECRETS, Where

if TYPE_CHECKING:
    pass

# Seeing


def test_a_search_finds_a_customer_masked(where: Where) -> None:
    result = where.run("profiles", "search", "--email", "ADA@example.com")

    assert result.exit_code == 0
    assert where.id_of("ada@example.com") in result.stdout
    assert "A••" in result.stdout
    assert [secret for secret in SECRETS if secret in result.output] == []
    assert max(map(cell_len, result.stdout.splitlines())) <= 80


def test_a_search_reveals_on_demand(where: Where) -> None:
    option = where.run("profiles", "search", "--email", "ada@example.com", "--reveal")
    variable = where.run(
        "profiles", "search", "--email", "ada@example.com", CUSTOMER_PROFILES_REVEAL="1"
    )
    against = where.run(
        "profiles", "search", "--email", "ada@example.com", "--mask", CUSTOMER_PROFILES_REVEAL="1"
    )

    assert "Lovelace" in option.stdout
    assert "Lovelace" in variable.stdout
    assert "Lovelace" not in against.stdout


@pytest.mark.parametrize(
    "options",
    [
        ["--phone", "206 555 0100"],
        ["--name", "ada lovelace"],
        ["--key", "OrderId=4711"],
        ["--email", "ada@example.com", "--name", "Ada Lovelace"],
        ["--email", "ada@example.com", "--phone", "+44 1", "--any"],
    ],
)
def test_a_search_has_all_keys(where: Where, options: list[str]) -> None:
    assert [row["first_name"] for row in where.rows("profiles", "search", *options)] == ["Ada"]


def test_values_of_a_key_may_be_repeated(where: Where) -> None:
    options = ["--email", "ada@example.com", "--email", "grace@example.com"]

    assert len(where.rows("profiles", "search", *options)) == 2
    assert len(where.rows("profiles", "search", *options, "--limit", "1")) == 1


def test_a_search_without_a_result_is_no_error(where: Where) -> None:
    result = where.run("profiles", "search", "--email", "nobody@example.com")

    assert (result.exit_code, result.stdout) == (0, "")
    assert "no profile has these keys" in result.stderr


def test_a_search_needs_a_key(where: Where) -> None:
    result = where.run("profiles", "search")

    assert result.exit_code == 2
    assert "give a key: --email" in result.stderr


def test_a_profile_is_shown_with_all_its_fields(where: Where) -> None:
    result = where.run("profiles", "get", where.id_of("ada@example.com"))

    assert result.exit_code == 0
    assert "address.city     L•••••" in result.stdout
    assert "attributes.tier  g•••" in result.stdout


def test_profiles_that_do_not_exist_are_named(where: Where) -> None:
    ada = where.id_of("ada@example.com")
    result = where.run("profiles", "get", ada, NOBODY)

    assert result.exit_code == 1
    assert ada in result.stdout
    assert f"no profile {NOBODY}; `profiles search` finds ids" in result.stderr
    assert where.run("profiles", "get", "zzz", ada).exit_code == 1


def test_a_profile_is_found_by_a_key(where: Where) -> None:
    (row,) = where.rows("profiles", "get", "--email", "grace@example.com")

    assert row["last_name"] == "Hopper"
    assert where.run("profiles", "get").exit_code == 2
    assert where.run("profiles", "get", NOBODY, "--email", "a@b.c").exit_code == 2
    assert where.run("profiles", "get", "--email", "no@example.com").exit_code == 1


def test_all_profiles_are_listed_where_the_service_is_embedded(where: Where) -> None:
    result = where.run("profiles", "list", "--csv", "--reveal")
    if not where.is_embedded:
        assert result.exit_code == 2
        assert "a segment exports them" in result.stderr
        return

    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["first_name"] for row in rows] == ["Ada", "Grace"]
    assert rows[0]["attributes.tier"] == "gold"


def test_the_history_of_a_profile_is_shown(where: Where) -> None:
    ada = where.id_of("ada@example.com")
    where.shop.profiles.update(ada, first_name="Augusta")

    events = where.rows("profiles", "history", ada)
    assert [event["action_type"] for event in events] == ["CREATED", "INGESTED", "UPDATED"]
    (event,) = where.rows("profiles", "history", ada, "--action", "UPDATED", "--content")
    assert event["content"]["FirstName"] == "Augusta"
    table = where.run("profiles", "history", ada, "--content")
    assert "Augusta" not in table.output
    assert max(map(cell_len, table.stdout.splitlines())) <= 80


def test_objects_are_listed(where: Where) -> None:
    ada = where.id_of("ada@example.com")

    for options in (["--profile-id", ada], ["--email", "ada@example.com"]):
        (row,) = where.rows("objects", "list", "--type", "Order", *options)
        assert row["profile_id"] == ada
        assert row["object"] == {"OrderId": "4711", "Email": "ada@example.com", "Total": 12.5}


def test_all_objects_are_listed_where_the_service_is_embedded(where: Where) -> None:
    result = where.run("objects", "list", "--type", "Order")
    if not where.is_embedded:
        assert result.exit_code == 2
        assert "Give --profile-id" in result.stderr
        return

    assert len(result.stdout.splitlines()) == 3
    assert "4711" not in result.stdout
    assert max(map(cell_len, result.stdout.splitlines())) <= 80


def test_an_object_is_shown(where: Where) -> None:
    ada = where.id_of("ada@example.com")
    (row,) = where.rows("objects", "list", "--type", "Order", "--profile-id", ada)
    key = row["profile_object_unique_key"]

    result = where.run("objects", "get", key, "--type", "Order", "--profile-id", ada)

    assert result.exit_code == 0
    assert "object.Email               a•••@e•••.com" in result.stdout
    missing = where.run("objects", "get", "nothing", "--type", "Order", "--profile-id", ada)
    assert missing.exit_code == 2
    assert "has no object of type Order with this key" in missing.stderr


def test_domains_are_listed_and_shown(where: Where) -> None:
    (row,) = where.rows("domains", "list")
    assert row["domain_name"] == "shop"
    shown = where.run("domains", "show", "shop")
    assert "default_expiration_days       30" in shown.stdout
    assert "object_types                  Order" in shown.stdout


def test_object_types_are_listed(where: Where) -> None:
    (row,) = where.rows("object-types", "list")

    assert (row["object_type_name"], row["description"]) == ("Order", "An order.")


def test_keys_of_a_domain_are_listed(where: Where) -> None:
    rows = where.rows("keys", "list")

    assert {"key_name": "_email", "source": "_profile"} in rows
    assert [row["field_names"] for row in rows if row["key_name"] == "OrderId"] == [["OrderId"]]


def test_keys_of_a_profile_are_shown_where_the_service_is_embedded(where: Where) -> None:
    ada = where.id_of("ada@example.com")
    result = where.run("keys", "show", ada)
    if not where.is_embedded:
        assert result.exit_code == 2
        assert "found_by" in result.stderr
        return

    assert "4711" not in result.stdout
    rows = where.rows("keys", "show", ada)
    assert {"key_name": "OrderId", "value": "4711", "source": "Order"} in rows


def test_keys_are_added_and_removed(where: Where) -> None:
    ada = where.id_of("ada@example.com")

    assert where.run("keys", "add", ada, "crm=17").exit_code == 0
    assert len(where.rows("profiles", "search", "--key", "crm=17")) == 1
    assert where.run("keys", "remove", ada, "crm=17", text="n\n").exit_code == 1
    assert where.run("keys", "remove", ada, "crm=17", "--yes").exit_code == 0
    assert where.rows("profiles", "search", "--key", "crm=17") == []


def test_jobs_are_listed(where: Where) -> None:
    assert where.rows("jobs", "list") == []
    result = where.run("jobs", "show", NOBODY)
    assert result.exit_code == 2
    assert f"no job {NOBODY}; it had no job yet" in result.stderr


# Changing


def test_a_profile_is_created_changed_and_deleted(where: Where) -> None:
    made = where.run(
        "profiles", "create", "--set", "first_name=Mary", "--set", "address.city=Rome",
        "--set", "attributes.tier=silver",
    )  # fmt: skip
    assert made.exit_code == 0
    mary = made.stdout.split()[1]

    changed = where.run(
        "profiles", "update", mary, "--set", "last_name=Shelley", "--clear", "address.city",
        "--set", "attributes.tier=gold",
    )  # fmt: skip
    assert changed.exit_code == 0
    assert where.shop.profiles.get(mary).reveal() == {
        "profile_id": mary,
        "first_name": "Mary",
        "last_name": "Shelley",
        "attributes": {"tier": "gold"},
    }

    assert where.run("profiles", "delete", mary, text="n\n").exit_code == 1
    gone = where.run("profiles", "delete", mary, "--yes")
    assert (gone.exit_code, gone.stdout) == (0, f"deleted {mary}\n")
    assert where.run("profiles", "delete", mary, "--yes").exit_code == 1


def test_a_deletion_is_confirmed_by_a_masked_name(where: Where) -> None:
    result = where.run("profiles", "delete", where.id_of("ada@example.com"), text="y\n")

    assert "(A•• L•••••••)" in result.output
    assert result.exit_code == 0


def test_a_created_profile_can_be_read_by_a_script(where: Where) -> None:
    (row,) = where.rows("profiles", "create", "--set", "first_name=Mary")

    assert where.shop.profiles.get(row["profile_id"]).first_name == "Mary"


def test_an_object_is_deleted(where: Where) -> None:
    ada = where.id_of("ada@example.com")
    (row,) = where.rows("objects", "list", "--type", "Order", "--profile-id", ada)
    command = ["objects", "delete", row["profile_object_unique_key"], "--type", "Order"]

    assert where.run(*command, "--profile-id", ada, text="n\n").exit_code == 1
    assert where.run(*command, "--profile-id", ada, "--yes").exit_code == 0
    assert where.rows("objects", "list", "--type", "Order", "--profile-id", ada) == []


def test_a_domain_is_created_and_deleted(where: Where) -> None:
    made = where.run("domains", "create", "other", "--expiration-days", "7", "--tag", "a=b")
    assert made.exit_code == 0
    assert {row["domain_name"] for row in where.rows("domains", "list")} == {"other", "shop"}

    kept = where.run("domains", "delete", "shop", text="n\n")
    assert "with 2 profiles and 2 objects? It cannot be undone." in kept.output
    assert where.run("domains", "delete", "shop", "--yes").exit_code == 0
    assert [row["domain_name"] for row in where.rows("domains", "list")] == ["other"]


def test_a_domain_is_created_in_a_new_file(tmp_path: Path) -> None:
    db = str(tmp_path / "new.db")

    assert CliRunner().invoke(app, ["domains", "create", "shop", "--db", db]).exit_code == 0
    assert "shop" in CliRunner().invoke(app, ["domains", "list", "--db", db]).stdout


# Mistakes


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["domains", "show", "shpo"], "domain shpo does not exist; did you mean shop?"),
        (["domains", "delete", "shpo"], "domain shpo does not exist; did you mean shop?"),
        (["objects", "list", "--type", "order", "--profile-id", NOBODY], "did you mean Order"),
        (["objects", "list", "--type", "_ordr", "--profile-id", NOBODY], "did you mean _order"),
        (["object-types", "get", "Ordre"], "has no object type 'Ordre'; did you mean Order"),
        (["profiles", "search", "--key", "Orderid=1"], "no key 'Orderid'; did you mean OrderId"),
        (["profiles", "search", "--key", "Orderid"], "--key is NAME=VALUE"),
        (["profiles", "update", NOBODY, "--set", "frst_name=A"], "did you mean first_name"),
        (["profiles", "update", NOBODY, "--set", "adress.city=A"], "did you mean address.city"),
        (["profiles", "update", NOBODY, "--set", "address=A"], "did you mean address.address1"),
        (["profiles", "update", NOBODY, "--set", "tier=A"], "attributes.<name>"),
        (["profiles", "update", NOBODY, "--set", "attributes=A"], "attributes.<name>"),
        (["profiles", "update", NOBODY, "--set", "first_name="], "--clear first_name clears"),
        (["profiles", "update", NOBODY, "--set", "first_name"], "--set is FIELD=VALUE"),
        (["profiles", "update", NOBODY, "--set", "profile_id=1"], "assigns profile_id"),
        (["profiles", "update", NOBODY], "give what to change"),
        (["profiles", "update", NOBODY, "--set", "gender=female"], "'MALE', 'FEMALE'"),
        (["profiles", "update", NOBODY, "--set", "first_name=A"], f"has no profile {NOBODY}; `pro"),
        (["profiles", "update", "zzz", "--set", "first_name=A"], "zzz is not the id of a profile"),
        (["profiles", "history", NOBODY], f"domain shop has no profile {NOBODY}"),
        (["keys", "add", NOBODY, "crm=1"], f"domain shop has no profile {NOBODY}"),
        (["objects", "list", "--type", "Order", "--profile-id", NOBODY], "has no profile ffff"),
        (["objects", "list", "--type", "Order", "--profile-id", "x"], "x is not the id of a"),
        (["profiles", "history", NOBODY, "--action", "updated"], "did you mean UPDATED?"),
        (["profiles", "search", "--email", "a@b.c", "--json", "--csv"], "--json and --csv"),
        (["keys", "add", NOBODY, "crm"], "a key is NAME=VALUE"),
    ],
)
def test_a_mistake_names_the_thing_and_the_remedy(
    file: Where, command: list[str], message: str
) -> None:
    result = file.run(*command)

    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


def test_a_mistake_names_the_nearest_over_http_too(where: Where) -> None:
    domain = where.run("domains", "show", "shpo")
    object_type = where.run("object-types", "get", "Ordre")
    key = where.run("profiles", "search", "--key", "Orderid=1")

    assert "did you mean shop?" in domain.stderr
    assert "did you mean Order" in object_type.stderr
    assert "did you mean OrderId" in key.stderr


@pytest.mark.parametrize("command", ["profiles list", "jobs list", "keys list", "objects list"])
def test_a_mistyped_domain_names_the_nearest(db: Path, command: str) -> None:
    options = ["--type", "Order"] if command.startswith("objects") else []
    arguments = [*command.split(), *options, "--domain", "shpo", "--db", str(db)]
    result = CliRunner().invoke(app, arguments)

    assert result.exit_code == 2
    assert "did you mean shop?" in result.stderr


def test_a_mistyped_file_is_not_created(db: Path) -> None:
    wrong = db.with_name("shopp.db")
    result = CliRunner().invoke(app, ["domains", "list", "--db", str(wrong)])

    assert result.exit_code == 2
    assert "did you mean shop.db?" in " ".join(result.stderr.split())
    assert not wrong.exists()


def test_a_standard_object_has_members_to_map_to() -> None:
    members = CliRunner().invoke(app, ["object-types", "standard", "_case", "--jsonl"])
    objects = CliRunner().invoke(app, ["object-types", "standard"])
    mistyped = CliRunner().invoke(app, ["object-types", "standard", "cases"])

    targets = [json.loads(line)["target"] for line in members.stdout.splitlines()]
    assert "_case.Title" in targets
    assert "_case.Attributes.<name>" in targets
    assert "_webAnalytics" in objects.stdout
    assert (mistyped.exit_code, "did you mean _case" in mistyped.stderr) == (2, True)


# The environment


def test_file_and_domain_come_from_the_environment(db: Path) -> None:
    environment = {"CUSTOMER_PROFILES_DB": str(db), "CUSTOMER_PROFILES_DOMAIN": "shop"}

    result = CliRunner().invoke(app, ["profiles", "list", "--jsonl"], env=environment)
    aws = CliRunner().invoke(app, ["profiles", "list", "--region", "us-east-1"], env=environment)

    assert len(result.stdout.splitlines()) == 2
    assert aws.exit_code == 2
    assert "environment variable CUSTOMER_PROFILES_DB names a file" in aws.stderr


def test_a_setting_reveals_the_users_own_file(db: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'reveal = ["{db}"]')

    result = CliRunner().invoke(
        app,
        ["profiles", "list", "--domain", "shop", "--db", str(db), "--jsonl"],
        env={"CUSTOMER_PROFILES_CONFIG": str(config)},
    )

    assert "Lovelace" in result.stdout


def test_a_mistyped_aws_profile_names_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("[profile production]\nregion = us-east-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    wrong = CliRunner().invoke(app, ["domains", "list", "--profile", "producton"])

    assert wrong.exit_code == 2
    assert "no profile 'producton'; did you mean production?" in wrong.stderr


def complete(words: str, **variables: str) -> list[str]:
    environment = {
        "_CUSTOMER_PROFILES_COMPLETE": "complete_bash",
        "COMP_WORDS": f"customer-profiles {words}",
        "COMP_CWORD": str(len(words.split(" "))),
    }
    result = CliRunner().invoke(app, [], prog_name="customer-profiles", env=environment | variables)
    return result.stdout.split()


def state_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_names_of_domains_and_types_are_completed_without_side_effects(db: Path) -> None:
    before = state_of(db.parent)

    assert complete(f"profiles list --db {db} --domain s") == ["shop"]
    assert complete("domains show s", CUSTOMER_PROFILES_DB=str(db)) == ["shop"]
    assert complete(f"objects list --db {db} --domain shop --type O") == ["Order"]
    assert complete("objects list --type _or") == ["_order"]
    assert complete("object-types standard _loyaltyP") == ["_loyaltyPromotion"]
    assert complete("profiles update 1 --set address.cit") == ["address.city="]
    assert complete("profiles update 1 --clear middle") == ["middle_name"]

    assert state_of(db.parent) == before


def test_completion_of_a_missing_or_foreign_file_gives_nothing(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database")

    assert complete(f"profiles list --db {tmp_path}/none.db --domain s") == []
    assert complete(f"profiles list --db {tmp_path}/text.db --domain s") == []
    assert [path.name for path in tmp_path.iterdir()] == ["text.db"]


def test_names_are_completed_while_another_process_has_the_file_open(db: Path) -> None:
    with CustomerProfiles.embedded(db) as cp:
        cp.domains.create("shopping")

        assert complete(f"profiles list --db {db} --domain s") == ["shop", "shopping"]


def test_a_reader_that_has_enough_ends_the_command_quietly(db: Path) -> None:
    with CustomerProfiles.embedded(db) as cp:
        shop = cp.domain("shop")
        for n in range(3_000):
            shop.profiles.create(first_name=f"Name{n}")
    command = [sys.executable, "-m", "customer_profiles", "profiles", "list", "--jsonl"]
    process = subprocess.Popen(
        [*command, "--db", str(db), "--domain", "shop"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()

    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_an_output_without_unicode_is_no_error(db: Path, encoding: str) -> None:
    command = [sys.executable, "-m", "customer_profiles", "profiles", "list", "--db", str(db)]
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "80"}

    def printed(option: str) -> str:
        options = ["--domain", "shop", option]
        result = subprocess.run(
            [*command, *options], capture_output=True, env=environment, check=True
        )
        return result.stdout.decode(encoding)

    masked = "A••" if encoding == "cp1252" else "A**"
    assert masked in printed("--csv")
    assert masked in printed("--pager")
    assert json.loads(printed("--jsonl").splitlines()[0])["first_name"] == "A••"
