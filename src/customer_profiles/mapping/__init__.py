"""The ORM for profile objects: a class declares an object type and holds its objects.

The declaration is pure: it knows models and their rules, and sends nothing. Repositories take
classes and instances where they take object types and JSON.
"""

from __future__ import annotations

from customer_profiles.models.object_type import ObjectType, ObjectTypeField, ObjectTypeKey

from .codegen import codegen
from .markers import Content, Key, Source, Target
from .plan import Change, Plan
from .profile_object import ProfileObject

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
