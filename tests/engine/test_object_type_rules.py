import pytest

from customer_profiles._type_rules import content_types
from customer_profiles.engine import Refusal
from customer_profiles.engine.ingestion.compiled_types import check

UNIQUE = {"id": [{"FieldNames": ["id"], "StandardIdentifiers": ["UNIQUE", "PROFILE"]}]}


def fields(**targets):
    """Return a definition's fields: `id`, and one for each target."""
    made = {name: {"Source": f"_source.{name}", "Target": to} for name, to in targets.items()}
    return {"id": {"Source": "_source.id"}} | made


def keys(**identifiers):
    """Return a definition's keys over the field `id`."""
    return {
        name: [{"FieldNames": ["id"], "StandardIdentifiers": given.split()}]
        for name, given in identifiers.items()
    }


def refusal(known=None, **definition):
    with pytest.raises(Refusal) as caught:
        check({"Fields": fields(), "Keys": UNIQUE, **definition}, known or {})
    assert caught.value.code == "BadRequestException"
    return caught.value.message


def accept(known=None, **definition):
    check({"Fields": fields(), "Keys": UNIQUE, **definition}, known or {})


def test_fields_and_keys_or_a_template_are_needed():
    assert "without Keys" in refusal(Keys={})
    assert "without Fields" in refusal(Fields={})
    assert "or a TemplateId" in refusal(Fields={}, Keys={})
    assert "exclude each other" in refusal(TemplateId="CTR")
    assert "'Nope' names no template" in refusal(Fields={}, Keys={}, TemplateId="Nope")
    accept(Fields={}, Keys={}, TemplateId="CTR")


def test_a_type_of_ones_own_does_not_begin_with_an_underscore():
    assert "'_order' must be a letter" in refusal(ObjectTypeName="_order")


@pytest.mark.parametrize("name", ["1st", ".a", "tags", "Tags", "-", "_a"])
def test_a_field_has_a_good_name(name):
    assert f"Field '{name}'" in refusal(Fields={**fields(), name: {"Source": "_source.x"}})


def test_an_object_type_has_at_most_250_fields():
    many = {f"f{at}": {"Source": "_source.x"} for at in range(249)}
    accept(Fields={**fields(), **many})
    assert "251 fields" in refusal(Fields={**fields(), **many, "last": {"Source": "_source.x"}})


def test_a_bad_source_is_named_with_its_field_and_place():
    bad = {**fields(), "name": {"Source": "{{#if _source.x}}"}}
    assert refusal(Fields=bad) == (
        "Field 'name': Source: the block '#if _source.x' is not closed, at character 1"
    )


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("_custmer.Name", "'_custmer' is not a standard object"),
        ("_profile", "'_profile' is a whole object"),
        ("_profile.FristName", "did you mean 'FirstName'?"),
        ("_profile.Address", "'_profile.Address' has several values"),
        ("_profile.Attributes", "'_profile.Attributes' has several values"),
        ("_profile.ProfileId", "'_profile.ProfileId' is the id that the service gives"),
        ("_order.OrderId", "'_order.OrderId' is the id that the service gives"),
        ("_webAnalytics.EventId", "'_webAnalytics.EventId' is the id that the service gives"),
        ("_profile.ImportIds", "filled by the service"),
        ("_profile.FoundByItems[].KeyName", "filled by the service"),
        ("_profile.Attributes.a{b}", "mixes braces"),
        ("_communicationRecord.Events.{a..b}.EventId", "not a valid name"),
        (f"_profile.Attributes.{'x' * 256}", "more than 255 characters"),
    ],
)
def test_a_target_names_what_can_be_written(target, problem):
    message = refusal(Fields=fields(name=target))
    assert message.startswith("Field 'name': Target: ")
    assert problem in message


@pytest.mark.parametrize("member", ["Gender", "PartyType"])
def test_an_enum_and_its_text_exclude_each_other(member):
    both = fields(one=f"_profile.{member}", other=f"_profile.{member}String")
    assert refusal(Fields=both).startswith(
        f"Field 'other': Target: _profile.{member} and _profile.{member}String exclude each other"
    )


def test_the_timestamp_of_the_profile_needs_a_format():
    stamped = fields(at="_profile.SourceLastUpdatedTimestamp")
    assert "Field 'at'" in refusal(Fields=stamped)
    accept(Fields=stamped, SourceLastUpdatedTimestampFormat="EPOCHMILLI")


def test_the_timestamp_of_another_object_needs_no_format():
    accept(
        Fields=fields(at="_order.SourceLastUpdatedTimestamp"), Keys=keys(k="UNIQUE PROFILE ORDER")
    )


def test_a_format_that_cannot_be_followed_is_refused():
    message = refusal(SourceLastUpdatedTimestampFormat="HH:mm")
    assert message.startswith("SourceLastUpdatedTimestampFormat: ")


def test_exactly_one_key_is_unique():
    assert "no key is UNIQUE" in refusal(Keys=keys(k="PROFILE"))
    assert "Key 'b': only one key can be UNIQUE, not 'a', 'b'" in refusal(
        Keys=keys(a="UNIQUE PROFILE", b="UNIQUE")
    )


def test_a_profile_key_is_needed():
    assert "no key is a PROFILE key" in refusal(Keys=keys(k="UNIQUE"))


@pytest.mark.parametrize("passing", ["LOOKUP_ONLY", "NEW_ONLY"])
def test_the_unique_key_is_always_stored(passing):
    assert f"UNIQUE and {passing} exclude" in refusal(Keys=keys(k=f"UNIQUE PROFILE {passing}"))


@pytest.mark.parametrize("passing", ["LOOKUP_ONLY", "NEW_ONLY"])
def test_a_type_that_creates_profiles_has_a_profile_key_that_lasts(passing):
    only = keys(a="UNIQUE", b=f"PROFILE {passing}")
    assert "Key 'b': AllowProfileCreation needs a PROFILE key without" in refusal(
        Keys=only, AllowProfileCreation=True
    )
    accept(Keys=only, AllowProfileCreation=False)
    accept(Keys={**only, **keys(c="PROFILE SECONDARY")}, AllowProfileCreation=True)


def test_the_profile_id_alone_may_be_looked_up_only():
    accept(Keys=keys(a="UNIQUE", _profileId="PROFILE LOOKUP_ONLY"), AllowProfileCreation=True)


@pytest.mark.parametrize("name", ["_profileId", "_orderId", "_caseId", "_assetId"])
def test_a_key_that_the_service_keeps_is_looked_up_only(name):
    message = refusal(Keys={**UNIQUE, **keys(**{name: "PROFILE"})})
    assert f"Key '{name}'" in message
    assert "LOOKUP_ONLY" in message


def test_a_key_names_fields_that_are_defined():
    assert "'nothing'" in refusal(Keys={**UNIQUE, "k": [{"FieldNames": ["nothing"]}]})
    assert "Key 'k': FieldNames names no field" in refusal(Keys={**UNIQUE, "k": [{}]})
    assert "Key 'k': it has no definition" in refusal(Keys={**UNIQUE, "k": []})


@pytest.mark.parametrize("name", ["1st", "tags", "Tags", "_own"])
def test_a_key_has_a_good_name(name):
    assert f"Key '{name}'" in refusal(Keys={**UNIQUE, **keys(**{name: ""})})


@pytest.mark.parametrize("name", ["_email", "_loyaltyMembershipId", "_webAnalyticsUserId"])
def test_a_predefined_key_may_be_used(name):
    accept(Keys={**UNIQUE, **keys(**{name: "PROFILE"})})


def test_a_key_of_the_domain_keeps_its_content_types():
    known = {"id": ("NUMBER",), "_own": ("STRING",)}
    assert "Key 'id'" in refusal(known)
    accept({"id": ("STRING",)})
    accept(known, Keys=keys(_own="UNIQUE PROFILE"))


def test_the_definitions_of_one_key_have_the_same_content_types():
    both = {"id": {"Source": "_source.id"}, "no": {"Source": "_source.n", "ContentType": "NUMBER"}}
    variants = [*UNIQUE["id"], {"FieldNames": ["no"]}]
    assert "Key 'id'" in refusal(Fields=both, Keys={"id": variants})


def test_an_object_type_has_at_most_ten_key_definitions():
    nine = {"more": [{"FieldNames": ["id"]}] * 9}
    accept(Keys={**UNIQUE, **nine})
    assert "11 definitions" in refusal(Keys={**UNIQUE, **nine, **keys(last="")})


def test_a_quota_of_keys_may_be_raised():
    many = {**UNIQUE, "more": [{"FieldNames": ["id"]}] * 10}
    check({"Fields": fields(), "Keys": many}, {}, key_quota=11)


def test_a_standard_object_that_is_filled_is_tied_by_a_key():
    filled = fields(price="_asset.Price")
    assert "Field 'price': Target: a target in _asset" in refusal(Fields=filled)
    accept(Fields=filled, Keys=keys(k="UNIQUE PROFILE ASSET"))


def test_a_key_may_tie_to_an_object_that_is_not_filled():
    accept(Keys=keys(k="UNIQUE PROFILE ASSET"))


def test_the_communication_record_needs_no_key():
    accept(Fields=fields(kind="_communicationRecord.Events.Open.EventType"))


def test_the_content_types_of_keys_are_those_of_their_fields():
    both = {**fields(), "mail": {"Source": "_source.m", "ContentType": "EMAIL_ADDRESS"}}
    definition = {"Fields": both, "Keys": {**UNIQUE, "k": [{"FieldNames": ["mail", "id"]}]}}
    assert content_types(definition) == {"id": ("STRING",), "k": ("EMAIL_ADDRESS", "STRING")}
