"""Many objects of one type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_profiles import _wire
from customer_profiles.engine.ingestion.put import put_first
from customer_profiles.engine.service import protocol
from customer_profiles.engine.service.refusals import Refusal, invalid

from . import pace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_profiles.engine.service.context import Context

_PUT = "PutProfileObjectRequest"
_PLAIN = 100_000


def put(
    context: Context, domain_name: str, object_type_name: str, texts: Sequence[str]
) -> list[str | Refusal]:
    """Ingest the first of the objects; return the unique key or the refusal of each.

    Raises:
        Refusal: there is no such domain or object type; nothing is stored.
    """
    outcomes: list[str | Refusal] = []
    accepted: list[str] = []
    size = 0
    for text in texts[: pace.most_records(context, domain_name, _PUT)]:
        try:
            accepted.append(_checked(domain_name, object_type_name, text))
        except Refusal as refusal:
            outcomes.append(refusal)
            continue
        outcomes.append("")
        size += len(text)
        if size > pace.MOST_BYTES:
            break
    if not accepted:
        return outcomes
    with pace.measured(context, _PUT, len(accepted)):
        keys = put_first(context, domain_name, object_type_name, accepted, pace.LONGEST)
    results = iter(keys)
    done: list[str | Refusal] = []
    for outcome in outcomes:
        result = next(results, None) if outcome == "" else outcome
        if result is None:
            break
        done.append(result)
    return done


def _checked(domain_name: str, object_type_name: str, text: str) -> str:
    """Return the text of an object, or refuse it as `Engine.answer` does."""
    if type(text) is str and 0 < len(text) <= _PLAIN and text.isascii() and object_type_name:
        return text
    request = {
        "DomainName": domain_name,
        "ObjectTypeName": object_type_name,
        "Object": protocol.cleaned(text),
    }
    if problems := _wire.problems(request, _wire.shape(_PUT)):
        raise invalid(problems)
    return text
