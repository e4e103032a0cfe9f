"""What newcomers do wrong, and what they are told: the thing, the nearest right one, the remedy."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from customer_profiles import (
    Address,
    CustomerProfiles,
    InvalidInputError,
    Key,
    MatchingConfig,
    Profile,
    ProfileObject,
    ResourceNotFoundError,
    Target,
)
from customer_profiles._hints import extras
from customer_profiles._hints.nearest import nearest
from customer_profiles.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def cp() -> Iterator[CustomerProfiles]:
    with CustomerProfiles.embedded() as client:
        client.domains.create("shop")
        yield client


def declare(target: str) -> None:
    class Bad(ProfileObject, name="Bad", allow_profile_creation=True):
        order_id: Annotated[str, Key("OrderId", unique=True)]
        email: Annotated[str, Key("_email", profile=True)]
        subject: Annotated[str, Target(target)]


def misspell_a_keyword() -> None:
    class Bad(ProfileObject, name="Bad", expires_days=9):  # type: ignore[call-arg]
        order_id: str


MISTAKES: list[tuple[str, Callable[[Any], object], type[Exception], list[str]]] = [
    (
        "a misspelled domain",
        lambda cp: cp.domains.get("shpo"),
        ResourceNotFoundError,
        ["Domain shpo does not exist", "did you mean shop?"],
    ),
    (
        "a misspelled domain, deeper",
        lambda cp: cp.domain("Shop").profiles.search(email="a@example.com").first(),
        ResourceNotFoundError,
        ["SearchProfiles", "Domain Shop does not exist", "did you mean shop?"],
    ),
    (
        "a domain that exists",
        lambda cp: cp.domains.create("shop"),
        Exception,
        ["Domain shop already exists", 'domains.get("shop")'],
    ),
    (
        "a key without its name",
        lambda cp: cp.domain("shop").profiles.search("a@example.com"),
        TypeError,
        ["search(email=...)", "phone", "full_name", "account"],
    ),
    (
        "a lookup without the name of the key",
        lambda cp: cp.domain("shop").profiles.lookup("a@example.com"),
        TypeError,
        ["lookup(email=...)"],
    ),
    (
        "a misspelled key",
        lambda cp: cp.domain("shop").profiles.search(mail="a@example.com"),
        InvalidInputError,
        ["no key 'mail'", "did you mean email?"],
    ),
    (
        "a predefined key in another case",
        lambda cp: cp.domain("shop").profiles.search(keys={"_orderid": "1"}).first(),
        ResourceNotFoundError,
        ["_orderid is not defined", "did you mean _orderId?"],
    ),
    (
        "a predefined key without its underscore",
        lambda cp: cp.domain("shop").profiles.search(keys={"orderId": "1"}).first(),
        ResourceNotFoundError,
        ["did you mean _orderId?", "AddProfileKey defines it"],
    ),
    (
        "a key that is like none",
        lambda cp: cp.domain("shop").profiles.search(keys={"_xyzzy": "1"}).first(),
        ResourceNotFoundError,
        ["predefined keys are _account, _email, _fullName, _phone"],
    ),
    (
        "a word for an enum",
        lambda cp: cp.domain("shop").profiles.create(gender="female"),
        InvalidInputError,
        ["gender", "'MALE', 'FEMALE' or 'UNSPECIFIED'"],
    ),
    (
        "a number for a date",
        lambda cp: cp.domain("shop").profiles.create(birth_date=19900131),
        InvalidInputError,
        ["birth_date", "a date, or a text such as '1990-01-31'"],
    ),
    (
        "matching that is off",
        lambda cp: cp.domain("shop").matches.run(),
        Exception,
        ["is not enabled", 'domains.update("shop", matching=MatchingConfig(enabled=True))'],
    ),
    (
        "an id that is none",
        lambda cp: cp.domain("shop").profiles.get("zzz"),
        ResourceNotFoundError,
        ["profile_id must match [a-f0-9]{32}", "search(account=...)"],
    ),
    (
        "the truth of results",
        lambda cp: bool(cp.domain("shop").profiles.search(email="a@example.com")),
        InvalidInputError,
        ["neither true nor false", "first() is not None"],
    ),
    (
        "a misspelled object type",
        lambda cp: cp.domain("shop").object_types.get("Oder"),
        ResourceNotFoundError,
        ["Object type Oder does not exist", "did you mean Order?"],
    ),
    (
        "a class keyword that is none",
        lambda _: misspell_a_keyword(),
        TypeError,
        ["no class keyword 'expires_days'", "did you mean expiration_days?"],
    ),
    (
        "a target by another word",
        lambda _: declare("_case.Subject"),
        TypeError,
        ["'_case' has no member 'Subject'", "Title, Summary, Status", "did you mean 'Title'?"],
    ),
    (
        "a target cut short",
        lambda _: declare("_order.Total"),
        TypeError,
        ["did you mean 'TotalTax' or 'TotalPrice'?", "and 19 more", "Attributes.<name>"],
    ),
    (
        "a standard object in the plural",
        lambda _: declare("_orders.TotalPrice"),
        TypeError,
        ["'_orders' is not a standard object", "did you mean _order?"],
    ),
    (
        "a field by another word",
        lambda _: Profile(surname="King"),  # type: ignore[call-arg]
        ValidationError,
        ["no field 'surname'", "did you mean last_name?"],
    ),
    (
        "the street of an address",
        lambda _: Address(street="Main Street 1"),  # type: ignore[call-arg]
        ValidationError,
        ["no field 'street'", "did you mean address1?"],
    ),
    (
        "a field that is like none",
        lambda _: Profile(xyzzy="1"),  # type: ignore[call-arg]
        ValidationError,
        ["known are profile_id, account_number", "and 15 more"],
    ),
]


@pytest.mark.parametrize(
    ("mistake", "error", "words"),
    [pytest.param(call, error, words, id=name) for name, call, error, words in MISTAKES],
)
def test_a_mistake_names_the_thing_the_nearest_and_the_remedy(
    cp: CustomerProfiles,
    mistake: Callable[[CustomerProfiles], object],
    error: type[Exception],
    words: list[str],
) -> None:
    cp.domain("shop").object_types.put("Order", description="Orders", template_id="Zendesk-users")
    with pytest.raises(error) as caught:
        mistake(cp)

    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


@pytest.fixture
def no_region(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    return monkeypatch


def test_without_a_region_the_ways_to_set_one_are_named(no_region: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInputError) as caught:
        CustomerProfiles()

    words = ("region=", "--region", "AWS_DEFAULT_REGION", "~/.aws/config", "embedded()", "--db")
    assert [word for word in words if word not in str(caught.value)] == []


def test_a_variable_that_boto3_does_not_read_is_named(no_region: pytest.MonkeyPatch) -> None:
    no_region.setenv("AWS_REGION", "us-east-1")
    with pytest.raises(InvalidInputError, match="AWS_REGION is set, but boto3 does not read it"):
        CustomerProfiles()


@pytest.mark.parametrize(
    ("region", "meant"),
    [
        ("us-esat-1", "us-east-1"),
        ("eu-centrl-1", "eu-central-1"),
        ("us-east", "us-east-1"),
        ("su-east-1", "us-east-1"),
        ("nowhere", "such as"),
    ],
)
def test_a_misspelled_region_is_refused_when_the_client_is_made(region: str, meant: str) -> None:
    with pytest.raises(InvalidInputError, match=f"no AWS region '{region}'; .*{meant}"):
        CustomerProfiles(region=region)


@pytest.mark.parametrize(
    "region",
    [
        "us-east-1",
        "us-gov-west-1",
        "cn-northwest-1",
        "ap-southeast-7",
        "eu-south-9",
        "us-iso-east-1",
    ],
)
def test_a_region_that_aws_has_or_may_have_soon_is_accepted(region: str) -> None:
    with CustomerProfiles(region=region) as cp:
        assert cp.domain("shop").domain_name == "shop"


def test_a_region_is_free_where_requests_go_elsewhere() -> None:
    with CustomerProfiles(region="test", endpoint_url="http://127.0.0.1:1") as cp:
        assert cp.domain("shop").domain_name == "shop"


@pytest.mark.parametrize(
    "value", [date(1990, 1, 31), datetime(1990, 1, 31, 7, 30, tzinfo=UTC), "1990-01-31"]
)
def test_a_birth_date_may_be_a_date(cp: CustomerProfiles, value: Any) -> None:
    shop = cp.domain("shop")
    profile = shop.profiles.create(birth_date=value)
    shop.profiles.update(profile.profile_id, birth_date=value, first_name="Ada")

    assert Profile(birth_date=value).birth_date == "1990-01-31"
    assert profile.refresh().birth_date == "1990-01-31"


def test_matching_is_enabled_as_the_refusal_says(cp: CustomerProfiles) -> None:
    cp.domains.update("shop", matching=MatchingConfig(enabled=True))

    assert cp.domain("shop").matches.run().wait(timeout=60).status == "COMPLETED"


REQUIREMENTS = [
    "boto3>=1",
    "nowhere-a>=3.9; extra == 'identity'",
    'customer-profiles[identity]; extra == "cli"',
    'nowhere-b<4,>=1 ; extra == "cli"',
    "pydantic>=2; extra == 'cli'",
]


@pytest.mark.parametrize(
    ("extra", "command"),
    [
        ("identity", 'pip install "nowhere-a>=3.9" (the extra'),
        ("cli", 'pip install "nowhere-a>=3.9" "nowhere-b<4,>=1" (the extra'),
        ("plots", 'pip install "customer-profiles[plots]"'),
    ],
)
def test_an_install_hint_names_libraries_that_any_index_has(
    extra: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.metadata.requires", lambda _: REQUIREMENTS)

    assert extras.install(extra).startswith(command)


def test_an_install_hint_without_the_packages_metadata_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("customer_profiles._hints.extras._PACKAGE", "no-such-package")

    assert extras.install("cli") == 'pip install "no-such-package[cli]"'


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("emial", ["email"]),
        ("E-MAIL", ["email"]),
        ("zip", ["postal_code"]),
        ("qwertz", []),
        ("", []),
    ],
)
def test_the_nearest_names_are_those_that_people_mean(name: str, meant: list[str]) -> None:
    assert nearest(name, ["email", "postal_code", "city"]) == meant


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    with CustomerProfiles.embedded("shop.db") as client:
        client.domains.create("shop")
    Path("people.csv").write_text("Mail,Addr,Tags\na@example.com,Main Street 1,vip\n")
    Path("orders.jsonl").write_text('{"OrderId": "1"}\n')
    Path("words.csv").write_text("Mail;Addr\na@example.com;x\n", encoding="utf-16")
    return tmp_path


LOAD = "load people.csv --domain shop --db shop.db --map"
COMMANDS = [
    (f"{LOAD} Addr=address.street", ["no field 'address.street'", "mean address.address1?"]),
    (f"{LOAD} Addr=street", ["no field 'street'", "did you mean address.address1?"]),
    (f"{LOAD} Addr=billing_address.zip", ["did you mean billing_address.postal_code?"]),
    (f"{LOAD} Tags=tags", ["and 8 more", "attributes.tags, takes any other value"]),
    (f"{LOAD} Tag=attributes.x", ["no column 'Tag'", "did you mean Tags?"]),
    ("load people.csv --domain shop --db shop.db --key email", ["--key must be one of", "'email'"]),
    ("load nope.csv --domain shop --db shop.db", ["nope.csv cannot be read: No such file"]),
    ("load shop.db --domain shop --db shop.db", ["shop.db cannot be read"]),
    ("profiles list --domain shop --db shopfy.db", ["shopfy.db does not exist", "mean shop.db?"]),
    ("matches list --domain shop --db shopfy.db", ["shopfy.db does not exist", "mean shop.db?"]),
    ("domains list --db people.csv", ["people.csv cannot be used", "not a database"]),
    ("profiles list --domain shpo --db shop.db", ["shpo does not exist", "did you mean shop?"]),
    (
        "objects put orders.jsonl --domain shpo --type Order --db shop.db",
        ["Domain shpo does not exist", "did you mean shop?", "nothing was put"],
    ),
    (
        "objects put orders.jsonl --domain shop --type Oder --db shop.db",
        ["Object type Oder does not exist", "nothing was put"],
    ),
    ("profiles delete zzz --domain shop --db shop.db", ["no profile zzz", "profiles search"]),
    (f"{LOAD} Tags=attribute.tags", ["did you mean attributes.tags?"]),
    ("domains list --region us-esat-1", ["no AWS region 'us-esat-1'", "did you mean us-east-1"]),
]


@pytest.mark.parametrize(("command", "words"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_a_mistake_on_the_command_line_is_one_clear_message(
    folder: Path, command: str, words: list[str]
) -> None:
    before = sorted(folder.glob("*.db"))
    result = CliRunner().invoke(app, command.split(), env={"COLUMNS": "300"})
    shown = result.output

    assert result.exit_code in {1, 2}, shown
    assert [word for word in words if word not in shown] == [], shown
    assert "Traceback" not in shown
    assert sorted(folder.glob("*.db")) == before


def test_a_file_in_another_encoding_and_with_semicolons_is_read(folder: Path) -> None:
    command = "load words.csv --domain shop --db shop.db"
    result = CliRunner().invoke(app, command.split(), env={"COLUMNS": "300"})

    assert result.exit_code == 0, result.output
    assert "1 created" in result.output
