"""Domain layouts: what is particular to them; `tests/contract/test_documents.py` has the rest."""

import pytest

from customer_profiles.engine import Refusal

LAYOUT = {
    "Description": "For agents",
    "DisplayName": "Explorer",
    "LayoutType": "PROFILE_EXPLORER",
    "Layout": "{}",
}


def create(shop, name, **members):
    return shop.ask("CreateDomainLayout", LayoutDefinitionName=name, **LAYOUT | members)


def update(shop, name, **members):
    return shop.ask("UpdateDomainLayout", LayoutDefinitionName=name, **members)


def get(shop, name):
    return shop.ask("GetDomainLayout", LayoutDefinitionName=name)


def defaults(shop):
    items = shop.ask("ListDomainLayouts")["Items"]
    return [item["LayoutDefinitionName"] for item in items if item["IsDefault"]]


def test_a_layout_answers_with_all_its_members(shop, clock):
    created = create(shop, "explorer")
    assert created == {
        "LayoutDefinitionName": "explorer",
        **LAYOUT,
        "IsDefault": False,
        "Version": "1",
        "CreatedAt": clock.now(),
        "LastUpdatedAt": clock.now(),
    }
    assert get(shop, "explorer") == created


@pytest.mark.parametrize("member", LAYOUT)
def test_creation_requires_every_member_but_is_default_and_tags(shop, member):
    members = {name: value for name, value in LAYOUT.items() if name != member}
    with pytest.raises(Refusal, match=f"{member[:1].lower()}{member[1:]}.*must not be null"):
        shop.ask("CreateDomainLayout", LayoutDefinitionName="explorer", **members)


def test_the_only_type_is_profile_explorer(shop):
    with pytest.raises(Refusal, match="PROFILE_EXPLORER"):
        create(shop, "explorer", LayoutType="HOME")


@pytest.mark.parametrize("name", ["Agent's view", "v1.2", "1st"])
def test_a_display_name_has_no_dots_and_no_apostrophes(shop, name):
    with pytest.raises(Refusal, match="displayName"):
        create(shop, "explorer", DisplayName=name)


@pytest.mark.parametrize("text", ["{}", "not JSON", "x" * 2_000_000])
def test_the_layout_is_any_text_up_to_two_million_characters(shop, text):
    assert create(shop, "explorer", Layout=text)["Layout"] == text
    with pytest.raises(Refusal, match="2000000"):
        update(shop, "explorer", Layout="x" * 2_000_001)


def test_each_update_adds_one_to_the_version(shop):
    create(shop, "explorer")
    assert update(shop, "explorer", DisplayName="Another")["Version"] == "2"
    assert update(shop, "explorer")["Version"] == "3"
    assert get(shop, "explorer")["Version"] == "3"


def test_an_update_of_nothing_moves_last_updated_at(shop, clock):
    created = create(shop, "explorer")
    clock.advance(seconds=5)
    updated = update(shop, "explorer")
    assert updated["LastUpdatedAt"] == created["LastUpdatedAt"] + 5
    assert updated["CreatedAt"] == created["CreatedAt"]


def test_one_layout_of_a_type_is_the_default(shop):
    create(shop, "a", IsDefault=True)
    create(shop, "b", IsDefault=True)
    assert defaults(shop) == ["b"]
    update(shop, "a", IsDefault=True)
    assert defaults(shop) == ["a"]


def test_a_layout_that_loses_the_default_keeps_its_version_and_time(shop, clock):
    before = create(shop, "a", IsDefault=True)
    clock.advance(seconds=5)
    create(shop, "b", IsDefault=True)
    assert get(shop, "a") == before | {"IsDefault": False}


def test_the_default_of_another_domain_stays(engine, shop):
    create(shop, "a", IsDefault=True)
    shop.ask("CreateDomain", DomainName="other", DefaultExpirationDays=30)
    shop.ask(
        "CreateDomainLayout",
        DomainName="other",
        LayoutDefinitionName="b",
        IsDefault=True,
        **LAYOUT,
    )
    assert defaults(shop) == ["a"]


def test_the_default_layout_can_be_deleted(shop):
    create(shop, "a", IsDefault=True)
    create(shop, "b")
    assert shop.ask("DeleteDomainLayout", LayoutDefinitionName="a") == {"Message": "OK"}
    assert defaults(shop) == []


def test_listed_layouts_lack_layout_and_version(shop):
    created = create(shop, "a", Tags={"team": "crm"})
    (listed,) = shop.ask("ListDomainLayouts")["Items"]
    assert listed == {
        name: value for name, value in created.items() if name not in {"Layout", "Version"}
    }


def test_layouts_are_listed_in_the_order_of_their_names_20_a_page(shop):
    names = [f"layout-{number:02}" for number in range(22)]
    for name in reversed(names):
        create(shop, name)
    first = shop.ask("ListDomainLayouts")
    rest = shop.ask("ListDomainLayouts", NextToken=first["NextToken"])
    assert [item["LayoutDefinitionName"] for item in first["Items"]] == names[:20]
    assert [item["LayoutDefinitionName"] for item in rest["Items"]] == names[20:]


def test_a_refusal_names_the_layout(shop):
    create(shop, "explorer")
    with pytest.raises(Refusal, match="Layout with name explorer already exists"):
        create(shop, "explorer")
    with pytest.raises(Refusal, match="Layout other does not exist"):
        get(shop, "other")
