"""Calculated attributes: their definitions, and their values for profiles."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from customer_profiles.engine import documents
from customer_profiles.engine.audiences import attribute_definitions as definitions
from customer_profiles.engine.audiences import calculated_attributes as attributes
from customer_profiles.engine.audiences.default_attributes import default_attributes
from customer_profiles.engine.documents import Kind
from customer_profiles.engine.profiles import keys
from customer_profiles.engine.service.refusals import Refusal, bad_request, not_found
from customer_profiles.engine.service.registry import operation
from customer_profiles.engine.store import pending_work
from customer_profiles.engine.store import profiles as profile_store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from customer_profiles._wire import Wire
    from customer_profiles.engine.audiences.calculated_attributes import Value
    from customer_profiles.engine.documents import Scope
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.documents import Document


def _validate(scope: Scope, new: Wire, old: Wire | None) -> Iterable[str]:
    yield from definitions.problems(scope, new, old)
    definitions.check_object_type(scope, new, old)


def _start(scope: Scope, written: Document) -> None:
    """Let the engine's next step complete a definition with historical data."""
    if written.body["Status"] == "PREPARING" and written.created == written.updated:
        work = pending_work.CALCULATED_ATTRIBUTE
        pending_work.add(scope.connection, scope.domain, work, {"name": written.name})


# Assumed: default calculated attributes exist in every domain, and tags can be added to them.
DEFINITIONS = documents.register(
    Kind(
        noun=attributes.NOUN,
        key="CalculatedAttributeName",
        create="CreateCalculatedAttributeDefinition",
        get="GetCalculatedAttributeDefinition",
        list="ListCalculatedAttributeDefinitions",
        update="UpdateCalculatedAttributeDefinition",
        delete="DeleteCalculatedAttributeDefinition",
        quota="calculated_attributes",
        arn="calculated-attributes",
        read_only=("Status", "Readiness"),
        prepare=definitions.prepare,
        validate=_validate,
        after_write=_start,
        references=definitions.references,
        defaults=default_attributes,
    )
)


@operation("GetCalculatedAttributeForProfile", read_only=True)
def get_calculated_attribute_for_profile(context: Context, request: Wire) -> Wire:
    """Compute the value of a calculated attribute for a profile."""
    with context.database.read() as connection:
        scope = documents.scope_of(context, connection, request)
        definition = documents.existing(DEFINITIONS, scope, request)
        row = _profile(scope, request["ProfileId"])
        value = attributes.load(scope, definition).values(scope, [row])[row]
    return _answer(definition, value)


# Both can read thousands of objects, so a server answers them outside of its event loop.
@operation("ListCalculatedAttributesForProfile")
def list_calculated_attributes_for_profile(context: Context, request: Wire) -> Wire:
    """Compute the values of the calculated attributes of a domain for a profile, page by page."""
    query = ["calculated attributes", request["DomainName"], request["ProfileId"]]
    with context.database.read() as connection:
        scope = documents.scope_of(context, connection, request)
        row = _profile(scope, request["ProfileId"])
        # Assumed: attributes without data are listed too, without a Value, by their names.
        page, token = context.pages.read_page(
            query,
            request,
            lambda after, limit: documents.page(DEFINITIONS, scope, after, limit),
            attrgetter("name"),
        )
        loaded = [(attributes.load(scope, definition), None) for definition in page]
        values = attributes.values_of_many(scope, loaded, [row])
    items = [_answer(*pair) for pair in zip(page, (found[row] for found in values), strict=True)]
    return {"Items": items, "NextToken": token}


@operation("BatchGetCalculatedAttributeForProfile")
def batch_get_calculated_attribute_for_profile(context: Context, request: Wire) -> Wire:
    """Compute the values of a calculated attribute for several profiles, for a range of its own."""
    overrides = request.get("ConditionOverrides")
    if found := list(definitions.range_problems((overrides or {}).get("Range", {}))):
        raise bad_request("ConditionOverrides: " + "; ".join(found))
    # Assumed: a ProfileId that is requested twice is answered once.
    profile_ids = list(dict.fromkeys(request["ProfileIds"]))
    with context.database.read() as connection:
        scope = documents.scope_of(context, connection, request)
        definition = documents.existing(DEFINITIONS, scope, request)
        rows = _rows(scope, profile_ids)
        values = attributes.load(scope, definition).values(scope, [*rows.values()], overrides)
    answer: Wire = {
        # Assumed: Code of an error is the name of the exception that Get would answer.
        "Errors": [_error(name) for name in profile_ids if name not in rows],
        "CalculatedAttributeValues": [
            {**_answer(definition, values[row]), "ProfileId": name} for name, row in rows.items()
        ],
    }
    return answer | ({"ConditionOverrides": overrides} if overrides else {})


def _missing() -> Refusal:
    return not_found("Profile does not exist in the domain")


def _error(profile_id: str) -> Wire:
    refusal = _missing()
    return {"Code": refusal.code, "Message": refusal.message, "ProfileId": profile_id}


def _rows(scope: Scope, profile_ids: list[str]) -> dict[str, int]:
    """Return the rows of the profiles that exist and have not expired."""
    now = scope.context.clock.now()
    found = {
        name: profile_store.row_of(scope.connection, scope.domain, keys.id_bytes(name), now)
        for name in profile_ids
    }
    return {name: row for name, row in found.items() if row is not None}


def _profile(scope: Scope, profile_id: str) -> int:
    rows = _rows(scope, [profile_id])
    if not rows:
        raise _missing()
    return rows[profile_id]


def _answer(definition: Document, value: Value) -> Wire:
    answer: Wire = {
        "CalculatedAttributeName": definition.name,
        "DisplayName": definition.body.get("DisplayName"),
        "IsDataPartial": "true" if value.is_partial else "false",
        "Value": value.text,
        "LastObjectTimestamp": value.latest,
    }
    return {name: member for name, member in answer.items() if member is not None}
