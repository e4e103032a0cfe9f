"""Many records in one transaction have the outcomes of one request for each."""

import json
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_profiles.engine import Engine, ManualClock, Quotas, Refusal
from customer_profiles.engine.loading import pace
from customer_profiles.engine.loading.checkpoints import Checkpoint
from customer_profiles.engine.matching import rules as rule_matching
from customer_profiles.engine.profiles import keys
from customer_profiles.engine.service.refusals import bad_request
from customer_profiles.engine.store import database

from .conftest import Shop
from .filling import rows
from .test_ingestion import put_text, put_type
from .test_ingestion_properties import DEFINITIONS, MEMBERS, NAMES

QUICK = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
EMAILS = st.sampled_from(["a@x.org", "A@X.org ", "b@x.org", "c@x.org", " "])
PHONES = st.sampled_from(["(206) 555-0100", "+12065550100", "2065550101", "-"])
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "EmailAddress": EMAILS,
        "PersonalEmailAddress": EMAILS,
        "PhoneNumber": PHONES,
        "MobilePhoneNumber": PHONES,
        "AccountNumber": st.sampled_from(["1", "2", "3"]),
        "FirstName": st.sampled_from(["Ada", "ADA", "Eve", "", "x" * 256, None]),
        "LastName": st.sampled_from(["Lovelace", "é", "\ud800"]),
        "Address": st.fixed_dictionaries({}, optional={"City": st.sampled_from(["London", ""])}),
        "Attributes": st.dictionaries(st.sampled_from("ab"), st.sampled_from(["1", "x" * 255])),
        "Gender": st.sampled_from(["FEMALE", "female", 1]),
        "Unknown": st.just("x"),
    },
)
RULES = {
    "Enabled": True,
    "MatchingRules": [{"Rule": ["EmailAddress"]}, {"Rule": ["PhoneNumber", "FirstName"]}],
    "MaxAllowedRuleLevelForMatching": 2,
    "MaxAllowedRuleLevelForMerging": 1,
}


@pytest.fixture(autouse=True)
def small_transactions(monkeypatch):
    """Let calls take few records, and keys move into the big table all the time."""
    monkeypatch.setattr(database, "_MERGE_AT", 11)
    monkeypatch.setattr(pace, "_FEWEST", 1)


def opened(**settings):
    quotas = Quotas(profile_bytes=400, objects=3)
    engine = Engine(clock=ManualClock(), quotas=quotas, strict=True)
    shop = Shop(engine)
    shop.ask("CreateDomain", DefaultExpirationDays=30, **settings)
    for name, (keys_of_type, targets, types) in DEFINITIONS.items():
        put_type(shop, name, keys_of_type, targets, types, ExpirationDays=20)
    put_type(shop, "Strict", *DEFINITIONS["Note"], AllowProfileCreation=False)
    return shop


def stored(shop):
    """Read all that is stored, once rules are applied; the search index is one table here."""
    rule_matching.apply(shop.engine._context)
    found = rows(shop.engine)
    found["keys"] = sorted({*found["keys"], *found.pop("fresh_keys")})
    for table in ("domains", "object_types", "meta"):
        found[table] = [row.replace("CREATE", "") for row in found[table]]
    del found["meta"]
    return found


def outcome(function, *args):
    try:
        return function(*args)
    except Refusal as refusal:
        return refusal.code, refusal.message


def created(shop, record):
    request = {**record, "DomainName": "shop"}
    return json.loads(shop.engine.answer("CreateProfile", request))["ProfileId"]


def in_calls(call, records, size, shop):
    """Store all records, so many with each call at the most."""
    outcomes = []
    while len(outcomes) < len(records):
        shop.engine._context.pace.update(dict.fromkeys(KINDS, size))
        done = call(records[len(outcomes) :])
        assert done
        outcomes += done
    return [(item.code, item.message) if isinstance(item, Refusal) else item for item in outcomes]


KINDS = ("CreateProfileRequest", "upsert", "PutProfileObjectRequest")
SIZES = st.integers(1, 12)


@given(st.lists(RECORDS, min_size=1, max_size=25), SIZES, st.booleans())
@QUICK
def test_many_profiles_are_created_as_one_by_one(records, size, has_rules):
    rules = {"RuleBasedMatching": RULES} if has_rules else {}
    single, many = opened(**rules), opened(**rules)
    expected = [outcome(created, single, record) for record in records]
    found = in_calls(lambda left: many.engine.create_profiles("shop", left), records, size, many)
    assert found == expected
    assert stored(many) == stored(single)
    assert many.stats() == single.stats()


def upserted(shop, record, member, *, keep_stored):
    """Search by the key, then create or update, with one request each."""
    if not record.get(member):
        msg = f"{member} is empty, but it is the key of the records"
        raise bad_request(msg)
    name = {"AccountNumber": "_account", "EmailAddress": "_email", "PhoneNumber": "_phone"}[member]
    value = record[member]
    found = shop.page(name, value, MaxResults=10)["Items"]
    normal = keys.normalize(name, value)
    same = [item for item in found if keys.normalize(name, item.get(member, "")) == normal]
    if found and len(same) != 1:
        return "several", "", len(found)
    if not same:
        return "created", created(shop, record), 0
    profile_id = same[0]["ProfileId"]
    if keep_stored:
        return "kept", profile_id, 0
    shop.ask("UpdateProfile", ProfileId=profile_id, **record)
    return "updated", profile_id, 0


@given(
    st.lists(RECORDS, max_size=8),
    st.lists(RECORDS.filter(lambda record: record.get("LastName") != "\ud800"), max_size=25),
    st.sampled_from(["AccountNumber", "EmailAddress", "PhoneNumber"]),
    SIZES,
    st.sampled_from([{}, {}, {"RuleBasedMatching": RULES}]),
    st.booleans(),
)
@QUICK
def test_many_profiles_are_found_or_created_as_one_by_one(  # noqa: PLR0917
    before, records, member, size, rules, keep_stored
):
    single, many = opened(**rules), opened(**rules)
    for shop in (single, many):
        for record in before:
            outcome(created, shop, record)
    expected = [
        outcome(lambda record: upserted(single, record, member, keep_stored=keep_stored), record)
        for record in records
    ]
    found = in_calls(
        lambda left: many.engine.upsert_profiles("shop", left, member, keep_stored=keep_stored),
        records,
        size,
        many,
    )
    assert found == expected
    assert stored(many) == stored(single)


TEXTS = MEMBERS.map(json.dumps) | st.sampled_from(["", "{", "[]", '{"id":"1","who":"\ud800"}'])
GROUPS = st.lists(
    st.tuples(
        NAMES | st.sampled_from(["Strict", "Strict", "Missing", "_order"]),
        st.lists(TEXTS, min_size=1, max_size=12),
        st.integers(0, 12),
    ),
    max_size=6,
)


@given(st.lists(RECORDS, max_size=3), GROUPS, SIZES, st.sampled_from([{}, {}, RULES]))
@QUICK
def test_many_objects_are_put_as_one_by_one(before, groups, size, rules):
    own = {"RuleBasedMatching": rules} if rules else {}
    single, many = opened(**own), opened(**own)
    for shop in (single, many):
        for record in before:
            outcome(created, shop, record)
    for name, texts, days in groups:
        expected = [outcome(put_text, single, name, text) for text in texts]
        put = partial(many.engine.put_objects, "shop", name)
        found = outcome(in_calls, put, texts, size, many)
        if isinstance(found, tuple):
            # A type that is missing refuses all that is well formed.
            assert found in expected
            found = expected
        assert found == expected
        assert stored(many) == stored(single)
        assert many.engine.dead_letters("shop") == single.engine.dead_letters("shop")
        for shop in (single, many):
            shop.engine._clock.advance(days=days)
    assert many.stats() == single.stats()


def test_a_load_stores_how_far_it_is_with_its_records(shop):
    seen = []

    def position(outcomes):
        seen.append(len(outcomes))
        return {"done": len(outcomes)}

    shop.engine.create_profiles(
        "shop", [{"FirstName": "Ada"}], checkpoint=Checkpoint("a", position)
    )

    assert seen == [1]
    assert shop.engine.load_position("shop", "a") == {"done": 1}
    assert shop.engine.load_position("shop", "b") is None
    shop.engine.end_load("shop", "a")
    assert shop.engine.load_position("shop", "a") is None


def test_a_load_whose_position_cannot_be_written_stores_nothing(shop):
    def fail(_outcomes):
        raise OSError

    for call in (
        partial(shop.engine.create_profiles, "shop", [{"FirstName": "Ada"}]),
        partial(shop.engine.upsert_profiles, "shop", [{"AccountNumber": "1"}], "AccountNumber"),
    ):
        with pytest.raises(OSError):  # noqa: PT011  (it has no message)
            call(checkpoint=Checkpoint("a", fail))
    assert shop.stats()["ProfileCount"] == 0


def test_other_writers_get_their_turn_between_the_transactions_of_a_load(open_shop):
    shop = open_shop()
    records = [{"FirstName": f"p{n}", "AccountNumber": str(n)} for n in range(20_000)]
    left, calls = records, 0
    while left:
        done = shop.engine.create_profiles("shop", left)
        left, calls = left[len(done) :], calls + 1
        shop.create(FirstName="between")

    assert calls >= 20_000 // pace._MOST
    assert shop.stats()["ProfileCount"] == 20_000 + calls


def test_an_unknown_key_and_a_missing_domain_are_refused(shop):
    with pytest.raises(Refusal, match="FirstName is no key"):
        shop.engine.upsert_profiles("shop", [{"FirstName": "Ada"}], "FirstName")
    with pytest.raises(Refusal, match="Domain none does not exist"):
        shop.engine.create_profiles("none", [{"FirstName": "Ada"}])
    with pytest.raises(Refusal, match="Object type None"):
        shop.engine.put_objects("shop", "None", ["{}"])
