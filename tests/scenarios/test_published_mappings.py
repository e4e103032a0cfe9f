"""A thousand objects of each published mapping come out as the naive model says."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path

import pytest

from customer_profiles import BadRequestError, BatchError, CustomerProfiles, ObjectType
from customer_profiles.engine import ManualClock

from . import naive, sources

MAPPINGS = Path(__file__).parent.parent / "data" / "mappings"
# Objects of each type.
ALONE, TOGETHER = 1_000, 400
FILES = {path.stem: [path] for path in sorted(MAPPINGS.glob("*.json"))}
# The types of an industry share the key LoyaltyId, so their objects meet in the same profiles.
INDUSTRIES = {
    name: sorted(MAPPINGS.glob(f"{name}-*.json"))
    for name in sorted({stem.partition("-")[0] for stem in FILES})
}
SCENARIOS = FILES | INDUSTRIES


class Scenario:
    """A domain and the model of it, after the same things happened to both."""

    def __init__(self, shop, clock, paths):
        self.shop, self.clock, self.model = shop, clock, naive.Model()
        self.keys, self.refused, self.expected_refused = [], [], []
        definitions = [json.loads(path.read_text()) for path in paths]
        for path, definition in zip(paths, definitions, strict=True):
            shop.object_types.put(ObjectType.from_file(path))
            self.model.put_type(definition)
        systems = sources.Sources(self.model.types, seed=" ".join(self.model.types))
        self.count = ALONE if len(paths) == 1 else TOGETHER
        for step in systems.steps(self.count):
            self.play(step)

    def play(self, step):
        match step:
            case sources.Put(name, items):
                self.clock.advance(seconds=len(items) % 7)
                self.put(name, items)
            case sources.Create(fields, numbers):
                profile = self.shop.profiles.create(**fields)
                made = self.model.create(profile.profile_id, by_hand(fields))
                self.add_key(made, profile.profile_id, *numbers)
            case sources.AddKey(holder, number):
                for profile, profile_id in self.only_holder(holder):
                    self.add_key(profile, profile_id, number)
            case sources.Update(holder, fields):
                for profile, profile_id in self.only_holder(holder):
                    self.shop.profiles.update(profile_id, **fields)
                    self.model.update(profile, by_hand(fields))

    def put(self, name, items):
        """Put objects through the SDK and into the model, and note what each says of them."""
        texts = [one if isinstance(one, str) else written(one) for one in items]
        uniques = [self.model.put(name, text) for text in texts]
        failed = {}
        try:
            keys = self.shop.objects(name).put_many(items)
        except BatchError as error:
            keys, failed = error.succeeded, error.failed
        self.refused += [(name, texts[place], type(failed[place])) for place in sorted(failed)]
        for text, unique in zip(texts, uniques, strict=True):
            if unique is None:
                self.expected_refused.append((name, text, BadRequestError))
        taken = [(name, unique) for unique in uniques if unique is not None]
        self.keys += zip(taken, keys, strict=False)

    def add_key(self, profile, profile_id, *numbers):
        self.shop.profiles.add_key(profile_id, "LoyaltyId", *numbers)
        self.model.add_key(profile, "LoyaltyId", *numbers)

    def only_holder(self, number):
        """Give the profile of a loyalty number in model and domain, if there is one only."""
        expected = self.model.holders("LoyaltyId", number)
        found = list(self.shop.profiles.search(keys={"LoyaltyId": number}))
        assert len(found) == len(expected)
        return [(expected[0], found[0].profile_id)] if len(found) == 1 else []

    # --- what came out ---

    def search(self, name, value):
        return [one.profile_id for one in self.shop.profiles.search(keys={name: value})]

    @cached_property
    def found(self):
        """The ids that each key finds that ever came, as it was spelled and in capitals."""
        spelled = self.model.seen | {
            (name, value.upper())
            for name, value in self.model.seen
            if name in ("_email", "_fullName", "LoyaltyId")
        }
        return {key: self.search(*key) for key in sorted(spelled)}

    @cached_property
    def actual(self):
        """The profiles of the domain by id."""
        ids = {one for found in self.found.values() for one in found}
        ids |= {one.id for one in self.model.profiles if one.id}
        return {one.profile_id: one for one in self.shop.profiles.get_many(sorted(ids))}

    @cached_property
    def objects(self):
        """The objects and standard objects of each profile, by type."""
        names = [*self.model.types, *naive.STANDARD]
        return {
            profile_id: {name: list(profile.objects(name)) for name in names}
            for profile_id, profile in self.actual.items()
        }

    @cached_property
    def ids(self):
        """The id of each profile of the model: it has the same objects, or else the same values."""
        places = {
            (name, one.profile_object_unique_key): profile_id
            for profile_id, kinds in self.objects.items()
            for name in self.model.types
            for one in kinds[name]
        }
        keys = dict(self.keys)
        ids = {one: one.id for one in self.model.profiles if one.id}
        for identity, thing in self.model.objects.items():
            ids.setdefault(thing.profile, places.get((thing.type, keys[identity])))
        left = {key: values_of(one) for key, one in self.actual.items() if key not in ids.values()}
        for profile in self.model.profiles:
            values = naive.nested(profile.values)
            if profile not in ids and values in left.values():
                ids[profile] = next(key for key, other in left.items() if other == values)
                del left[ids[profile]]
        return ids


def written(item):
    return json.dumps(item, ensure_ascii=False, separators=(",", ":"))


def values_of(profile):
    return {name: value for name, value in profile._to_wire().items() if name != "ProfileId"}


def by_hand(fields):
    """Give keywords by the paths of the values that they set."""
    values = {}
    for name, value in fields.items():
        member = "".join(part.title() for part in name.split("_"))
        if name == "address":
            values |= {(member, part.title()): it for part, it in value.items()}
        elif name == "attributes":
            values |= {(member, part): it for part, it in value.items()}
        else:
            values[member,] = value
    return values


def differences(actual, expected):
    """Give the first few entries in which two dicts differ, for a message that can be read."""
    names = [name for name in {**expected, **actual} if actual.get(name) != expected.get(name)]
    return [(name, actual.get(name), expected.get(name)) for name in names[:3]]


@pytest.fixture(scope="module", params=SCENARIOS)
def scenario(request):
    clock = ManualClock()
    with CustomerProfiles.embedded(clock=clock, strict=True) as cp:
        shop = cp.domains.create("shop", default_expiration_days=366)
        yield Scenario(shop, clock, SCENARIOS[request.param])


def test_each_profile_holds_the_values_that_the_model_gives_it(scenario):
    model = scenario.model
    expected = {scenario.ids.get(one): naive.nested(one.values) for one in model.profiles}
    assert len(expected) == len(model.profiles)
    actual = {profile_id: values_of(one) for profile_id, one in scenario.actual.items()}
    assert differences(actual, expected) == []


def test_each_profile_has_its_objects_as_they_came_last(scenario):
    expected = {}
    for one in scenario.model.objects.values():
        expected.setdefault((scenario.ids.get(one.profile), one.type), []).append(one.data)
    actual = {
        (profile_id, name): [one.data for one in kinds[name]]
        for profile_id, kinds in scenario.objects.items()
        for name in scenario.model.types
        if kinds[name]
    }
    assert differences(actual, expected) == []


def test_each_profile_has_the_standard_objects_that_its_objects_fill(scenario):
    expected = {}
    for one in scenario.model.standards:
        place = (scenario.ids.get(one.profile), one.name)
        expected.setdefault(place, []).append(naive.nested(one.values))
    actual = {}
    for profile_id, kinds in scenario.objects.items():
        for name, (_, member, _) in naive.STANDARD.items():
            for one in kinds[name]:
                values = {key: value for key, value in one.data.items() if key != member}
                actual.setdefault((profile_id, name), []).append(values)
    assert differences(actual, expected) == []


def test_each_standard_object_has_an_id_that_finds_its_profile(scenario):
    ids = [
        (f"{name}Id", one.data[member], profile_id)
        for profile_id, kinds in scenario.objects.items()
        for name, (_, member, _) in naive.STANDARD.items()
        for one in kinds[name]
    ]
    assert len({one for _, one, _ in ids}) == len(ids) == len(scenario.model.standards)
    lost = [one for one in ids if scenario.search(one[0], one[1]) != [one[2]]]
    assert lost == []


def test_each_search_key_finds_the_profiles_that_hold_it_and_no_others(scenario):
    index = scenario.model.index()
    actual = {key: set(ids) for key, ids in scenario.found.items()}
    expected = {
        (name, value): {
            scenario.ids.get(one) for one in index.get((name, naive.normal(name, value)), ())
        }
        for name, value in scenario.found
    }
    assert differences(actual, expected) == []


def test_the_dead_letters_are_the_objects_that_the_model_rejects_with_its_reasons(scenario):
    actual = [(one.object_type_name, one.message, one.data) for one in scenario.shop.dead_letters]
    assert len(actual) == len(scenario.model.letters)
    pairs = zip(actual, scenario.model.letters, strict=True)
    assert [(one[:2], two[:2]) for one, two in pairs if one != two] == []


def test_what_is_no_object_or_lacks_a_key_is_refused_at_once(scenario):
    assert scenario.refused == scenario.expected_refused
    assert len(scenario.refused) >= len(sources.BROKEN)


def test_two_objects_have_one_key_exactly_when_they_have_one_unique_value(scenario):
    pairs = set(scenario.keys)
    assert len(pairs) == len({taken for taken, _ in pairs}) == len({key for _, key in pairs})
    assert all(len(key) == 44 for _, key in pairs)


def test_the_domain_counts_the_profiles_and_objects_of_the_model(scenario):
    stats = scenario.shop.refresh().stats
    assert stats.profile_count == len(scenario.model.profiles) == len(scenario.actual)
    assert stats.object_count == len(scenario.model.objects)


def test_the_scenario_has_all_that_can_happen_to_its_objects(scenario):
    model, count = scenario.model, scenario.count * len(scenario.model.types)
    reasons = {reason for _, reason, _ in model.letters}
    assert reasons >= {naive.AMBIGUOUS, naive.TOO_LARGE}
    assert len(scenario.keys) + len(scenario.refused) > count
    assert len(dict(scenario.keys)) < len(scenario.keys)
    filled = {one.profile for one in model.objects.values()}
    assert any(len(holders) > 1 for holders in model.index().values())
    assert any(path in one.by_hand for one in filled for path in one.values)
