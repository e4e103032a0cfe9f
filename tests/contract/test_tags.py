"""Tags of object types and integrations, on every target."""

from __future__ import annotations

import pytest

from customer_profiles import (
    CustomerProfiles,
    DetachedError,
    Domain,
    ObjectType,
    ResourceNotFoundError,
)


def test_an_object_type_is_put_with_tags(cp: CustomerProfiles, shop: Domain) -> None:
    put = shop.object_types.put("Contact", template_id="Salesforce-Contact", tags={"team": "crm"})

    assert put.tags == {"team": "crm"}
    assert cp.tags.all(put) == {"team": "crm"}


def test_tags_of_an_object_type_are_added_and_removed(cp: CustomerProfiles, shop: Domain) -> None:
    contact = shop.object_types.put("Contact", template_id="Salesforce-Contact")
    cp.tags.add(contact, {"team": "crm", "stage": "test"})
    cp.tags.remove(contact, "stage")

    assert cp.tags.all(contact) == {"team": "crm"}
    assert shop.object_types.get("Contact").tags == {"team": "crm"}


def test_tags_go_with_their_object_type(cp: CustomerProfiles, shop: Domain) -> None:
    contact = shop.object_types.put(
        "Contact", template_id="Salesforce-Contact", tags={"team": "crm"}
    )
    contact.delete()

    with pytest.raises(ResourceNotFoundError):
        cp.tags.all(contact)


def test_an_object_type_of_no_domain_has_no_tags(cp: CustomerProfiles) -> None:
    with pytest.raises(DetachedError):
        cp.tags.all(ObjectType(object_type_name="Contact"))
