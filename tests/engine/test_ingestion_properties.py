"""What holds after any sequence of objects, updates, keys, deletions and days."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from customer_profiles._standard_objects import standard
from customer_profiles.engine import Engine, ManualClock, Quotas, Refusal
from customer_profiles.engine.profiles import keys, owned_keys
from customer_profiles.engine.profiles import provenance as sources
from customer_profiles.engine.store import database, domains, objects, profiles
from customer_profiles.engine.store.rows import key_slots

from .conftest import Shop
from .test_ingestion import put_type

QUICK = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
VALUES = st.sampled_from(["", "1", "2", "3"])
WORDS = st.sampled_from(["", "Ada", "ADA", "Eve", "Bob"])

CUSTOMER = {
    "CustomerId": "id UNIQUE PROFILE",
    "_email": "email PROFILE",
    "Nick": "nick NEW_ONLY",
    "Plate": "plate ASSET",
}
ORDER = {
    "OrderId": "id UNIQUE ORDER",
    "CustomerId": "who PROFILE",
    "_phone": "phone PROFILE SECONDARY",
    "Nick": "nick",
}
NOTE = {"NoteId": "id UNIQUE", "CustomerId": "who PROFILE", "Plate": "plate ASSET"}
DEFINITIONS = {
    "Customer": (
        CUSTOMER,
        {
            "first": "_profile.FirstName",
            "city": "_profile.Address.City",
            "email": "_profile.EmailAddress",
            "car": "_asset.AssetName",
        },
        {"email": "EMAIL_ADDRESS"},
    ),
    "Order": (
        ORDER,
        {"first": "_profile.FirstName", "total": "_order.TotalPrice", "nick": "_order.Name"},
        {"phone": "PHONE_NUMBER"},
    ),
    "Note": (
        NOTE,
        {"first": "_asset.AssetName", "city": "_asset.SerialNumber", "x": "_profile.Attributes.x"},
        {},
    ),
}
CALL = {
    "CallId": "id UNIQUE",
    "_profileId": "profile PROFILE LOOKUP_ONLY",
    "CustomerId": "who PROFILE LOOKUP_ONLY",
    "_assetName": "car PROFILE SECONDARY",
}
DEFINITIONS["Call"] = (CALL, {"first": "_profile.LastName"}, {})
OTHERS = {
    "Note": (
        {"NoteId": "id UNIQUE", "CustomerId": "who PROFILE", "Nick": "nick"},
        {"first": "_profile.FirstName"},
        {"id": "NAME"},
    ),
    "Order": (
        {"OrderNumber": "id UNIQUE PROFILE", "CustomerId": "who PROFILE", "Plate": "plate ASSET"},
        {"first": "_asset.AssetName"},
        {},
    ),
}
MEMBERS = st.fixed_dictionaries(
    {"id": st.sampled_from("123")},
    optional={
        "who": VALUES,
        "email": st.sampled_from(["a@x.org", "A@X.org", "b@x.org"]),
        "phone": st.sampled_from(["(206) 555-0100", "+12065550100", "2065550101"]),
        "nick": WORDS,
        "plate": VALUES,
        "first": WORDS,
        "city": WORDS,
        "car": WORDS,
        "total": VALUES,
        "x": WORDS,
        "pad": st.sampled_from(["", "x" * 200]),
    },
)
NAMES = st.sampled_from(sorted(DEFINITIONS))
# A call that no key leads to a profile makes one each time that it comes.
STABLE = st.sampled_from(["Customer", "Order", "Note"])
PICK = st.integers(0, 1_000)


def rows_of(shop):
    """Read all profiles and objects, and the index."""
    with shop.engine._database.read() as connection:
        found = {}
        for module, table, kind in (
            (profiles, "profiles", profiles.Stored),
            (objects, "objects", objects.StoredObject),
        ):
            rows = connection.execute(f"SELECT {module._COLUMNS} FROM {table}")  # noqa: S608
            found[table] = [kind(*row) for row in rows]
        index = connection.execute("SELECT * FROM keys UNION SELECT * FROM fresh_keys")
        added = connection.execute("SELECT profile, name, normal FROM added_keys").fetchall()
        return found["profiles"], found["objects"], set(index), added


def set_by(written, body, identity):
    """Return who set which value, but for times."""
    spelled = sources.read_by_path(written, json.loads(body), identity)
    return {path: (one.type, one.unique_key) for path, one in spelled.named.items()}


def state(shop):
    """Return all that is stored, but for times and the order of members."""
    stored, held, index, added = rows_of(shop)
    identities = {one.id: one.profile_id for one in stored}
    known = {
        (
            one.profile_id,
            one.objects,
            one.object_bytes,
            json.dumps(json.loads(one.body), sort_keys=True),
            tuple(sorted(set_by(one.sources, one.body, "ProfileId").items())),
        )
        for one in stored
    }
    things = {
        (
            identities[one.profile],
            one.type,
            one.unique_key,
            one.keys,
            one.own_keys,
            json.dumps(json.loads(one.body), sort_keys=True),
            tuple(sorted(_sources_of(one).items())),
        )
        for one in held
    }
    return known, things, index, sorted(added)


def _sources_of(stored):
    if not stored.is_standard:
        return {}
    return set_by(stored.sources, stored.body, standard()[stored.type].id_member)


class Domain(RuleBasedStateMachine):
    """Does to a small domain all that can be done to it."""

    def __init__(self):
        super().__init__()
        self.clock = ManualClock()
        self.merged = False
        quotas = Quotas(objects=4, objects_bytes=900)
        self.engine = Engine(clock=self.clock, quotas=quotas)
        self.shop = Shop(self.engine)
        self.shop.ask("CreateDomain", DefaultExpirationDays=3)
        for name in DEFINITIONS:
            self.put_type(name, None, None, None, other=False)

    def teardown(self):
        self.engine.close()

    def try_to(self, operation, **members):
        """Send a request that may be refused."""
        with contextlib.suppress(Refusal):
            return self.shop.ask(operation, **members)

    def pick_profile(self, number):
        stored = rows_of(self.shop)[0]
        return stored[number % len(stored)].profile_id.hex() if stored else "0" * 32

    @rule(
        name=NAMES,
        priority=st.sampled_from([None, 1, 2]),
        days=st.sampled_from([None, 1, 5]),
        most=st.sampled_from([None, 1]),
        other=st.booleans(),
    )
    def put_type(self, name, priority, days, most, *, other):
        given = {"SourcePriority": priority, "ExpirationDays": days, "MaxProfileObjectCount": most}
        members = {member: value for member, value in given.items() if value}
        chosen = OTHERS.get(name, DEFINITIONS[name]) if other else DEFINITIONS[name]
        put_type(self.shop, name, *chosen, **members)

    @rule(name=NAMES, members=MEMBERS)
    def put(self, name, members):
        self.try_to("PutProfileObject", ObjectTypeName=name, Object=json.dumps(members))

    @rule(number=PICK, members=MEMBERS)
    def call(self, number, members):
        self.put("Call", {**members, "profile": self.pick_profile(number)})

    @rule(name=STABLE, members=MEMBERS)
    def put_twice(self, name, members):
        self.put(name, members)
        before = state(self.shop)
        self.put(name, members)
        assert state(self.shop) == before

    @rule(name=NAMES, given=st.lists(MEMBERS, min_size=2, max_size=10))
    def put_batch(self, name, given):
        items = [
            {"Id": str(number), "Object": json.dumps(members)}
            for number, members in enumerate(given)
        ]
        self.try_to("BatchPutProfileObject", ObjectTypeName=name, Items=items)

    @rule(number=PICK)
    def delete_object(self, number):
        stored, held, *_ = rows_of(self.shop)
        if held:
            chosen = held[number % len(held)]
            (owner,) = [one.profile_id.hex() for one in stored if one.id == chosen.profile]
            self.try_to(
                "DeleteProfileObject",
                ProfileId=owner,
                ObjectTypeName=chosen.type,
                ProfileObjectUniqueKey=chosen.unique_key,
            )

    @rule(number=PICK)
    def delete_profile(self, number):
        self.try_to("DeleteProfile", ProfileId=self.pick_profile(number))

    @rule(number=PICK, other=PICK, field=st.sampled_from(["FirstName", "Address"]))
    def merge(self, number, other, field):
        main, merged = self.pick_profile(number), self.pick_profile(other)
        members = {"MainProfileId": main, "ProfileIdsToBeMerged": [merged]}
        chosen = {"FieldSourceProfileIds": {field: merged}} if other % 2 else {}
        self.merged |= self.try_to("MergeProfiles", **members, **chosen) is not None

    @rule(name=NAMES)
    def delete_type(self, name):
        self.try_to("DeleteProfileObjectType", ObjectTypeName=name)

    @rule(first=WORDS, email=st.sampled_from(["", "a@x.org"]))
    def create(self, first, email):
        given = {"FirstName": first, "EmailAddress": email}
        self.shop.create(**{name: value for name, value in given.items() if value})

    @rule(number=PICK, first=WORDS, city=WORDS, x=WORDS)
    def update(self, number, first, city, x):
        changes = {"FirstName": first, "Address": {"City": city}, "Attributes": {"x": x}}
        self.try_to("UpdateProfile", ProfileId=self.pick_profile(number), **changes)

    @rule(
        number=PICK,
        operation=st.sampled_from(["AddProfileKey", "DeleteProfileKey"]),
        key=st.sampled_from(["CustomerId", "Nick", "_email", "Own"]),
        value=st.sampled_from(["1", "2", "a@x.org", "Ada"]),
    )
    def change_key(self, number, operation, key, value):
        who = self.pick_profile(number)
        self.try_to(operation, ProfileId=who, KeyName=key, Values=[value])

    @rule(days=st.sampled_from([0.5, 1, 2]))
    def wait(self, days):
        self.clock.advance(days=days)

    @invariant()
    def the_index_is_what_is_held(self):
        stored, held, index, added = rows_of(self.shop)
        expected = {(place, one.id) for one in held for place in owned_keys.object_slots(one)}
        for one in stored:
            mine = keys.of_fields(json.loads(one.body))
            mine |= {(name, normal) for row, name, normal in added if row == one.id}
            mine |= {
                key
                for thing in held
                if thing.profile == one.id
                for key in owned_keys.read_keys(thing.keys)
            }
            expected |= {(place, one.id) for place in key_slots(one.domain, mine)}
        assert index == expected

    @invariant()
    def each_object_is_there_once(self):
        held = rows_of(self.shop)[1]
        assert len({(one.type, one.unique_key) for one in held}) == len(held)

    @invariant()
    def the_counters_are_right(self):
        stored, held, _, added = rows_of(self.shop)
        rows = {one.id for one in stored}
        assert {one.profile for one in held} | {row for row, *_ in added} <= rows
        sizes = {row: [] for row in rows}
        for one in held:
            if not one.is_standard:
                sizes[one.profile].append(len(one.body))
        for one in stored:
            assert (one.objects, one.object_bytes) == (len(sizes[one.id]), sum(sizes[one.id]))
            # A merge evicts nothing, but the next object does.
            assert len(sizes[one.id]) <= 4 or self.merged

    @invariant()
    def the_domains_counters_are_right(self):
        # GetDomain would remove what has expired first.
        with self.engine._database.read() as connection:
            counted = domains.counts(connection, 1)
        stored, held, *_ = rows_of(self.shop)
        ordinary = [one for one in held if not one.is_standard]
        size = sum(len(one.body) for one in (*stored, *ordinary))
        assert counted == (len(stored), len(ordinary), size)

    @rule()
    def look(self):
        """Have all that has expired removed."""
        stats = self.shop.stats()
        with self.engine._database.read() as connection:
            counted = domains.counts(connection, 1)
        assert counted == (stats["ProfileCount"], stats["ObjectCount"], stats["TotalSize"])

    @invariant()
    def provenance_names_what_is_there(self):
        stored, held, *_ = rows_of(self.shop)
        listed = self.shop.ask("ListProfileObjectTypes")["Items"]
        types = {one["ObjectTypeName"] for one in listed}
        for one in stored:
            named = set_by(one.sources, one.body, "ProfileId")
            assert named.keys() <= {path for path, _ in sources.leaves(json.loads(one.body))}
            assert {kind for kind, _ in named.values()} <= types
        for one in held:
            assert {kind for kind, _ in _sources_of(one).values()} <= types
            assert one.is_standard or one.type in types


TestDomain = Domain.TestCase
TestDomain.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.fixture(autouse=True)
def small_trees(monkeypatch):
    """Let keys move into the big tree all the time."""
    monkeypatch.setattr(database, "_MERGE_AT", 7)


# --- the order of objects ---

SPELLINGS = {
    "mail": ["c{}@x.org", "C{}@X.org", " c{}@x.ORG "],
    "phone": ["20655501{:02}", "(206) 555-01{:02}", "+1 206 555 01{:02}"],
    "name": ["ada {}", "ADA  {}", " Ada {}"],
}


@st.composite
def populations(draw):
    """Make objects of customers; those of one customer have one key in common."""
    made = []
    for number in range(draw(st.integers(2, 12))):
        customer = draw(st.integers(0, 3))
        shared = ("mail", "phone", "name")[customer % 3]
        names = {shared, *draw(st.sets(st.sampled_from(sorted(SPELLINGS))))}
        members = {"id": str(number), "who": customer}
        for name in sorted(names):
            spelling = draw(st.sampled_from(SPELLINGS[name]))
            members[name] = spelling.format(customer)
        made.append((draw(st.sampled_from(["A", "B"])), members))
    return made


def partition(given, batches):
    """Ingest objects, some together, and give who is whose."""
    with Engine(clock=ManualClock(), strict=True) as engine:
        shop = Shop(engine)
        shop.ask("CreateDomain", DefaultExpirationDays=30)
        types = {"mail": "EMAIL_ADDRESS", "phone": "PHONE_NUMBER", "name": "NAME"}
        named = {"Mail": "mail PROFILE", "Phone": "phone PROFILE SECONDARY"}
        for kind in "AB":
            own = {f"{kind}Id": "id UNIQUE", **named, "Name": "name PROFILE"}
            put_type(shop, kind, own, None, types)
        for start in range(0, len(given), batches):
            chunk = given[start : start + batches]
            for kind in "AB":
                items = [
                    {"Id": members["id"], "Object": json.dumps(members)}
                    for name, members in chunk
                    if name == kind
                ]
                if items:
                    shop.ask("BatchPutProfileObject", ObjectTypeName=kind, Items=items)
        assert engine.dead_letters("shop") == []
        stored, held, *_ = rows_of(shop)
        assert len(held) == len(given)
        groups = {one.id: set() for one in stored}
        for one in held:
            groups[one.profile].add(json.loads(one.body)["id"])
        return sorted(map(sorted, groups.values()))


@given(populations(), st.data())
@QUICK
def test_the_order_of_objects_with_unambiguous_keys_does_not_matter(given_objects, data):
    expected = {}
    for _, members in given_objects:
        expected.setdefault(members["who"], []).append(members["id"])
    shuffled = data.draw(st.permutations(given_objects))
    batches = data.draw(st.integers(1, 10))
    assert partition(shuffled, batches) == sorted(map(sorted, expected.values()))


# --- who set what, and what is left when a type goes ---

TARGETS = {
    "first": "_profile.FirstName",
    "city": "_profile.Address.City",
    "x": "_profile.Attributes.x",
}
PATHS = {"first": "FirstName", "city": "Address.City", "x": "Attributes.x"}
PRIORITIES = st.sampled_from([None, 1, 2])
WRITES = st.lists(
    st.tuples(
        st.sampled_from(["A", "B", "hand"]),
        st.dictionaries(st.sampled_from(sorted(TARGETS)), st.sampled_from(["1", "2"]), min_size=1),
    ),
    max_size=8,
)


def naive(writes, priorities):
    """Return which object set each value in the end, by the simplest algorithm."""
    held = {}
    for who, values in writes:
        for name, value in values.items():
            by, _ = held.get(name, (who, ""))
            mine, other = (priorities.get(one) or 99 for one in (who, by))
            if by == "hand" != who and priorities[who] is None:
                continue
            if who == "hand" or by == "hand" or mine <= other:
                held[name] = (who, value)
    return held


def check(shop, ada, held):
    """Compare a profile with what is expected of it."""
    assert read(shop, ada) == {name: value for name, (_, value) in held.items()}
    told = shop.engine.provenance("shop", ada)
    named = {PATHS[name]: who for name, (who, _) in held.items() if who != "hand"}
    assert {path: one["ObjectTypeName"] for path, one in told.items()} == named


@given(WRITES, PRIORITIES, PRIORITIES)
@QUICK
def test_each_value_is_that_of_who_may_write_it_and_goes_with_its_type(writes, first, second):
    priorities = {"A": first, "B": second}
    with Engine(clock=ManualClock(), strict=True) as engine:
        shop, ada = filled_by(engine, priorities)
        for who, values in writes:
            write(shop, ada, who, values)
        held = naive(writes, priorities)
        check(shop, ada, held)
        for gone in ("A", "B"):
            shop.ask("DeleteProfileObjectType", ObjectTypeName=gone)
            held = {name: one for name, one in held.items() if one[0] != gone}
            check(shop, ada, held)


def filled_by(engine, priorities):
    """Make a profile that objects of two types can fill, with a key so that it stays."""
    shop = Shop(engine)
    shop.ask("CreateDomain", DefaultExpirationDays=30)
    for name, priority in priorities.items():
        own = {f"{name}Id": "id UNIQUE", "_profileId": "who PROFILE LOOKUP_ONLY"}
        put_type(shop, name, own, TARGETS, **({"SourcePriority": priority} if priority else {}))
    ada = shop.create()
    shop.ask("AddProfileKey", ProfileId=ada, KeyName="Own", Values=["1"])
    return shop, ada


def write(shop, ada, who, values):
    """Set values by hand, or by an object that is always the same."""
    if who != "hand":
        text = json.dumps({"id": "1", "who": ada, **values})
        shop.ask("PutProfileObject", ObjectTypeName=who, Object=text)
        return
    for name, value in values.items():
        outer, _, inner = PATHS[name].partition(".")
        shop.ask("UpdateProfile", ProfileId=ada, **{outer: {inner: value} if inner else value})


def read(shop, ada):
    """Return the values of a profile by the names of the fields that set them."""
    leaves = {".".join(path): value for path, value in sources.leaves(shop.read(ada))}
    return {name: leaves[path] for name, path in PATHS.items() if path in leaves}
