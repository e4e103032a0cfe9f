"""Event streams on every target."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from customer_profiles import (
    BadRequestError,
    ChangeEvent,
    CustomerProfiles,
    CustomerProfilesError,
    Domain,
    InvalidInputError,
    ResourceNotFoundError,
)
from customer_profiles.engine.aws import Aws
from tests.engine.kinesis import STREAM, FakeKinesis

if TYPE_CHECKING:
    from customer_profiles.engine import Engine


@pytest.fixture(autouse=True)
def kinesis(monkeypatch: pytest.MonkeyPatch) -> FakeKinesis:
    """Return the data stream to which the engines of all targets send."""
    fake = FakeKinesis()
    monkeypatch.setattr(Aws, "_new_client", lambda *_: fake)
    return fake


def test_a_created_stream_is_read_back(shop: Domain) -> None:
    made = shop.event_streams.create("all", STREAM, tags={"team": "data"})
    found = shop.event_streams.get("all")

    assert made.uri == found.uri == STREAM
    assert made.event_stream_arn == found.event_stream_arn
    assert made.domain_name == found.domain_name == shop.domain_name
    assert found.state == "RUNNING"
    assert found.destination is not None
    assert found.destination.status == "HEALTHY"
    assert found.is_healthy
    assert found.created_at is not None
    assert found.tags == {"team": "data"}


def test_a_created_stream_is_completed_in_place(shop: Domain) -> None:
    made = shop.event_streams.create("all", STREAM)
    assert made.state is None
    assert made.refresh().is_healthy


def test_streams_are_listed(shop: Domain) -> None:
    assert list(shop.event_streams.all()) == []
    shop.event_streams.create("all", STREAM)

    (listed,) = shop.event_streams.all()

    assert listed.event_stream_name == "all"
    assert listed.uri == STREAM
    assert listed.is_healthy
    listed.delete()
    assert list(shop.event_streams.all()) == []


def test_a_second_stream_is_refused_in_the_words_of_the_service(shop: Domain) -> None:
    shop.event_streams.create("all", STREAM)

    with pytest.raises(BadRequestError) as caught:
        shop.event_streams.create("other", STREAM)

    assert caught.value.message == (
        f"The Customer Profiles Domain: {shop.domain_name} is already associated with an active "
        "EventStream"
    )


def test_a_stream_of_another_region_is_refused(shop: Domain) -> None:
    with pytest.raises(BadRequestError, match="must be in the domain's region, us-east-1"):
        shop.event_streams.create("all", STREAM.replace("us-east-1", "eu-west-1"))


def test_a_name_that_breaks_the_rules_is_not_sent(shop: Domain) -> None:
    with pytest.raises(InvalidInputError, match="was not sent: name must match"):
        shop.event_streams.create("all of it", STREAM)


def test_a_missing_stream_is_not_found(shop: Domain) -> None:
    with pytest.raises(ResourceNotFoundError, match="Event stream all does not exist"):
        shop.event_streams.get("all")
    with pytest.raises(ResourceNotFoundError):
        shop.event_streams.delete("all")


def test_a_missing_domain_is_not_found(cp: CustomerProfiles) -> None:
    streams = cp.domain("missing").event_streams
    with pytest.raises(ResourceNotFoundError):
        streams.create("all", STREAM)
    with pytest.raises(ResourceNotFoundError):
        list(streams.all())


def test_a_stream_cannot_be_saved(shop: Domain) -> None:
    stream = shop.event_streams.create("all", STREAM)
    with pytest.raises(InvalidInputError, match="delete it and create another"):
        stream.save()


def test_the_tags_of_a_stream_can_be_changed(cp: CustomerProfiles, shop: Domain) -> None:
    stream = shop.event_streams.create("all", STREAM)
    cp.tags.add(stream, {"team": "data"})
    assert cp.tags.all(stream) == {"team": "data"}


def test_a_stream_goes_with_its_domain(cp: CustomerProfiles) -> None:
    domain = cp.domains.create("gone-with-its-domain", default_expiration_days=30)
    domain.event_streams.create("all", STREAM)
    domain.delete()
    again = cp.domains.create("gone-with-its-domain", default_expiration_days=30)
    assert list(again.event_streams.all()) == []
    again.delete()


def test_nothing_of_a_person_is_in_the_repr_of_an_event() -> None:
    record = {
        "EventType": "UPDATED",
        "EventId": "1",
        "ObjectTypeName": "_profile",
        "Object": {"ProfileId": "a" * 32, "FirstName": "Ada"},
    }
    event = ChangeEvent.from_json(json.dumps(record))
    assert "Ada" not in repr(event)
    assert event.profile is not None
    assert event.profile.first_name == "Ada"
    assert event.profile_id == "a" * 32


def test_changes_are_delivered_on_every_target(
    cp: CustomerProfiles, shop: Domain, kinesis: FakeKinesis, engine: Engine
) -> None:
    shop.event_streams.create("all", STREAM)
    shop.profiles.create(first_name="Ada")
    try:
        cp.integrations.run_due()
    except CustomerProfilesError:  # The target is a client of AWS, behind which is this engine.
        engine.run_due()
    events = [ChangeEvent.from_json(json.dumps(record)) for record in kinesis.accepted]
    assert [event.event_type for event in events] == ["HEALTH_CHECK", "CREATED"]
    assert events[1].profile is not None
    assert events[1].profile.first_name == "Ada"
