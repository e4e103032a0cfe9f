"""Canned answers of the service: full and sparse search pages, and a full domain."""

from __future__ import annotations

import json
from random import Random
from typing import Any

PAGE = 100

_FIRST = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Katherine", "Tim", "Radia", "Ken", "Joan")
_LAST = ("Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Johnson", "Perlman", "Thompson")
_CITIES = ("Seattle", "Boston", "Chicago", "Denver", "Portland", "Phoenix", "Minneapolis")
_STREETS = ("Market Street", "Elm Avenue", "Lakeview Drive", "University Way", "Harbor Road")


def bodies() -> dict[str, bytes]:
    """Give every canned body by its name; a request's domain says which one is wanted."""
    random = Random(2020_08_15)
    return {
        "full100": _json({"Items": [_full(random) for _ in range(PAGE)]}),
        "sparse100": _json({"Items": [_sparse(random) for _ in range(PAGE)]}),
        "full1": _json({"Items": [_full(random)]}),
        "domain": _json(_domain()),
    }


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _identifier(random: Random) -> str:
    return f"{random.getrandbits(128):032x}"


def _phone(random: Random) -> str:
    return f"+1206{random.randrange(2_000_000, 9_999_999)}"


def _address(random: Random) -> dict[str, str]:
    city = random.choice(_CITIES)
    return {
        "Address1": f"{random.randrange(1, 9999)} {random.choice(_STREETS)}",
        "Address2": f"Apartment {random.randrange(1, 400)}",
        "Address3": f"Building {random.randrange(1, 40)}",
        "Address4": "Leave at the door",
        "City": city,
        "County": f"{city} County",
        "State": "WA",
        "Province": "Washington",
        "Country": "US",
        "PostalCode": f"{random.randrange(10_000, 99_999)}",
    }


def _sparse(random: Random) -> dict[str, Any]:
    first, last = random.choice(_FIRST), random.choice(_LAST)
    email = f"{first}.{last}.{random.randrange(10_000)}@example.com".lower()
    return {
        "ProfileId": _identifier(random),
        "FirstName": first,
        "LastName": last,
        "PhoneNumber": _phone(random),
        "EmailAddress": email,
        "Address": {"City": random.choice(_CITIES), "Country": "US"},
        "Attributes": {"tier": random.choice(("gold", "silver", "bronze"))},
        "FoundByItems": [{"KeyName": "_email", "Values": [email]}],
    }


def _full(random: Random) -> dict[str, Any]:
    return _sparse(random) | {
        "AccountNumber": f"A-{random.randrange(10**9)}",
        "AdditionalInformation": "Prefers to be called in the morning; has a dog.",
        "PartyType": "INDIVIDUAL",
        "PartyTypeString": "person",
        "BusinessName": "Analytical Engines Limited",
        "MiddleName": "Augusta",
        "BirthDate": f"19{random.randrange(40, 99)}-12-10",
        "Gender": random.choice(("FEMALE", "MALE", "UNSPECIFIED")),
        "GenderString": "as told by the customer",
        "MobilePhoneNumber": _phone(random),
        "HomePhoneNumber": _phone(random),
        "BusinessPhoneNumber": _phone(random),
        "PersonalEmailAddress": f"p{random.randrange(10**6)}@example.org",
        "BusinessEmailAddress": f"b{random.randrange(10**6)}@example.net",
        "Address": _address(random),
        "ShippingAddress": _address(random),
        "MailingAddress": _address(random),
        "BillingAddress": _address(random),
        "Attributes": {
            "tier": random.choice(("gold", "silver", "bronze")),
            "language": "en",
            "newsletter": "yes",
            "segment": f"segment-{random.randrange(40)}",
            "since": f"20{random.randrange(10, 26)}",
        },
        "ProfileType": "PROFILE",
        "EngagementPreferences": {
            "Phone": [{"KeyName": "_phone", "KeyValue": _phone(random)}],
            "Email": [{"ProfileId": _identifier(random), "ContactType": "EmailAddress"}],
        },
    }


def _domain() -> dict[str, Any]:
    conflict = {"ConflictResolvingModel": "SOURCE", "SourceName": "crm"}
    export = {"S3Exporting": {"S3BucketName": "matches-of-the-shop", "S3KeyName": "weekly"}}
    return {
        "DomainName": "domain",
        "DefaultExpirationDays": 366,
        "DefaultEncryptionKey": "arn:aws:kms:us-east-1:000000000000:key/shop",
        "DeadLetterQueueUrl": "https://sqs.us-east-1.amazonaws.com/000000000000/shop",
        "Stats": {
            "ProfileCount": 1_000_000,
            "MeteringProfileCount": 1_000_000,
            "ObjectCount": 4_000_000,
            "TotalSize": 2_000_000_000,
        },
        "Matching": {
            "Enabled": True,
            "JobSchedule": {"DayOfTheWeek": "SUNDAY", "Time": "03:00"},
            "AutoMerging": {
                "Enabled": True,
                "Consolidation": {
                    "MatchingAttributesList": [["EmailAddress"], ["PhoneNumber", "LastName"]]
                },
                "ConflictResolution": conflict,
                "MinAllowedConfidenceScoreForMerging": 0.95,
            },
            "ExportingConfig": export,
        },
        "RuleBasedMatching": {
            "Enabled": True,
            "MatchingRules": [{"Rule": ["AccountNumber"]}, {"Rule": ["PhoneNumber", "LastName"]}],
            "Status": "ACTIVE",
            "MaxAllowedRuleLevelForMerging": 1,
            "MaxAllowedRuleLevelForMatching": 2,
            "AttributeTypesSelector": {
                "AttributeMatchingModel": "MANY_TO_MANY",
                "Address": ["Address", "ShippingAddress"],
                "PhoneNumber": ["PhoneNumber", "MobilePhoneNumber"],
                "EmailAddress": ["EmailAddress", "PersonalEmailAddress"],
            },
            "ConflictResolution": conflict,
            "ExportingConfig": export,
        },
        "CreatedAt": 1_700_000_000.123,
        "LastUpdatedAt": 1_710_000_000.456,
        "Tags": {"team": "crm", "stage": "production"},
    }
