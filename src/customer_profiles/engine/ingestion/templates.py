"""The documented templates of object types, as GetProfileObjectTypeTemplate answers them."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customer_profiles._type_rules import PREDEFINED_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from customer_profiles._wire import Wire

_DATA = Path(__file__).with_name("data") / "templates.json"

# AG23:mapping-* document sources, targets, key names, and that a Shopify order's StatusCode is
# ACTIVATED if it has an order_status_url, else DRAFT. They do not document these:
# Assumed: every template creates profiles except CTR-AutoAssociateOnly and the Campaign ones.
# Assumed: in a template the key of the source's own id is UNIQUE, related ids are PROFILE keys.
# Assumed: a template's UNIQUE key ties the object to the profile, asset, case or order it fills.
# Assumed: the Shopify orders' PROFILE key is _shopifyCustomerId.
# Assumed: the template Marketo-leads reads the birth date from dateOfBirth.
# Assumed: the template Servicenow-task reads the user from opened_by.link.
# Assumed: the template Servicenow-incident keeps its ids in Attributes.
# Assumed: Segment-Customer maps like Segment-Identify.
# Assumed: the CTR templates read contactId and customerEndpoint.address, and fill nothing else.
# Assumed: the Campaign templates are alike, and campaign_event_id is their UNIQUE key.
# Assumed: a Campaign event's outbound_request_id finds its record, profile_id its profile.
# Assumed: no template has a SourceLastUpdatedTimestampFormat.


@cache
def templates() -> Mapping[str, Wire]:
    """Return the templates by id, read on first use."""
    data = json.loads(_DATA.read_text())
    return {name: _template(name, data) for name in sorted(data)}


@cache
def predefined_keys() -> frozenset[str]:
    """Return the names of the keys that every domain has."""
    return PREDEFINED_KEYS.union(*(template["Keys"] for template in templates().values()))


def _template(name: str, data: Mapping[str, Any]) -> Wire:
    item = _whole(name, data)
    named = _named(item)
    wire = {
        "TemplateId": name,
        "SourceName": item["source"],
        "SourceObject": item["object"],
        "AllowProfileCreation": item.get("creates", True),
        "Fields": dict(named.values()),
        "Keys": {
            key: [_key(named[target][0], identifiers)]
            for key, (target, identifiers) in item["keys"].items()
        },
    }
    # AG:customer-profiles-data-limits: clickstreams have a limit of their own.
    return wire | {"DefaultMaxProfileObjectCount": item["count"]} if "count" in item else wire


def _whole(name: str, data: Mapping[str, Any]) -> dict[str, Any]:
    item: dict[str, Any] = data[name]
    return _whole(item["like"], data) | item if "like" in item else item


def _key(field: str, identifiers: str) -> Wire:
    return {"StandardIdentifiers": identifiers.split(), "FieldNames": [field]}


def _named(item: Mapping[str, Any]) -> dict[str, tuple[str, Wire]]:
    """Return each field's name and definition, by its target or, without one, by its name."""
    named: dict[str, tuple[str, Wire]] = {}
    taken: set[str] = set()
    for source, target, *names in item["fields"]:
        name = names[0] if names else _field_name(target, taken)
        taken.add(name)
        path = source if "{{" in source else f"_source.{item.get('prefix', '')}{source}"
        field = {"Source": path, "Target": target, "ContentType": _content_type(target or name)}
        named[target or name] = (name, {part: text for part, text in field.items() if text})
    return named


def _field_name(target: str, taken: Iterable[str]) -> str:
    # AWS shows sfdcContactId for _profile.Attributes.sfdcContactId.
    # Assumed: a template's field is named after its target.
    root, *names = re.sub(r"\{\{.*?\}\}\.|\[\]|Attributes\.", "", target).split(".")
    found = _camel(names)
    return _camel([root[1:], *names]) if found in taken else found


def _camel(names: list[str]) -> str:
    text = "".join(name[:1].upper() + name[1:] for name in names)
    return text[:1].lower() + text[1:]


def _content_type(target: str) -> str:
    # Assumed: a template's field has the content type of its target: phone, e-mail or name.
    last = target.rpartition(".")[2]
    if last.endswith(("PhoneNumber", "CustomerPhone")):
        return "PHONE_NUMBER"
    if last.endswith(("EmailAddress", "CustomerEmail")):
        return "EMAIL_ADDRESS"
    if last in ("FirstName", "MiddleName", "LastName", "BusinessName"):
        return "NAME"
    return "STRING"
