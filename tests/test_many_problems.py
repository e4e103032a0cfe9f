"""A large wrong request is refused after its first problems, whoever checks it."""

from __future__ import annotations

import difflib
from typing import Any

import pytest
from pydantic import ValidationError

from customer_profiles import InvalidInputError, Profile, _wire
from customer_profiles._problems import refuse
from customer_profiles.engine import Engine, Refusal

MANY = 5_000
WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "unknown members": ("CreateProfile", {f"FirstNam{n}": "x" for n in range(MANY)}),
    "items": ("BatchGetProfile", {"ProfileIds": [1] * MANY}),
    "entries of a map": ("CreateProfile", {"Attributes": {str(n): 1 for n in range(MANY)}}),
}


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of the words for which close matches were looked for."""
    words: list[str] = []
    original = difflib.get_close_matches

    def record(word: str, *args: Any, **more: Any) -> list[str]:
        words.append(word)
        return original(word, *args, **more)

    monkeypatch.setattr(difflib, "get_close_matches", record)
    return words


@pytest.mark.parametrize(("operation", "members"), WRONG.values(), ids=WRONG)
def test_a_check_stops_at_its_101st_problem(operation: str, members: dict[str, Any]) -> None:
    assert len(_wire.request_check(operation)({"DomainName": "shop", **members})) == 101


@pytest.mark.parametrize(("operation", "members"), WRONG.values(), ids=WRONG)
def test_an_engine_says_that_there_are_more(
    operation: str, members: dict[str, Any], compared: list[str]
) -> None:
    with Engine() as engine, pytest.raises(Refusal) as caught:
        engine.answer(operation, {"DomainName": "shop", **members})
    assert caught.value.message.startswith("More than 100 validation errors detected: ")
    assert len(caught.value.message) < 5_000
    assert len(compared) <= 20


@pytest.mark.parametrize(("operation", "members"), WRONG.values(), ids=WRONG)
def test_the_sdk_says_that_there_are_more(operation: str, members: dict[str, Any]) -> None:
    problems = _wire.request_check(operation)({"DomainName": "shop", **members})
    with pytest.raises(InvalidInputError, match=r"; and there are more problems$"):
        refuse(problems, operation)


def test_a_model_looks_for_close_names_of_its_first_unknown_fields(compared: list[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        Profile(**{f"first_nam{n}": "x" for n in range(MANY)})
    assert caught.value.error_count() == 100
    assert len(compared) == 100
