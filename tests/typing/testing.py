"""Tests that use the pytest plugin, as type checkers see them."""

from __future__ import annotations

from typing import assert_type

import pytest

from customer_profiles.testing import (
    CustomerProfiles,
    Domain,
    Engine,
    EngineOptions,
    Fault,
    Faults,
    ManualClock,
    MockCustomerProfiles,
    mock_customer_profiles,
)


@pytest.fixture
def profiles_options() -> EngineOptions:
    return {"ingestion_delay": 5, "region": "eu-west-1"}


@pytest.fixture
def wrong_options() -> EngineOptions:
    return {"delay": 5}  # type: ignore[typeddict-unknown-key]  # pyright: ignore[reportReturnType]


def test_fixtures(
    customer_profiles: CustomerProfiles,
    profiles_domain: Domain,
    profiles_faults: Faults,
    profiles_clock: ManualClock,
    profiles_engine: Engine,
) -> None:
    profiles_clock.advance(days=1)
    assert_type(profiles_domain.domain_name, str)
    assert_type(customer_profiles.faults, Faults)
    assert_type(profiles_engine.faults, Faults)
    assert_type(profiles_faults.on("CreateProfile", lose_answer=True), Fault)
    assert_type(profiles_faults.fail_next("SearchProfiles", throttling=3), list[Fault])
    profiles_faults.fail_next("SearchProfiles", throtling=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    profiles_faults.on("SearchProfiles", errors="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


@mock_customer_profiles
def decorated(number: int) -> str:
    return str(number)


@mock_customer_profiles(ingestion_delay=5)
async def waiting(number: int) -> str:
    return str(number)


@mock_customer_profiles
class TestDecorated:
    def test_it(self) -> None: ...


async def test_decorators_keep_types() -> None:
    assert_type(decorated(1), str)
    assert_type(await waiting(1), str)
    assert_type(TestDecorated().test_it(), None)
    with mock_customer_profiles() as service:
        assert_type(service, MockCustomerProfiles)
        assert_type(service.engine("us-east-1"), Engine)
