"""Reading and following the changes of a domain in the embedded engine."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Annotated

import pytest

from customer_profiles import (
    BadRequestError,
    ChangeEvent,
    CustomerProfiles,
    Domain,
    EngineChannel,
    FeedError,
    InvalidInputError,
    Key,
    NoResultError,
    PositionExpiredError,
    ProfileObject,
    WaitTimeoutError,
)
from customer_profiles.engine import Engine, ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Order(ProfileObject, name="Order", allow_profile_creation=True):
    """An order."""

    id: Annotated[str, Key("OrderId", unique=True)]
    who: Annotated[str, Key("Who", profile=True)]
    total: int


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def shop(clock: ManualClock) -> Iterator[Domain]:
    with CustomerProfiles(channel=EngineChannel(Engine(clock=clock, strict=True))) as cp:
        domain = cp.domains.create("shop", default_expiration_days=30)
        domain.changes.enable()
        yield domain


def test_changes_are_typed_and_in_order(shop: Domain) -> None:
    shop.object_types.put(Order)
    ada = shop.profiles.create(first_name="Ada")
    shop.objects(Order).put(Order(id="1", who="ada", total=5))

    created, other, order = shop.changes()

    assert (created.event_type, created.profile_id) == ("CREATED", ada.profile_id)
    assert created.profile is not None
    assert created.profile.first_name == "Ada"
    assert order.read(Order) == Order(id="1", who="ada", total=5)
    assert order.profile is None
    assert order.profile_id == other.profile_id
    assert order.event_timestamp is not None
    assert len({change.event_id for change in shop.changes()}) == 3


def test_a_profile_is_no_object(shop: Domain) -> None:
    shop.profiles.create(first_name="Ada")
    (created,) = shop.changes()
    with pytest.raises(NoResultError, match="has no object"):
        created.read(Order)


def test_reading_continues_where_it_ended(shop: Domain) -> None:
    shop.profiles.create(first_name="Ada")
    (first,) = shop.changes()
    ada = shop.profiles.create(first_name="Augusta")
    ada.delete()
    assert [change.event_type for change in shop.changes(since=first.position)] == [
        "CREATED",
        "DELETED",
    ]
    assert list(shop.changes(since=shop.changes.position)) == []


def test_many_changes_are_read_page_by_page(shop: Domain) -> None:
    made = shop.profiles.create_many({"first_name": str(number)} for number in range(1_200))
    list(made)
    found = [change.profile for change in shop.changes()]
    assert [profile and profile.first_name for profile in found] == [
        str(number) for number in range(1_200)
    ]


def test_a_merge_names_the_profile_that_is_kept(shop: Domain) -> None:
    main, other = (shop.profiles.create(first_name=name) for name in ("Ada", "Augusta"))
    shop.profiles.merge(main, other)
    merged, updated = list(shop.changes())[-2:]
    assert (merged.event_type, merged.profile_id) == ("MERGED", other.profile_id)
    assert merged.merged_into == main.profile_id
    assert merged.profile is None
    assert updated.merged_into is None


def test_a_position_that_is_no_longer_kept_is_reported(shop: Domain, clock: ManualClock) -> None:
    shop.profiles.create(first_name="Ada")
    (first,) = shop.changes()
    shop.profiles.create(first_name="Augusta")
    clock.advance(days=8)
    bob = shop.profiles.create(first_name="Bob")

    with pytest.raises(PositionExpiredError, match="no longer kept") as caught:
        shop.changes(since=first.position)

    assert caught.value.position == first.position
    assert caught.value.first_position == shop.changes.first_position == 2
    assert [change.profile_id for change in shop.changes()] == [bob.profile_id]
    with pytest.raises(PositionExpiredError):
        shop.changes.follow(print, since=first.position)


def test_changes_must_be_enabled(shop: Domain) -> None:
    shop.changes.disable()
    with pytest.raises(BadRequestError, match=r"enable them first, with changes\.enable\(\)"):
        shop.changes()
    with pytest.raises(BadRequestError, match="greater than 0"):
        shop.changes.enable(keep_days=0)


def test_aws_has_no_feed_to_read() -> None:
    changes = CustomerProfiles(region="us-east-1").domain("shop").changes
    for call in (changes, changes.enable, lambda: changes.position):
        with pytest.raises(InvalidInputError, match="create an event stream"):
            call()
    with pytest.raises(InvalidInputError, match="only the embedded engine"):
        _ = CustomerProfiles(region="us-east-1").domain("shop").deliveries


# --- followers ---


def test_a_follower_sees_each_change_as_it_is_stored(shop: Domain) -> None:
    shop.profiles.create(first_name="before")
    seen: list[ChangeEvent] = []
    with shop.changes.follow(seen.append) as follower:
        shop.profiles.create(first_name="Ada")
        shop.profiles.create(first_name="Bob")
        follower.wait(30)
        assert [change.profile and change.profile.first_name for change in seen] == ["Ada", "Bob"]
        assert follower.position == shop.changes.position
        assert follower.is_running
    shop.profiles.create(first_name="after")
    assert len(seen) == 2
    assert not follower.is_running


def test_an_exception_stops_a_follower_and_is_raised_again(shop: Domain) -> None:
    seen: list[ChangeEvent] = []

    def fail(change: ChangeEvent) -> None:
        seen.append(change)
        if len(seen) == 2:
            msg = "the index is full"
            raise OSError(msg)

    follower = shop.changes.follow(fail)
    for _ in range(4):
        shop.profiles.create(first_name="Ada")
    with pytest.raises(OSError, match="the index is full"):
        follower.wait(30)
    with pytest.raises(OSError, match="the index is full"):
        follower.stop()
    assert len(seen) == 2
    assert follower.position == seen[0].position


def test_an_exception_of_the_block_is_not_replaced(shop: Domain) -> None:
    def fail(_: ChangeEvent) -> None:
        msg = "of the function"
        raise OSError(msg)

    with pytest.raises(KeyError, match="of the block"), shop.changes.follow(fail):
        shop.profiles.create(first_name="Ada")
        msg = "of the block"
        raise KeyError(msg)


def test_a_named_follower_continues_where_it_stopped(tmp_path: Path) -> None:
    seen: list[str | None] = []

    def note(change: ChangeEvent) -> None:
        if change.profile is not None and change.profile.first_name == "poison" and not cured:
            msg = "poison"
            raise ValueError(msg)
        seen.append(change.profile and change.profile.first_name)

    cured = False
    with CustomerProfiles.embedded(tmp_path / "shop.db") as cp:
        shop = cp.domains.create("shop")
        shop.changes.enable()
        with (
            pytest.raises(ValueError, match="poison"),
            shop.changes.follow(note, name="copy") as follower,
        ):
            for name in ("a", "poison", "b"):
                shop.profiles.create(first_name=name)
            follower.wait(30)
    cured = True
    with CustomerProfiles.embedded(tmp_path / "shop.db") as cp:
        with cp.domain("shop").changes.follow(note, name="copy") as follower:
            follower.wait(30)
        assert seen == ["a", "poison", "b"]


def test_two_followers_of_one_name_do_not_share_the_changes_unnoticed(shop: Domain) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def slow(_: ChangeEvent) -> None:
        entered.set()
        go_on.wait(30)

    first = shop.changes.follow(slow, name="copy")
    shop.profiles.create(first_name="Ada")
    entered.wait(30)
    with shop.changes.follow(lambda _: None, name="copy", since=0) as second:
        second.wait(30)
    go_on.set()
    with pytest.raises(FeedError, match="another follower of the name 'copy'"):
        first.wait(30)


def test_waiting_has_an_end(shop: Domain) -> None:
    go_on = threading.Event()
    follower = shop.changes.follow(lambda _: go_on.wait(30))
    shop.profiles.create(first_name="Ada")
    with pytest.raises(WaitTimeoutError, match=r"not reached after 0\.01 seconds"):
        follower.wait(0.01)
    go_on.set()
    follower.wait(30).stop()


def test_the_function_cannot_wait_for_itself(shop: Domain) -> None:
    followers = []
    follower = shop.changes.follow(lambda _: followers[0].stop())
    followers.append(follower)
    shop.profiles.create(first_name="Ada")
    with pytest.raises(InvalidInputError, match="would wait for itself"):
        follower.wait(30)


def test_a_follower_may_write(shop: Domain) -> None:
    def copy(change: ChangeEvent) -> None:
        if change.event_type == "CREATED" and change.profile:
            change.profile  # noqa: B018
            shop.profiles.update(change.profile_id, middle_name="King")

    with shop.changes.follow(copy) as follower:
        shop.profiles.create(first_name="Ada")
        follower.wait(30)
        follower.wait(30)
    assert [change.event_type for change in shop.changes()] == ["CREATED", "UPDATED"]


# --- deliveries ---


def test_deliveries_are_described(shop: Domain) -> None:
    assert shop.deliveries == []
    assert shop.retry_deliveries() == 0
