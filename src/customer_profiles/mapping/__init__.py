"""The ORM for profile objects: a class declares an object type, an instance is an object.

Declaring a class sends nothing. Repositories accept these classes and their instances wherever
they accept object types and JSON.
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
