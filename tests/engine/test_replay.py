"""Replaying the change feed gives what is stored, whatever happened; and no change is missing."""

from __future__ import annotations

import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from customer_profiles.engine import Engine, ManualClock, Quotas, Refusal

from .conftest import Shop
from .filling import ORDER

WHO = st.sampled_from(["ada", "bob", "cid"])
NAMES = st.sampled_from(["", "Ada", "Bob", "Cid"])
MAILS = st.sampled_from(["ada@example.com", "bob@example.com"])
NUMBERS = st.integers(1, 6)
RULES = {
    "Enabled": True,
    "MatchingRules": [{"Rule": ["EmailAddress"]}],
    "MaxAllowedRuleLevelForMatching": 1,
    "MaxAllowedRuleLevelForMerging": 1,
}


class Copy:
    """Profiles and objects as the records of the feed tell them."""

    def __init__(self):
        self.profiles, self.objects = {}, {}
        self.position = None

    def apply(self, record):
        """Apply the next record."""
        if record["ObjectTypeName"] != "_profile":
            key = (record["ObjectTypeName"], record["ProfileObjectUniqueKey"])
            if record["EventType"] == "DELETED":
                del self.objects[key]
            else:
                assert (key in self.objects) == (record["EventType"] == "UPDATED")
                assert record["AssociatedProfileId"] in self.profiles
                new = (record["AssociatedProfileId"], record["Object"])
                assert self.objects.get(key) != new
                self.objects[key] = new
            return
        profile_id = record["ProfileId"]
        match record["EventType"]:
            case "DELETED":
                del self.profiles[profile_id]
                self.objects = {
                    key: item for key, item in self.objects.items() if item[0] != profile_id
                }
            case "MERGED":
                del self.profiles[profile_id]
                main = record["Object"]["MainProfileId"]
                self.objects = {
                    key: (main if item[0] == profile_id else item[0], item[1])
                    for key, item in self.objects.items()
                }
            case event:
                assert (profile_id in self.profiles) == (event == "UPDATED")
                self.profiles[profile_id] = record["Object"]


class Replay(RuleBasedStateMachine):
    """Changes a domain at random, and compares it with the copy that its feed makes."""

    ids = Bundle("ids")

    def __init__(self):
        super().__init__()
        self.clock = ManualClock()
        # So few objects of a profile that some are evicted.
        self.shop = Shop(Engine(clock=self.clock, strict=True, quotas=Quotas(objects=3)))
        self.shop.ask("CreateDomain", DefaultExpirationDays=30)
        self.shop.ask("PutProfileObjectType", ObjectTypeName="Order", **ORDER)
        self.shop.engine.enable_changes("shop", keep_days=10_000)
        self.copy = Copy()

    def teardown(self):
        self.shop.engine.close()

    def attempt(self, operation, **members):
        try:
            return self.shop.ask(operation, **members)
        except Refusal:
            return {}

    @rule(target=ids, name=NAMES, mail=MAILS)
    def create(self, name, mail):
        return self.shop.create(EmailAddress=mail, **({"FirstName": name} if name else {}))

    @rule(profile_id=ids, name=NAMES)
    def update(self, profile_id, name):
        self.attempt("UpdateProfile", ProfileId=profile_id, FirstName=name)

    @rule(target=ids, records=st.lists(st.tuples(MAILS, NAMES), min_size=1, max_size=4))
    def upsert(self, records):
        people = [{"EmailAddress": mail, "LastName": name or "King"} for mail, name in records]
        outcomes = self.shop.engine.upsert_profiles("shop", people, "EmailAddress")
        return multiple(*(item.profile_id for item in outcomes if item.outcome == "created"))

    @rule(orders=st.lists(st.tuples(NUMBERS, WHO, NAMES), min_size=1, max_size=6))
    def put(self, orders):
        texts = [
            json.dumps({"id": str(number), "who": who} | ({"town": town} if town else {}))
            for number, who, town in orders
        ]
        self.shop.engine.put_objects("shop", "Order", texts)

    @rule(main=ids, other=ids)
    def merge(self, main, other):
        self.attempt("MergeProfiles", MainProfileId=main, ProfileIdsToBeMerged=[other])

    @rule(profile_id=consumes(ids))
    def delete(self, profile_id):
        self.attempt("DeleteProfile", ProfileId=profile_id)

    @rule(who=WHO)
    def delete_object(self, who):
        for profile_id in self.shop.search("Who", who):
            about = {"ProfileId": profile_id, "ObjectTypeName": "Order"}
            for item in self.shop.ask("ListProfileObjects", **about)["Items"][:1]:
                key = item["ProfileObjectUniqueKey"]
                self.shop.ask("DeleteProfileObject", **about, ProfileObjectUniqueKey=key)

    @rule()
    def delete_the_object_type(self):
        self.shop.ask("DeleteProfileObjectType", ObjectTypeName="Order")
        self.shop.engine.run_due()
        self.shop.ask("PutProfileObjectType", ObjectTypeName="Order", **ORDER)

    @rule(days=st.sampled_from([1, 20, 31]))
    def wait(self, days):
        self.clock.advance(days=days)
        self.shop.stats()

    @rule(enabled=st.booleans())
    def merge_by_rules(self, enabled):
        self.shop.ask("UpdateDomain", RuleBasedMatching=RULES if enabled else {"Enabled": False})
        self.shop.engine.run_due()

    @rule(profile_id=consumes(ids))
    def erase(self, profile_id):
        # Reading so far: erasure removes the records of a person.
        self.follow()
        try:
            self.shop.engine.erase_profile("shop", profile_id)
        except Refusal:
            return

    @invariant()
    def the_copy_is_what_is_stored(self):
        self.shop.engine.run_due()
        self.follow()
        engine = self.shop.engine
        profiles = json.loads(engine.list_profiles("shop", limit=1000))["Items"]
        assert self.copy.profiles == {item["ProfileId"]: item for item in profiles}
        objects = [
            item
            for name in ("Order", "_order")
            for item in json.loads(engine.list_objects("shop", name, limit=1000))["Items"]
        ]
        assert self.copy.objects == {
            (item["ObjectTypeName"], item["ProfileObjectUniqueKey"]): (
                item["ProfileId"],
                json.loads(item["Object"]),
            )
            for item in objects
        }

    def follow(self):
        answer = json.loads(self.shop.engine.changes("shop", self.copy.position, limit=10_000))
        for record in answer["Items"]:
            self.copy.apply(record)
        self.copy.position = answer["Position"]


Replay.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestReplay = Replay.TestCase
