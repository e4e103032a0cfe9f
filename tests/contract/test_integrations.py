"""Integrations, on every target."""

from __future__ import annotations

from typing import Annotated, Any

import boto3
import pytest
from moto import mock_aws

from customer_profiles import (
    BadRequestError,
    CustomerProfiles,
    Domain,
    EngineChannel,
    InvalidInputError,
    Key,
    ProfileObject,
    ResourceNotFoundError,
    S3Flow,
    S3Task,
    Scheduled,
)

BUCKET = "arn:aws:s3:::shop-orders"
KMS = "arn:aws:kms:us-east-1:000000000000:key/12345678-1234-1234-1234-123456789012"


class Order(ProfileObject, name="Order"):
    order_id: Annotated[str, Key("OrderId", unique=True, profile=True)]


@pytest.fixture
def orders(shop: Domain) -> Domain:
    """Give a domain that takes orders."""
    shop.object_types.put(Order)
    return shop


def flow(name: str = "orders", **settings: Any) -> S3Flow:
    task = S3Task(task_type="Filter", source_fields=["OrderId"], operator="PROJECTION")
    return S3Flow(flow_name=name, kms_arn=KMS, bucket_name="shop-orders", tasks=[task], **settings)


def test_an_integration_is_read_back(orders: Domain) -> None:
    put = orders.integrations.put(BUCKET, object_type_name=Order, scope="PROFILE")
    found = orders.integrations.get(BUCKET)

    assert (found.uri, found.object_type_name, found.scope) == (BUCKET, "Order", "PROFILE")
    assert found.domain_name == orders.domain_name
    assert found.created_at == put.created_at
    assert found.created_at is not None


def test_each_kind_of_event_has_its_object_type(orders: Domain) -> None:
    uri = "arn:aws:events:us-east-1:000000000000:event-source/aws.partner/shopify.com/1/shop"
    names = {"ShopifyCreateOrders": "Shopify-Order", "ShopifyUpdatedOrders": "Shopify-Order"}
    orders.integrations.put(uri, object_type_names=names)

    assert orders.integrations.get(uri).object_type_names == names


def test_a_change_is_saved(orders: Domain) -> None:
    role = "arn:aws:iam::000000000000:role/import"
    integration = orders.integrations.put(BUCKET, object_type_name="Order")
    integration.role_arn = role
    integration.save()

    assert orders.integrations.get(BUCKET).role_arn == role


def test_a_flow_has_a_uri_of_its_own(orders: Domain) -> None:
    trigger = Scheduled(schedule_expression="rate(1 day)", data_pull_mode="Incremental")
    made = orders.integrations.put(
        flow=flow(trigger=trigger, datetime_type_field_name="Changed"), object_type_name=Order
    )

    assert "orders" in made.uri
    assert orders.integrations.get(made.uri).object_type_name == "Order"


def test_a_second_flow_of_the_name_is_refused(orders: Domain) -> None:
    orders.integrations.put(flow=flow("twice"), object_type_name=Order)

    with pytest.raises(BadRequestError, match=r"Flow with name .+ already exists"):
        orders.integrations.put(flow=flow("twice"), object_type_name=Order)


def test_integrations_are_listed_once_each(orders: Domain) -> None:
    uris = {f"{BUCKET}-{n}" for n in range(3)}
    for uri in uris:
        orders.integrations.put(uri, object_type_name="Order")

    listed = [one.uri for one in orders.integrations.all(page_size=2)]
    assert len(listed) == 3
    assert set(listed) == uris


def test_the_integrations_of_a_source_are_found_in_all_domains(
    cp: CustomerProfiles, orders: Domain
) -> None:
    uri = f"{BUCKET}-{orders.domain_name}"
    orders.integrations.put(uri, object_type_name="Order")

    found = cp.integrations.all(uri).one()
    assert (found.domain_name, found.uri) == (orders.domain_name, uri)
    found.delete()
    assert orders.integrations.all().first() is None


def test_a_deleted_integration_is_gone(orders: Domain) -> None:
    orders.integrations.put(BUCKET, object_type_name="Order")
    orders.integrations.delete(BUCKET)

    with pytest.raises(ResourceNotFoundError):
        orders.integrations.get(BUCKET)
    with pytest.raises(ResourceNotFoundError):
        orders.integrations.delete(BUCKET)


def test_a_source_is_either_a_uri_or_a_flow(orders: Domain) -> None:
    with pytest.raises(InvalidInputError, match="not both"):
        orders.integrations.put(BUCKET, flow=flow())  # type: ignore[call-overload]
    with pytest.raises(InvalidInputError, match="give the uri"):
        orders.integrations.put(object_type_name="Order")  # type: ignore[call-overload]


def test_a_misspelled_setting_is_refused_before_it_is_sent(orders: Domain) -> None:
    with pytest.raises(InvalidInputError, match="did you mean role_arn"):
        orders.integrations.put(BUCKET, rol_arn="x")  # type: ignore[call-overload]


def test_only_the_embedded_engine_runs_flows(cp: CustomerProfiles, orders: Domain) -> None:
    made = orders.integrations.put(flow=flow(), object_type_name=Order)
    if isinstance(cp._gateway.channel, EngineChannel):
        with mock_aws():
            boto3.client("s3").create_bucket(Bucket="shop-orders")
            boto3.client("s3").put_object(Bucket="shop-orders", Key="a.csv", Body=b"OrderId\n1\n")
            run = orders.integrations.run(made.uri)
        assert (run.status, run.files, run.put, run.problems) == ("Successful", 1, 1, [])
        assert cp.integrations.run_due() == []
    else:
        with pytest.raises(InvalidInputError, match="start_flow"):
            orders.integrations.run(made.uri)
