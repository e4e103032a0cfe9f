import pytest

from customer_profiles.engine import Engine, Refusal

SHOP = "arn:aws:profile:us-east-1:000000000000:domains/shop"


def tags_of(shop):
    return shop.ask("ListTagsForResource", resourceArn=SHOP).get("tags", {})


def test_a_domain_without_tags_has_none(shop):
    assert shop.ask("ListTagsForResource", resourceArn=SHOP) == {}


def test_tags_are_added_and_replaced_by_name(shop):
    shop.ask("TagResource", resourceArn=SHOP, tags={"team": "one", "cost": "9"})
    shop.ask("TagResource", resourceArn=SHOP, tags={"team": "two"})
    assert tags_of(shop) == {"cost": "9", "team": "two"}


def test_tags_of_creation_are_tags_like_others(shop):
    shop.ask("DeleteDomain")
    shop.ask("CreateDomain", DefaultExpirationDays=1, Tags={"team": "one"})
    assert tags_of(shop) == {"team": "one"} == shop.ask("GetDomain")["Tags"]


def test_tags_are_removed_by_name(shop):
    shop.ask("TagResource", resourceArn=SHOP, tags={"team": "one", "cost": "9"})
    shop.ask("UntagResource", resourceArn=SHOP, tagKeys=["team", "unknown"])
    assert tags_of(shop) == {"cost": "9"}


def test_tags_given_to_an_update_replace_all(shop):
    shop.ask("TagResource", resourceArn=SHOP, tags={"team": "one"})
    answer = shop.ask("UpdateDomain", Tags={"cost": "9"})
    assert answer["Tags"] == tags_of(shop) == {"cost": "9"}


def test_a_deleted_domain_leaves_no_tags_behind(shop):
    shop.ask("TagResource", resourceArn=SHOP, tags={"team": "one"})
    shop.ask("DeleteDomain")
    shop.ask("CreateDomain", DefaultExpirationDays=1)
    assert tags_of(shop) == {}


def test_a_resource_has_50_tags_at_most(shop):
    shop.ask("TagResource", resourceArn=SHOP, tags={f"key{n}": "x" for n in range(49)})
    shop.ask("TagResource", resourceArn=SHOP, tags={"key48": "y", "key49": "x"})
    with pytest.raises(Refusal, match="may have 50 tags"):
        shop.ask("TagResource", resourceArn=SHOP, tags={"key50": "x"})
    assert len(tags_of(shop)) == 50


def test_names_that_begin_with_aws_are_refused(shop):
    with pytest.raises(Refusal, match="Value at 'tags' failed to satisfy constraint"):
        shop.ask("TagResource", resourceArn=SHOP, tags={"aws:team": "one"})


@pytest.mark.parametrize(
    "resource",
    [
        SHOP + "s",
        SHOP + "/object-types/x",
        SHOP.replace("us-east-1", "eu-west-1"),
        SHOP.replace("000000000000", "111111111111"),
        "arn:aws:profile",
    ],
)
@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("TagResource", {"tags": {"team": "one"}}),
        ("UntagResource", {"tagKeys": ["team"]}),
        ("ListTagsForResource", {}),
    ],
)
def test_an_unknown_resource_is_not_found(shop, resource, operation, more):
    with pytest.raises(Refusal, match="does not exist") as caught:
        shop.ask(operation, resourceArn=resource, **more)
    assert caught.value.code == "ResourceNotFoundException"


def test_arns_carry_the_engines_region_and_account(clock):
    with Engine(clock=clock, region="eu-west-1", account_id="123456789012") as engine:
        assert engine.arn("domains/x") == "arn:aws:profile:eu-west-1:123456789012:domains/x"
