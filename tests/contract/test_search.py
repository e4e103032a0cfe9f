"""Searching, on every target."""

from __future__ import annotations

import pytest

from customer_profiles import (
    BadRequestError,
    Domain,
    InvalidInputError,
    MultipleResultsError,
    NoResultError,
    ProfileFields,
    ResourceNotFoundError,
)


@pytest.mark.parametrize(
    "keys",
    [
        {"email": "ADA@Example.COM"},
        {"phone": "(206) 555-0100"},
        {"phone": "+12065550100"},
        {"full_name": "ada  AUGUSTA king"},
        {"account": "A-1"},
        {"keys": {"_email": "ada@example.com"}},
    ],
)
def test_predefined_keys_are_found_in_other_spellings(shop: Domain, keys: dict[str, str]) -> None:
    ada = shop.profiles.create(
        first_name="Ada",
        middle_name="Augusta",
        last_name="King",
        account_number="A-1",
        home_phone_number="+1 206 555 0100",
        business_email_address="ada@example.com",
    )

    assert shop.profiles.search(**keys).one().profile_id == ada.profile_id  # type: ignore[arg-type]


def test_a_profile_is_found_by_its_id(shop: Domain) -> None:
    ada = shop.profiles.create(first_name="Ada").profile_id

    assert shop.profiles.search(profile_id=ada).one().first_name == "Ada"


def test_account_numbers_are_compared_exactly(shop: Domain) -> None:
    shop.profiles.create(account_number="A-1")

    assert shop.profiles.search(account="a-1").first() is None


def test_all_keys_or_any_key(shop: Domain) -> None:
    shop.profiles.create(first_name="both", email_address="a@example.com", account_number="1")
    shop.profiles.create(first_name="one", email_address="a@example.com", account_number="2")
    keys = {"email": "a@example.com", "account": "1"}

    every = shop.profiles.search(**keys, match="all")  # type: ignore[arg-type]
    some = shop.profiles.search(**keys, match="any")  # type: ignore[arg-type]

    assert [profile.first_name for profile in every] == ["both"]
    assert {profile.first_name for profile in some} == {"both", "one"}


def test_several_values_of_a_key_mean_any_of_them(shop: Domain) -> None:
    for number in ("1", "2", "3"):
        shop.profiles.create(account_number=number)

    found = shop.profiles.search(account=["1", "3", "4"])

    assert {profile.account_number for profile in found} == {"1", "3"}


def test_found_by_says_which_keys_hit(shop: Domain) -> None:
    shop.profiles.create(email_address="a@example.com", account_number="1")

    found = shop.profiles.search(email="A@example.com", account="9", match="any").one()

    assert found.found_by is not None
    assert [(item.key_name, item.values) for item in found.found_by] == [
        ("_email", ["A@example.com"])
    ]


def test_pages_give_every_profile_once(shop: Domain) -> None:
    made = {
        shop.profiles.create(business_name="B", account_number="x").profile_id for _ in range(23)
    }

    pages = list(shop.profiles.search(account="x", page_size=10).pages())

    assert [len(page) for page in pages] == [10, 10, 3]
    assert {profile.profile_id for page in pages for profile in page} == made


def test_a_search_resumes_at_its_token(shop: Domain) -> None:
    for number in range(5):
        shop.profiles.create(account_number="x", first_name=f"N{number}")
    begun = shop.profiles.search(account="x", limit=2)
    first = [profile.first_name for profile in begun]

    rest = shop.profiles.search(account="x", start=begun.next_token)

    assert sorted(first + [profile.first_name for profile in rest]) == [
        "N0",
        "N1",
        "N2",
        "N3",
        "N4",
    ]


def test_a_token_of_another_query_is_refused(shop: Domain) -> None:
    for _ in range(3):
        shop.profiles.create(account_number="x", email_address="a@example.com")
    begun = shop.profiles.search(account="x", limit=1)
    list(begun)

    with pytest.raises(BadRequestError):
        list(shop.profiles.search(email="a@example.com", start=begun.next_token))


def test_a_forged_token_is_refused(shop: Domain) -> None:
    with pytest.raises(BadRequestError, match="oken"):
        list(shop.profiles.search(account="x", start="forged"))


def test_one_is_strict(shop: Domain) -> None:
    with pytest.raises(NoResultError):
        shop.profiles.search(account="x").one()
    for _ in range(2):
        shop.profiles.create(account_number="x")
    with pytest.raises(MultipleResultsError):
        shop.profiles.search(account="x").one()


def test_a_sixth_key_is_refused_before_it_is_sent(shop: Domain) -> None:
    with pytest.raises(InvalidInputError, match="at most 5 keys; 6"):
        shop.profiles.search(
            email="a", phone="b", full_name="c", account="d", profile_id="e", keys={"_orderId": "f"}
        )


@pytest.mark.parametrize("name", ["_emial", "crm"])
def test_an_unknown_key_name_is_not_found(shop: Domain, name: str) -> None:
    with pytest.raises(ResourceNotFoundError, match=f"{name} is not defined in the domain"):
        shop.profiles.search(keys={name: "x"}).first()


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("emial", "email"),
        ("email_address", "email"),
        ("mobile_phone_number", "phone"),
        ("account_number", "account"),
        ("first_name", "full_name"),
    ],
)
def test_a_misspelled_keyword_is_refused_with_a_hint(shop: Domain, wrong: str, meant: str) -> None:
    with pytest.raises(InvalidInputError, match=f"no key '{wrong}'; did you mean {meant}"):
        shop.profiles.search(**{wrong: "x"})  # type: ignore[arg-type]


def test_lookup_tries_keys_in_the_order_written(shop: Domain) -> None:
    ada = shop.profiles.create(email_address="ada@example.com", account_number="1")
    shop.profiles.create(account_number="2")

    hit = shop.profiles.lookup(phone="+1 206 555 0100", email="ada@example.com", account="2")

    assert hit is not None
    assert (hit.profile.profile_id, hit.key, hit.unique) == (ada.profile_id, "email", True)
    assert shop.profiles.lookup(account="3") is None


def test_a_key_decides_over_a_default_of_the_same_field(shop: Domain) -> None:
    defaults: ProfileFields = {"email_address": "old@example.com", "first_name": "Ada"}
    made = shop.profiles.find_or_create(email="new@example.com", defaults=defaults)

    assert made.profile.email_address == "new@example.com"
    assert not shop.profiles.find_or_create(email="new@example.com", defaults=defaults).created


@pytest.mark.parametrize(
    "keys",
    [{"email": "test@test.com"}, {"phone": "000-000-0000"}, {"account": "N/A"}, {"email": "NULL"}],
)
def test_find_or_create_refuses_placeholders(shop: Domain, keys: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError, match="is a placeholder that many customers share"):
        shop.profiles.find_or_create(**keys)  # type: ignore[arg-type]

    assert shop.profiles.search(full_name="nobody").first() is None


def test_find_or_create_creates_once(shop: Domain) -> None:
    first = shop.profiles.find_or_create(email="a@example.com", defaults={"first_name": "Ada"})
    second = shop.profiles.find_or_create(email="A@EXAMPLE.com", defaults={"first_name": "Eve"})

    assert (first.created, second.created) == (True, False)
    assert second.profile.profile_id == first.profile.profile_id
    assert second.profile.first_name == "Ada"
