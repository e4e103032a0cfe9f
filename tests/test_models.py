"""What a wrong use of a model says: the field, and which one may have been meant."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from customer_profiles import Address, EngagementPreferences, Profile, ProfileObject


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: Profile(frist_name="x"), "Profile has no field 'frist_name'; did you mean first_"),  # type: ignore[call-arg]
        (lambda: Profile.model_validate({"frist_name": "x"}), "did you mean first_name"),
        (lambda: Profile.model_validate({"email": "x"}), "did you mean email_address or"),
        (
            lambda: Profile.model_validate({"address": {"ciy": "x"}}),
            "Address has no field 'ciy'; d",
        ),
        (lambda: Address(ciy="x"), "did you mean city"),  # type: ignore[call-arg]
        (
            lambda: EngagementPreferences.model_validate({"phone": [{"key_nam": "x"}]}),
            "ContactPreference has no field 'key_nam'; did you mean key_name",
        ),
        (lambda: setattr(Profile(), "frist_name", "x"), "did you mean first_name"),
    ],
)
def test_a_misspelled_field_is_named_with_what_may_have_been_meant(call: Any, hint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        call()

    assert hint in str(caught.value)


def test_an_error_of_a_model_keeps_its_other_reasons_and_no_value() -> None:
    with pytest.raises(ValidationError) as caught:
        Profile.model_validate({"frist_name": "canary", "gender": "canary"})

    assert [item["loc"] for item in caught.value.errors()] == [("gender",), ("frist_name",)]
    assert "'MALE', 'FEMALE'" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_reading_does_not_run_the_constructor_of_each_model() -> None:
    """Pydantic would call it from Python for every profile of a page, which doubles the time."""
    assert not Profile.__pydantic_custom_init__
    assert Profile._from_wire({"FrstName": "x"}).model_extra == {"FrstName": "x"}


def test_a_misspelled_field_under_a_name_of_the_users_is_named_too() -> None:
    class Household(Profile):
        homes: dict[str, Address] | None = None

    with pytest.raises(ValidationError, match="did you mean city"):
        Household.model_validate({"homes": {"summer": {"ciy": "x"}}})


@pytest.mark.parametrize("thing", [Profile(), Profile, Address(), ProfileObject()])
def test_completion_lists_what_users_call(thing: Any) -> None:
    names = dir(thing)

    assert {"model_dump", "reveal"} <= set(names)
    assert {"parse_obj", "construct", "dict", "json", "copy"} & set(names) == set()
    assert [name for name in names if name[0] == "_" and name[:2] != "__"] == []
