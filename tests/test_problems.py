"""What a refused request says: the field in our spelling, its rule, and what to do instead."""

from __future__ import annotations

from typing import Any

import pytest

from customer_profiles import CustomerProfiles, InvalidInputError

ID = "0" * 32
LONG = "x" * 300


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda it: it.search(email="").first(), "email must not be empty; give a value"),
        (lambda it: it.search(email=LONG).first(), "email must have at most 255 characters"),
        (lambda it: it.search(email=["a", LONG]).first(), "email[1] must have at most 255 char"),
        (
            lambda it: it.search(phone="1", keys={"_orderId": LONG}).first(),
            "keys['_orderId'] must have at most 255 characters",
        ),
        (lambda it: it.search(keys={"a b": "x"}).first(), "a name in keys must match ^["),
        (lambda it: it.search(phone="1", keys={"a b": "x"}).first(), "a name in keys must match"),
        (lambda it: it.get("1"), "profile_id must match"),
        (lambda it: it.get_many([ID] * 30 + ["1"]), "profile_ids[30] must match"),
        (lambda it: it.get_many(ID), "profile_ids must be several ids, not one string"),
        (lambda it: it.add_key(ID, "_orderId", "1", ""), "values[1] must not be empty; give a"),
        (lambda it: it.create(first_name=""), "first_name must not be empty; leave it out instead"),
        (lambda it: it.create(address={"city": ""}), "address.city must not be empty; leave it ou"),
        (
            lambda it: it.create(attributes={"tier": "1", "since": LONG}),
            "the value of entry 2 in attributes must have at most 255 characters",
        ),
        (
            lambda it: it.create(attributes={"": "1"}),
            "the name of entry 1 in attributes must not be empty; give a value",
        ),
    ],
)
def test_a_refused_call_names_the_argument_and_the_remedy(call: Any, said: str) -> None:
    with CustomerProfiles.embedded() as cp, pytest.raises(InvalidInputError) as caught:
        call(cp.domain("shop").profiles)

    assert str(caught.value).rpartition(" was not sent: ")[2].startswith(said)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda cp: cp.domains.create(""), "domain_name must not be empty; give a value"),
        (
            lambda cp: cp.domains.create(
                "shop",
                matching={
                    "enabled": True,
                    "job_schedule": {"day_of_the_week": "SUNDAY", "time": "1"},
                },
            ),
            "time must have 3 or more characters; matching.job_schedule.time must match",
        ),
        (lambda cp: cp.domains.get(""), "domain_name must not be empty; give a value"),
        (
            lambda cp: cp.domains.create("shop", tags={}),
            "tags must not be empty; leave it out instead",
        ),
        (lambda cp: cp.tags.add(cp.domain("a"), {}), "tags must not be empty; give at least one"),
        (lambda cp: cp.tags.remove(cp.domain("a"), "b", LONG), "keys[1] must have at most 128 cha"),
        (lambda cp: cp.tags.all("shop"), "resource must match ^arn:"),
    ],
)
def test_a_refused_call_on_a_domain_names_the_argument_too(call: Any, said: str) -> None:
    with CustomerProfiles.embedded() as cp, pytest.raises(InvalidInputError) as caught:
        call(cp)

    assert said in str(caught.value)
    assert "or items" not in str(caught.value)
    assert "; domain_name must match" not in str(caught.value)
