import pytest

from customer_profiles.engine import Refusal


def test_a_profile_is_found_by_each_of_its_phone_fields(shop):
    names = ["PhoneNumber", "MobilePhoneNumber", "HomePhoneNumber", "BusinessPhoneNumber"]
    made = [shop.create(**{name: "206 555 0100"}) for name in names]
    assert shop.search("_phone", "+1 206-555-0100") == made


def test_a_profile_is_found_by_each_of_its_email_fields(shop):
    names = ["EmailAddress", "PersonalEmailAddress", "BusinessEmailAddress"]
    made = [shop.create(**{name: "ada@example.com"}) for name in names]
    assert shop.search("_email", "ADA@Example.com") == made


def test_a_profile_is_found_by_its_account(shop):
    profile = shop.create(AccountNumber="A-1")
    assert shop.search("_account", "A-1") == [profile]
    assert shop.search("_account", "a-1") == []


def test_a_profile_is_found_by_its_own_id(shop):
    profile = shop.create(FirstName="Ada")
    assert shop.search("_profileId", profile) == [profile]
    assert shop.search("_profileId", "0" * 32, "not an id") == []


def test_a_full_name_is_the_set_names_joined_by_one_space(shop):
    ada = shop.create(FirstName="Ada", MiddleName="Augusta", LastName="King")
    bo = shop.create(FirstName="Bo", LastName="King")
    assert shop.search("_fullName", "ada  AUGUSTA king") == [ada]
    assert shop.search("_fullName", "Bo King") == [bo]
    assert shop.search("_fullName", "Ada King") == []


def test_several_values_of_a_key_find_any_of_them(shop):
    made = [shop.create(AccountNumber=value) for value in ("1", "2", "3")]
    assert shop.search("_account", "3", "1", "4") == [made[0], made[2]]


def test_keys_are_joined_by_or_unless_told_otherwise(shop):
    ada = shop.create(EmailAddress="ada@example.com")
    bo = shop.create(AccountNumber="2")
    more = [{"KeyName": "_account", "Values": ["2"]}]
    assert shop.search("_email", "ada@example.com", AdditionalSearchKeys=more) == [ada, bo]


def test_and_finds_what_meets_every_key(shop):
    both = shop.create(EmailAddress="ada@example.com", AccountNumber="2")
    shop.create(EmailAddress="ada@example.com")
    shop.create(AccountNumber="2")
    more = [{"KeyName": "_account", "Values": ["2", "3"]}]
    found = shop.search(
        "_email", "ada@example.com", AdditionalSearchKeys=more, LogicalOperator="AND"
    )
    assert found == [both]


def test_and_takes_a_profiles_own_id_too(shop):
    ada = shop.create(EmailAddress="ada@example.com")
    bo = shop.create(EmailAddress="bo@example.com")
    more = [{"KeyName": "_profileId", "Values": [ada, bo]}]
    found = shop.search(
        "_email", "bo@example.com", AdditionalSearchKeys=more, LogicalOperator="AND"
    )
    assert found == [bo]


def test_and_runs_through_more_candidates_than_a_page_holds(shop):
    for _ in range(300):
        shop.create(FirstName="Ada")
    both = [shop.create(FirstName="Ada", AccountNumber="1") for _ in range(3)]
    for _ in range(301):
        shop.create(AccountNumber="1")
    more = [{"KeyName": "_account", "Values": ["1"]}]
    found = shop.search("_fullName", "Ada", AdditionalSearchKeys=more, LogicalOperator="AND")
    assert found == both


def test_and_finds_nothing_when_one_key_does(shop):
    shop.create(EmailAddress="ada@example.com")
    more = [{"KeyName": "_account", "Values": ["2"]}]
    found = shop.search(
        "_email", "ada@example.com", AdditionalSearchKeys=more, LogicalOperator="AND"
    )
    assert found == []


def test_a_search_by_one_key_says_which_values_hit(shop):
    shop.create(AccountNumber="1")
    (item,) = shop.page("_account", "2", "1")["Items"]
    assert item["FoundByItems"] == [{"KeyName": "_account", "Values": ["1"]}]


def test_or_says_each_pair_that_a_profile_was_found_by(shop):
    shop.create(AccountNumber="1", EmailAddress="a@x.org", BusinessEmailAddress="b@x.org")
    more = [
        {"KeyName": "_phone", "Values": ["2065550100"]},
        {"KeyName": "_email", "Values": ["B@x.org", "c@x.org", "A@x.org"]},
    ]
    (item,) = shop.page("_account", "1", AdditionalSearchKeys=more)["Items"]
    assert item["FoundByItems"] == [
        {"KeyName": "_account", "Values": ["1"]},
        {"KeyName": "_email", "Values": ["B@x.org", "A@x.org"]},
    ]


def test_and_says_all_pairs_of_the_request(shop):
    shop.create(AccountNumber="1", EmailAddress="a@x.org")
    more = [{"KeyName": "_email", "Values": ["a@x.org", "b@x.org"]}]
    page = shop.page("_account", "1", AdditionalSearchKeys=more, LogicalOperator="AND")
    assert page["Items"][0]["FoundByItems"] == [
        {"KeyName": "_account", "Values": ["1"]},
        {"KeyName": "_email", "Values": ["a@x.org", "b@x.org"]},
    ]


def test_an_update_moves_a_profiles_keys(shop):
    profile = shop.create(EmailAddress="old@x.org", AccountNumber="1")
    shop.ask("UpdateProfile", ProfileId=profile, EmailAddress="new@x.org", AccountNumber="")
    assert shop.search("_email", "old@x.org") == []
    assert shop.search("_account", "1") == []
    assert shop.search("_email", "new@x.org") == [profile]


def test_a_value_that_two_fields_hold_stays_until_the_last_is_cleared(shop):
    profile = shop.create(EmailAddress="a@x.org", BusinessEmailAddress="A@X.org")
    shop.ask("UpdateProfile", ProfileId=profile, EmailAddress="")
    assert shop.search("_email", "a@x.org") == [profile]
    shop.ask("UpdateProfile", ProfileId=profile, BusinessEmailAddress="")
    assert shop.search("_email", "a@x.org") == []


def test_an_unknown_predefined_key_names_those_that_exist(shop):
    words = r"KeyName _emial is not defined in the domain; .*_email, _fullName"
    with pytest.raises(Refusal, match=words) as caught:
        shop.search("_emial", "x")
    assert caught.value.code == "ResourceNotFoundException"


def test_a_key_that_the_domain_never_saw_is_refused(shop):
    with pytest.raises(Refusal, match="KeyName crm is not defined in the domain") as caught:
        shop.search("crm", "1")
    assert caught.value.code == "ResourceNotFoundException"


def test_a_search_without_values_is_refused(shop):
    with pytest.raises(Refusal, match="Values of key _email must not be empty"):
        shop.search("_email")


def test_a_predefined_key_that_no_profile_has_finds_nothing(shop):
    assert shop.search("_orderId", "1") == []


def test_domains_do_not_see_each_others_profiles(shop):
    shop.ask("CreateDomain", DomainName="other", DefaultExpirationDays=1)
    shop.create(EmailAddress="ada@example.com")
    assert shop.search("_email", "ada@example.com", DomainName="other") == []


def test_a_search_gives_20_profiles_a_page_unless_told_otherwise(shop):
    for _ in range(21):
        shop.create(FirstName="Ada")
    assert len(shop.search("_fullName", "ada")) == 20
    assert len(shop.search("_fullName", "ada", MaxResults=100)) == 21
