import pytest

from customer_profiles import _wire
from customer_profiles._standard_objects import standard

IDENTIFIERS = _wire.service().shape_for("StandardIdentifier").enum


def test_every_identifier_of_the_service_model_has_its_standard_object():
    modifiers = {"UNIQUE", "SECONDARY", "LOOKUP_ONLY", "NEW_ONLY"}
    assert {item.identifier for item in standard().values()} == set(IDENTIFIERS) - modifiers


def test_every_standard_object_has_its_id_and_its_indexes():
    for item in standard().values():
        assert item.takes(item.id_member)
        assert all(item.takes(path) for _, path in item.keys)


def test_a_profile_takes_what_the_service_model_says():
    shape = _wire.service().shape_for("Address")
    assert all(standard()["_profile"].takes(f"Address.{name}") for name in shape.members)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("_order", "OrderItems[].Title"),
        ("_order", "OrderItems.Title"),
        ("_order", "Attributes.any name at.all"),
        ("_communicationRecord", "Events.Open.Attributes.link"),
        ("_communicationRecord", "Events.{eventType}.Attributes.{attr}"),
        ("_communicationRecord", "Events.{{campaign_event_type}}.UpdatedDate"),
        ("_profile", "EngagementPreferences.Email"),
        ("_loyalty", "SourceLastUpdatedTimestamp"),
    ],
)
def test_a_path_that_is_there_is_taken(name, path):
    assert standard()[name].takes(path)


@pytest.mark.parametrize(
    "path", ["", "Addres.City", "Address", "Attributes", "Address.City.Part", "Address[].City", "."]
)
def test_a_path_that_is_not_there_is_not_taken(path):
    assert not standard()["_profile"].takes(path)
