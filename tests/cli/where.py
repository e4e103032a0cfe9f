"""A service to which commands are sent: a database file, or an engine over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

from typer.testing import CliRunner, Result

from customer_profiles import CustomerProfiles, Domain, Key, ProfileObject, Target
from customer_profiles.cli.app import app

NOBODY = "f" * 32
SECRETS = ("Ada", "Lovelace", "Grace", "Hopper", "example.com", "London", "gold", "4711")


class Order(ProfileObject, name="Order"):
    """An order."""

    order_id: Annotated[str, Key("OrderId", unique=True)]
    email: Annotated[str, Key("_email", profile=True), Target("_profile.EmailAddress")]
    total: float


def fill(cp: CustomerProfiles) -> None:
    shop = cp.domains.create("shop", default_expiration_days=30)
    shop.profiles.create(
        first_name="Ada",
        last_name="Lovelace",
        email_address="ada@example.com",
        phone_number="+1 206 555 0100",
        address={"city": "London"},
        attributes={"tier": "gold"},
    )
    shop.profiles.create(first_name="Grace", last_name="Hopper", email_address="grace@example.com")
    shop.object_types.put(Order)
    shop.objects(Order).put_many(
        [
            Order(order_id="4711", email="ada@example.com", total=12.5),
            Order(order_id="4712", email="grace@example.com", total=99.0),
        ]
    )


class Where:
    """A service to which commands are sent, and the SDK on the same data."""

    def __init__(self, options: list[str], shop: Callable[[], Domain]) -> None:
        self.options, self._shop = options, shop
        self.is_embedded = options[0] == "--db"

    @property
    def shop(self) -> Domain:
        return self._shop()

    def run(self, *command: str, text: str | None = None, **variables: str) -> Result:
        environment = {"COLUMNS": "80", "CUSTOMER_PROFILES_CONFIG": "/nowhere/config.toml"}
        domain = [] if command[0] == "domains" else ["--domain", "shop"]
        return CliRunner().invoke(
            app, [*command, *domain, *self.options], input=text, env=environment | variables
        )

    def rows(self, *command: str) -> list[dict[str, Any]]:
        result = self.run(*command, "--jsonl", "--reveal")
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    def id_of(self, email: str) -> str:
        return self.shop.profiles.search(email=email).one().profile_id
