"""Members that the service has and this version of the models does not."""

from __future__ import annotations

import json

import pytest

from customer_profiles import CustomerProfiles, InvalidInputError, Profile, _wire
from customer_profiles.channels.base import Channel
from customer_profiles.models.base import Record
from customer_profiles.repositories.base import before_and_after

PROFILE = {
    "ProfileId": "0" * 32,
    "FirstName": "Ada",
    "Newer": "x",
    "Address": {"City": "London", "Newer": {"a": 1}},
    "EngagementPreferences": {"Email": [{"KeyName": "home", "Newer": "y"}]},
}
DOMAIN = {
    "DomainName": "shop",
    "DefaultExpirationDays": 30,
    "CreatedAt": 1,
    "LastUpdatedAt": 1,
    "Matching": {"Enabled": True, "Newer": 1, "AutoMerging": {"Enabled": True, "Newer": 2}},
}


class Newer(Channel):
    """A service whose answers have members that the models do not know."""

    retries = False

    def __init__(self) -> None:
        self.sent: list[dict[str, object]] = []

    def send(self, operation: str, request: dict[str, object]) -> bytes:
        self.sent.append(request)
        answers = {"BatchGetProfile": {"Profiles": [PROFILE]}, "GetDomain": DOMAIN}
        return json.dumps(answers.get(operation, DOMAIN | {"ProfileId": "0" * 32})).encode()


@pytest.fixture
def service() -> Newer:
    return Newer()


@pytest.fixture
def cp(service: Newer) -> CustomerProfiles:
    return CustomerProfiles(channel=service)


@pytest.fixture
def ada(cp: CustomerProfiles) -> Profile:
    return cp.domain("shop").profiles.get("0" * 32)


def test_a_field_beside_a_newer_member_is_saved(service: Newer, ada: Profile) -> None:
    ada.first_name = "Augusta"
    ada.save()

    assert service.sent[-1].keys() == {"DomainName", "ProfileId", "FirstName"}
    assert ada.model_extra == {"Newer": "x"}


def test_a_structure_with_a_newer_member_is_saved(service: Newer, ada: Profile) -> None:
    assert ada.address is not None
    ada.address.city = "Paris"
    ada.save()

    assert service.sent[-1]["Address"] == {"City": "Paris"}
    assert ada.address.model_extra == {"Newer": {"a": 1}}


def test_an_item_of_a_list_with_a_newer_member_is_saved(service: Newer, ada: Profile) -> None:
    assert ada.engagement_preferences is not None
    assert ada.engagement_preferences.email
    ada.engagement_preferences.email[0].key_name = "work"
    ada.save()

    assert service.sent[-1]["EngagementPreferences"] == {"Email": [{"KeyName": "work"}]}


def test_settings_with_newer_members_are_saved(service: Newer, cp: CustomerProfiles) -> None:
    shop = cp.domains.get("shop")
    assert shop.matching is not None
    assert shop.matching.auto_merging is not None
    shop.matching.auto_merging.enabled = False
    shop.save()

    assert service.sent[-1]["Matching"] == {"Enabled": True, "AutoMerging": {"Enabled": False}}


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a field from the model, as if the service had got it after this version."""
    monkeypatch.delitem(Profile.__pydantic_fields__, "account_number")


def test_a_member_that_only_the_service_has_is_created_and_updated(older: None) -> None:
    with CustomerProfiles.embedded() as cp:
        shop = cp.domains.create("shop")
        ada = shop.profiles.create(first_name="Ada", extra={"AccountNumber": "A-1"})
        assert shop.profiles.search(account="A-1").one().profile_id == ada.profile_id

        shop.profiles.update(ada.profile_id, extra={"AccountNumber": "A-2"})
        assert shop.profiles.search(account="A-2").one().first_name == "Ada"


class OlderProfile(Record):
    """A profile as a version knew it that had one field only."""

    first_name: str | None = None


def test_saving_clears_no_member_that_the_model_does_not_know() -> None:
    stored = {"FirstName": "Ada", "AccountNumber": "A-1", "Attributes": {"tier": "gold"}}
    record = OlderProfile._from_wire(stored)
    record.first_name = "Augusta"
    shape = _wire.input_shape("UpdateProfile")

    changes, problems = _wire.difference(*before_and_after(record, stored, shape), shape)
    assert (changes, problems) == ({"FirstName": "Augusta"}, [])


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"FirstName": "Ada"}, "extra has FirstName, which is the field first_name"),
        ({"FrstName": "Ada"}, "did you mean FirstName"),
        ({"first_name": "Ada"}, "CreateProfile has no member 'first_name'"),
    ],
)
def test_what_is_a_field_or_no_member_is_no_extra(extra: dict[str, str], message: str) -> None:
    with CustomerProfiles.embedded() as cp:
        shop = cp.domains.create("shop")
        with pytest.raises(InvalidInputError, match=message):
            shop.profiles.create(last_name="Byron", extra=extra)
        assert shop.refresh().stats is not None
        assert shop.stats is not None
        assert shop.stats.profile_count == 0


def test_the_settings_of_domains_and_layouts_take_extra_members() -> None:
    with CustomerProfiles.embedded() as cp:
        with pytest.raises(InvalidInputError, match="CreateDomain has no member 'Nope'"):
            cp.domains.create("shop", extra={"Nope": 1})
        shop = cp.domains.create("shop", extra={})
        with pytest.raises(InvalidInputError, match="CreateDomainLayout has no member 'Nope'"):
            shop.layouts.create(
                "main", display_name="m", description="m", layout="{}", extra={"Nope": 1}
            )
