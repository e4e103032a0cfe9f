"""What becomes of an object: what is refused, rejected and stored."""

from __future__ import annotations

import json

import pytest

from customer_profiles.engine import Engine, Quotas, Refusal

from .conftest import Shop

NO_KEY = "The UNIQUE key or PROFILE key does not exist in the profile object"
AMBIGUOUS = "All keys of this object are binding to more than one profiles"
TOO_LARGE = "Your data contains profile object larger than 256000 bytes"

DAY = 86_400


def definition(keys, targets=None, types=None):
    """Return fields and keys; a key is written as `field+field IDENTIFIER IDENTIFIER`."""
    targets, types = targets or {}, types or {}
    made, names = {}, {*targets, *types}
    for name, written in keys.items():
        joined, *identifiers = written.split()
        names |= set(joined.split("+"))
        variant = {"FieldNames": joined.split("+"), "StandardIdentifiers": identifiers}
        made[name] = [variant]
    fields = {}
    for name in sorted(names):
        fields[name] = {"Source": f"_source.{name}", "ContentType": types.get(name, "STRING")}
        if name in targets:
            fields[name]["Target"] = targets[name]
    return {"Fields": fields, "Keys": made}


def put_type(shop, name, keys, targets=None, types=None, **settings):
    """Put an object type that may create profiles unless it is told otherwise."""
    members = {"Description": name, "AllowProfileCreation": True, **settings}
    mapping = definition(keys, targets, types)
    return shop.ask("PutProfileObjectType", ObjectTypeName=name, **mapping, **members)


def put(shop, name, /, **members):
    """Put an object and give its unique key."""
    return put_text(shop, name, json.dumps(members))


def put_text(shop, name, text):
    answer = shop.ask("PutProfileObject", ObjectTypeName=name, Object=text)
    return answer["ProfileObjectUniqueKey"]


def listed(shop, profile_id, name, **more):
    """Return the objects of a type that a profile has."""
    answer = shop.ask("ListProfileObjects", ProfileId=profile_id, ObjectTypeName=name, **more)
    return [json.loads(item["Object"]) for item in answer["Items"]]


def letters(shop):
    """Return the reasons of the dead letters."""
    return [letter["Message"] for letter in shop.engine.dead_letters("shop")]


def found(shop, key, *values):
    """Return the only profile that a key finds."""
    (profile_id,) = shop.search(key, *values)
    return profile_id


def counts(shop):
    """Return how many profiles and objects the domain says it has."""
    stats = shop.stats()
    return stats["ProfileCount"], stats["ObjectCount"]


def bigger(clock, **quotas):
    """Return a shop in an engine with quotas of its own."""
    shop = Shop(Engine(clock=clock, strict=True, quotas=Quotas(**quotas)))
    shop.ask("CreateDomain", DefaultExpirationDays=30)
    return shop


@pytest.fixture
def customers(shop):
    """Return the shop with a type `Customer` of id, e-mail and name."""
    put_type(
        shop,
        "Customer",
        {"CustomerId": "id UNIQUE PROFILE", "_email": "email PROFILE"},
        {"email": "_profile.EmailAddress", "name": "_profile.FirstName"},
        {"email": "EMAIL_ADDRESS"},
    )
    return shop


# --- what is stored ---


def test_an_object_makes_a_profile_that_its_keys_find(customers):
    put(customers, "Customer", id="1", email="Ada@Example.com", name="Ada", more=[1, {"a": None}])
    ada = found(customers, "CustomerId", "1")
    assert customers.search("_email", "ada@example.COM") == [ada]
    assert customers.read(ada) == {"EmailAddress": "Ada@Example.com", "FirstName": "Ada"}
    (stored,) = listed(customers, ada, "Customer")
    assert stored["more"] == [1, {"a": None}]


def test_the_text_of_an_object_is_kept_as_it_came(customers):
    text = '{ "id":"1",  "n": 1.50, "e": "\\u00e9", "n": 2e1 }'
    put_text(customers, "Customer", text)
    ada = found(customers, "CustomerId", "1")
    answer = customers.ask("ListProfileObjects", ProfileId=ada, ObjectTypeName="Customer")
    assert answer["Items"][0]["Object"] == text


def test_an_object_of_the_same_unique_value_replaces_the_earlier_one(customers):
    first = put(customers, "Customer", id="1", email="ada@x.org", name="Ada", old=1)
    assert put(customers, "Customer", id="1", name="Augusta") == first
    ada = found(customers, "CustomerId", "1")
    assert listed(customers, ada, "Customer") == [{"id": "1", "name": "Augusta"}]
    # An empty value does not clear what is there.
    assert customers.read(ada) == {"EmailAddress": "ada@x.org", "FirstName": "Augusta"}
    assert counts(customers) == (1, 1)


def test_a_replaced_object_takes_its_keys_with_it(shop):
    put_type(shop, "Card", {"CardId": "id UNIQUE PROFILE", "Number": "number"})
    put(shop, "Card", id="1", number="4711")
    put(shop, "Card", id="1", number="4712")
    assert shop.search("Number", "4711") == []
    assert shop.search("Number", "4712") == shop.search("CardId", "1")


def test_a_key_that_another_object_has_too_stays_when_one_gives_it_up(shop):
    put_type(shop, "Card", {"CardId": "id UNIQUE", "Who": "who PROFILE", "Number": "number"})
    put(shop, "Card", id="1", who="ada", number="4711")
    put(shop, "Card", id="2", who="ada", number="4711")
    put(shop, "Card", id="1", who="ada", number="4712")
    assert shop.search("Number", "4711") == shop.search("Who", "ada")


def test_an_update_of_the_type_leaves_what_is_there_alone(customers):
    put(customers, "Customer", id="1", name="Ada")
    put_type(
        customers, "Customer", {"CustomerId": "id UNIQUE PROFILE"}, {"name": "_profile.LastName"}
    )
    ada = found(customers, "CustomerId", "1")
    assert customers.read(ada) == {"FirstName": "Ada"}
    put(customers, "Customer", id="1", name="Ada")
    assert customers.read(ada) == {"FirstName": "Ada", "LastName": "Ada"}


def test_a_renamed_unique_key_still_finds_the_object(shop):
    put_type(shop, "Order", {"OrderId": "id UNIQUE", "Who": "who PROFILE"})
    first = put(shop, "Order", id="1", who="ada")
    put_type(shop, "Order", {"OrderNumber": "id UNIQUE", "Who": "who PROFILE"})
    assert put(shop, "Order", id="1", who="ada") == first
    assert len(listed(shop, found(shop, "Who", "ada"), "Order")) == 1


def test_one_value_in_two_types_is_one_customer_and_two_objects(shop):
    for name in ("Web", "Till"):
        put_type(shop, name, {"CustomerId": "id UNIQUE PROFILE"})
        put(shop, name, id="1")
    ada = found(shop, "CustomerId", "1")
    assert [len(listed(shop, ada, name)) for name in ("Web", "Till")] == [1, 1]
    put(shop, "Web", id="1", more=1)
    assert counts(shop) == (1, 2)


def test_a_template_needs_no_object_type(shop):
    put(shop, "Zendesk-users", id="7", email="ada@x.org", name="Ada")
    assert len(shop.search("_zendeskUserId", "7")) == 1
    types = shop.ask("ListProfileObjectTypes")["Items"]
    assert [one["ObjectTypeName"] for one in types] == ["Zendesk-users"]
    described = shop.ask("GetProfileObjectType", ObjectTypeName="Zendesk-users")
    assert "_zendeskUserId" in described["Keys"]


def test_an_object_type_takes_the_place_of_its_template(shop):
    put_type(shop, "Zendesk-users", {"Own": "own UNIQUE PROFILE"})
    put(shop, "Zendesk-users", own="1")
    assert len(shop.search("Own", "1")) == 1


# --- what is refused at once ---


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "null",
        "[]",
        '"text"',
        "{",
        "{'id': 1}",
        '{"id": "1"} {}',
        '{"id": NaN}',
        '{"id": Infinity}',
        '{"id": "1", "x": -Infinity}',
        '{"id": "\\ud800"}',
        '{"id": "1", "x": "\ud800"}',
        '{"id": "1", "x": ' + "[" * 500 + "]" * 500 + "}",
        '{"id": "1", "x": ' + '{"a":' * 50_000 + "1" + "}" * 50_000 + "}",
    ],
)
def test_what_is_no_json_object_is_refused_and_changes_nothing(customers, text):
    with pytest.raises(Refusal) as caught:
        put_text(customers, "Customer", text)
    assert caught.value.code == "BadRequestException"
    assert counts(customers) == (0, 0)
    assert letters(customers) == []


@pytest.mark.parametrize("members", [{}, {"id": None}, {"id": ""}, {"id": []}, {"id": {}}])
def test_an_object_without_its_unique_value_is_refused(customers, members):
    with pytest.raises(Refusal, match="UNIQUE key or PROFILE key does not exist"):
        put(customers, "Customer", email="ada@x.org", **members)
    assert counts(customers) == (0, 0)


def test_a_unique_key_of_two_fields_needs_both(shop):
    put_type(shop, "Line", {"LineId": "order+line UNIQUE PROFILE"})
    with pytest.raises(Refusal, match="UNIQUE key"):
        put(shop, "Line", order="1")
    put(shop, "Line", order="1", line="2")
    assert len(shop.search("LineId", "1 2")) == 1


@pytest.mark.parametrize("name", ["_profile", "_asset", "_order", "_webAnalytics"])
def test_a_standard_object_cannot_be_put(shop, name):
    with pytest.raises(Refusal, match="standard object") as caught:
        put(shop, name, id="1")
    assert caught.value.code == "BadRequestException"
    assert shop.ask("ListProfileObjectTypes")["Items"] == []


@pytest.mark.parametrize("name", ["Nope", "_nope"])
def test_an_unknown_type_is_not_found(shop, name):
    with pytest.raises(Refusal) as caught:
        put(shop, name, id="1")
    assert caught.value.code == "ResourceNotFoundException"


@pytest.mark.parametrize("value", [True, 7, 7.5, 10**40])
def test_a_unique_value_may_be_no_text(customers, value):
    first = put(customers, "Customer", id=value)
    assert put(customers, "Customer", id=value, more=1) == first
    assert counts(customers) == (1, 1)


def test_odd_characters_are_values_as_others_are(customers):
    for value in ("a\0b", "\x01", "ᾳ\u0345", "🦉" * 50, "' OR 1=1 --", "}]"):
        put(customers, "Customer", id=value, name=value)
        ada = found(customers, "CustomerId", value)
        assert customers.read(ada) == {"FirstName": value}
    assert counts(customers) == (6, 6)


# --- what is rejected ---


def test_an_object_without_a_profile_value_is_refused_at_once(shop):
    put_type(shop, "Order", {"OrderId": "id UNIQUE", "Who": "who PROFILE"})
    with pytest.raises(Refusal, match=NO_KEY) as caught:
        put(shop, "Order", id="1", total=5)
    assert caught.value.code == "BadRequestException"
    assert letters(shop) == []
    assert counts(shop) == (0, 0)


def test_an_object_of_a_batch_without_a_profile_value_fails_by_itself(shop):
    put_type(shop, "Order", {"OrderId": "id UNIQUE", "Who": "who PROFILE"})
    answer = batch(shop, "Order", '{"id":"1","who":"ada"}', '{"id":"2"}')
    assert [failed["Message"] for failed in answer["Failed"]] == [NO_KEY]
    assert counts(shop) == (1, 1)


def test_a_dead_letter_names_its_type_and_holds_its_object(shop):
    put_type(shop, "Order", {"Who": "who UNIQUE PROFILE"}, AllowProfileCreation=False)
    put(shop, "Order", who="ada", total=5)
    (letter,) = shop.engine.dead_letters("shop")
    assert letter["ObjectTypeName"] == "Order"
    assert json.loads(letter["Object"]) == {"who": "ada", "total": 5}


@pytest.mark.parametrize("text", ["not json", "[1]", '{"name": "no key"}'])
def test_a_refused_object_of_a_template_leaves_no_object_type(shop, text):
    with pytest.raises(Refusal):
        put_text(shop, "Salesforce-Contact", text)
    assert shop.ask("ListProfileObjectTypes")["Items"] == []
    put_text(shop, "Salesforce-Contact", '{"Id": "1", "Email": "a@x.org"}')
    (kept,) = shop.ask("ListProfileObjectTypes")["Items"]
    assert kept["ObjectTypeName"] == "Salesforce-Contact"


def test_a_template_that_was_never_used_is_no_object_type_of_the_domain(shop):
    ada = shop.create(FirstName="Ada")
    for operation, members in (
        ("GetProfileObjectType", {}),
        ("DeleteProfileObjectType", {}),
        ("ListProfileObjects", {"ProfileId": ada}),
    ):
        with pytest.raises(Refusal, match="Object type CTR does not exist") as caught:
            shop.ask(operation, ObjectTypeName="CTR", **members)
        assert caught.value.code == "ResourceNotFoundException"


def test_a_large_object_is_a_dead_letter_by_its_bytes(customers):
    frame = len(json.dumps({"id": "1", "text": ""}))
    fits = "é" * ((256_000 - frame) // 2)
    put_text(customers, "Customer", json.dumps({"id": "1", "text": fits}, ensure_ascii=False))
    assert letters(customers) == []
    large = {"id": "2", "text": fits + "é"}
    put_text(customers, "Customer", json.dumps(large, ensure_ascii=False))
    assert letters(customers) == [TOO_LARGE]
    assert counts(customers) == (1, 1)


def test_an_object_that_would_make_its_profile_too_large_is_a_dead_letter(clock):
    shop = bigger(clock, profile_bytes=700)
    for name in ("A", "B", "C"):
        targets = {"text": f"_profile.Attributes.{name}"}
        put_type(shop, name, {"Who": "who PROFILE UNIQUE"}, targets)
        before = shop.stats()
        put(shop, name, who="1", text="x" * 250)
    assert letters(shop) == ["Your data contains profile object larger than 700 bytes"]
    assert shop.stats() == before


def test_a_standard_object_never_grows_beyond_what_the_service_answers_with(clock):
    shop = bigger(clock, profile_bytes=1_000)
    for name in ("A", "B", "C"):
        targets = {"text": f"_asset.Attributes.{name}"}
        put_type(shop, name, {"Who": "who PROFILE UNIQUE ASSET"}, targets)
        put(shop, name, who="1", text="x" * 500)
    (asset,) = listed(shop, found(shop, "Who", "1"), "_asset")
    assert len(json.dumps(asset)) <= 1_000


def test_a_rejected_object_leaves_the_one_that_was_there(shop):
    put_type(shop, "Order", {"OrderId": "id UNIQUE", "Who": "who PROFILE"})
    put(shop, "Order", id="1", who="ada")
    with pytest.raises(Refusal, match=NO_KEY):
        put(shop, "Order", id="1")
    assert listed(shop, found(shop, "Who", "ada"), "Order") == [{"id": "1", "who": "ada"}]


# --- batches ---


def batch(shop, name, *texts, ids=None):
    items = [
        {"Id": identity, "Object": text}
        for identity, text in zip(ids or map(str, range(99)), texts, strict=False)
    ]
    return shop.ask("BatchPutProfileObject", ObjectTypeName=name, Items=items)


def test_half_of_a_batch_may_be_bad(customers):
    answer = batch(customers, "Customer", '{"id": "1"}', "{", '{"id": "2"}', '{"name": "x"}')
    assert [one["Id"] for one in answer["Successful"]] == ["0", "2"]
    assert [(one["Id"], one["Code"]) for one in answer["Failed"]] == [("1", 400), ("3", 400)]
    assert "JSON" in answer["Failed"][0]["Message"]
    assert counts(customers) == (2, 2)


def test_objects_of_a_batch_find_each_other(customers):
    batch(customers, "Customer", '{"id": "1", "email": "A@x"}', '{"id": "2", "email": "a@X"}')
    assert counts(customers) == (1, 2)
    assert customers.search("CustomerId", "1") == customers.search("CustomerId", "2")


def test_an_object_that_comes_twice_in_a_batch_is_one(customers):
    first, second = '{"id": "1", "name": "Ada"}', '{"id": "1", "name": "Augusta"}'
    answer = batch(customers, "Customer", first, second)
    assert len({one["ProfileObjectUniqueKey"] for one in answer["Successful"]}) == 1
    ada = found(customers, "CustomerId", "1")
    assert listed(customers, ada, "Customer") == [json.loads(second)]
    assert counts(customers) == (1, 1)


def test_a_batch_does_what_single_objects_do(clock):
    texts = [f'{{"id": "{n % 5}", "email": "{n % 3}@x", "name": "{n}"}}' for n in range(9)]
    states = []
    for size in (9, 1):
        shop = bigger(clock)
        keys = {"Id": "id UNIQUE", "Mail": "email PROFILE"}
        put_type(shop, "Customer", keys, {"name": "_profile.FirstName"})
        for start in range(0, 9, size):
            batch(shop, "Customer", *texts[start : start + size])
        held = [found(shop, "Mail", f"{n}@x") for n in range(3)]
        states.append([(shop.read(one), listed(shop, one, "Customer")) for one in held])
        states[-1].append(shop.stats())
    assert states[0] == states[1]


def test_two_items_of_one_id_are_refused_and_nothing_is_stored(customers):
    with pytest.raises(Refusal, match="more than once"):
        batch(customers, "Customer", '{"id": "1"}', '{"id": "2"}', ids=["a", "a"])
    assert counts(customers) == (0, 0)


def test_a_batch_for_an_unknown_type_is_refused_whole(shop):
    with pytest.raises(Refusal, match="does not exist"):
        batch(shop, "Nope", '{"id": "1"}')


# --- statistics ---


def test_the_statistics_are_exact_after_each_step(customers):
    first, second = {"id": "1", "name": "Ada"}, {"id": "1", "name": "Augusta", "x": "é"}
    for members in (first, second):
        text = json.dumps(members, ensure_ascii=False)
        put_text(customers, "Customer", text)
        ada = found(customers, "CustomerId", "1")
        profile = {"ProfileId": ada, "FirstName": members["name"]}
        body = json.dumps(profile, separators=(",", ":"), ensure_ascii=False)
        assert customers.stats()["TotalSize"] == len(text.encode()) + len(body.encode())


def test_a_deleted_object_is_counted_out(customers):
    before = put(customers, "Customer", id="1"), customers.stats()["TotalSize"]
    unique = put(customers, "Customer", id="2", text="é")
    who = {"ProfileId": found(customers, "CustomerId", "2"), "ObjectTypeName": "Customer"}
    customers.ask("DeleteProfileObject", **who, ProfileObjectUniqueKey=unique)
    body = len('{"ProfileId":"%s"}' % ("0" * 32))
    assert customers.stats()["TotalSize"] == before[1] + body
    assert counts(customers) == (2, 1)


def test_a_deleted_profile_takes_its_objects_out_of_the_statistics(customers):
    put(customers, "Customer", id="1", name="Ada")
    customers.ask("DeleteProfile", ProfileId=found(customers, "CustomerId", "1"))
    assert set(customers.stats().values()) == {0}
    put(customers, "Customer", id="1", name="Ada")
    assert counts(customers) == (1, 1)
