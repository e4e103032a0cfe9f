"""The ORM for profile objects: a class declares an object type and holds its objects.

The declaration is pure: it knows models and their rules, and sends nothing. Repositories take
classes and instances where they take object types and JSON.
"""

from __future__ import annotations

from customer_profiles.mapping.codegen import codegen
from customer_profiles.mapping.markers import Content, Key, Source, Target
from customer_profiles.mapping.plan import Change, Plan
from customer_profiles.mapping.profile_object import ProfileObject
from customer_profiles.models.object_type import ObjectType, ObjectTypeField, ObjectTypeKey

__all__ = [
    "Change",
    "Content",
    "Key",
    "ObjectType",
    "ObjectTypeField",
    "ObjectTypeKey",
    "Plan",
    "ProfileObject",
    "Source",
    "Target",
    "codegen",
]
