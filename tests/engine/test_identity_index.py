"""One record is matched against all profiles of a domain."""

from __future__ import annotations

import json
import time

import pytest

from customer_profiles.engine import Engine, ManualClock, Refusal

ADA = {"FirstName": "Augusta", "LastName": "Lovelace", "PhoneNumber": "+1 206 555 0100"}
SHOP = {"DomainName": "shop"}


class Shop:
    def __init__(self, engine):
        self.engine = engine

    def ask(self, operation, **members):
        return json.loads(self.engine.answer(operation, SHOP | members))

    def create(self, **members):
        return self.ask("CreateProfile", **members)["ProfileId"]

    def run(self):
        job = {"JobId": self.engine.run_identity_resolution("shop")}
        while not (now := self.ask("GetIdentityResolutionJob", **job)).get("JobEndTime"):
            time.sleep(0.01)
        assert now["Status"] == "COMPLETED"

    def find(self, **members):
        return [one.id for one in self.engine.find_candidates("shop", members)]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "shop.db"


@pytest.fixture
def shop(file):
    with Engine(file, strict=True) as engine:
        shop = Shop(engine)
        shop.ask("CreateDomain", DefaultExpirationDays=30, Matching={"Enabled": True})
        for number in range(40):
            shop.create(FirstName=f"First{number}", LastName=f"Last{number}")
        yield shop


def test_a_stored_profile_is_found(shop):
    ada = shop.create(**ADA, Address={"City": "London", "PostalCode": "W1"})
    shop.run()

    (found,) = shop.engine.find_candidates("shop", ADA)
    assert found.id == ada
    assert found.probability > 0.9
    assert found.explain().probability == pytest.approx(found.probability, abs=1e-4)


def test_what_was_written_since_the_job_is_found(shop):
    shop.run()
    assert shop.find(**ADA) == []

    ada = shop.create(**ADA)
    assert shop.find(**ADA) == [ada]

    shop.ask("UpdateProfile", ProfileId=ada, LastName="King", PhoneNumber="206 555 0199")
    assert shop.find(**ADA) == []
    assert shop.find(FirstName="Augusta", LastName="King", PhoneNumber="(206) 555-0199") == [ada]


def test_what_is_deleted_is_not_found(shop):
    ada = shop.create(**ADA)
    shop.run()
    assert shop.find(**ADA) == [ada]

    shop.ask("DeleteProfile", ProfileId=ada)
    assert shop.find(**ADA) == []


def test_who_is_gone_is_not_counted_among_the_holders_of_a_key(shop):
    shop.run()
    for _ in range(60):
        shop.find(**ADA)
        shop.ask("DeleteProfile", ProfileId=shop.create(**ADA))
    ada = shop.create(**ADA)

    assert shop.find(**ADA) == [ada]


def test_two_engines_that_make_the_index_at_once_leave_a_whole_one(shop, file, monkeypatch):
    from customer_profiles.engine.store import identity_index

    ada = shop.create(**ADA)
    shop.run()
    add = identity_index.add
    with Engine(file) as other:

        def begun_twice(connection, keys):
            add(connection, keys)
            monkeypatch.setattr(identity_index, "add", add)
            with other._database.read() as reading:
                made = identity_index.find(reading, ada_domain).made
            begins.append(made)

        begins = []
        with shop.engine._database.read() as connection:
            ada_domain = connection.execute("SELECT id FROM domains").fetchone()[0]
        monkeypatch.setattr(identity_index, "add", begun_twice)
        assert shop.find(**ADA) == [ada]
        with other._database.write() as connection:
            identity_index.begin(connection, ada_domain, begins[0])

        assert Shop(other).find(**ADA) == [ada]


def test_a_profile_gets_no_keys_of_a_model_that_is_not_the_index_s(shop, file):
    from customer_profiles.engine.matching import index as identity_index

    shop.run()
    shop.find(**ADA)
    old = next(iter(shop.engine._context.models.values()))
    with Engine(file) as other:
        Shop(other).run()
        Shop(other).find(**ADA)
        ada = Shop(other).create(**ADA)
        with other._database.read() as connection:
            domain = connection.execute("SELECT id FROM domains").fetchone()[0]
        identity_index._update(shop.engine._context, domain, old)

        assert Shop(other).find(**ADA) == [ada]


def test_other_domains_are_not_looked_at(shop):
    other = {"DomainName": "other", "DefaultExpirationDays": 30}
    shop.engine.answer("CreateDomain", other)
    shop.engine.answer("CreateProfile", {"DomainName": "other", **ADA})
    shop.run()

    assert shop.find(**ADA) == []


def test_a_model_must_be_there(shop):
    with pytest.raises(Refusal, match="run a job first"):
        shop.find(**ADA)


def test_the_domain_must_be_there(shop):
    with pytest.raises(Refusal, match="nowhere"):
        shop.engine.find_candidates("nowhere", ADA)


@pytest.mark.parametrize("wrong", [{"least": 2}, {"limit": 0}])
def test_what_cannot_be_asked_is_refused(shop, wrong):
    with pytest.raises(Refusal, match="least is a probability"):
        shop.engine.find_candidates("shop", ADA, **wrong)


def test_a_new_job_makes_a_new_index(shop):
    shop.run()
    shop.find(**ADA)
    ada = shop.create(**ADA, EmailAddress="ada@example.org")
    shop.run()

    assert shop.find(**ADA) == [ada]
    assert shop.find(EmailAddress="ADA@example.org", LastName="Lovelace") == [ada]


def test_a_new_job_is_heard_of_though_the_clock_stands_still(tmp_path):
    with Engine(tmp_path / "still.db", clock=ManualClock()) as engine:
        shop = Shop(engine)
        shop.ask("CreateDomain", DefaultExpirationDays=30, Matching={"Enabled": True})
        for name in ("Grace", "Ada"):
            shop.create(**ADA | {"FirstName": name})
        shop.run()
        shop.find(**ADA)
        model = engine._context.models
        first = {name: known.made for name, known in model.items()}
        shop.run()
        shop.find(**ADA)

        assert first != {name: known.made for name, known in model.items()}


def test_an_index_that_was_left_half_made_is_made_anew(shop, file, monkeypatch):
    from customer_profiles.engine.store import identity_index

    ada = shop.create(**ADA)
    shop.run()

    def fails(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(identity_index, "add", fails)
        with pytest.raises(KeyboardInterrupt):
            shop.find(**ADA)

    with Engine(file) as engine:
        assert Shop(engine).find(**ADA) == [ada]


def test_another_engine_on_the_file_uses_the_index(shop, file, monkeypatch):
    from customer_profiles.engine.matching import machine as machine_matching

    shop.run()
    shop.find(**ADA)
    with Engine(file) as engine:
        ada = shop.create(**ADA)
        monkeypatch.setattr(machine_matching, "keys_of", None)

        assert Shop(engine).find(**ADA) == [ada]


def test_a_deleted_domain_leaves_no_row(shop):
    shop.create(**ADA)
    shop.run()
    shop.find(**ADA)
    shop.create(**ADA)
    shop.ask("DeleteDomain")

    with shop.engine._database.read() as connection:
        for table in ("identity_indexes", "identity_keys", "identity_changes"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608
