"""One search and one create on the embedded engine, beside the nearest that moto has.

moto has no Customer Profiles; its DynamoDB, over boto3 and `mock_aws`, is how people fake such
a store today: a get by key and a put of the same customer.
"""

from __future__ import annotations

from itertools import cycle
from typing import Any

import boto3
from moto import mock_aws

from benchmarks.people import people
from benchmarks.report import Goal, faster
from benchmarks.timing import Variant, in_turn
from customer_profiles import CustomerProfiles

STORED = 1000
ROUNDS = 41
OURS = "customer_profiles embedded"
GET, PUT = "moto get_item", "moto put_item"


def run(*, quick: bool) -> list[str]:
    """Measure a search and a create; give the goals missed."""
    with CustomerProfiles.embedded() as cp, mock_aws():
        profiles = cp.domains.create("shop", default_expiration_days=366).profiles
        for customer in people(STORED):
            profiles.create(customer)
        table = _Table()
        emails = cycle([customer.email_address for customer in people(STORED)])
        searches = [
            Variant(GET, lambda: table.get(next(emails)), 5),
            Variant(OURS, lambda: profiles.search(email=next(emails)).one(), 100),
        ]
        # Made beforehand: inventing a customer is no part of storing one.
        customers = iter([*people(ROUNDS * 100 + 1, STORED)])
        items = cycle([_item(customer._to_wire()) for customer in people(STORED)])
        creates = [
            Variant(PUT, lambda: table.put(next(items)), 5),
            Variant(OURS, lambda: profiles.create(next(customers)), 100),
        ]
        rounds = 11 if quick else ROUNDS
        goal = {OURS: Goal(10.0)}
        missed = faster("One search that hits", in_turn(searches, rounds), GET, goal)
        return missed + faster("One create", in_turn(creates, rounds), PUT, goal)


class _Table:
    """The same customers in moto's DynamoDB, by their e-mail address."""

    def __init__(self) -> None:
        self._client: Any = boto3.client("dynamodb", region_name="us-east-1")
        self._client.create_table(
            TableName="customers",
            KeySchema=[{"AttributeName": "EmailAddress", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "EmailAddress", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for customer in people(STORED):
            self.put(_item(customer._to_wire()))

    def put(self, item: dict[str, Any]) -> None:
        """Store a customer."""
        self._client.put_item(TableName="customers", Item=item)

    def get(self, email: str | None) -> dict[str, Any]:
        """Read a customer."""
        found = self._client.get_item(TableName="customers", Key={"EmailAddress": {"S": email}})
        item: dict[str, Any] = found["Item"]
        return item


def _item(wire: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {"M": _item(value)} if isinstance(value, dict) else {"S": value}
        for name, value in wire.items()
        if value is not None
    }
