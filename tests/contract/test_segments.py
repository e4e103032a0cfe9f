"""Segments, their estimates, members and snapshots, on every target."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from customer_profiles import (
    AwsChannel,
    BadRequestError,
    BatchError,
    InvalidInputError,
    JobFailedError,
    Profile,
    ResourceNotFoundError,
    SegmentSort,
    ServiceError,
    SortAttribute,
    where,
)
from customer_profiles.conditions import EverybodyWarning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_profiles import Domain

ROLE = "arn:aws:iam::000000000000:role/exports"
SEATTLE = where.address.city.is_in("Seattle")
GOLD = where.attributes["tier"].is_in("gold")


@pytest.fixture
def people(shop: Domain) -> dict[str, Profile]:
    """Create the four profiles of the specification's test vectors."""
    return {
        "A": shop.profiles.create(
            address={"city": "Seattle"}, attributes={"tier": "gold"}, birth_date="1990-05-01"
        ),
        "B": shop.profiles.create(address={"city": "seattle"}),
        "C": shop.profiles.create(first_name="C"),
        "D": shop.profiles.create(profile_type="ACCOUNT_PROFILE", attributes={"tier": "gold"}),
    }


@pytest.fixture
def bucket() -> Iterator[Any]:
    """Yield a bucket of S3 in memory."""
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="exports")
        yield client


def keys(client: Any, prefix: str = "") -> list[str]:
    found = client.list_objects_v2(Bucket="exports", Prefix=prefix).get("Contents", ())
    return [item["Key"] for item in found]


# Definitions.


def test_a_segment_is_created_read_and_deleted(shop: Domain) -> None:
    made = shop.segments.create(
        "gold", SEATTLE & GOLD, description="The best", sort=[where.last_name.ascending()]
    )

    found = shop.segments.get("gold")

    assert (found.display_name, found.description, found.segment_type) == (
        "gold",
        "The best",
        "CLASSIC",
    )
    assert found.condition == made.condition == SEATTLE & GOLD
    assert found.segment_sort == SegmentSort(
        attributes=[SortAttribute(name="LastName", order="ASC", type="PROFILE")]
    )
    found.delete()
    with pytest.raises(ResourceNotFoundError):
        shop.segments.get("gold")


def test_a_listed_segment_has_no_condition_until_it_is_refreshed(shop: Domain) -> None:
    shop.segments.create("gold", GOLD)

    listed = shop.segments.all().one()

    assert listed.condition is None
    assert listed.refresh().condition == GOLD


def test_a_segment_cannot_be_changed_but_replaced(shop: Domain) -> None:
    segment = shop.segments.create("gold", GOLD, display_name="Gold", tags={"team": "crm"})
    segment.display_name = "Silver"
    with pytest.raises(
        InvalidInputError, match=r"segment\.replace\(\.\.\.\) creates a new version"
    ):
        segment.save()

    newer = shop.segments.get("gold").replace(SEATTLE)
    newest = newer.replace(description="As before")

    assert newer.segment_definition_name == "gold-v2"
    assert (newer.condition, newer.display_name) == (SEATTLE, "Gold")
    assert newest.segment_definition_name == "gold-v3"
    assert newest.refresh().condition == SEATTLE
    assert newest.tags == {"team": "crm"}
    assert shop.segments.get("gold").condition == GOLD


def test_a_listed_segment_is_replaced_with_its_own_condition(shop: Domain) -> None:
    shop.segments.create("gold", GOLD)

    newer = shop.segments.all().one().replace(name="better")

    assert (newer.segment_definition_name, newer.condition) == ("better", GOLD)


def test_a_segment_needs_one_of_condition_and_sql(shop: Domain) -> None:
    with pytest.raises(InvalidInputError, match="needs a condition"):
        shop.segments.create("gold")
    with pytest.raises(InvalidInputError, match="not both"):
        shop.segments.create("gold", GOLD, sql="SELECT 1")


def test_a_condition_may_be_the_service_s_own_groups(shop: Domain) -> None:
    groups = {"Groups": [{"Type": "ANY", "Dimensions": []}]}
    with pytest.warns(EverybodyWarning, match="the list was empty"):
        segment = shop.segments.create("all", groups)

    assert segment.condition == where.everybody


def test_a_segment_starts_from_another_one(shop: Domain, people: dict[str, Profile]) -> None:
    shop.segments.create("gold", GOLD)
    best = shop.segments.create("best", where.segment("gold") & ~SEATTLE)

    assert list(best.members(people.values())) == [people["D"].refresh()]
    with pytest.raises(BadRequestError):
        shop.segments.get("gold").delete()


def test_a_segment_that_starts_from_a_missing_one_is_refused(shop: Domain) -> None:
    with pytest.raises(ServiceError):
        shop.segments.create("best", where.segment("gold"))


@pytest.mark.parametrize("sort", ["LastName", [where.last_name], [where.field("x").ascending()]])
def test_a_wrong_sort_is_refused(shop: Domain, sort: Any) -> None:
    with pytest.raises(InvalidInputError, match="sort must"):
        shop.segments.create("gold", GOLD, sort=sort)


def test_the_repr_of_a_segment_shows_no_values(shop: Domain) -> None:
    segment = shop.segments.create("one", where.email_address.is_in("ada@example.com"))

    assert "ada@" not in repr(segment.refresh())
    assert "ada@" not in repr(segment.condition)


# Estimates and members.


VECTORS: list[tuple[Any, str]] = [
    (SEATTLE, "A"),
    (~SEATTLE, "BCD"),
    (where.address.city.contains("eattle"), "AB"),
    (where.attributes["tier"].is_in("gold", "silver"), "AD"),
    (where.profile_type.is_not_in("ACCOUNT_PROFILE"), "ABC"),
    (where.everybody, "ABCD"),
    (GOLD | where.address.city.is_in("seattle"), "ABD"),
    (GOLD & ~SEATTLE, "D"),
    (where.attributes["tier"].equal_to(1), ""),
]


def test_the_members_are_those_of_the_specification(
    shop: Domain, people: dict[str, Profile]
) -> None:
    for number, (condition, members) in enumerate(VECTORS):
        segment = shop.segments.create(f"drawn-{number}", condition)

        found = segment.members(people.values())

        assert "".join(name for name, person in people.items() if person in found) == members
        assert (len(found), len(found.absent)) == (len(members), 4 - len(members))


def test_a_segment_is_counted_by_itself_or_its_name(
    shop: Domain, people: dict[str, Profile]
) -> None:
    segment = shop.segments.create("all", where.everybody)

    assert segment.estimate().wait().count == 4
    assert shop.segments.estimate("all").wait(timeout=60).count == 4
    assert shop.segments.all().one().estimate().wait().count == 4


def test_a_condition_is_counted_without_a_segment(shop: Domain, people: dict[str, Profile]) -> None:
    estimate = shop.segments.estimate(GOLD).wait()

    assert (estimate.count, estimate.status) == (2, "SUCCEEDED")
    assert shop.segments.estimates.get(estimate.estimate_id).count == 2
    assert shop.segments.all().first() is None


def test_an_estimate_without_wait_is_not_finished(shop: Domain) -> None:
    estimate = shop.segments.estimate(GOLD)

    with pytest.raises(InvalidInputError, match=r"call wait\(\) first"):
        _ = estimate.count
    with pytest.raises(InvalidInputError, match="an estimate cannot be changed"):
        estimate.save()


def test_members_are_asked_for_by_hundreds(shop: Domain) -> None:
    ids = [shop.profiles.create(first_name=f"n{number % 2}").profile_id for number in range(130)]
    segment = shop.segments.create("odd", where.first_name.is_in("n1"))

    found = segment.members([*ids, ids[0]])

    assert [member.profile_id for member in found] == ids[1::2]
    assert list(found.absent) == ids[::2]
    assert found.present[0].first_name == "n1"
    assert found.last_computed_at is not None
    assert "n1" not in repr(found)


def test_missing_profiles_are_a_batch_error_with_the_members(
    shop: Domain, people: dict[str, Profile]
) -> None:
    segment = shop.segments.create("gold", GOLD)
    missing = "f" * 32

    with pytest.raises(BatchError) as caught:
        segment.members([*people.values(), missing])

    assert [member.profile_id for member in caught.value.succeeded] == [
        people["A"].profile_id,
        people["D"].profile_id,
    ]
    assert isinstance(caught.value.failed[missing], ResourceNotFoundError)


def test_one_profile_is_a_member_or_not(shop: Domain, people: dict[str, Profile]) -> None:
    segment = shop.segments.create("gold", GOLD)

    assert segment.has(people["A"])
    assert not segment.has(people["B"].profile_id)
    with pytest.raises(ResourceNotFoundError):
        segment.has("f" * 32)
    with pytest.raises(InvalidInputError, match=r"segment\.has\(\) takes a single one"):
        segment.members("f" * 32)
    with pytest.raises(InvalidInputError, match="stored profiles"):
        segment.members([Profile()])


def test_a_member_can_be_saved(shop: Domain, people: dict[str, Profile]) -> None:
    member = next(iter(shop.segments.create("sea", SEATTLE).members([people["A"]])))

    member.first_name = "Ada"
    member.save()

    assert shop.profiles.get(member.profile_id).first_name == "Ada"


def test_members_are_listed_by_the_embedded_engine_only(
    shop: Domain, people: dict[str, Profile]
) -> None:
    segment = shop.segments.create("gold", GOLD)
    if isinstance(shop._origin().home._gateway.channel, AwsChannel):  # type: ignore[attr-defined]
        with pytest.raises(InvalidInputError, match=r"segment\.snapshot\(to='s3"):
            segment.profiles()
        return

    assert list(segment.profiles(page_size=1)) == [people["A"].refresh(), people["D"].refresh()]
    assert segment.profiles().first() == people["A"].refresh()


# Snapshots.


@pytest.mark.parametrize("data_format", ["CSV", "JSONL", "ORC"])
def test_a_snapshot_is_written_and_read(
    bucket: Any, shop: Domain, people: dict[str, Profile], data_format: Any
) -> None:
    segment = shop.segments.create("gold", GOLD, sort=[where.address.city.descending()])

    snapshot = segment.snapshot("s3://exports/gold/", role_arn=ROLE, data_format=data_format)
    profiles = list(snapshot.wait().read())

    assert profiles == [people["A"].refresh(), people["D"].refresh()]
    assert (snapshot.status, snapshot.destination_uri) == ("COMPLETED", "s3://exports/gold")
    assert shop.segments.snapshots("gold").get(snapshot.snapshot_id) == snapshot
    profiles[0].first_name = "Ada"
    profiles[0].save()
    assert shop.profiles.get(profiles[0].profile_id).first_name == "Ada"


def test_a_snapshot_of_nobody_is_empty(bucket: Any, shop: Domain) -> None:
    snapshot = shop.segments.create("gold", GOLD).snapshot("s3://exports/a", role_arn=ROLE)

    assert list(snapshot.wait().read()) == []


def test_a_bucket_that_refuses_fails_the_snapshot_with_the_reason(
    bucket: Any, shop: Domain
) -> None:
    snapshot = shop.segments.create("gold", GOLD).snapshot("s3://missing/a", role_arn=ROLE)

    with pytest.raises(JobFailedError, match=r"the snapshot failed: .*NoSuchBucket"):
        snapshot.wait()
    with pytest.raises(JobFailedError):
        snapshot.read()


def test_what_is_no_folder_is_refused_at_once(shop: Domain) -> None:
    segment = shop.segments.create("gold", GOLD)

    with pytest.raises(InvalidInputError, match=r"such as s3://bucket/folder"):
        segment.snapshot("exports/gold", role_arn=ROLE)


def test_all_profiles_are_listed_by_way_of_a_snapshot(
    bucket: Any, shop: Domain, people: dict[str, Profile]
) -> None:
    everyone = shop.profiles.all(snapshot="s3://exports/all/", role_arn=ROLE)

    found = {person.profile_id: person for person in everyone}

    assert found == {person.profile_id: person.refresh() for person in people.values()}
    assert (keys(bucket), list(shop.segments.all())) == ([], [])
    assert [len(page) for page in everyone.pages()] == [4]


def test_a_list_that_is_abandoned_removes_segment_and_files(
    bucket: Any, shop: Domain, people: dict[str, Profile]
) -> None:
    everyone = shop.profiles.all(snapshot="s3://exports/all", role_arn=ROLE, page_size=1)

    for _ in everyone:
        assert len(keys(bucket, "all/all-profiles-")) > 0
        break
    gc.collect()

    assert (keys(bucket), list(shop.segments.all())) == ([], [])
    assert everyone.first() is not None
    gc.collect()
    assert (keys(bucket), list(shop.segments.all())) == ([], [])


def test_a_list_that_fails_removes_the_segment(bucket: Any, shop: Domain) -> None:
    everyone = shop.profiles.all(snapshot="s3://missing/all", role_arn=ROLE)

    with pytest.raises(JobFailedError, match="NoSuchBucket"):
        list(everyone)

    assert list(shop.segments.all()) == []


def test_a_snapshot_needs_its_role(shop: Domain) -> None:
    with pytest.raises(InvalidInputError, match="snapshot needs role_arn"):
        shop.profiles.all(snapshot="s3://exports/all")
    with pytest.raises(InvalidInputError, match="excludes start"):
        shop.profiles.all(snapshot="s3://exports/all", role_arn=ROLE, start="x")
