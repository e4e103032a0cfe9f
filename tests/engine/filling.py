"""Fills every table of the database with rows of a domain, by public operations."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from unittest import mock

from botocore.exceptions import ClientError

from customer_profiles.engine import Engine, background
from customer_profiles.engine.ingestion import dead_letter_queue
from customer_profiles.engine.matching import rules as rule_matching
from customer_profiles.engine.store import domains, pending_work
from customer_profiles.engine.store.database import merge_fresh_keys

if TYPE_CHECKING:
    from pathlib import Path

ADA = {"FirstName": "Augusta", "LastName": "Lovelace", "EmailAddress": "lovelace@example.org"}
ORDER = {
    "Description": "Orders",
    "AllowProfileCreation": True,
    "Fields": {
        "id": {"Source": "_source.id", "Target": "_order.Name"},
        "who": {"Source": "_source.who", "ContentType": "STRING"},
        "town": {"Source": "_source.town", "Target": "_profile.Address.City"},
    },
    "Keys": {
        "OrderId": [{"FieldNames": ["id"], "StandardIdentifiers": ["UNIQUE", "ORDER"]}],
        "Who": [{"FieldNames": ["who"], "StandardIdentifiers": ["PROFILE"]}],
    },
}
FLOW = {
    "KmsArn": "arn:aws:kms:us-east-1:000000000000:key/1",
    "SourceFlowConfig": {
        "ConnectorType": "S3",
        "SourceConnectorProperties": {"S3": {"BucketName": "shop-orders"}},
    },
    "Tasks": [
        {"TaskType": "Filter", "SourceFields": ["id"], "ConnectorOperator": {"S3": "PROJECTION"}}
    ],
    "TriggerConfig": {
        "TriggerType": "Scheduled",
        "TriggerProperties": {"Scheduled": {"ScheduleExpression": "rate(1 hour)"}},
    },
}
LAYOUT = {
    "Description": "A layout",
    "DisplayName": "Main",
    "LayoutType": "PROFILE_EXPLORER",
    "Layout": "{}",
}
SEGMENT: dict[str, dict[str, Any]] = {
    "CreateSegmentDefinition": {
        "SegmentDefinitionName": "all",
        "DisplayName": "All",
        "SegmentGroups": {},
    },
    "CreateSegmentEstimate": {"SegmentQuery": {}},
    "CreateSegmentSnapshot": {
        "SegmentDefinitionName": "all",
        "DataFormat": "CSV",
        "DestinationUri": "s3://exports",
        "RoleArn": "arn:aws:iam::000000000000:role/exports",
    },
}
LATER = 1_000_000.0


def rules(*names: str) -> dict[str, Any]:
    return {"Enabled": True, "MatchingRules": [{"Rule": [name]} for name in names]}


def fill(path: Path, engine: Engine, name: str) -> dict[str, Any]:
    """Create a domain with rows in every table; return the ids of what is in it."""

    def ask(operation: str, **members: Any) -> dict[str, Any]:
        request = members if "resourceArn" in members else {"DomainName": name, **members}
        answer: dict[str, Any] = json.loads(engine.answer(operation, request))
        return answer

    def put(number: int, **members: Any) -> None:
        order = json.dumps({"id": str(number), "who": "ada", **members})
        ask("PutProfileObject", ObjectTypeName="Order", Object=order)

    ask(
        "CreateDomain",
        DefaultExpirationDays=30,
        Matching={"Enabled": True},
        RuleBasedMatching=rules("EmailAddress"),
        Tags={"team": name},
    )
    engine.enable_changes(name)
    for n in range(20):
        ask(
            "CreateProfile", FirstName=f"First{n}", LastName=f"Last{n}", PhoneNumber=f"555000{n:04}"
        )
    phones = ("+1 206 555 0100", "206-555-0100", "+12065550100")
    ada = [ask("CreateProfile", **ADA, PhoneNumber=phone)["ProfileId"] for phone in phones]
    ask("UpdateProfile", ProfileId=ada[0], MiddleName="King", Attributes={"tier": "gold"})
    ask("AddProfileKey", ProfileId=ada[0], KeyName="Who", Values=["ada"])
    ask("PutProfileObjectType", ObjectTypeName="Order", **ORDER, Tags={"kind": "order"})
    put(1, town="London")
    put(1, town="Oxford")
    put(2)
    too_large = json.dumps({"id": "3", "who": "ada", "text": "é" * 130_000}, ensure_ascii=False)
    ask("PutProfileObject", ObjectTypeName="Order", Object=too_large)
    _refuse_dead_letters(engine, name)
    ask(
        "PutIntegration",
        ObjectTypeName="Order",
        FlowDefinition={"FlowName": f"{name}-orders", **FLOW},
    )
    ask("CreateDomainLayout", LayoutDefinitionName="main", **LAYOUT)
    fields = {"mail": {"Source": "_source.Mail", "Target": "_profile.EmailAddress"}}
    ask("CreateUploadJob", DisplayName="june.csv", Fields=fields, UniqueKey="mail")
    _run_job(engine, name)
    engine.decide(name, *ada[:2], is_match=True)
    engine.find_candidates(name, ADA)
    snapshot_segment(path, engine, name)
    merge_keys(engine)
    late = ask("CreateProfile", FirstName="Ida", LastName="Rhodes")["ProfileId"]
    # More profiles than a transaction marks, so that work is left to a later one.
    with (
        mock.patch.object(rule_matching, "_ROWS_A_MARK", 10),
        Engine(
            path, clock=engine._clock, ingestion_delay=LATER, matching_delay=LATER
        ) as slow_engine,
    ):
        slow = {"DomainName": name, "RuleBasedMatching": rules("EmailAddress", "PhoneNumber")}
        slow_engine.answer("UpdateDomain", slow)
        order = {"DomainName": name, "ObjectTypeName": "Order", "Object": '{"id":"3","who":"ada"}'}
        slow_engine.answer("PutProfileObject", order)
    return {"ada": ada, "late": late}


class Queue:
    """A client of SQS, and a session for it, that never accepts anything."""

    def client(self, *_: Any, **__: Any) -> Queue:
        return self

    def send_message_batch(self, **_: Any) -> None:
        raise ClientError({"Error": {"Code": "InvalidMessageContents"}}, "SendMessageBatch")


def _refuse_dead_letters(engine: Engine, name: str) -> None:
    """Let a queue refuse the dead letters of a domain for good."""
    url = "https://sqs.us-east-1.amazonaws.com/000000000000/refused"
    engine.answer("UpdateDomain", {"DomainName": name, "DeadLetterQueueUrl": url})
    with mock.patch.object(engine._context.aws, "_session", Queue()):
        dead_letter_queue.deliver(engine._context, name)
    engine.answer("UpdateDomain", {"DomainName": name, "DeadLetterQueueUrl": ""})


def snapshot_segment(path: Path, engine: Engine, name: str) -> None:
    """Make an estimate, and a snapshot up to the writing of its files, which never ends."""
    session = mock.Mock()
    with (
        mock.patch.object(background, "start"),
        Engine(path, clock=engine._clock, session=session) as other,
    ):
        for operation, members in SEGMENT.items():
            other.answer(operation, {"DomainName": name, **members})
        background.run_step(other._context)
        background.run_step(other._context)
        with other._database.write() as connection:
            domain = domains.find_row(connection, name)
            assert domain is not None
            pending_work.clear(connection, domain.id, pending_work.SNAPSHOT)


def merge_keys(engine: Engine) -> None:
    """Empty the table of fresh keys, as the engine does once there are many of them."""
    with engine._database.write() as connection:
        merge_fresh_keys(connection)


def _run_job(engine: Engine, name: str) -> None:
    job_id = engine.run_identity_resolution(name)
    request = {"DomainName": name, "JobId": job_id}
    while not json.loads(engine.answer("GetIdentityResolutionJob", request)).get("JobEndTime"):
        time.sleep(0.01)


def rows(engine: Engine) -> dict[str, list[str]]:
    """Read all rows of all tables that the schema declares."""
    with engine._database.read() as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        return {
            table: sorted(map(repr, connection.execute(f"SELECT * FROM {table}")))  # noqa: S608
            for (table,) in tables
        }


def answers(engine: Engine, name: str, ada: str) -> dict[str, Any]:
    """Read what operations answer about a domain that `fill` has created."""
    requests: dict[str, dict[str, Any]] = {
        "GetDomain": {},
        "BatchGetProfile": {"ProfileIds": [ada]},
        "SearchProfiles": {"KeyName": "_email", "Values": ["LOVELACE@example.org"]},
        "ListProfileObjectTypes": {},
        "GetProfileObjectType": {"ObjectTypeName": "Order"},
        "ListProfileObjects": {"ProfileId": ada, "ObjectTypeName": "Order"},
        "ListProfileHistoryRecords": {"ProfileId": ada},
        "ListIntegrations": {},
        "GetMatches": {},
        "ListIdentityResolutionJobs": {},
        "ListRuleBasedMatches": {},
        "ListTagsForResource": {"resourceArn": engine.arn(f"domains/{name}/object-types/Order")},
    }
    found = {
        operation: json.loads(
            engine.answer(
                operation, request if "resourceArn" in request else {"DomainName": name, **request}
            )
        )
        for operation, request in requests.items()
    }
    standard = {"DomainName": name, "ProfileId": ada, "ObjectTypeName": "_order"}
    found["standard objects"] = json.loads(engine.answer("ListProfileObjects", standard))
    found["added key"] = json.loads(
        engine.answer("SearchProfiles", {"DomainName": name, "KeyName": "Who", "Values": ["ada"]})
    )
    found["dead letters"] = engine.dead_letters(name)
    found["provenance"] = engine.provenance(name, ada)
    found["candidates"] = [candidate.id for candidate in engine.find_candidates(name, ADA)]
    return found
