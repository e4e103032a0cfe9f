"""PutProfileObjectType and its kin: what a domain's types and keys allow each other."""

from __future__ import annotations

import pytest

from customer_profiles.engine import Engine, Refusal

from .conftest import Shop
from .test_ingestion import bigger, definition, put, put_type
from .test_resolution import keyed, put_key

KEYS = {"Id": "id UNIQUE PROFILE"}


def refuses(shop, match, *args, **settings):
    """Expect the refusal of an object type, which stores nothing."""
    before = shop.ask("ListProfileObjectTypes")["Items"]
    with pytest.raises(Refusal, match=match) as caught:
        put_type(shop, *args, **settings)
    assert caught.value.code == "BadRequestException"
    assert shop.ask("ListProfileObjectTypes")["Items"] == before


def get(shop, name):
    return shop.ask("GetProfileObjectType", ObjectTypeName=name)


# --- keys and the domain ---


def test_a_key_of_another_type_has_its_content_types(shop):
    put_type(shop, "A", KEYS, None, {"id": "NUMBER"})
    refuses(shop, "Key 'Id'.*content types STRING.*NUMBER", "B", KEYS)
    put_type(shop, "B", {"Id": "other UNIQUE PROFILE"}, None, {"other": "NUMBER"})


def test_a_key_of_two_fields_is_no_key_of_one(shop):
    put_type(shop, "A", {**KEYS, "Key": "a+b"})
    refuses(shop, "Key 'Key'", "B", {**KEYS, "Key": "a"})


def test_a_type_may_change_a_key_that_it_has_alone(shop):
    put_type(shop, "A", KEYS)
    put_type(shop, "A", KEYS, None, {"id": "NAME"})
    put(shop, "A", id="Ada")
    assert len(shop.search("Id", "ADA")) == 1


def test_a_type_may_not_change_a_key_that_it_shares(shop):
    put_type(shop, "A", KEYS)
    put_type(shop, "B", KEYS)
    refuses(shop, "Key 'Id'", "A", KEYS, None, {"id": "NAME"})


def test_a_key_name_that_was_added_is_text(shop):
    keyed(shop, Id="1")
    refuses(shop, "Key 'Id'.*NUMBER.*STRING", "A", KEYS, None, {"id": "NUMBER"})
    put_type(shop, "A", KEYS)
    put(shop, "A", id="1")
    assert len(shop.search("Id", "1")) == 1


def test_a_value_added_to_a_key_of_a_type_compares_by_its_content_type(shop):
    put_type(shop, "A", KEYS, None, {"id": "NAME"})
    ada = shop.create()
    put_key(shop, ada, "Id", "Ada  L")
    assert shop.search("Id", "ADA l") == [ada]
    put(shop, "A", id="ada l")
    assert shop.search("Id", "ada L") == [ada]


def test_two_definitions_of_one_key_have_the_same_content_types(shop):
    fields = {name: {"Source": f"_source.{name}", "ContentType": "STRING"} for name in "ab"}
    fields["b"]["ContentType"] = "NUMBER"
    variants = [{"FieldNames": [name], "StandardIdentifiers": []} for name in "ab"]
    keys = {**definition(KEYS)["Keys"], "Twice": variants}
    fields |= definition(KEYS)["Fields"]
    request = {"ObjectTypeName": "A", "Description": "x", "Fields": fields, "Keys": keys}
    with pytest.raises(Refusal, match="Key 'Twice'"):
        shop.ask("PutProfileObjectType", **request)


def test_a_key_name_goes_with_the_last_type_that_has_it(shop):
    put_type(shop, "A", KEYS)
    put_type(shop, "B", {**KEYS, "Own": "own"})
    shop.ask("DeleteProfileObjectType", ObjectTypeName="B")
    assert shop.search("Id", "1") == []
    with pytest.raises(Refusal, match="KeyName Own is not defined"):
        shop.search("Own", "1")
    put_type(shop, "A", {"New": "id UNIQUE PROFILE"})
    with pytest.raises(Refusal, match="KeyName Id is not defined"):
        shop.search("Id", "1")


def test_a_key_name_that_was_added_stays_without_its_type(shop):
    put_type(shop, "A", KEYS, None, {"id": "NAME"})
    ada = keyed(shop, Id="Ada")
    shop.ask("DeleteProfileObjectType", ObjectTypeName="A")
    assert shop.search("Id", "ADA") == [ada]
    refuses(shop, "Key 'Id'", "B", KEYS)


def test_only_keys_of_the_service_begin_with_an_underscore(shop):
    refuses(shop, "Key '_mine'", "A", {**KEYS, "_mine": "mine"})
    put_type(shop, "A", {**KEYS, "_email": "mail", "_assetName": "asset"})


def test_the_number_of_keys_counts_definitions(shop, clock):
    many = {f"K{number}": "id" for number in range(9)}
    put_type(shop, "A", {**KEYS, **many})
    refuses(shop, "10", "B", {**KEYS, **many, "K9": "id"})
    roomy = bigger(clock, keys=11)
    put_type(roomy, "B", {**KEYS, **many, "K9": "id"})


@pytest.mark.parametrize(
    ("match", "keys"),
    [
        ("no key is UNIQUE", {"Id": "id PROFILE"}),
        ("no key is a PROFILE", {"Id": "id UNIQUE"}),
        ("only one", {"Id": "id UNIQUE PROFILE", "B": "id UNIQUE"}),
        ("exclude", {"Id": "id UNIQUE PROFILE LOOKUP_ONLY"}),
        ("exclude", {"Id": "id UNIQUE PROFILE NEW_ONLY"}),
        ("LOOKUP_ONLY", {**KEYS, "_profileId": "who PROFILE"}),
        ("LOOKUP_ONLY", {**KEYS, "_orderId": "who"}),
        ("PROFILE key", {"Id": "id UNIQUE", "Who": "who PROFILE NEW_ONLY"}),
    ],
)
def test_the_rules_of_keys_hold_in_the_engine(shop, match, keys):
    refuses(shop, match, "A", keys)


def test_a_target_needs_a_key_with_its_identifier(shop):
    refuses(shop, "ORDER", "A", KEYS, {"total": "_order.TotalPrice"})


# --- quota, tags, update ---


def test_a_domain_has_room_for_so_many_types(clock):
    shop = bigger(clock, object_types=2)
    put_type(shop, "A", KEYS)
    put_type(shop, "B", KEYS)
    refuses(shop, "limit of 2 object types", "C", KEYS)
    put_type(shop, "B", KEYS, Description="again")
    shop.ask("DeleteProfileObjectType", ObjectTypeName="A")
    put_type(shop, "C", KEYS)


def test_an_implicit_type_needs_room_too(clock):
    shop = bigger(clock, object_types=1)
    put_type(shop, "A", KEYS)
    with pytest.raises(Refusal):
        put(shop, "Zendesk-users", id="1")
    assert len(shop.ask("ListProfileObjectTypes")["Items"]) == 1


def test_tags_are_set_once_and_go_with_the_type(shop):
    put_type(shop, "A", KEYS, Tags={"team": "crm"})
    put_type(shop, "A", KEYS, Tags={"team": "other", "more": "x"})
    assert get(shop, "A")["Tags"] == {"team": "crm"}
    arn = shop.engine.arn("domains/shop/object-types/A")
    shop.ask("TagResource", resourceArn=arn, tags={"more": "y"})
    assert get(shop, "A")["Tags"] == {"team": "crm", "more": "y"}
    shop.ask("DeleteProfileObjectType", ObjectTypeName="A")
    put_type(shop, "A", KEYS)
    assert get(shop, "A").get("Tags", {}) == {}


def test_tags_of_a_type_whose_name_begins_another_stay(shop):
    for name in ("A", "A-1", "A_1"):
        put_type(shop, name, KEYS, Tags={"team": "crm"})
    shop.ask("DeleteProfileObjectType", ObjectTypeName="A")
    assert [get(shop, name)["Tags"] for name in ("A-1", "A_1")] == [{"team": "crm"}] * 2


def test_an_update_keeps_when_the_type_was_made(shop, clock):
    made = put_type(shop, "A", KEYS)["CreatedAt"]
    clock.advance(seconds=9)
    updated = put_type(shop, "A", KEYS)
    assert updated["CreatedAt"] == made
    assert updated["LastUpdatedAt"] == made + 9


def test_an_update_replaces_the_whole_definition(shop):
    put_type(shop, "A", {**KEYS, "B": "b"}, ExpirationDays=3, SourcePriority=1)
    put_type(shop, "A", KEYS, Description="new")
    described = get(shop, "A")
    assert set(described["Keys"]) == {"Id"}
    assert "ExpirationDays" not in described
    assert "SourcePriority" not in described


def test_a_refused_update_leaves_the_type_as_it_was(shop):
    put_type(shop, "A", KEYS, Tags={"team": "crm"})
    before = get(shop, "A")
    refuses(shop, "no key is a PROFILE", "A", {"Id": "id UNIQUE"}, Tags={"team": "x"})
    assert get(shop, "A") == before


TEMPLATE = {"ObjectTypeName": "CTR", "Description": "x", "TemplateId": "CTR-AutoAssociateOnly"}


def test_a_template_decides_whether_profiles_are_made(shop):
    shop.ask("PutProfileObjectType", **TEMPLATE)
    assert get(shop, "CTR")["AllowProfileCreation"] is False


@pytest.mark.parametrize(
    "member", [{"AllowProfileCreation": False}, {"SourceLastUpdatedTimestampFormat": "EpochMilli"}]
)
def test_a_template_excludes_what_it_decides(shop, member):
    (name,) = member
    with pytest.raises(Refusal, match=f"{name} and TemplateId exclude each other"):
        shop.ask("PutProfileObjectType", **TEMPLATE, **member)


def test_the_encryption_key_stays_with_a_data_store(shop):
    put_type(shop, "A", KEYS, EncryptionKey="one")
    put_type(shop, "A", KEYS, EncryptionKey="two")
    key = "arn:aws:kms:us-east-1:000000000000:key/1"
    shop.ask("UpdateDomain", DefaultEncryptionKey=key, DataStore={"Enabled": True})
    refuses(shop, "EncryptionKey", "A", KEYS, EncryptionKey="three")
    put_type(shop, "A", KEYS, EncryptionKey="two")


def test_a_data_store_takes_no_two_names_that_are_one_in_it(shop):
    key = "arn:aws:kms:us-east-1:000000000000:key/1"
    shop.ask("UpdateDomain", DefaultEncryptionKey=key, DataStore={"Enabled": True})
    put_type(shop, "Web-Shop", KEYS)
    refuses(shop, "Web-Shop", "web_shop", KEYS)


def test_a_data_store_takes_no_implicit_type_whose_name_it_has(shop):
    key = "arn:aws:kms:us-east-1:000000000000:key/1"
    shop.ask("UpdateDomain", DefaultEncryptionKey=key, DataStore={"Enabled": True})
    put_type(shop, "zendesk_users", KEYS)
    with pytest.raises(Refusal, match="data store"):
        put(shop, "Zendesk-users", id="1")
    shop.ask("UpdateDomain", DefaultExpirationDays=9)


# --- lists ---


def test_types_are_listed_page_by_page(shop):
    for name in "CAB":
        put_type(shop, name, KEYS)
    first = shop.ask("ListProfileObjectTypes", MaxResults=2)
    rest = shop.ask("ListProfileObjectTypes", MaxResults=2, NextToken=first["NextToken"])
    names = [one["ObjectTypeName"] for one in first["Items"] + rest["Items"]]
    assert (names, rest["NextToken"]) == (["A", "B", "C"], None)


@pytest.mark.parametrize("operation", ["GetProfileObjectType", "DeleteProfileObjectType"])
@pytest.mark.parametrize("name", ["Nope", "_profile"])
def test_an_unknown_type_is_not_found(shop, operation, name):
    with pytest.raises(Refusal) as caught:
        shop.ask(operation, ObjectTypeName=name)
    assert caught.value.code == "ResourceNotFoundException"


def test_objects_of_a_type_that_is_not_mapped_are_not_found(shop):
    ada = shop.create()
    with pytest.raises(Refusal) as caught:
        shop.ask("ListProfileObjects", ProfileId=ada, ObjectTypeName="Nope")
    assert caught.value.code == "ResourceNotFoundException"


def test_types_and_keys_of_two_domains_have_nothing_in_common(shop):
    put_type(shop, "A", KEYS)
    shop.ask("CreateDomain", DomainName="other", DefaultExpirationDays=30)
    other = {"DomainName": "other", "ObjectTypeName": "A"}
    with pytest.raises(Refusal):
        shop.ask("GetProfileObjectType", **other)
    shop.ask(
        "PutProfileObjectType", **other, Description="x", **definition(KEYS, {}, {"id": "NAME"})
    )
    put(shop, "A", id="1")
    shop.ask("PutProfileObject", **other, Object='{"id": "2"}')
    assert shop.search("Id", "2", DomainName="other") == []
    assert shop.engine.dead_letters("other")[0]["Object"] == '{"id": "2"}'


def test_another_process_sees_a_changed_type_at_once(tmp_path, clock):
    with (
        Engine(tmp_path / "a.db", clock=clock) as one,
        Engine(tmp_path / "a.db", clock=clock) as two,
    ):
        first, second = Shop(one), Shop(two)
        first.ask("CreateDomain", DefaultExpirationDays=30)
        put_type(first, "A", KEYS, {"name": "_profile.FirstName"})
        put(second, "A", id="1", name="Ada")
        put_type(first, "A", KEYS, {"name": "_profile.LastName"})
        put(second, "A", id="2", name="Ada")
        (ada,) = first.search("Id", "2")
        assert first.read(ada) == {"LastName": "Ada"}
