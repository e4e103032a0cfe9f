"""The operations of integrations, and the rules of flows."""

from __future__ import annotations

import copy

import pytest

from customer_profiles.engine import Engine, Quotas, Refusal

from .conftest import Shop

BUCKET = "s3://shop-orders"
KMS = "arn:aws:kms:us-east-1:000000000000:key/12345678-1234-1234-1234-123456789012"
FLOW_URI = "arn:aws:appflow:us-east-1:000000000000:flow/orders"
FLOW = {
    "FlowName": "orders",
    "KmsArn": KMS,
    "SourceFlowConfig": {
        "ConnectorType": "S3",
        "SourceConnectorProperties": {"S3": {"BucketName": "shop-orders"}},
    },
    "Tasks": [
        {
            "TaskType": "Filter",
            "SourceFields": ["id"],
            "ConnectorOperator": {"S3": "PROJECTION"},
        }
    ],
    "TriggerConfig": {"TriggerType": "OnDemand"},
}
SCHEDULED = {"TriggerType": "Scheduled", "TriggerProperties": {}}


def schedule(**members):
    members = {"ScheduleExpression": "rate(1 hour)"} | members
    return SCHEDULED | {"TriggerProperties": {"Scheduled": members}}


def flow(source=None, **members):
    made = copy.deepcopy(FLOW) | members
    made["SourceFlowConfig"] |= source or {}
    return made


def take_orders(shop):
    """Give the shop with an object type `Order`."""
    fields = {"id": {"Source": "_source.id"}}
    keys = {"OrderId": [{"FieldNames": ["id"], "StandardIdentifiers": ["UNIQUE", "PROFILE"]}]}
    shop.ask(
        "PutProfileObjectType",
        ObjectTypeName="Order",
        Description="Orders",
        AllowProfileCreation=True,
        Fields=fields,
        Keys=keys,
    )
    return shop


@pytest.fixture
def orders(shop):
    return take_orders(shop)


def put(shop, **members):
    source = {} if "FlowDefinition" in members else {"Uri": BUCKET}
    return shop.ask("PutIntegration", **{"ObjectTypeName": "Order"} | source | members)


def uris(shop):
    return [one["Uri"] for one in shop.ask("ListIntegrations")["Items"]]


def test_an_integration_answers_with_what_was_given(orders, clock):
    answer = put(orders, RoleArn="arn:aws:iam::000000000000:role/import")
    assert answer == {
        "DomainName": "shop",
        "Uri": BUCKET,
        "ObjectTypeName": "Order",
        "RoleArn": "arn:aws:iam::000000000000:role/import",
        "Scope": "PROFILE",
        "IsUnstructured": False,
        "CreatedAt": clock.now(),
        "LastUpdatedAt": clock.now(),
    }
    assert orders.ask("GetIntegration", Uri=BUCKET) == answer


def test_a_flow_has_the_arn_of_a_flow_and_is_never_answered(orders):
    answer = put(orders, FlowDefinition=FLOW)
    assert answer["Uri"] == FLOW_URI
    assert "FlowDefinition" not in answer
    assert not answer["IsUnstructured"]


def test_a_flow_that_was_made_elsewhere_is_unstructured(orders):
    assert put(orders, Uri=FLOW_URI)["IsUnstructured"]


def test_a_second_flow_of_a_name_is_refused_in_every_domain(orders):
    put(orders, FlowDefinition=FLOW)
    orders.ask("CreateDomain", DomainName="other", DefaultExpirationDays=1)
    for domain, kind in (("shop", "Order"), ("other", "CTR")):
        with pytest.raises(Refusal, match=r"Flow with name orders already exists\."):
            put(orders, DomainName=domain, ObjectTypeName=kind, FlowDefinition=FLOW)


def test_a_flow_s_name_is_free_again_when_it_is_deleted(orders):
    put(orders, FlowDefinition=FLOW)
    assert orders.ask("DeleteIntegration", Uri=FLOW_URI) == {"Message": "OK"}
    assert put(orders, FlowDefinition=FLOW)["Uri"] == FLOW_URI


def test_an_integration_that_is_put_again_is_replaced(orders, clock):
    made = put(orders, RoleArn="arn:aws:iam::000000000000:role/import")
    clock.advance(seconds=60)
    answer = put(orders, ObjectTypeName="CTR")
    assert "RoleArn" not in answer
    assert answer["ObjectTypeName"] == "CTR"
    assert (answer["CreatedAt"], answer["LastUpdatedAt"]) == (made["CreatedAt"], clock.now())
    assert uris(orders) == [BUCKET]


def test_a_flow_survives_a_change_of_its_integration(orders, engine):
    put(orders, FlowDefinition=FLOW)
    assert not put(orders, Uri=FLOW_URI, Scope="PROFILE")["IsUnstructured"]


@pytest.mark.parametrize("operation", ["GetIntegration", "DeleteIntegration"])
def test_a_missing_integration_is_not_found(orders, operation):
    with pytest.raises(Refusal, match="s3://nowhere does not exist") as caught:
        orders.ask(operation, Uri="s3://nowhere")
    assert caught.value.code == "ResourceNotFoundException"


@pytest.mark.parametrize("operation", ["GetIntegration", "DeleteIntegration", "PutIntegration"])
def test_a_missing_domain_is_not_found(orders, operation):
    more = {"ObjectTypeName": "CTR"} if operation == "PutIntegration" else {}
    with pytest.raises(Refusal, match="Domain nowhere does not exist"):
        orders.ask(operation, DomainName="nowhere", Uri=BUCKET, **more)


def test_integrations_are_listed_page_by_page(orders):
    names = [f"s3://bucket-{number}" for number in range(5)]
    for name in reversed(names):
        put(orders, Uri=name)
    first = orders.ask("ListIntegrations", MaxResults=3)
    second = orders.ask("ListIntegrations", MaxResults=3, NextToken=first["NextToken"])
    assert [one["Uri"] for one in first["Items"] + second["Items"]] == names
    assert second["NextToken"] is None


def test_the_integrations_of_a_source_are_listed_across_domains(orders):
    # Files of earlier versions can have one Uri in several domains.
    for name in ("a", "b", "c"):
        orders.ask("CreateDomain", DomainName=name, DefaultExpirationDays=1)
        put(orders, DomainName=name, Uri=f"s3://{name}", ObjectTypeName="CTR")
    with orders.engine._database.write() as connection:
        connection.execute("UPDATE integrations SET uri = ?", (BUCKET,))
    put(orders, DomainName="a", Uri="s3://other", ObjectTypeName="CTR")

    def page(**more):
        return orders.ask("ListAccountIntegrations", Uri=BUCKET, DomainName=None, **more)

    first = page(MaxResults=2)
    second = page(NextToken=first["NextToken"])
    assert [one["DomainName"] for one in first["Items"] + second["Items"]] == ["a", "b", "c"]
    assert second["NextToken"] is None


def test_an_integration_belongs_to_one_domain(orders):
    put(orders)
    orders.ask("CreateDomain", DomainName="other", DefaultExpirationDays=1)
    with pytest.raises(Refusal, match=f"Integration {BUCKET} belongs to domain shop"):
        put(orders, DomainName="other", ObjectTypeName="CTR")
    orders.ask("DeleteIntegration", Uri=BUCKET)
    assert put(orders, DomainName="other", ObjectTypeName="CTR")["DomainName"] == "other"


CAMPAIGNS = ["Email", "SMS", "Telephony", "Orchestration", "WhatsApp", "WebNotification"]


def test_the_integration_of_outbound_campaigns_is_accepted(shop):
    uri = "arn:aws:connect-campaigns:us-east-1:000000000000:instance/12345678-1234"
    names = {f"Campaign-{name}": f"Campaign-{name}" for name in CAMPAIGNS}
    role = "arn:aws:iam::000000000000:role/campaigns"
    answer = shop.ask("PutIntegration", Uri=uri, ObjectTypeNames=names, RoleArn=role)
    assert (answer["Uri"], answer["ObjectTypeNames"]) == (uri, names)


def test_the_list_of_event_types_is_open(orders):
    names = {"ShopifyDeleteOrders": "Order"}
    assert put(orders, ObjectTypeName=None, ObjectTypeNames=names)["ObjectTypeNames"] == names


def test_a_domain_has_50_integrations_at_most(clock):
    with Engine(clock=clock, strict=True, quotas=Quotas(integrations=2)) as engine:
        shop = Shop(engine)
        shop.ask("CreateDomain", DefaultExpirationDays=1)
        for name in ("s3://a", "s3://b", "s3://b"):
            put(shop, Uri=name, ObjectTypeName="CTR")
        with pytest.raises(Refusal, match="The limit of 2 integrations in the domain is reached"):
            put(shop, Uri="s3://c", ObjectTypeName="CTR")
    assert Quotas().integrations == 50


def test_a_deleted_domain_leaves_no_integrations_behind(orders):
    put(orders, Tags={"team": "one"})
    orders.ask("DeleteDomain")
    orders.ask("CreateDomain", DefaultExpirationDays=1)
    assert uris(orders) == []
    assert "Tags" not in put(orders, ObjectTypeName="CTR")


def arn(uri):
    return f"arn:aws:profile:us-east-1:000000000000:domains/shop/integrations/{uri}"


def test_an_integration_has_tags(orders):
    assert put(orders, Tags={"team": "one"})["Tags"] == {"team": "one"}
    orders.ask("TagResource", resourceArn=arn(BUCKET), tags={"cost": "9"})
    assert orders.ask("GetIntegration", Uri=BUCKET)["Tags"] == {"cost": "9", "team": "one"}


def test_tags_of_a_second_put_are_ignored(orders):
    put(orders, Tags={"team": "one"})
    assert put(orders, Tags={"team": "two"})["Tags"] == {"team": "one"}


def test_a_deleted_integration_takes_its_own_tags_only(orders):
    put(orders, Tags={"team": "one"})
    put(orders, Uri=f"{BUCKET}/2026", Tags={"team": "two"})
    orders.ask("DeleteIntegration", Uri=BUCKET)
    assert "Tags" not in put(orders)
    assert orders.ask("GetIntegration", Uri=f"{BUCKET}/2026")["Tags"] == {"team": "two"}


def test_object_types_have_tags(orders):
    resource = "arn:aws:profile:us-east-1:000000000000:domains/shop/object-types/Order"
    orders.ask("TagResource", resourceArn=resource, tags={"team": "one"})
    answer = orders.ask("ListTagsForResource", resourceArn=resource)
    assert answer["tags"] == {"team": "one"}


@pytest.mark.parametrize("path", ["integrations/s3://no", "object-types/No", "integrations", ""])
def test_what_is_not_in_the_domain_has_no_tags(orders, path):
    resource = f"arn:aws:profile:us-east-1:000000000000:domains/shop/{path}"
    with pytest.raises(Refusal, match="does not exist"):
        orders.ask("ListTagsForResource", resourceArn=resource)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"Uri": BUCKET, "FlowDefinition": FLOW}, "Give Uri or FlowDefinition, and not both"),
        ({"Uri": None}, "Give Uri or FlowDefinition, and not both"),
        ({"ObjectTypeName": None}, "Give ObjectTypeName or ObjectTypeNames"),
        ({"ObjectTypeName": None, "FlowDefinition": FLOW}, "ObjectTypeName is missing"),
        ({"ObjectTypeNames": {"ShopifyCreateOrders": "Order"}}, "exclude each other"),
        ({"ObjectTypeName": "Ordr"}, "Object type Ordr does not exist"),
        ({"ObjectTypeName": "_order"}, "Object type _order does not exist"),
    ],
)
def test_a_request_that_makes_no_sense_says_why(orders, members, words):
    with pytest.raises(Refusal, match=words):
        put(orders, **members)
    assert uris(orders) == []


@pytest.mark.parametrize("name", ["Order", "Shopify-Order", "_unstructured"])
def test_an_object_type_may_be_a_template_s(orders, name):
    assert put(orders, ObjectTypeName=name)["ObjectTypeName"] == name


SALES = {
    "ConnectorType": "Salesforce",
    "ConnectorProfileName": "mine",
    "SourceConnectorProperties": {"Salesforce": {"Object": "Contact"}},
}
TASK = FLOW["Tasks"][0]


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (flow(Tasks=[]), "Tasks is empty"),
        (flow(SALES), r"Tasks\.1\.ConnectorOperator\.S3 does not belong.*give Salesforce"),
        (flow({"SourceConnectorProperties": {}}), r"SourceConnectorProperties\.S3 is missing"),
        (
            flow({"SourceConnectorProperties": SALES["SourceConnectorProperties"]}),
            r"SourceConnectorProperties\.S3 is missing; ConnectorType S3 needs it",
        ),
        (
            flow(SALES | {"SourceConnectorProperties": {
                "Salesforce": {"Object": "x"}, "Zendesk": {"Object": "x"}
            }}),
            r"Zendesk does not belong to ConnectorType Salesforce; give only Salesforce",
        ),
        (
            flow({name: SALES[name] for name in SALES if name != "ConnectorProfileName"}),
            "ConnectorProfileName is missing; Salesforce signs in with it",
        ),
        (flow(TriggerConfig=SCHEDULED), r"Scheduled is missing; .* needs its ScheduleExpression"),
        (flow(TriggerConfig={"TriggerType": "Event"}), "Event is not for S3"),
        (
            flow(TriggerConfig=schedule() | {"TriggerType": "OnDemand"}),
            "is for TriggerType Scheduled only, not for OnDemand",
        ),
        (flow(TriggerConfig=schedule(ScheduleExpression="hourly")), "read: a schedule is either"),
        (flow(TriggerConfig=schedule(Timezone="Europe/Nowhere")), "Timezone is no time zone"),
        (
            flow(TriggerConfig=schedule(ScheduleStartTime=9, ScheduleEndTime=9)),
            "ScheduleEndTime must be later than ScheduleStartTime",
        ),
        (flow(TriggerConfig=schedule(FirstExecutionFrom=1e12)), "FirstExecutionFrom must be from"),
        (
            flow({"IncrementalPullConfig": {"DatetimeTypeFieldName": "changed"}}),
            "DatetimeTypeFieldName is for a scheduled flow with DataPullMode Incremental",
        ),
        (flow(FlowName="no spaces"), "FlowName must begin with a letter or digit"),
        (flow(FlowName="f" * 250), "FlowName is 39 characters too long"),
        (
            flow(Tasks=[TASK | {"ConnectorOperator": {"S3": "CONTAINS"}}]),
            r"connectorOperator.s3.* enum value set: \[PROJECTION, LESS_THAN",
        ),
    ],
)  # fmt: skip
def test_a_flow_that_breaks_a_rule_says_which(orders, broken, words):
    with pytest.raises(Refusal, match=words):
        put(orders, FlowDefinition=broken)
    assert uris(orders) == []


@pytest.mark.parametrize(
    ("connector", "member"),
    [("Marketo", "Marketo"), ("Zendesk", "Zendesk"), ("Servicenow", "ServiceNow")],
)
def test_each_connector_has_properties_and_operators_of_its_own(orders, connector, member):
    source = SALES | {
        "ConnectorType": connector,
        "SourceConnectorProperties": {member: {"Object": "x"}},
    }
    task = TASK | {"ConnectorOperator": {member: "PROJECTION"}}
    made = flow(source, Tasks=[task], TriggerConfig=schedule(Timezone="Europe/London"))
    assert put(orders, FlowDefinition=made)["Uri"] == FLOW_URI
