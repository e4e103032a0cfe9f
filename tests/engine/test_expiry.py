def test_a_profile_disappears_when_its_days_are_over(shop, clock):
    profile = shop.create(EmailAddress="ada@example.com")
    clock.advance(days=30, seconds=-1)
    assert shop.search("_email", "ada@example.com") == [profile]
    clock.advance(seconds=1)
    assert shop.search("_email", "ada@example.com") == []
    assert shop.search("_profileId", profile) == []
    assert shop.ask("BatchGetProfile", ProfileIds=[profile])["Profiles"] == []


def test_an_update_renews_a_profile(shop, clock):
    profile = shop.create(EmailAddress="ada@example.com")
    clock.advance(days=29)
    shop.ask("UpdateProfile", ProfileId=profile, FirstName="Ada")
    clock.advance(days=29)
    assert shop.search("_email", "ada@example.com") == [profile]


def test_an_added_key_renews_nothing(shop, clock):
    profile = shop.create(EmailAddress="ada@example.com")
    clock.advance(days=29)
    shop.ask("AddProfileKey", ProfileId=profile, KeyName="crm", Values=["1"])
    clock.advance(days=1)
    assert shop.search("crm", "1") == []


def test_a_profile_keeps_the_days_it_was_written_with(shop, clock):
    profile = shop.create(FirstName="Ada")
    shop.ask("UpdateDomain", DefaultExpirationDays=1)
    later = shop.create(FirstName="Ada")
    clock.advance(days=2)
    assert shop.search("_profileId", profile, later) == [profile]


def test_statistics_do_not_count_expired_profiles(shop, clock):
    for number in range(1_050):
        shop.create(AccountNumber=str(number))
    clock.advance(days=29)
    shop.create(FirstName="Ada")
    clock.advance(days=1)
    assert shop.stats()["ProfileCount"] == 1


def test_a_write_removes_expired_profiles_with_their_keys(shop, clock, engine):
    profile = shop.create(EmailAddress="ada@example.com")
    shop.ask("AddProfileKey", ProfileId=profile, KeyName="crm", Values=["1"])
    clock.advance(days=30)
    shop.create(FirstName="Bo")
    with engine._database.read() as connection:
        left = connection.execute(
            "SELECT (SELECT count(*) FROM profiles), (SELECT count(*) FROM fresh_keys), "
            "(SELECT count(*) FROM added_keys)"
        ).fetchone()
    assert left == (1, 1, 0)


def test_expired_profiles_do_not_shorten_a_page(shop, clock):
    for _ in range(30):
        shop.create(FirstName="Ada")
    clock.advance(days=29)
    young = [shop.create(FirstName="Ada") for _ in range(3)]
    clock.advance(days=1)
    page = shop.page("_fullName", "ada", MaxResults=2)
    assert [item["ProfileId"] for item in page["Items"]] == young[:2]
    assert shop.search("_fullName", "ada", NextToken=page["NextToken"]) == young[2:]


def test_an_expired_profile_cannot_be_updated_back_to_life(shop, clock):
    profile = shop.create(FirstName="Ada")
    clock.advance(days=30)
    answer = shop.ask("BatchGetProfile", ProfileIds=[profile])
    assert answer["Errors"][0]["Code"] == "ResourceNotFoundException"
