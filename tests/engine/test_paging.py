import base64

import pytest

from customer_profiles.engine import Refusal


@pytest.fixture
def three(shop):
    """Three profiles of one name."""
    return [shop.create(FirstName="Ada", AccountNumber=str(n)) for n in range(3)]


def test_pages_follow_each_other_in_the_order_of_creation(shop, three):
    first = shop.page("_fullName", "ada", MaxResults=2)
    second = shop.search("_fullName", "ada", MaxResults=2, NextToken=first["NextToken"])
    assert [item["ProfileId"] for item in first["Items"]] == three[:2]
    assert second == three[2:]


@pytest.mark.parametrize("operator", ["AND", "OR"])
def test_several_keys_are_paged_too(shop, three, operator):
    more = {
        "AdditionalSearchKeys": [{"KeyName": "_account", "Values": ["0", "1", "2"]}],
        "LogicalOperator": operator,
    }
    first = shop.page("_fullName", "ada", MaxResults=1, **more)
    rest = shop.search("_fullName", "ada", MaxResults=2, NextToken=first["NextToken"], **more)
    assert [first["Items"][0]["ProfileId"], *rest] == three


def test_a_full_last_page_has_no_successor(shop, three):
    page = shop.page("_fullName", "ada", MaxResults=3)
    assert len(page["Items"]) == len(three)
    assert page["NextToken"] is None


def test_the_size_of_pages_may_change(shop, three):
    token = shop.page("_fullName", "ada", MaxResults=1)["NextToken"]
    assert shop.search("_fullName", "ada", MaxResults=50, NextToken=token) == three[1:]


def test_pages_skip_and_repeat_nothing_when_others_write(shop, three):
    token = shop.page("_fullName", "ada", MaxResults=2)["NextToken"]
    shop.ask("DeleteProfile", ProfileId=three[0])
    shop.ask("UpdateProfile", ProfileId=three[1], Gender="FEMALE")
    fourth = shop.create(FirstName="ADA")
    assert shop.search("_fullName", "ada", NextToken=token) == [three[2], fourth]


def test_a_new_profile_never_takes_the_place_of_a_deleted_one(shop, three):
    shop.ask("DeleteProfile", ProfileId=three[2])
    token = shop.page("_fullName", "ada", MaxResults=1)["NextToken"]
    fourth = shop.create(FirstName="ada")
    assert shop.search("_fullName", "ada", NextToken=token) == [three[1], fourth]


@pytest.mark.parametrize("token", ["x", "AAAA", "é", "A" * 1024])
def test_a_forged_token_is_refused(shop, token):
    with pytest.raises(Refusal, match="NextToken is not a token of this service"):
        shop.search("_fullName", "ada", NextToken=token)


@pytest.mark.usefixtures("three")
def test_a_token_with_one_bit_changed_is_refused(shop):
    token = shop.page("_fullName", "ada", MaxResults=1)["NextToken"]
    raw = bytearray(base64.urlsafe_b64decode(token))
    raw[20] ^= 1
    with pytest.raises(Refusal, match="NextToken is not a token of this service"):
        shop.search("_fullName", "ada", NextToken=base64.urlsafe_b64encode(raw).decode())


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    "other",
    [
        {"KeyName": "_fullName", "Values": ["bo"]},
        {"KeyName": "_account", "Values": ["ada"]},
        {"KeyName": "_fullName", "Values": ["ada"], "LogicalOperator": "AND"},
        {"KeyName": "_fullName", "Values": ["ada"], "DomainName": "other"},
    ],
)
def test_a_token_of_another_query_is_refused(shop, other):
    shop.ask("CreateDomain", DomainName="other", DefaultExpirationDays=1)
    token = shop.page("_fullName", "ada", MaxResults=1)["NextToken"]
    with pytest.raises(Refusal, match="NextToken belongs to another query"):
        shop.ask("SearchProfiles", **other, NextToken=token)


@pytest.mark.usefixtures("three")
def test_a_token_of_another_operation_is_refused(shop):
    token = shop.page("_fullName", "ada", MaxResults=1)["NextToken"]
    with pytest.raises(Refusal, match="NextToken belongs to another query"):
        shop.ask("ListDomains", NextToken=token)


@pytest.mark.usefixtures("three")
def test_a_token_is_good_for_a_day(shop, clock):
    token = shop.page("_fullName", "ada", MaxResults=1)["NextToken"]
    clock.advance(days=0.99)
    assert len(shop.search("_fullName", "ada", NextToken=token)) == 2
    clock.advance(days=0.01)
    with pytest.raises(Refusal, match="NextToken has expired; start again without it"):
        shop.search("_fullName", "ada", NextToken=token)


def test_a_token_survives_the_process_that_gave_it(open_shop):
    shop = open_shop()
    made = [shop.create(FirstName="Ada") for _ in range(2)]
    token = shop.page("_fullName", "ada", MaxResults=1)["NextToken"]
    shop.engine.close()
    assert open_shop().search("_fullName", "ada", NextToken=token) == made[1:]
