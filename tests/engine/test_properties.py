"""What must hold for any sequence of requests."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from customer_profiles.engine import Engine, ManualClock

SHOP = {"DomainName": "shop"}
WORDS = st.sampled_from(["", "a", "B", "b", "a@x.org", "+1 206 555 0100", "2065550100"])
GIVEN = WORDS.filter(bool)
FIELDS = ["FirstName", "LastName", "EmailAddress", "BusinessEmailAddress", "PhoneNumber"]
FIELDS += ["HomePhoneNumber", "AccountNumber"]


def fields(words):
    """Members of a create or update request."""
    inner = st.dictionaries(st.sampled_from(["City", "Country"]), words)
    return st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(FIELDS, words),
            "Address": inner,
            "Attributes": st.dictionaries(st.sampled_from(["k", "l"]), words),
        },
    )


def opened():
    engine = Engine(clock=ManualClock(), strict=True)
    ask(engine, "CreateDomain", DefaultExpirationDays=30)
    return engine


def ask(engine, operation, **members):
    return json.loads(engine.answer(operation, {**SHOP, **members}))


def search(engine, key, value):
    """Run through all pages, two profiles each."""
    found, token = [], {}
    while token is not None:
        page = ask(engine, "SearchProfiles", KeyName=key, Values=[value], MaxResults=2, **token)
        found += [item["ProfileId"] for item in page["Items"]]
        token = {"NextToken": page["NextToken"]} if page["NextToken"] else None
    return found


def naive_update(profile, given):
    """Say what an update must make of a profile, in the plainest way."""
    for name, value in given.items():
        if isinstance(value, dict):
            profile[name] = naive_update(profile.get(name, {}), value)
        else:
            profile[name] = value
        if profile[name] in ("", {}):
            del profile[name]
    return profile


@settings(max_examples=60, deadline=None)
@given(fields(GIVEN), st.lists(fields(WORDS), max_size=4))
def test_updates_do_what_a_plain_dict_would(made, updates):
    with opened() as engine:
        profile_id = ask(engine, "CreateProfile", **made)["ProfileId"]
        expected = naive_update({"ProfileId": profile_id}, made)
        for given_fields in updates:
            ask(engine, "UpdateProfile", ProfileId=profile_id, **given_fields)
            expected = naive_update(expected, given_fields)
        answer = ask(engine, "BatchGetProfile", ProfileIds=[profile_id])
        assert answer["Profiles"] == [expected]


STEPS = st.lists(
    st.tuples(st.sampled_from("cccuudkex"), st.integers(0, 9), fields(WORDS)), max_size=25
)


def run_steps(engine, clock, steps):
    """Apply random requests; a plain dict remembers what must be there."""
    alive = {}
    for kind, pick, given_fields in steps:
        ids = list(alive)
        if kind == "c":
            made = naive_update({}, given_fields)
            alive[ask(engine, "CreateProfile", **made)["ProfileId"]] = made
        elif kind == "e":
            clock.advance(days=31)
            alive.clear()
        elif ids and kind == "u":
            one = ids[pick % len(ids)]
            ask(engine, "UpdateProfile", ProfileId=one, **given_fields)
            naive_update(alive[one], given_fields)
        elif ids and kind == "d":
            ask(engine, "DeleteProfile", ProfileId=ids[pick % len(ids)])
            del alive[ids[pick % len(ids)]]
    return alive


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_counters_equal_a_recount(steps):
    clock = ManualClock()
    with Engine(clock=clock, strict=True) as engine:
        ask(engine, "CreateDomain", DefaultExpirationDays=30)
        alive = run_steps(engine, clock, steps)
        stats = ask(engine, "GetDomain")["Stats"]
        bodies = [
            json.dumps({"ProfileId": one, **members}, separators=(",", ":"))
            for one, members in alive.items()
        ]
        assert stats["ProfileCount"] == len(alive)
        assert stats["TotalSize"] == sum(map(len, bodies))


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_searches_find_what_a_scan_of_all_profiles_finds(steps):
    clock = ManualClock()
    with Engine(clock=clock, strict=True) as engine:
        ask(engine, "CreateDomain", DefaultExpirationDays=30)
        alive = run_steps(engine, clock, steps)
        for value in ("a", "b", "a@x.org", "2065550100", "+1 206 555 0100"):
            holders = [
                one
                for one, members in alive.items()
                if {"EmailAddress", "BusinessEmailAddress"}
                & {name for name, own in members.items() if str(own).lower() == value}
            ]
            assert search(engine, "_email", value) == holders


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 4), st.data())
def test_pages_show_each_untouched_profile_once_while_others_write(number, size, data):
    with opened() as engine:
        made = [ask(engine, "CreateProfile", FirstName="Ada")["ProfileId"] for _ in range(number)]
        touched, seen, token = set(), [], {}
        while token is not None:
            page = ask(
                engine,
                "SearchProfiles",
                KeyName="_fullName",
                Values=["ada"],
                MaxResults=size,
                **token,
            )
            seen += [item["ProfileId"] for item in page["Items"]]
            token = {"NextToken": page["NextToken"]} if page["NextToken"] else None
            victim = data.draw(st.sampled_from(made))
            if victim not in touched and data.draw(st.booleans()):
                touched.add(victim)
                ask(engine, "DeleteProfile", ProfileId=victim)
        assert len(seen) == len(set(seen))
        assert set(made) - touched <= set(seen)
