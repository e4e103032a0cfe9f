"""`save()` takes what is stored from one state to any other, with the smallest request."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_profiles import (
    Address,
    ContactPreference,
    CustomerProfiles,
    DetachedError,
    EngagementPreferences,
    EngineChannel,
    InvalidInputError,
    Profile,
    Profiles,
)
from customer_profiles.engine import Engine

ADDRESSES = ("address", "shipping_address", "mailing_address", "billing_address")
ENUMS = {
    "gender": ["MALE", "FEMALE", "UNSPECIFIED"],
    "party_type": ["INDIVIDUAL", "BUSINESS", "OTHER"],
    "profile_type": ["PROFILE", "ACCOUNT_PROFILE"],
}
TEXTS = sorted(
    set(Profile.model_fields)
    - {*ADDRESSES, *ENUMS, "profile_id", "found_by", "attributes", "engagement_preferences"}
)

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
addresses = st.fixed_dictionaries({}, optional=dict.fromkeys(Address.model_fields, texts)).map(
    lambda members: Address(**members) if members else None
)
preferences = st.lists(
    st.builds(ContactPreference, key_value=texts, contact_type=st.just("EmailAddress")), max_size=2
).map(lambda some: EngagementPreferences(email=some) if some else None)
states = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(TEXTS, texts),
        **dict.fromkeys(ADDRESSES, addresses),
        "attributes": st.dictionaries(texts, texts, max_size=3),
        "engagement_preferences": preferences,
    },
)
enums = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in ENUMS.items()})


class Spy:
    """A channel that remembers what passes through it to the engine."""

    retries = False

    def __init__(self) -> None:
        self.engine, self.sent = Engine(strict=True), list[tuple[str, dict[str, Any]]]()
        self.inner = EngineChannel(self.engine)

    def send(self, operation: str, request: dict[str, Any]) -> bytes:
        self.sent.append((operation, copy.deepcopy(request)))
        return self.inner.send(operation, request)

    def arn(self, resource: str) -> str:
        return self.inner.arn(resource)

    def close(self) -> None:
        self.inner.close()

    def updates(self) -> list[dict[str, Any]]:
        return [request for operation, request in self.sent if operation == "UpdateProfile"]


@pytest.fixture(scope="module")
def spied() -> tuple[Spy, Profiles]:
    spy = Spy()
    return spy, CustomerProfiles(channel=spy).domains.create("shop").profiles


def plain(profile: Profile) -> dict[str, Any]:
    """Give what a profile holds, where absent, empty and None are one."""
    return prune(profile.model_dump(exclude={"found_by", "profile_id"}))


def prune(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: prune(inner) for name, inner in value.items()}
        return {name: inner for name, inner in kept.items() if inner not in (None, "", {}, [])}
    return [prune(item) for item in value] if isinstance(value, list) else value


def flat(wire: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Give the leaves of a request by their paths."""
    leaves: dict[str, Any] = {}
    for name, value in wire.items():
        inner = isinstance(value, dict)
        leaves |= flat(value, f"{prefix}{name}/") if inner else {f"{prefix}{name}": value}
    return leaves


@settings(max_examples=150, deadline=None)
@given(before=states, after=states, enums_before=enums, enums_after=enums)
def test_save_takes_the_stored_profile_from_any_state_to_any_other(
    spied: tuple[Spy, Profiles], before: Any, after: Any, enums_before: Any, enums_after: Any
) -> None:
    spy, profiles = spied
    made = profiles.create(Profile(**before, **enums_before))
    read = profiles.get(made.profile_id)
    for name in Profile.model_fields.keys() - {"profile_id", "found_by"}:
        setattr(read, name, {**after, **enums_after}.get(name))
    spy.sent.clear()

    read.save()

    stored = profiles.get(made.profile_id)
    assert plain(stored) == prune(Profile(**after, **enums_after).model_dump())
    assert_smallest(spy.updates(), made, stored)


def assert_smallest(updates: list[dict[str, Any]], before: Profile, after: Profile) -> None:
    """Assert that each leaf of the request was needed, and that none was sent in vain."""
    old, new = flat(before._to_wire()), flat(after._to_wire())
    changed = {path for path in old.keys() | new.keys() if old.get(path, "") != new.get(path, "")}
    sent = {path for update in updates for path in flat(update)} - {"DomainName", "ProfileId"}

    assert len(updates) == bool(changed)
    assert {path for path in sent if "Engagement" not in path} == {
        path for path in changed if "Engagement" not in path
    }


@settings(max_examples=100, deadline=None)
@given(before=states, patch=states, cleared=st.sets(st.sampled_from(TEXTS)))
def test_update_without_reading_sets_clears_and_keeps(
    spied: tuple[Spy, Profiles], before: Any, patch: Any, cleared: set[str]
) -> None:
    _, profiles = spied
    made = profiles.create(Profile(**before))
    changes = patch | dict.fromkeys(cleared)
    profiles.update(made.profile_id, **changes)

    wanted: dict[str, Any] = prune(Profile(**before).model_dump())
    for name, value in prune_keeping_none(changes).items():
        if value is None:
            wanted.pop(name, None)
        elif isinstance(value, dict) and name != "engagement_preferences":
            wanted[name] = wanted.get(name, {}) | value
        else:
            wanted[name] = value
    assert plain(profiles.get(made.profile_id)) == prune(wanted)


def prune_keeping_none(changes: dict[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in changes.items() if value not in ({}, [])}
    if given.get("attributes") is None:
        given.pop("attributes", None)
    dumped = json.loads(Profile(**given).model_dump_json(include=set(given)))
    return {name: prune(value) if value is not None else None for name, value in dumped.items()}


def test_no_change_sends_nothing(spied: tuple[Spy, Profiles]) -> None:
    spy, profiles = spied
    ada = profiles.create(first_name="Ada", attributes={"tier": "gold"})
    spy.sent.clear()
    ada.first_name = "Ada"
    ada.save().save()
    profiles.update(ada.profile_id)

    assert spy.sent == []


def test_a_second_save_starts_from_the_first(spied: tuple[Spy, Profiles]) -> None:
    spy, profiles = spied
    ada = profiles.create(first_name="Ada", last_name="Byron")
    ada.last_name = "King"
    ada.save()
    spy.sent.clear()
    ada.last_name = "Byron"
    ada.save()

    assert [request["LastName"] for request in spy.updates()] == ["Byron"]


def test_attributes_changed_in_place_are_saved_each_time(spied: tuple[Spy, Profiles]) -> None:
    _, profiles = spied
    ada = profiles.create(attributes={"tier": "gold"})
    for name in ("first", "second", "third"):
        assert ada.attributes is not None
        ada.attributes[name] = "yes"
        ada.save()

    stored = profiles.get(ada.profile_id).attributes
    assert stored == {"tier": "gold", "first": "yes", "second": "yes", "third": "yes"}


def test_calls_with_the_wrong_things_say_what_to_give(spied: tuple[Spy, Profiles]) -> None:
    _, profiles = spied
    loose: Any = profiles
    ada = profiles.create(first_name="Ada")
    with pytest.raises(InvalidInputError, match=r"call its save\(\)"):
        loose.update(ada)
    with pytest.raises(InvalidInputError, match="give either a Profile or keywords"):
        loose.create({"first_name": "Ada"})
    with pytest.raises(InvalidInputError, match="no key 'full_name'"):
        loose.find_or_create(full_name="Ada King")


def test_a_change_inside_an_address_sends_that_member_alone(spied: tuple[Spy, Profiles]) -> None:
    spy, profiles = spied
    ada = profiles.create(address=Address(city="London", country="UK"))
    assert ada.address is not None
    ada.address.city = "Paris"
    ada.save()

    assert spy.updates()[-1]["Address"] == {"City": "Paris"}


def test_clearing_an_enum_is_refused_and_changes_nothing(spied: tuple[Spy, Profiles]) -> None:
    _, profiles = spied
    ada = profiles.create(first_name="Ada", gender="FEMALE")
    ada.first_name, ada.gender = "Eve", None
    with pytest.raises(InvalidInputError, match=r"gender cannot be cleared.*gender_string"):
        ada.save()

    assert profiles.get(ada.profile_id).first_name == "Ada"


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        lambda it: it.model_copy(),
        lambda it: pickle.loads(pickle.dumps(it)),
    ],
    ids=["copy", "deepcopy", "model_copy", "pickle"],
)
def test_a_copy_is_equal_and_detached(spied: tuple[Spy, Profiles], copied: Any) -> None:
    _, profiles = spied
    ada = profiles.create(first_name="Ada")

    assert copied(ada) == ada
    with pytest.raises(DetachedError, match="not returned by a repository"):
        copied(ada).save()


def test_a_profile_of_one_s_own_is_detached() -> None:
    for verb in ("save", "refresh", "delete"):
        with pytest.raises(DetachedError):
            getattr(Profile(first_name="Ada"), verb)()


def test_the_id_of_a_profile_cannot_be_changed(spied: tuple[Spy, Profiles]) -> None:
    _, profiles = spied
    ada = profiles.create(first_name="Ada")
    ada.profile_id = "0" * 32

    with pytest.raises(InvalidInputError, match="profile_id cannot be changed"):
        ada.save()


def test_refresh_drops_unsaved_changes(spied: tuple[Spy, Profiles]) -> None:
    _, profiles = spied
    ada = profiles.create(first_name="Ada")
    ada.first_name = "Eve"
    ada.middle_name = "X"

    assert ada.refresh() is ada
    assert (ada.first_name, ada.middle_name) == ("Ada", None)


def test_an_assignment_is_checked_and_keeps_unknown_members() -> None:
    ada = Profile._from_wire({"FirstName": "Ada", "Mood": "fine"})
    ada.first_name = "Eve"
    with pytest.raises(ValueError, match="gender"):
        ada.gender = "ODD"  # type: ignore[assignment]
    with pytest.raises(ValueError, match="frist_name"):
        ada.frist_name = "x"  # type: ignore[attr-defined]

    assert ada.model_extra == {"Mood": "fine"}
