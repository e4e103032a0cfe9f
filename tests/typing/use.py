"""How the library is used, read by mypy and pyright, never run."""

from __future__ import annotations

from typing import assert_type

from customer_profiles import (
    Address,
    CustomerProfiles,
    Domain,
    FindOrCreate,
    Lookup,
    MatchingConfig,
    Profile,
    Results,
)

cp = CustomerProfiles.embedded()
shop = cp.domains.create("shop", default_expiration_days=30, matching=MatchingConfig(enabled=True))
assert_type(shop, Domain)
assert_type(cp.domains.all(), Results[Domain])

ada = shop.profiles.create(first_name="Ada", gender="FEMALE", address={"city": "London"})
assert_type(ada, Profile)
assert_type(shop.profiles.create(Profile(address=Address(city="London"))), Profile)
assert_type(ada.first_name, str | None)
assert_type(ada.attributes, dict[str, str] | None)

results = shop.profiles.search(email="a@example.com", phone=["1", "2"], keys={"_orderId": "3"})
assert_type(results, Results[Profile])
assert_type(results.first(), Profile | None)
assert_type(results.one(), Profile)
for page in results.pages():
    assert_type(page, list[Profile])
for profile in results:
    assert_type(profile, Profile)

assert_type(shop.profiles.lookup(email="a@example.com"), Lookup | None)
assert_type(shop.profiles.find_or_create(email="a@example.com"), FindOrCreate)
found, created = shop.profiles.find_or_create(email="a", defaults={"first_name": "Ada"})
assert_type(found, Profile)
assert_type(created, bool)

shop.profiles.update("id", last_name="King", middle_name=None, attributes={"tier": None})
shop.profiles.update("id", Profile(middle_name=None))
assert_type(ada.save(), Profile)
assert_type(cp.tags.all(shop), dict[str, str])
