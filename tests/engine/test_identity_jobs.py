"""Runs of the machine matching: what they find, merge, export, and how they end."""

import csv
import io
import json
import subprocess
import sys
import threading
import time

import boto3
import pytest
from moto import mock_aws

from customer_profiles.engine import Engine, ManualClock, Refusal
from customer_profiles.engine import identity_jobs as jobs
from customer_profiles.engine.match_export import HEADER
from customer_profiles.engine.store import identity_jobs as store
from customer_profiles.engine.store.matches import Found

ADA = {"FirstName": "Augusta", "LastName": "Lovelace", "EmailAddress": "lovelace@example.org"}
DAY = 86_400


@pytest.fixture
def matching(shop):
    """Give a domain that matches: three profiles of one customer, and fifty others."""
    shop.ask("UpdateDomain", Matching={"Enabled": True})
    for n in range(50):
        shop.create(FirstName=f"First{n}", LastName=f"Last{n}", EmailAddress=f"p{n}@x.org")
    shop.ada = [
        shop.create(**ADA, PhoneNumber="+1 206 555 0100"),
        shop.create(**ADA, PhoneNumber="206-555-0100"),
        shop.create(**ADA | {"FirstName": "Agusta"}, PhoneNumber="+12065550100"),
    ]
    return shop


def run(shop):
    """Run a job to its end, and give what it is then."""
    job_id = shop.engine.run_identity_resolution("shop")
    while thread := shop.engine._context.jobs.get(job_id):
        thread.join()
    return shop.ask("GetIdentityResolutionJob", JobId=job_id)


def settings(shop, **matching):
    shop.ask("UpdateDomain", Matching={"Enabled": True, **matching})


def test_a_job_finds_who_is_one_customer(matching):
    job = run(matching)
    (match,) = matching.ask("GetMatches")["Matches"]

    assert job["Status"] == "COMPLETED"
    assert job["JobStats"]["NumberOfProfilesReviewed"] == 53
    assert set(match["ProfileIds"]) == set(matching.ada)
    assert match["ConfidenceScore"] > 0.95


def test_a_match_is_explained_by_bits_that_add_up(matching):
    from customer_profiles.identity import Model

    run(matching)
    match_id = matching.ask("GetMatches")["Matches"][0]["MatchId"]
    found = matching.engine.match_evidence("shop", match_id)
    explained = Model.from_json(found["Model"]).explain_group(
        found["ProfileIds"], found["Evidence"]
    )

    assert len(explained) == 3
    assert all(one.probability > 0.9 for one in explained)
    assert {one.attribute for one in explained[0].evidence} >= {"email", "phone"}


def test_matches_of_the_job_before_stay_until_there_are_new_ones(matching):
    run(matching)
    before = matching.ask("GetMatches")
    matching.create(FirstName="Ida", LastName="Rhodes")

    assert matching.ask("GetMatches") == before
    run(matching)
    assert matching.ask("GetMatches")["Matches"][0]["MatchId"] != before["Matches"][0]["MatchId"]


def test_who_is_deleted_or_merged_leaves_the_match(matching):
    run(matching)
    first, second, third = matching.ada
    matching.ask("DeleteProfile", ProfileId=third)
    assert matching.ask("GetMatches")["Matches"][0]["ProfileIds"] == [first, second]

    matching.ask("MergeProfiles", MainProfileId=first, ProfileIdsToBeMerged=[second])
    assert matching.ask("GetMatches")["Matches"] == []
    assert matching.ask("GetMatches")["PotentialMatches"] == 0


def test_disabling_the_matching_forgets_the_matches(matching):
    run(matching)
    matching.ask("UpdateDomain", Matching={"Enabled": False})
    settings(matching)

    assert matching.ask("GetMatches")["Matches"] == []


def test_a_job_merges_what_meets_a_criterion(matching):
    criteria = {"MatchingAttributesList": [["FirstName", "LastName"]]}
    settings(matching, AutoMerging={"Enabled": True, "Consolidation": criteria})
    job = run(matching)

    assert job["JobStats"]["NumberOfMergesDone"] == 1
    assert len(matching.search("_email", "lovelace@example.org")) == 2


def test_a_preview_counts_what_would_be_merged(matching):
    run(matching)
    preview = matching.ask(
        "GetAutoMergingPreview",
        Consolidation={"MatchingAttributesList": [["EmailAddress"]]},
        ConflictResolution={"ConflictResolvingModel": "RECENCY"},
    )

    assert preview["NumberOfProfilesInSample"] == preview["NumberOfProfilesWillBeMerged"] == 3
    assert len(matching.search("_email", "lovelace@example.org")) == 3


def test_a_match_that_is_not_sure_enough_is_not_merged(matching):
    run(matching)
    preview = matching.ask(
        "GetAutoMergingPreview",
        Consolidation={"MatchingAttributesList": [["EmailAddress"]]},
        ConflictResolution={"ConflictResolvingModel": "RECENCY"},
        MinAllowedConfidenceScoreForMerging=1.0,
    )

    assert preview["NumberOfProfilesWillBeMerged"] == 0


@pytest.fixture
def bucket(monkeypatch):
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="results")
        yield client


def exported(bucket):
    keys = [one["Key"] for one in bucket.list_objects_v2(Bucket="results")["Contents"]]
    texts = [bucket.get_object(Bucket="results", Key=key)["Body"].read().decode() for key in keys]
    return keys, [list(csv.reader(io.StringIO(text))) for text in texts]


def test_matches_are_exported_as_csv(matching, bucket):
    to = {"S3Exporting": {"S3BucketName": "results", "S3KeyName": "Matches"}}
    settings(matching, ExportingConfig=to)
    job = run(matching)
    (key,), ((header, *rows),) = exported(bucket)

    folder = job["ExportingLocation"]["S3Exporting"]["S3KeyName"]
    assert key == f"{folder}/CustomerProfilesPendingMatches-shop-part-0.csv"
    assert folder == f"Matches/shop/{job['JobId']}"
    assert header == list(HEADER)
    assert {row[2] for row in rows} == set(matching.ada)
    assert {row[0] for row in rows} == {"0"}


def test_attributes_are_exported_as_a_java_map(matching, bucket):
    matching.ask("UpdateProfile", ProfileId=matching.ada[0], Attributes={"tier": "gold", "a": "b"})
    settings(matching, ExportingConfig={"S3Exporting": {"S3BucketName": "results"}})
    run(matching)
    _, ((_, first, *_),) = exported(bucket)

    assert first[-1] == "{tier=gold, a=b}"


def test_a_bucket_that_is_not_there_leaves_the_matches(matching, bucket):
    settings(matching, ExportingConfig={"S3Exporting": {"S3BucketName": "elsewhere"}})
    job = run(matching)

    assert job["Status"] == "PARTIAL_SUCCESS"
    assert "NoSuchBucket" in job["Message"]
    assert len(matching.ask("GetMatches")["Matches"]) == 1


def test_without_the_extra_a_job_says_what_to_install():
    script = (
        "import json, sys; sys.modules['rapidfuzz'] = None\n"
        "from customer_profiles.engine import Engine\n"
        "engine = Engine(); shop = {'DomainName': 'shop'}\n"
        "on = {'Enabled': True}\n"
        "engine.answer('CreateDomain', {**shop, 'DefaultExpirationDays': 9, 'Matching': on})\n"
        "[engine.answer('CreateProfile', {**shop, 'FirstName': 'Ada'}) for _ in range(2)]\n"
        "job_id = engine.run_identity_resolution('shop')\n"
        "for thread in list(engine._context.jobs.values()): thread.join()\n"
        "print(engine.answer('GetIdentityResolutionJob', {**shop, 'JobId': job_id}).decode())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    job = json.loads(done.stdout)

    assert job["Status"] == "FAILED"
    assert "customer-profiles[identity]" in job["Message"]


def test_a_second_job_waits_for_the_end_of_the_first(matching, monkeypatch):
    go_on = threading.Event()
    monkeypatch.setattr(jobs._Run, "_found", lambda _: go_on.wait() and ([], "", 0))
    job_id = matching.engine.run_identity_resolution("shop")
    thread = matching.engine._context.jobs[job_id]

    with pytest.raises(Refusal, match="is running"):
        matching.engine.run_identity_resolution("shop")
    go_on.set()
    thread.join()
    assert run(matching)["Status"] == "COMPLETED"


def test_a_job_of_a_killed_engine_has_failed(matching):
    engine = matching.engine
    with engine._database.write() as connection:
        (domain,) = connection.execute("SELECT id FROM domains").fetchone()
        dead = store.Job(0, domain, "a" * 32, "FIND_MATCHING", None, 1, None, 1, {}, 0, 0, 0)
        store.insert(connection, dead, time.time() - 3_600)

    job = matching.ask("GetIdentityResolutionJob", JobId="a" * 32)
    assert job["Status"] == "FAILED"
    assert "interrupted" in job["Message"]


def test_closing_the_engine_ends_a_job(tmp_path):
    engine = Engine(tmp_path / "shop.db")
    engine.answer(
        "CreateDomain",
        {"DomainName": "shop", "DefaultExpirationDays": 30, "Matching": {"Enabled": True}},
    )
    engine.run_identity_resolution("shop")
    engine.close()

    with Engine(tmp_path / "shop.db") as again:
        job_id = again.run_identity_resolution("shop")
        again._context.jobs[job_id].join()


def test_the_schedule_starts_a_job_once_a_week(clock, engine, matching):
    clock.advance(days=8)
    engine.run_due()
    engine.run_due()
    assert len(matching.ask("ListIdentityResolutionJobs")["IdentityResolutionJobsList"]) == 1

    clock.advance(days=7)
    engine.run_due()
    assert len(matching.ask("ListIdentityResolutionJobs")["IdentityResolutionJobsList"]) == 2


def test_a_schedule_names_its_day_and_hour_in_utc():
    tuesday = 1_700_000_000.0  # 2023-11-14T22:13:20Z
    schedule = {"DayOfTheWeek": "TUESDAY", "Time": "22:00"}

    assert jobs._due(schedule, tuesday) == tuesday - 800
    assert jobs._due({"DayOfTheWeek": "TUESDAY", "Time": "23:00"}, tuesday) < tuesday - 6 * DAY
    assert jobs._due({}, tuesday) == 1_699_660_800.0  # Saturday before, at midnight


def test_jobs_come_page_by_page_with_the_latest_first(matching):
    ids = [run(matching)["JobId"] for _ in range(3)]
    page = matching.ask("ListIdentityResolutionJobs", MaxResults=2)
    rest = matching.ask("ListIdentityResolutionJobs", NextToken=page["NextToken"])

    found = page["IdentityResolutionJobsList"] + rest["IdentityResolutionJobsList"]
    assert [one["JobId"] for one in found] == ids[::-1]


@pytest.fixture
def customers(shop):
    """Give the three profiles of the documented example, each value with its own time."""
    for name, target in (("First", "FirstName"), ("Mail", "EmailAddress"), ("Tel", "PhoneNumber")):
        shop.ask(
            "PutProfileObjectType",
            ObjectTypeName=name,
            Description=name,
            AllowProfileCreation=True,
            SourceLastUpdatedTimestampFormat="yyyy-MM-dd HH:mm",
            Fields={
                "id": {"Source": "_source.id"},
                "of": {"Source": "_source.of"},
                "value": {"Source": "_source.value", "Target": f"_profile.{target}"},
                "last": {"Source": "_source.last", "Target": "_profile.LastName"},
                "time": {
                    "Source": "_source.time",
                    "Target": "_profile.SourceLastUpdatedTimestamp",
                },
            },
            Keys={
                f"{name}Id": [{"StandardIdentifiers": ["UNIQUE"], "FieldNames": ["id"]}],
                "Person": [{"StandardIdentifiers": ["PROFILE"], "FieldNames": ["of"]}],
            },
        )
    for person, values in EXAMPLE.items():
        for name, (value, hour) in values.items():
            body = {"id": f"{person}{name}", "of": person, "time": f"2026-01-01 {hour}"}
            body |= {"value": value} | ({"last": "Doe"} if name == "First" else {})
            shop.ask("PutProfileObject", ObjectTypeName=name, Object=json.dumps(body))
    return [shop.search("Person", person)[0] for person in EXAMPLE]


# AG23:create-consolidation-criteria has these people and hours.
EXAMPLE = {
    "A": {
        "First": ("John", "05:00"),
        "Mail": ("doe@example.com", "05:00"),
        "Tel": ("+12065555555", "07:00"),
    },
    "B": {
        "First": ("John", "04:00"),
        "Mail": ("doe@example.com", "06:00"),
        "Tel": ("+12065555556", "04:00"),
    },
    "C": {
        "First": ("Jane", "06:00"),
        "Mail": ("doe@example.com", "07:00"),
        "Tel": ("+12065555555", "06:00"),
    },
}


def test_the_documented_example_is_merged_as_it_is_documented(shop, customers, monkeypatch):
    found = ([Found("m" * 32, 1.0, _rows(shop))], "", 3)
    monkeypatch.setattr(jobs._Run, "_found", lambda _: found)
    criteria = [["FirstName", "LastName", "EmailAddress"], ["PhoneNumber"]]
    merging = {"Enabled": True, "Consolidation": {"MatchingAttributesList": criteria}}
    settings(shop, AutoMerging=merging)
    run(shop)

    (merged,) = shop.search("_phone", "+12065555555")
    profile = shop.read(merged)
    assert (profile["FirstName"], profile["LastName"]) == ("Jane", "Doe")
    assert (profile["EmailAddress"], profile["PhoneNumber"]) == ("doe@example.com", "+12065555555")
    assert shop.stats()["ProfileCount"] == 1


def _rows(shop):
    with shop.engine._database.read() as connection:
        return [row for (row,) in connection.execute("SELECT id FROM profiles ORDER BY id")]


def test_the_clock_of_tests_has_ids_that_match_ids_can_be_made_of():
    assert ManualClock().new_profile_id()[0] == "0"
