"""Long work is done in short transactions after its answer, and survives a killed process."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from customer_profiles.engine import Engine, ManualClock, Refusal, background
from customer_profiles.engine.matching import rules as rule_matching
from customer_profiles.engine.profiles import type_removal
from customer_profiles.engine.store.database import Database

from .filling import rows

SHOP = {"DomainName": "shop"}
OBJECTS = 60
ORDER = {
    "ObjectTypeName": "Order",
    "Description": "Orders",
    "AllowProfileCreation": True,
    "Fields": {
        "id": {"Source": "_source.id"},
        "who": {"Source": "_source.who", "Target": "_profile.AccountNumber"},
        "status": {"Source": "_source.status", "Target": "_order.Status"},
    },
    "Keys": {
        "OrderId": [{"StandardIdentifiers": ["UNIQUE", "ORDER"], "FieldNames": ["id"]}],
        "Who": [{"StandardIdentifiers": ["PROFILE"], "FieldNames": ["who"]}],
    },
}
# What makes every kind of work take many steps; also run by child processes.
SMALL_STEPS = """
from customer_profiles.engine import background
from customer_profiles.engine.matching import rules
from customer_profiles.engine.profiles import type_removal
background._ROWS_A_STEP = type_removal._IDS_A_WINDOW = rules._ROWS_A_TRANSACTION = 7
rules._ROWS_A_MARK = rules._PROFILES_A_DROP = 7
rules._STEPS_A_REQUEST = 2
"""


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch):
    monkeypatch.setattr(background, "_ROWS_A_STEP", 7)
    monkeypatch.setattr(type_removal, "_IDS_A_WINDOW", 7)
    for name in ("_ROWS_A_TRANSACTION", "_ROWS_A_MARK", "_PROFILES_A_DROP"):
        monkeypatch.setattr(rule_matching, name, 7)
    monkeypatch.setattr(rule_matching, "_STEPS_A_REQUEST", 2)


@pytest.fixture
def _no_thread(monkeypatch):
    """Leave pending work to `background.finish`."""
    monkeypatch.setattr(background, "start", lambda _: None)


def ask(engine, operation, **members):
    return json.loads(engine.answer(operation, {**SHOP, **members}))


def fill(path=None):
    """Return an engine with a shop of orders and of profiles that were created by hand."""
    engine = Engine(path, clock=ManualClock(seed=7))
    ask(engine, "CreateDomain", DefaultExpirationDays=30)
    ask(engine, "PutProfileObjectType", **ORDER)
    for number in range(OBJECTS):
        put(engine, number)
    for number in range(OBJECTS):
        ask(engine, "CreateProfile", FirstName=f"Ada {number}", PhoneNumber="+14155550100")
    return engine


def put(engine, number):
    body = json.dumps({"id": f"{number}", "who": f"w{number // 2}", "status": "sent"})
    ask(engine, "PutProfileObject", ObjectTypeName="Order", Object=body)


def find(engine, key, value):
    found = ask(engine, "SearchProfiles", KeyName=key, Values=[value])["Items"]
    return [profile["ProfileId"] for profile in found]


def work_of(engine):
    return rows(engine)["pending_work"]


def finish(engine):
    background.finish(engine._context)
    assert work_of(engine) == []


@pytest.fixture
def changes(monkeypatch):
    """Return the numbers of rows that each write transaction changed."""
    counted: list[int] = []
    write = Database.write

    @contextmanager
    def counting(self):
        with write(self) as connection:
            before = connection.total_changes
            yield connection
            counted.append(connection.total_changes - before)

    monkeypatch.setattr(Database, "write", counting)
    return counted


DELETE_TYPE = ("DeleteProfileObjectType", {"ObjectTypeName": "Order"})
DELETE_DOMAIN = ("DeleteDomain", {})
RULE = {"Enabled": True, "MatchingRules": [{"Rule": ["PhoneNumber"]}]}
MERGING = {**RULE, "MaxAllowedRuleLevelForMerging": 1}
RULES_ON = ("UpdateDomain", {"RuleBasedMatching": RULE})
MERGE = ("UpdateDomain", {"RuleBasedMatching": MERGING})
RULES_OFF = ("UpdateDomain", {"RuleBasedMatching": {"Enabled": False}})
DELETIONS = pytest.mark.parametrize("request_", [DELETE_TYPE, DELETE_DOMAIN])
ALL = pytest.mark.parametrize("request_", [DELETE_TYPE, DELETE_DOMAIN, RULES_ON, MERGE])


def send(engine, request):
    operation, members = request
    return ask(engine, operation, **members)


def state(engine):
    found = rows(engine)
    # A merge of fresh keys depends on how many were added by this process.
    found["keys"] = sorted(found["keys"] + found.pop("fresh_keys"))
    del found["meta"]
    return found


@ALL
@pytest.mark.usefixtures("_no_thread")
def test_each_transaction_changes_few_rows(changes, request_):
    with fill() as engine:
        changes.clear()
        send(engine, request_)
        assert work_of(engine)
        finish(engine)

    assert len(changes) > OBJECTS / 7
    # A merge changes all profiles that it merges, about seven rows each.
    most = 10 * OBJECTS if request_ is MERGE else 200
    assert max(changes) <= most


@ALL
def test_the_thread_of_the_engine_does_the_work(request_):
    with fill() as engine:
        send(engine, request_)
        background_ends(engine)
        finish_now = state(engine)
        finish(engine)
        assert state(engine) == finish_now


def background_ends(engine):
    deadline = time.monotonic() + 60
    while work_of(engine) or engine._context.is_working:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@DELETIONS
@pytest.mark.usefixtures("_no_thread")
def test_many_steps_end_as_a_single_one(monkeypatch, request_):
    with fill() as engine:
        send(engine, request_)
        finish(engine)
        found = state(engine)
    monkeypatch.setattr(background, "_ROWS_A_STEP", 5_000)
    monkeypatch.setattr(type_removal, "_IDS_A_WINDOW", 5_000)
    with fill() as engine:
        send(engine, request_)
        assert work_of(engine) == []
        expected = state(engine)
    for table in expected:
        if table != "history":
            assert found[table] == expected[table], table
    assert len(found["history"]) == len(expected["history"])


CHILD = """
import sys, time, json
from customer_profiles.engine import Engine, ManualClock
operation, members = json.loads(sys.argv[2])
engine = Engine(sys.argv[1], clock=ManualClock(seed=7))
engine.answer(operation, {"DomainName": "shop", **members})
print("answered", flush=True)
time.sleep(60)
"""


@ALL
def test_work_that_a_killed_process_left_is_finished(tmp_path, request_):
    with fill() as engine:
        send(engine, request_)
        background_ends(engine)
        expected = state(engine)
    seed = random.Random(request_[0])
    for number in range(3):
        path = tmp_path / f"{number}.db"
        fill(path).close()
        command = [sys.executable, "-c", SMALL_STEPS + CHILD, str(path), json.dumps(request_)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout.readline() == b"answered\n"
            time.sleep(seed.uniform(0, 0.15))
            child.kill()
        with Engine(path, clock=ManualClock(seed=8)) as engine:
            background_ends(engine)
            found = state(engine)
        assert found == expected


@DELETIONS
def test_two_engines_share_the_work(tmp_path, request_):
    with fill() as engine:
        send(engine, request_)
        background_ends(engine)
        expected = state(engine)
    first = fill(tmp_path / "shop.db")
    with first, Engine(tmp_path / "shop.db", clock=ManualClock(seed=8)) as second:
        send(first, request_)
        background.start(second._context)
        background_ends(first)
        background_ends(second)
        found = state(first)
    assert found == expected


@pytest.mark.usefixtures("_no_thread")
def test_run_due_finishes_the_work():
    with fill() as engine:
        send(engine, DELETE_TYPE)
        assert work_of(engine)
        engine.run_due()
        assert work_of(engine) == []


# --- object types ---


@pytest.mark.usefixtures("_no_thread")
def test_a_deleted_object_type_is_gone_at_once():
    with fill() as engine:
        (last,) = find(engine, "Who", f"w{OBJECTS // 2 - 1}")
        send(engine, DELETE_TYPE)

        assert work_of(engine)
        assert ask(engine, "ListProfileObjectTypes")["Items"] == []
        with pytest.raises(Refusal, match="KeyName OrderId is not defined"):
            find(engine, "OrderId", f"{OBJECTS - 1}")
        for operation, members in (
            ("GetProfileObjectType", {}),
            ("ListProfileObjects", {"ProfileId": last}),
            ("PutProfileObject", {"Object": '{"id":"1","who":"x"}'}),
            ("DeleteProfileObjectType", {}),
        ):
            with pytest.raises(Refusal, match="Order does not exist"):
                ask(engine, operation, ObjectTypeName="Order", **members)

        finish(engine)
        assert ask(engine, "GetDomain")["Stats"]["ProfileCount"] == OBJECTS
        assert ask(engine, "GetDomain")["Stats"]["ObjectCount"] == 0


@pytest.mark.usefixtures("_no_thread")
def test_an_object_type_can_be_created_again_at_once():
    with fill() as engine:
        send(engine, DELETE_TYPE)
        assert work_of(engine)
        ask(engine, "PutProfileObjectType", **ORDER)
        put(engine, OBJECTS - 1)
        finish(engine)

        assert ask(engine, "GetDomain")["Stats"]["ObjectCount"] == 1
        assert len(find(engine, "OrderId", f"{OBJECTS - 1}")) == 1


@pytest.mark.usefixtures("_no_thread")
def test_an_implicit_object_type_waits_for_its_removal():
    template = "Salesforce-Account"
    with Engine(clock=ManualClock()) as engine:
        ask(engine, "CreateDomain", DefaultExpirationDays=30)
        (profile_id,) = {ask(engine, "CreateProfile", FirstName="Ada")["ProfileId"]}
        for number in range(OBJECTS):
            put_account(engine, template, number)
        ask(engine, "DeleteProfileObjectType", ObjectTypeName=template)

        assert work_of(engine)
        with pytest.raises(Refusal, match="is being deleted; repeat"):
            put_account(engine, template, 1)
        with pytest.raises(Refusal, match="does not exist"):
            ask(engine, "ListProfileObjects", ProfileId=profile_id, ObjectTypeName=template)
        finish(engine)
        put_account(engine, template, 1)


def put_account(engine, template, number):
    body = json.dumps({"Id": f"{number}", "AccountNumber": f"{number}", "Name": "Ada"})
    ask(engine, "PutProfileObject", ObjectTypeName=template, Object=body)


@pytest.mark.usefixtures("_no_thread")
def test_values_that_a_merge_moves_during_the_removal_go_as_well():
    with fill() as engine:
        (first,) = find(engine, "Who", "w0")
        (last,) = find(engine, "Who", f"w{OBJECTS // 2 - 1}")
        ask(engine, "UpdateProfile", ProfileId=first, LastName="King")
        send(engine, DELETE_TYPE)
        ask(engine, "MergeProfiles", MainProfileId=first, ProfileIdsToBeMerged=[last])
        finish(engine)

        (main,) = ask(engine, "BatchGetProfile", ProfileIds=[first])["Profiles"]
        assert main == {"ProfileId": first, "LastName": "King"}


# --- domains ---


@pytest.mark.usefixtures("_no_thread")
def test_a_deleted_domain_is_gone_at_once_and_can_be_created_again():
    with fill() as engine:
        send(engine, MERGE)
        send(engine, DELETE_DOMAIN)

        assert work_of(engine)
        assert json.loads(engine.answer("ListDomains", {}))["Items"] == []
        for operation in ("GetDomain", "DeleteDomain", "ListProfileObjectTypes"):
            with pytest.raises(Refusal, match="shop does not exist"):
                ask(engine, operation)
        ask(engine, "CreateDomain", DefaultExpirationDays=30)
        assert ask(engine, "ListProfileObjectTypes")["Items"] == []
        assert find(engine, "_phone", "+14155550100") == []
        new = ask(engine, "CreateProfile", PhoneNumber="+14155550100")["ProfileId"]
        finish(engine)

        assert find(engine, "_phone", "+14155550100") == [new]
        assert len(rows(engine)["profiles"]) == 1
        assert {table for table, found in rows(engine).items() if found} == {
            *("meta", "domains", "profiles", "fresh_keys", "key_rules")
        }


# --- rules ---


@pytest.mark.usefixtures("_no_thread")
def test_new_rules_of_a_large_domain_are_applied_after_the_answer():
    with fill() as engine:
        send(engine, MERGE)
        assert ask(engine, "GetDomain")["RuleBasedMatching"]["Status"] == "IN_PROGRESS"
        with pytest.raises(Refusal, match="IN_PROGRESS"):
            send(engine, RULES_OFF)
        finish(engine)

        assert ask(engine, "GetDomain")["RuleBasedMatching"]["Status"] == "ACTIVE"
        assert len(find(engine, "_phone", "+14155550100")) == 1


@pytest.mark.usefixtures("_no_thread")
def test_as_many_profiles_as_whole_steps_take_are_applied_once(monkeypatch):
    profiles = 3 * OBJECTS // 2
    monkeypatch.setattr(rule_matching, "_ROWS_A_TRANSACTION", profiles // 5)
    with fill() as engine:
        send(engine, MERGE)
        steps = 0
        while steps < profiles and background.run_step(engine._context):
            steps += 1
        assert steps < profiles
        assert ask(engine, "GetDomain")["RuleBasedMatching"]["Status"] == "ACTIVE"


@pytest.mark.usefixtures("_no_thread")
def test_another_domain_does_not_wait_for_a_large_one():
    with fill() as engine:
        send(engine, MERGE)
        other = {"DomainName": "other"}
        new = {**other, "DefaultExpirationDays": 30, "RuleBasedMatching": RULE}
        engine.answer("CreateDomain", new)
        for _ in range(2):
            engine.answer("CreateProfile", {**other, "PhoneNumber": "+14155550101"})
        assert work_of(engine)
        listed = json.loads(engine.answer("ListRuleBasedMatches", other))
        assert len(listed["MatchIds"]) == 1


@pytest.mark.usefixtures("_no_thread")
def test_common_values_are_known_before_profiles_are_merged(monkeypatch):
    monkeypatch.setattr(rule_matching, "MOST_HOLDERS", OBJECTS - 1)
    monkeypatch.setattr(rule_matching.rule_keys, "MOST_HOLDERS", OBJECTS - 1)
    with fill() as engine:
        send(engine, MERGE)
        finish(engine)

        assert ask(engine, "GetDomain")["Stats"]["ProfileCount"] == 3 * OBJECTS // 2
        (letter,) = engine.dead_letters("shop")
        assert "rule level 1" in letter["Message"]


@pytest.mark.usefixtures("_no_thread")
def test_a_common_value_is_reported_once(monkeypatch):
    monkeypatch.setattr(rule_matching.rule_keys, "MOST_HOLDERS", 5)
    monkeypatch.setattr(rule_matching, "MOST_HOLDERS", 5)
    with Engine(clock=ManualClock()) as engine:
        ask(engine, "CreateDomain", DefaultExpirationDays=30, RuleBasedMatching=RULE)
        for number in range(20):
            ask(engine, "CreateProfile", PhoneNumber=f"+1415555010{number % 2}")
        assert len(engine.dead_letters("shop")) == 2


@pytest.mark.usefixtures("_no_thread")
def test_rules_that_are_enabled_again_while_their_index_is_dropped_match_all_profiles():
    with fill() as engine:
        send(engine, RULES_ON)
        finish(engine)
        expected = ask(engine, "ListRuleBasedMatches")
        send(engine, RULES_OFF)
        assert work_of(engine)
        send(engine, RULES_ON)
        finish(engine)

        assert ask(engine, "ListRuleBasedMatches") == expected
        values = rows(engine)["rule_values"]
        assert len(values) == 1
        assert values[0].endswith(f", {OBJECTS})")
