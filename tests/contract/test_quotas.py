"""Every operation that makes a named resource is limited by a quota, or says why it is not."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from customer_profiles.engine import Engine, Quotas, Refusal
from customer_profiles.engine.service import registry

THIS_FILE = "tests/contract/test_quotas.py"
DOMAIN = {"DomainName": "shop", "DefaultExpirationDays": 30}
OBJECT_TYPE = {
    "DomainName": "shop",
    "ObjectTypeName": "Order",
    "Description": "An order",
    "Fields": {"Id": {"Source": "_source.id", "Target": "_profile.AccountNumber"}},
    "Keys": {"Id": [{"FieldNames": ["Id"], "StandardIdentifiers": ["PROFILE", "UNIQUE"]}]},
}
EVERYBODY: dict[str, Any] = {"SegmentGroups": {"Groups": []}}
# The field of `Quotas` that limits an operation, and a request that is one too many at zero.
LIMITED: dict[str, tuple[str, dict[str, Any]]] = {
    "CreateDomain": ("domains", DOMAIN),
    "PutProfileObjectType": ("object_types", OBJECT_TYPE),
    "PutIntegration": (
        "integrations",
        {
            "DomainName": "shop",
            "Uri": "arn:aws:s3:::bucket",
            "ObjectTypeName": "Order",
        },
    ),
    "CreateDomainLayout": (
        "layouts",
        {
            "DomainName": "shop",
            "LayoutDefinitionName": "main",
            "Description": "The main layout",
            "DisplayName": "Main",
            "LayoutType": "PROFILE_EXPLORER",
            "Layout": "{}",
        },
    ),
}
LIMITED["CreateCalculatedAttributeDefinition"] = (
    "calculated_attributes",
    {
        "DomainName": "shop",
        "CalculatedAttributeName": "spend",
        "AttributeDetails": {
            "Attributes": [{"Name": "TotalPrice"}],
            "Expression": "{_order.TotalPrice}",
        },
        "Statistic": "SUM",
    },
)
LIMITED["CreateSegmentDefinition"] = (
    "segment_definitions",
    {"DomainName": "shop", "SegmentDefinitionName": "all", "DisplayName": "All", **EVERYBODY},
)
UNLIMITED = {
    "CreateEventStream": "a domain has one event stream, and a second one has a message of its own",
    "CreateSegmentEstimate": "AWS documents no limit on the estimates of a domain",
    "CreateSegmentSnapshot": "its quota is of a day: see tests/engine/test_snapshots.py",
    "CreateUploadJob": "AWS documents no limit on the upload jobs of a domain",
    "CreateProfile": "AWS documents no limit on the profiles of a domain",
    "PutProfileObject": "the oldest objects of a profile are evicted instead",
}
# Created before the request, at the default quotas.
BEFORE = {
    "CreateCalculatedAttributeDefinition": [("CreateDomain", DOMAIN)],
    "CreateDomainLayout": [("CreateDomain", DOMAIN)],
    "CreateSegmentDefinition": [("CreateDomain", DOMAIN)],
    "PutProfileObjectType": [("CreateDomain", DOMAIN)],
    "PutIntegration": [("CreateDomain", DOMAIN), ("PutProfileObjectType", OBJECT_TYPE)],
}


@pytest.mark.parametrize(
    "operation", sorted(name for name in registry.OPERATIONS if name.startswith(("Create", "Put")))
)
def test_an_operation_that_makes_a_resource_has_a_quota(operation: str) -> None:
    assert operation in LIMITED.keys() | UNLIMITED.keys(), (
        f"what limits {operation}? Add a field to Quotas in engine/service/context.py with the "
        f"default that AWS documents, check it in the operation, and add the operation to LIMITED "
        f"in {THIS_FILE}; or to UNLIMITED with the reason"
    )


@pytest.mark.parametrize("operation", LIMITED)
def test_an_operation_beyond_its_quota_is_refused(operation: str, tmp_path: Any) -> None:
    quota, request = LIMITED[operation]
    with Engine(tmp_path / "shop.db") as engine:
        for earlier, needed in BEFORE.get(operation, ()):
            engine.answer(earlier, needed)

    limited = dataclasses.replace(Quotas(), **{quota: 0})
    with (
        Engine(tmp_path / "shop.db", quotas=limited) as engine,
        pytest.raises(Refusal, match="The limit of 0 "),
    ):
        engine.answer(operation, request)
    with Engine(tmp_path / "shop.db") as engine:
        assert engine.answer(operation, request)
