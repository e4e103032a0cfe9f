"""The tags in requests and answers of whatever can have tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .refusals import bad_request

if TYPE_CHECKING:
    from .context import Context

Wire = dict[str, Any]


def answer(tags: dict[str, str], name: str = "Tags") -> Wire:
    """Give the member of an answer that holds tags."""
    # Assumed: a resource without tags answers without the member; the model wants one tag at least.
    return {name: tags} if tags else {}


def check_number(context: Context, tags: dict[str, str]) -> None:
    """Refuse more tags than a resource may have. API:TagResource."""
    if len(tags) > context.quotas.tags:
        raise bad_request(f"A resource may have {context.quotas.tags} tags; this would make more")
