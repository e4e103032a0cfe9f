"""Masked values: their shape, and that no value is left in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_profiles.cli.masking import mask, mask_text


@pytest.mark.parametrize(
    ("name", "value", "masked"),
    [
        ("full_name", "Ada King", "A•• K•••"),
        ("first_name", "A", "•"),
        ("last_name", "O'Brien", "•'B••••"),
        ("first_name", "王小明", "•••"),
        ("email_address", "ada@example.com", "a•••@e•••.com"),
        ("email_address", "a@localhost", "•••@l•••"),
        ("note", "Ada <ada@example.com>, 12", "A•• <a•••@e•••.com>, ••"),
        ("phone_number", "+1 206 555 0100", "+• ••• ••• ••00"),
        ("mobile_phone_number", "(206) 555-0100", "(•••) •••-••00"),
        ("note", "+1 206 555 0100", "+• ••• ••• ••00"),
        ("phone_number", "110", "•••"),
        ("account_number", "12345678", "••••••••"),
        ("birth_date", "1815-12-10", "••••-••-••"),
        ("address.address1", "12 St James's Square", "•• S• J••••'• S•••••"),
        ("gender", "FEMALE", "•••"),
        ("party_type_string", "INDIVIDUAL", "•••"),
        ("note", "--", "•••"),
        ("total", 12.5, "•••"),
        ("is_vip", True, "•••"),
        ("first_name", None, None),
        ("first_name", "", ""),
    ],
)
def test_a_masked_value_keeps_its_shape(name: str, value: object, masked: object) -> None:
    assert mask(value, name) == masked


def test_members_are_masked_at_every_depth_and_keep_their_names() -> None:
    order = {
        "id": "A17",
        "lines": [{"sku": "socks", "count": 2}],
        "buyer": {"phone": "206 5550100"},
    }

    assert mask(order) == {
        "id": "•••",
        "lines": [{"sku": "s••••", "count": "•••"}],
        "buyer": {"phone": "••• •••••00"},
    }


NAMES = st.sampled_from(["first_name", "email_address", "phone_number", "attributes.x", "gender"])
DOTS = st.characters(exclude_characters="•")


@given(NAMES, st.text(DOTS, min_size=1) | st.emails() | st.from_regex(r"\+?[\d ()-]{1,20}"))
def test_no_masked_text_contains_its_value(name: str, value: str) -> None:
    assert value not in mask_text(value, name)


@given(NAMES, st.lists(st.from_regex(r"[a-z]{2,12}|\d{3,12}", fullmatch=True), min_size=1))
def test_no_masked_text_contains_a_word_or_number_of_its_value(name: str, words: list[str]) -> None:
    masked = mask_text(" ".join(words), name)

    assert [word for word in words if word in masked] == []
