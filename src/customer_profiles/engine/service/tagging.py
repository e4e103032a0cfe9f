"""Tags in requests and answers, and which resources can have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from customer_profiles._wire import Wire
    from customer_profiles.engine.store.database import Connection

    from .context import Context

    IsStored = Callable[[Connection, int, str], bool]

_TAGGABLE: dict[str, IsStored] = {}
"""How to look up a resource of a domain, by the path before the name in its ARN."""


def register(path: str, is_stored: IsStored) -> None:
    """Make resources with ARNs such as `domains/shop/<path>/<name>` taggable."""
    _TAGGABLE[path] = is_stored


def is_stored(connection: Connection, domain: int, path: str, name: str) -> bool:
    """Return whether a domain has a taggable resource, such as `layouts` and `explorer`."""
    look_up = _TAGGABLE.get(path)
    return look_up is not None and look_up(connection, domain, name)


def answer(tags: dict[str, str], name: str = "Tags") -> Wire:
    """Return the member of an answer that holds tags."""
    # Assumed: answers leave Tags out for a resource without tags, as the model wants one at least.
    return {name: tags} if tags else {}


def check_number(context: Context, tags: dict[str, str]) -> None:
    """Refuse more tags than a resource may have. API:TagResource."""
    if len(tags) > context.quotas.tags:
        raise bad_request(f"A resource may have {context.quotas.tags} tags; this would make more")
