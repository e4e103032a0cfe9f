import pytest

from customer_profiles import _wire
from customer_profiles._type_rules import content_types
from customer_profiles.engine.ingestion import compiled_types, mapping
from customer_profiles.engine.ingestion.templates import templates

SHOPIFY = {
    "id": 450789469,
    "customer": {"id": 207119551},
    "order_status_url": "https://shop.example/1",
    "line_items": [{"title": "Pen", "price": "2.00", "quantity": 1}, {"title": "Ink"}],
}


@pytest.mark.parametrize("name", sorted(templates()))
def test_a_template_has_the_shape_and_obeys_the_rules(name):
    shape = _wire.operation("GetProfileObjectTypeTemplate").output_shape
    compiled_types.check(templates()[name], {})

    assert _wire.problems(templates()[name], shape) == []
    assert mapping.Mapping(templates()[name]).read({}).keys == []


def test_templates_agree_about_the_content_types_of_their_keys():
    known = {}
    for template in templates().values():
        compiled_types.check(template, known)
        known |= content_types(template)


def test_every_documented_template_is_there():
    sources = {template["SourceName"] for template in templates().values()}
    assert sources == {
        "Connect", "Marketo", "Salesforce", "Segment", "Servicenow", "Shopify", "WebAnalytics",
        "Zendesk",
    }  # fmt: skip
    assert len(templates()) == 27


def test_a_shopify_order_becomes_a_standard_order_with_its_items():
    source = {"detail": {"event": {"detail": {"payload": SHOPIFY}}}}
    reading = mapping.Mapping(templates()["Shopify-Order"]).read(source)

    order = reading.standard["_order"]
    items = [{"Title": "Pen", "Price": "2.00", "Quantity": "1"}, {"Title": "Ink"}]
    assert order["OrderItems"] == items
    assert order["StatusCode"] == "ACTIVATED"
    assert order["Attributes"]["ShopifyOrderId"] == reading.own_key[1] == "450789469"


def test_a_campaign_event_is_filed_under_its_type():
    source = {"campaign_event_id": "e1", "campaign_event_type": "Open"}
    reading = mapping.Mapping(templates()["Campaign-Email"]).read(source)

    record = reading.standard["_communicationRecord"]
    assert record["Events"] == {"Open": {"EventId": "e1", "EventType": "Open"}}
    assert record["LastEventType"] == "Open"


def test_a_click_fills_numbers_as_numbers():
    source = {"EventId": "c1", "EventTimestamp": 1700000000000, "Device": {"ScreenWidth": "390"}}
    reading = mapping.Mapping(templates()["WebAnalytics-Clickstream"]).read(source)

    assert reading.standard["_webAnalytics"]["EventTimestamp"] == 1700000000000
    assert reading.standard["_device"] == {"ScreenWidth": 390}


@pytest.mark.parametrize(
    ("name", "identifiers"),
    [("Salesforce-Contact", ["PROFILE"]), ("Salesforce-Multi-Contact-Account-Link", [])],
)
def test_a_multi_account_link_does_not_tie_contacts_by_their_account(name, identifiers):
    (key,) = templates()[name]["Keys"]["_salesforceAccountId"]
    assert key["StandardIdentifiers"] == identifiers


def test_only_one_contact_record_template_creates_no_profiles():
    assert templates()["CTR-NoInferred"]["AllowProfileCreation"]
    assert not templates()["CTR-AutoAssociateOnly"]["AllowProfileCreation"]
