import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_profiles import _wire
from customer_profiles.engine import Refusal
from customer_profiles.engine.ingestion import compiled_types
from customer_profiles.engine.ingestion.detection import detect

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
CUSTOMER = {
    "customer_id": "c1",
    "firstName": "Ada",
    "contact": {"email": "ada@example.com", "mobile": "+12065550100"},
    "address": {"city": "London", "zip": "N1"},
    "orders": [{"total": 3}],
    "updatedAt": "2024-02-29T13:05:09Z",
}


def test_attributes_are_recognised_by_their_names():
    (detected,) = detect([json.dumps(CUSTOMER)])
    fields = detected["Fields"]
    assert fields["contact_email"] == {
        "Source": "_source.contact.email",
        "Target": "_profile.EmailAddress",
        "ContentType": "EMAIL_ADDRESS",
    }
    assert fields["address_zip"]["Target"] == "_profile.Address.PostalCode"
    assert fields["orders_total"]["Source"] == "_source.orders[].total"
    assert detected["SourceLastUpdatedTimestampFormat"] == "yyyy-MM-dd'T'HH:mm:ssX"


def test_the_id_is_the_unique_key_and_the_address_finds_the_profile():
    (detected,) = detect([json.dumps(CUSTOMER)])
    assert detected["Keys"] == {
        "customer_id": [{"StandardIdentifiers": ["UNIQUE"], "FieldNames": ["customer_id"]}],
        "_email": [{"StandardIdentifiers": ["PROFILE"], "FieldNames": ["contact_email"]}],
    }


@pytest.mark.parametrize("text", ["", "{", "[]", "1", '"text"'])
def test_what_is_no_json_object_is_refused(text):
    with pytest.raises(Refusal, match="Could not parse object string into JSON"):
        detect(["{}", text])


def test_more_than_120_attributes_are_refused():
    assert detect([json.dumps({f"a{n}": 1 for n in range(120)})])
    with pytest.raises(Refusal, match="Breached limit of 120 attributes"):
        detect([json.dumps({f"a{n}": 1 for n in range(121)})])


def test_an_empty_object_gives_no_object_type():
    assert detect(["{}"]) == []


@given(st.lists(st.dictionaries(st.text(max_size=8), JSON, max_size=6), min_size=1, max_size=3))
def test_what_is_detected_may_be_put(objects):
    for detected in detect([json.dumps(item) for item in objects]):
        compiled_types.check(detected, {})
        shape = _wire.service().shape_for("DetectedProfileObjectType")
        assert _wire.problems(detected, shape) == []


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("Vorname", "FirstName"),
        ("apellidos", "LastName"),
        ("Téléphone fixe", "PhoneNumber"),
        ("メールアドレス", "EmailAddress"),
        ("顧客番号", "AccountNumber"),
        ("E-mail 2 Address", "EmailAddress"),
        ("Country/Region", "Address.Country"),
        ("billingPostalCode", "BillingAddress.PostalCode"),
        ("homePhone", "HomePhoneNumber"),
        ("province", "Address.Province"),
    ],
)
def test_names_of_attributes_are_recognised_in_many_languages(name, member):
    (detected,) = detect([json.dumps({name: "x", "id": "1"})])

    targets = [field.get("Target") for field in detected["Fields"].values()]
    assert f"_profile.{member}" in targets
