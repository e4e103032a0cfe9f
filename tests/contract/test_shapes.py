"""The models hold what the service's shapes hold, no more and no less."""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap
from typing import Any, get_args, get_type_hints

import pytest

from customer_profiles import _wire
from customer_profiles.models import domain, matching, profile
from customer_profiles.models.base import Model

SHAPES: dict[type[Model], tuple[str, ...]] = {
    profile.Profile: ("Profile", "CreateProfileRequest", "UpdateProfileRequest"),
    profile.Address: ("Address", "UpdateAddress"),
    profile.ContactPreference: ("ContactPreference",),
    profile.EngagementPreferences: ("EngagementPreferences",),
    profile.FoundBy: ("FoundByKeyValue",),
    domain.Domain: (
        "CreateDomainRequest",
        "CreateDomainResponse",
        "GetDomainResponse",
        "UpdateDomainRequest",
        "UpdateDomainResponse",
        "ListDomainItem",
    ),
    domain.DomainStats: ("DomainStats",),
    domain.DataStore: ("DataStoreRequest", "DataStoreResponse"),
    domain.Readiness: ("Readiness",),
    matching.MatchingConfig: ("MatchingRequest", "MatchingResponse"),
    matching.JobSchedule: ("JobSchedule",),
    matching.AutoMerging: ("AutoMerging",),
    matching.Consolidation: ("Consolidation",),
    matching.ConflictResolution: ("ConflictResolution",),
    matching.ExportingConfig: ("ExportingConfig",),
    matching.S3ExportingConfig: ("S3ExportingConfig",),
    matching.RuleBasedMatchingConfig: ("RuleBasedMatchingRequest", "RuleBasedMatchingResponse"),
    matching.MatchingRule: ("MatchingRule",),
    matching.AttributeTypesSelector: ("AttributeTypesSelector",),
}
ENUMS = {
    "Gender": profile.Gender,
    "PartyType": profile.PartyType,
    "ProfileType": profile.ProfileType,
    "ContactType": profile.ContactType,
    "JobScheduleDayOfTheWeek": matching.DayOfTheWeek,
    "ConflictResolvingModel": matching.ConflictResolvingModel,
    "AttributeMatchingModel": matching.AttributeMatchingModel,
    "RuleBasedMatchingStatus": matching.RuleBasedMatchingStatus,
}


def members(shapes: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    for name in shapes:
        shape: Any = _wire.service().shape_for(name)
        found |= set(shape.members)
    # A profile's domain is in the path of the request, and in the repository.
    return found - ({"DomainName"} if "Profile" in shapes else set())


@pytest.mark.parametrize("model", SHAPES, ids=lambda model: model.__name__)
def test_a_model_has_the_members_of_its_shapes(model: type[Model]) -> None:
    model.model_rebuild()
    names = {info.serialization_alias for info in model.model_fields.values()}

    assert names == members(SHAPES[model])


@pytest.mark.parametrize("model", SHAPES, ids=lambda model: model.__name__)
def test_every_field_has_a_docstring(model: type[Model]) -> None:
    """Editors and the reference read them from the source; at run time they would cost start-up."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(model)))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef))
    told = {
        field.target.id
        for field, text in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
    }

    assert set(model.model_fields) <= told


@pytest.mark.parametrize("name", ENUMS)
def test_the_values_of_an_enum_are_the_service_s(name: str) -> None:
    shape: Any = _wire.service().shape_for(name)

    assert set(get_args(ENUMS[name])) == set(shape.enum)


@pytest.mark.parametrize(
    ("keywords", "model", "read_only"),
    [
        (profile.ProfileFields, profile.Profile, {"profile_id", "found_by"}),
        (profile.AddressFields, profile.Address, set()),
        (
            domain.DomainFields,
            domain.Domain,
            {"domain_name", "stats", "created_at", "last_updated_at"},
        ),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_the_keywords_are_the_model_s_fields(
    keywords: Any, model: type[Model], read_only: set[str]
) -> None:
    assert set(get_type_hints(keywords)) == set(model.model_fields) - read_only
