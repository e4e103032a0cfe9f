"""An engine in memory whose clock stands still, and a domain to work in."""

import json

import pytest

from customer_profiles.engine import Engine, ManualClock


class Shop:
    """Asks an engine, about the domain `shop` unless another is named."""

    def __init__(self, engine):
        self.engine = engine

    def ask(self, operation, **members):
        """Return an operation's answer, read from its JSON."""
        if "resourceArn" not in members and operation != "ListDomains":
            members = {"DomainName": "shop", **members}
        return json.loads(self.engine.answer(operation, members))

    def create(self, **fields):
        """Create a profile and give its id."""
        return self.ask("CreateProfile", **fields)["ProfileId"]

    def read(self, profile_id):
        """Return a profile's members without its id."""
        (profile,) = self.ask("BatchGetProfile", ProfileIds=[profile_id])["Profiles"]
        return {name: value for name, value in profile.items() if name != "ProfileId"}

    def page(self, key, *values, **more):
        """Return one page of a search."""
        return self.ask("SearchProfiles", KeyName=key, Values=list(values), **more)

    def search(self, key, *values, **more):
        """Return the ids on one page of a search."""
        return [item["ProfileId"] for item in self.page(key, *values, **more)["Items"]]

    def stats(self):
        """Return the domain's statistics."""
        return self.ask("GetDomain")["Stats"]


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def engine(clock):
    with Engine(clock=clock, strict=True) as engine:
        yield engine


@pytest.fixture
def shop(engine):
    shop = Shop(engine)
    shop.ask("CreateDomain", DefaultExpirationDays=30)
    return shop


@pytest.fixture
def open_shop(tmp_path, clock):
    """Open the shop in a file; opening it again continues with it."""
    engines = []

    def open_it(own_clock=clock):
        engines.append(Engine(tmp_path / "shop.db", clock=own_clock, strict=True))
        shop = Shop(engines[-1])
        if not shop.ask("ListDomains")["Items"]:
            shop.ask("CreateDomain", DefaultExpirationDays=30)
        return shop

    yield open_it
    for engine in engines:
        engine.close()
