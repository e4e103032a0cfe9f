"""The kernel of named documents: declarations, the order of checks, and what answers hold."""

import json
import sqlite3
from pathlib import Path

import pytest

from customer_profiles.engine import Engine, Quotas, Refusal, documents
from customer_profiles.engine.documents import Kind
from customer_profiles.engine.service import registry, tagging

VERSION_4 = Path(__file__).parents[1] / "data/store_version_4.sql"
STREAM = {
    "noun": "event stream",
    "key": "EventStreamName",
    "create": "CreateEventStream",
    "get": "GetEventStream",
    "list": "ListEventStreams",
    "delete": "DeleteEventStream",
    "quota": "layouts",
    "arn": "event-streams",
    "arn_member": "EventStreamArn",
    "read_only": ("State", "DestinationDetails"),
}


def prepare(_scope, new, _old):
    uri = new.pop("Uri")
    return {**new, "State": "RUNNING", "DestinationDetails": {"Uri": uri, "Status": "HEALTHY"}}


def summary(answer):
    return {"DestinationSummary": answer["DestinationDetails"]}


@pytest.fixture
def streams(monkeypatch):
    """Declare event streams for one test."""
    monkeypatch.setattr(registry, "OPERATIONS", {**registry.OPERATIONS})
    monkeypatch.setattr(documents, "KINDS", {**documents.KINDS})
    monkeypatch.setattr(tagging, "_TAGGABLE", {**tagging._TAGGABLE})

    def declare(**members):
        return documents.register(Kind(**STREAM, prepare=prepare, item=summary, **members))

    return declare


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"get": "GetEventFlow"}, "GetEventFlow is no operation of the service's model"),
        ({"key": "Name"}, "key is Name, but the last member in the path of CreateEventStream is"),
        ({"read_only": ("State",)}, "GetEventStream must answer DestinationDetails, which"),
        ({"arn_member": None}, "GetEventStream must answer EventStreamArn, which"),
        ({"quota": "streams"}, "quota is streams, which is no field of Quotas"),
        ({"arn": None}, "CreateEventStream takes Tags, but arn does not say the path"),
        ({"prepare": documents._unchanged}, "there is no prepare that sets them"),
    ],
)
def test_an_incomplete_kind_says_what_is_missing(members, reason):
    with pytest.raises(ValueError, match=f"the kind 'event stream' is not complete: .*{reason}"):
        Kind(**{**STREAM, "prepare": prepare, **members})


def test_a_kind_lacks_no_name(streams):
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'quota'"):
        Kind(**{name: value for name, value in STREAM.items() if name != "quota"})


def test_answers_hold_what_their_shapes_have(streams, shop, clock):
    streams()
    arn = shop.engine.arn("domains/shop/event-streams/s")
    destination = {"Uri": "arn:aws:kinesis", "Status": "HEALTHY"}
    created = shop.ask("CreateEventStream", EventStreamName="s", Uri="arn:aws:kinesis")
    found = shop.ask("GetEventStream", EventStreamName="s")
    (listed,) = shop.ask("ListEventStreams")["Items"]

    common = {"DomainName": "shop", "EventStreamArn": arn, "State": "RUNNING"}
    assert created == {"EventStreamArn": arn}
    assert found == {**common, "CreatedAt": clock.now(), "DestinationDetails": destination}
    assert listed == {**common, "EventStreamName": "s", "DestinationSummary": destination}
    assert shop.ask("DeleteEventStream", EventStreamName="s") == {}


def test_all_errors_are_answered_at_once_and_before_the_common_ones(streams, shop):
    streams(validate=lambda _scope, new, _old: [f"{name} is wrong" for name in sorted(new)])
    with pytest.raises(Refusal, match="DestinationDetails is wrong; State is wrong"):
        shop.ask("CreateEventStream", EventStreamName="s", Uri="u")
    assert shop.ask("ListEventStreams")["Items"] == []


def test_what_fails_after_a_write_undoes_it(streams, shop):
    def refuse(_scope, _document):
        code = "BadRequestException"
        raise Refusal(code, code)

    streams(after_write=refuse)
    with pytest.raises(Refusal, match="BadRequestException"):
        shop.ask("CreateEventStream", EventStreamName="s", Uri="u", Tags={"team": "crm"})
    assert shop.ask("ListEventStreams")["Items"] == []


def test_too_many_tags_are_refused_and_nothing_is_stored(streams, shop):
    streams()
    tags = {f"key{number}": "x" for number in range(51)}
    with pytest.raises(Refusal, match="tags"):
        shop.ask("CreateEventStream", EventStreamName="s", Uri="u", Tags=tags)
    assert shop.ask("ListEventStreams")["Items"] == []


def test_kinds_do_not_see_one_another(streams, shop):
    streams()
    shop.ask("CreateEventStream", EventStreamName="s", Uri="u")
    assert shop.ask("ListDomainLayouts")["Items"] == []
    with pytest.raises(Refusal, match="Layout s does not exist"):
        shop.ask("GetDomainLayout", LayoutDefinitionName="s")


def test_a_file_of_schema_4_gets_the_table(tmp_path):
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path)
    connection.executescript(VERSION_4.read_text())
    connection.close()
    with Engine(path) as engine:
        domains = json.loads(engine.answer("ListDomains", {}))["Items"]
        assert domains
        for domain in domains:
            name = {"DomainName": domain["DomainName"]}
            assert b'"Items":[]' in engine.answer("ListDomainLayouts", name)
            listed = engine.answer("ListCalculatedAttributeDefinitions", {**name, "MaxResults": 1})
            assert json.loads(listed)["Items"][0]["CreatedAt"] is None


# --- what a document uses, the message beyond a quota, and what follows a deletion ---


def uses(body):
    """Return the references of an event stream, whose Uri names layouts."""
    uri = body["DestinationDetails"]["Uri"]
    return [documents.Reference("layout", name) for name in uri.split() if name != "-"]


def create_layout(shop, name):
    members = {"Description": "-", "DisplayName": "E", "LayoutType": "PROFILE_EXPLORER"}
    shop.ask("CreateDomainLayout", LayoutDefinitionName=name, Layout="{}", **members)


def test_a_document_that_another_one_uses_cannot_be_deleted(streams, shop):
    streams(references=uses)
    for name in ("explorer", "explorer-2"):
        create_layout(shop, name)
    for name in ("a", "b", "c", "d"):
        shop.ask("CreateEventStream", EventStreamName=name, Uri="explorer")
    used = "Layout explorer is used by event stream a, event stream b, event stream c and 1 more"
    with pytest.raises(Refusal, match=f"BadRequestException: {used}; delete what uses it first"):
        shop.ask("DeleteDomainLayout", LayoutDefinitionName="explorer")
    shop.ask("DeleteDomainLayout", LayoutDefinitionName="explorer-2")
    for name in ("a", "b", "c", "d"):
        shop.ask("DeleteEventStream", EventStreamName=name)
    assert shop.ask("DeleteDomainLayout", LayoutDefinitionName="explorer") == {"Message": "OK"}


def test_a_name_within_other_text_is_no_use(streams, shop):
    streams(references=uses)
    for name in ("explorer", "explore"):
        create_layout(shop, name)
    shop.ask("CreateEventStream", EventStreamName="s", Uri="explorer")
    assert shop.ask("DeleteDomainLayout", LayoutDefinitionName="explore") == {"Message": "OK"}


def test_a_document_uses_only_what_exists_in_its_domain(streams, shop):
    streams(references=uses)
    create_layout(shop, "explorer")
    shop.ask("CreateDomain", DomainName="other", DefaultExpirationDays=30)
    with pytest.raises(Refusal, match="ResourceNotFoundException: Layout explorer2 does not exist"):
        shop.ask("CreateEventStream", EventStreamName="s", Uri="explorer2")
    with pytest.raises(Refusal, match="Layout explorer does not exist"):
        shop.ask("CreateEventStream", DomainName="other", EventStreamName="s", Uri="explorer")
    assert shop.ask("ListEventStreams")["Items"] == []


def test_a_kind_says_in_its_own_words_that_there_are_too_many(streams, clock):
    streams(too_many="{domain} has {most} {noun} already")
    with Engine(clock=clock, quotas=Quotas(layouts=1)) as engine:
        ask = {"DomainName": "shop", "Uri": "-"}
        engine.answer("CreateDomain", {"DomainName": "shop", "DefaultExpirationDays": 30})
        engine.answer("CreateEventStream", {**ask, "EventStreamName": "a"})
        with pytest.raises(Refusal, match="shop has 1 event stream already"):
            engine.answer("CreateEventStream", {**ask, "EventStreamName": "b"})


def test_what_fails_after_a_deletion_undoes_it(streams, shop):
    def refuse(_scope, document):
        code = "BadRequestException"
        raise Refusal(code, document.name)

    streams(after_delete=refuse)
    shop.ask("CreateEventStream", EventStreamName="s", Uri="u")
    with pytest.raises(Refusal, match="BadRequestException: s"):
        shop.ask("DeleteEventStream", EventStreamName="s")
    assert len(shop.ask("ListEventStreams")["Items"]) == 1
