"""Odd requests and damaged files are answered by the protocol or by one error of ours."""

from __future__ import annotations

import json
import os
import random
from contextlib import suppress

import pytest

from customer_profiles.engine import Engine, ManualClock, Refusal, StorageError
from tools import fuzz

CANARY = "canary"


def test_fuzzed_requests_get_answers_within_a_second_of_cpu_time():
    requests, seed = (
        int(os.environ.get(f"FUZZ_{n}", d)) for n, d in (("REQUESTS", 300), ("SEED", 0))
    )
    report = fuzz.run(seed, range(requests))
    assert report.failures == []
    assert max(report.slowest)[0] < 1.0
    assert report.statuses[200] > requests // 10


def test_requests_of_a_seed_can_be_repeated():
    made = [fuzz.Requests(1).make(7) for _ in range(2)]
    assert made[0] == made[1] != fuzz.Requests(2).make(7)


@pytest.mark.parametrize("depth", [100, 500, 900, 985, 5_000])
def test_deep_bodies_are_refused(engine, depth):
    body = '{"Attributes":' * depth + "1" + "}" * depth
    status, headers, _ = engine.handle("POST", "/domains/shop/profiles", {}, body)
    assert (status, headers["x-amzn-errortype"]) == (400, "BadRequestException")


@pytest.mark.parametrize(
    "url", ["http://[", "http://\u2100/", "/domains?max-results=" + "9" * 4_301]
)
def test_odd_urls_are_refused(engine, url):
    assert engine.handle("GET", url, {}, b"")[0] == 400


@pytest.mark.parametrize("body", ['{"FirstName":"\\ud800"}', '{"Attributes":{"\\ud800":"a"}}'])
def test_half_surrogates_are_refused_everywhere(shop, body):
    status, _, answer = shop.engine.handle("POST", "/domains/shop/profiles", {}, body)
    assert (status, b"not valid Unicode" in answer) == (400, True)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_numbers_that_are_not_finite_are_refused(engine, number):
    body = f'{{"DefaultExpirationDays":{number}}}'
    status, _, answer = engine.handle("POST", "/domains/shop", {}, body)
    assert (status, b"not finite" in answer) == (400, True)


@pytest.mark.parametrize("text", ["\ud800", "", "\0", "a" * 100_000])
def test_methods_of_the_engine_refuse_odd_text(shop, text):
    calls = [
        lambda: shop.engine.dead_letters(text),
        lambda: shop.engine.provenance(text, "0" * 32),
        lambda: shop.engine.provenance("shop", text),
        lambda: shop.engine.run_flow(text, "uri"),
        lambda: shop.engine.run_flow("shop", text),
        lambda: shop.engine.run_identity_resolution(text),
        lambda: shop.engine.find_candidates(text, {"FirstName": "Ada"}),
        lambda: shop.engine.match_evidence(text, "1"),
        lambda: shop.engine.match_evidence("shop", text),
    ]
    for call in calls:
        with pytest.raises(Refusal):
            call()


@pytest.mark.parametrize("record", [{"FirstName": 1}, {"Nothing": "a"}, {"FirstName": "\ud800"}])
def test_a_record_that_is_no_profile_is_refused(shop, record):
    with pytest.raises(Refusal, match="BadRequestException"):
        shop.engine.find_candidates("shop", record)


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", "a" * 5_000])
def test_an_odd_path_is_a_storage_error(tmp_path, name):
    with pytest.raises(StorageError):
        Engine(tmp_path / name)


def test_an_unexpected_error_is_an_internal_error_without_its_text(clock, monkeypatch, caplog):
    def fail(*_):
        raise RuntimeError(CANARY)

    with Engine(clock=clock) as engine:
        monkeypatch.setattr(engine, "answer", fail)
        status, headers, body = engine.handle("GET", "/domains", {}, b"")
    assert (status, headers["x-amzn-errortype"]) == (500, "InternalServerException")
    assert b"RuntimeError" in body
    assert CANARY not in body.decode() + caplog.text.replace("raise RuntimeError(CANARY)", "")


def _filled(path):
    """Make a file with profiles and objects, and return its bytes and the ids."""
    with Engine(path, clock=ManualClock()) as engine:
        shop = {"DomainName": "shop"}
        engine.answer("CreateDomain", {**shop, "DefaultExpirationDays": 30})
        engine.answer("PutProfileObjectType", {**shop, "ObjectTypeName": "Crm", **fuzz.TYPE})
        ids = []
        for number in range(30):
            profile = {
                "FirstName": CANARY,
                "AccountNumber": str(number),
                "Attributes": {"a": CANARY},
            }
            made = engine.answer("CreateProfile", {**shop, **profile})
            ids.append(json.loads(made)["ProfileId"])
            item = json.dumps({"id": str(number), "mail": f"{CANARY}{number}@x.org"})
            engine.answer("PutProfileObject", {**shop, "ObjectTypeName": "Crm", "Object": item})
    return path.read_bytes(), ids


def _use(engine, ids):
    """Yield calls of the operations that read and write the most tables."""
    shop = {"DomainName": "shop"}
    crm = {**shop, "ObjectTypeName": "Crm"}
    found = {**shop, "KeyName": "_fullName", "Values": [CANARY]}
    for name, request in (
        ("GetDomain", shop),
        ("SearchProfiles", found),
        ("BatchGetProfile", {**shop, "ProfileIds": ids[:20]}),
        ("GetProfileObjectType", crm),
        ("ListProfileObjects", {**crm, "ProfileId": ids[0]}),
        ("ListProfileHistoryRecords", {**shop, "ProfileId": ids[0]}),
        ("UpdateProfile", {**shop, "ProfileId": ids[1], "LastName": "a"}),
        ("AddProfileKey", {**found, "ProfileId": ids[2], "KeyName": "loyalty"}),
        ("MergeProfiles", {**shop, "MainProfileId": ids[3], "ProfileIdsToBeMerged": [ids[4]]}),
        ("PutProfileObject", {**crm, "Object": '{"id":"5","mail":"a@x.org"}'}),
        ("DeleteProfile", {**shop, "ProfileId": ids[6]}),
    ):
        yield lambda name=name, request=request: engine.answer(name, request)
    yield lambda: engine.provenance("shop", ids[7])
    yield lambda: engine.dead_letters("shop")
    yield engine.run_due
    yield lambda: engine.answer("DeleteProfileObjectType", crm)
    yield lambda: engine.answer("DeleteDomain", shop)


def _quoted(error):
    """Return everything that an error and those before it say and hold."""
    texts = []
    while error is not None:
        texts += [repr(error), str(error), repr(vars(error)), repr(getattr(error, "object", ""))]
        error = error.__context__
    return " ".join(texts)


def test_a_damaged_file_is_a_storage_error_that_quotes_no_customer(tmp_path):
    path = tmp_path / "shop.db"
    intact, ids = _filled(path)
    errors = []
    for seed in range(int(os.environ.get("FUZZ_FILES", "60"))):
        dice, damaged = random.Random(seed), bytearray(intact)
        for _ in range(dice.choice((1, 20, 300))):
            damaged[dice.randrange(100, len(damaged))] ^= 1 << dice.randrange(8)
        for file in tmp_path.iterdir():
            file.unlink()
        path.write_bytes(damaged)
        try:
            with Engine(path, clock=ManualClock()) as engine:
                for call in _use(engine, ids):
                    try:
                        with suppress(Refusal):
                            call()
                    except StorageError as error:
                        errors.append(error)
        except StorageError as error:
            errors.append(error)
    assert len(errors) > 10
    assert [text for error in errors if CANARY in (text := _quoted(error))] == []


def test_a_row_that_cannot_be_read_says_where(open_shop):
    shop = open_shop()
    profile = shop.create(FirstName=CANARY)
    with shop.engine._database.write() as connection:
        connection.execute("UPDATE profiles SET body = ?", (b'{"FirstName":"canary',))
    with pytest.raises(
        StorageError, match=r"a row cannot be read \(JSONDecodeError at .*backup"
    ) as caught:
        shop.ask("UpdateProfile", ProfileId=profile, FirstName="Bo")
    assert CANARY not in _quoted(caught.value)
