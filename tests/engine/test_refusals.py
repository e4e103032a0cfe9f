import pickle

import pytest

from customer_profiles.engine import Refusal

CANARY = "canary-7261"


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"LastName": CANARY * 50}, "at 'lastName' failed.*length less than or equal to 255"),
        ({"LastName": ""}, "at 'lastName' failed.*length greater than or equal to 1"),
        ({"LastName": 7}, "at 'lastName' failed.*must be a string"),
        ({"Gender": CANARY}, "at 'gender' failed.*enum value set: .MALE, FEMALE, UNSPECIFIED"),
        ({"Address": {"City": CANARY * 50}}, "at 'address.city' failed"),
        ({"Address": CANARY}, "at 'address' failed.*must be a structure"),
        ({"Attributes": {CANARY: ""}}, "at 'attributes' failed.*greater than or equal to 1"),
        ({"LstName": CANARY}, "Unknown member 'LstName', did you mean 'LastName'?"),
        ({"Address": {"Cty": CANARY}}, "Unknown member 'Cty' at 'address', did you mean 'City'?"),
        ({"DomainName": "a b"}, "at 'domainName' failed.*regular expression pattern"),
        ({"DomainName": None}, "at 'domainName' failed.*must not be null"),
        (
            {"EngagementPreferences": {"Phone": [{"ContactType": CANARY}]}},
            "at 'engagementPreferences.phone.1.member.contactType' failed",
        ),
    ],
)
def test_a_refusal_says_where_and_what_but_never_the_value(shop, members, words):
    with pytest.raises(Refusal, match=rf"1 validation error detected: .*{words}") as caught:
        shop.create(**members)
    assert CANARY not in str(caught.value)
    assert shop.stats()["ProfileCount"] == 0


def test_all_broken_constraints_are_counted_and_some_are_shown(shop):
    with pytest.raises(Refusal, match=r"^BadRequestException: 30 validation errors") as caught:
        shop.search("_email", *[""] * 30)
    assert caught.value.message.count("failed to satisfy") == 20


def test_an_operation_that_nobody_knows_is_refused(engine):
    with pytest.raises(Refusal, match="Nonsense is no operation"):
        engine.answer("Nonsense", {})


def test_a_sixth_key_is_refused(shop):
    more = [{"KeyName": "_email", "Values": ["x"]}] * 5
    with pytest.raises(Refusal, match=r"'additionalSearchKeys'.*less than or equal to 4"):
        shop.search("_email", "x", AdditionalSearchKeys=more)


def test_a_refusal_survives_pickling():
    copy = pickle.loads(pickle.dumps(Refusal("ThrottlingException", "slow down")))
    assert (copy.code, copy.message, copy.status) == ("ThrottlingException", "slow down", 429)


def test_a_strict_engine_checks_its_own_answers(shop, monkeypatch):
    from customer_profiles.engine.service import registry

    monkeypatch.setitem(registry.OPERATIONS, "GetDomain", lambda _context, _request: {"Wrong": 1})
    with pytest.raises(AssertionError, match="answer of GetDomain breaks"):
        shop.ask("GetDomain")
