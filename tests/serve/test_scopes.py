"""Accounts and regions are apart, as the credential scope names them."""

from __future__ import annotations

import logging
from functools import partial

import boto3
import pytest
from botocore.exceptions import ClientError

from customer_profiles.engine import Engine, Refusal
from customer_profiles.engine.doors.scopes import Scope, Scopes
from customer_profiles.engine.doors.server import Server
from customer_profiles.engine.doors.signing import Credential

US = Scope("000000000000", "us-east-1")


@pytest.fixture
def client_of():
    clients = []

    def make(server, region="us-east-1", key="test"):
        options = {"aws_access_key_id": key, "aws_secret_access_key": "test"}
        client = boto3.client("customer-profiles", region, endpoint_url=server.url, **options)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def scopes():
    opened = []

    def make(path=None, default=US, make_engine=Engine):
        opened.append(Scopes(make_engine, path, default))
        return opened[-1]

    yield make
    for scopes in opened:
        scopes.close()


def domains(client):
    return [item["DomainName"] for item in client.list_domains()["Items"]]


def test_each_account_and_region_has_its_own_domains(scopes, client_of):
    with Server(scopes(), port=0) as server:
        ours, paris, other = (
            client_of(server),
            client_of(server, "eu-west-3"),
            client_of(server, key="123456789012"),
        )
        for name, client in (("ours", ours), ("paris", paris), ("other", other)):
            client.create_domain(DomainName=name, DefaultExpirationDays=1)
        assert [domains(client) for client in (ours, paris, other)] == [
            ["ours"],
            ["paris"],
            ["other"],
        ]
        assert domains(client_of(server, key="AKIDEXAMPLE")) == ["ours"]


def test_arns_name_the_account_and_the_region(scopes):
    engine = scopes().open(Scope("123456789012", "eu-west-1"))
    assert engine.arn("domains/a") == "arn:aws:profile:eu-west-1:123456789012:domains/a"


def test_other_scopes_have_files_beside_the_given_one(scopes, tmp_path, client_of):
    with Server(scopes(tmp_path / "shop.db"), port=0) as server:
        client_of(server, "eu-west-1", "123456789012").create_domain(
            DomainName="paris", DefaultExpirationDays=1
        )
    names = {path.name for path in tmp_path.glob("*.db")}
    assert names == {"shop.db", "shop.123456789012.eu-west-1.db"}


def test_requests_without_a_signature_are_of_the_default_scope(scopes, connect):
    default = Scope("123456789012", "eu-west-1")
    with Server(scopes(default=default), port=0) as server:
        connect(server).ask("POST", "/domains/a", b'{"DefaultExpirationDays":1}')
        assert b'"a"' in server.engine.answer("ListDomains", {})


def test_the_first_use_of_another_scope_is_logged_once(scopes, caplog):
    found = scopes()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            found.open(Scope("000000000000", "eu-west-1"))
    (record,) = caplog.records
    assert "account 000000000000 in region eu-west-1 is used for the first time" in record.message
    assert "--region" in record.message


@pytest.mark.parametrize(
    "region", ["../../etc", "a/b", "", "EU-WEST-1", "a" * 33, "a..b", "a\0", "\u0661", "-a", "a--b"]
)
def test_a_region_that_is_no_name_is_refused(scopes, region):
    found = scopes()
    with pytest.raises(Refusal, match="valid region"):
        found.scope_of(Credential("key", "20260101", region, "profile"))


def test_a_region_cannot_name_a_file(scopes, tmp_path, connect):
    (tmp_path / "in").mkdir()
    credential = "Credential=key/20260101/..%2Fevil/profile/aws4_request".replace("%2F", ".")
    signature = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=a"
    with Server(scopes(tmp_path / "in" / "shop.db"), port=0) as server:
        headers = {"Authorization": signature, "X-Amz-Date": "20260101T000000Z"}
        answer = connect(server).ask("GET", "/domains", headers=headers)
    assert answer.error == "InvalidSignatureException"
    assert list(tmp_path.rglob("*evil*")) == []


def test_there_are_not_too_many_scopes(scopes):
    found = scopes()
    for number in range(31):
        found.open(Scope("000000000000", f"region-{number}"))
    with pytest.raises(Refusal, match="32 accounts and regions already"):
        found.open(Scope("000000000000", "region-x"))


def test_a_file_that_cannot_be_used_is_told(scopes, tmp_path, client_of):
    (tmp_path / "shop.000000000000.eu-west-1.db").write_bytes(b"no database" * 500)
    with Server(scopes(tmp_path / "shop.db"), port=0) as server:
        with pytest.raises(ClientError, match="is not a database"):
            client_of(server, "eu-west-1").list_domains()
        assert domains(client_of(server)) == []


def test_options_are_those_of_every_engine(scopes):
    found = scopes(make_engine=partial(Engine, ingestion_delay=5))
    assert not found.open(Scope("000000000000", "eu-west-1")).reads_at_once("SearchProfiles")


def test_a_server_of_scopes_keeps_its_engines(scopes):
    with Engine() as engine, pytest.raises(TypeError, match="keeps them"):
        Server(scopes(), port=0).engine = engine
