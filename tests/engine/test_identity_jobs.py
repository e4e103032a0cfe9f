"""Runs of the machine matching: what they find, merge, export, and how they end."""

import csv
import io
import json
import subprocess
import sys
import threading
import time
from array import array
from dataclasses import replace

import boto3
import pytest
from moto import mock_aws

from customer_profiles.engine import Engine, ManualClock, Refusal
from customer_profiles.engine.matching import job_run, jobs, machine
from customer_profiles.engine.matching.export import HEADER
from customer_profiles.engine.operations import matches as operations
from customer_profiles.engine.store import identity_jobs as store
from customer_profiles.engine.store import matches
from customer_profiles.engine.store.matches import Found, Matches
from tests.identity import test_estimation as made

from .conftest import Shop

ADA = {"FirstName": "Augusta", "LastName": "Lovelace", "EmailAddress": "lovelace@example.org"}
DAY = 86_400
SAME_NAME = {"MatchingAttributesList": [["FirstName", "LastName"]]}
SAME_MAIL = {"MatchingAttributesList": [["EmailAddress"]]}


@pytest.fixture
def matching(shop):
    """Return a domain that matches: three profiles of one customer, and fifty others."""
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


def preview(shop, **more):
    resolution = {"ConflictResolvingModel": "RECENCY"}
    tried = {"Consolidation": SAME_MAIL, "ConflictResolution": resolution, **more}
    return shop.ask("GetAutoMergingPreview", **tried)


@pytest.fixture
def held(matching, monkeypatch):
    """Start a job that has found its matches and stores them when it is told to go on."""
    entered, go_on = threading.Event(), threading.Event()
    find = machine.find

    def slowly(*arguments):
        found = find(*arguments)
        entered.set()
        assert go_on.wait(20)
        return found

    def start():
        job_id = matching.engine.run_identity_resolution("shop")
        thread = matching.engine._context.jobs[job_id]
        assert entered.wait(20)
        return job_id, lambda: (go_on.set(), thread.join())

    monkeypatch.setattr(machine, "find", slowly)
    yield start
    go_on.set()


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


def test_a_job_says_when_its_matches_are_not_reliable(matching, caplog):
    with caplog.at_level("INFO", "customer_profiles.engine"):
        message = run(matching)["Message"]

    # Three profiles of one customer are not enough to estimate a model from.
    assert message.startswith("The matches are unreliable: the model was estimated from too few")
    assert "\n" not in message
    assert message in caplog.text
    assert not {"Lovelace", "lovelace", "Augusta", "0100"} & set(
        caplog.text.replace("@", " ").split()
    )


def test_a_job_says_what_has_changed_since_the_job_before(matching):
    assert "Since the job before" not in run(matching)["Message"]
    assert "Since the job before" not in run(matching)["Message"]

    bert = {"FirstName": "Berthold", "LastName": "Kernmann", "EmailAddress": "kernmann@x.org"}
    matching.create(**bert, PhoneNumber="+1 206 555 0177")
    matching.create(**bert, PhoneNumber="+1 206 555 0177")
    assert run(matching)["Message"].endswith("Since the job before: 1 created, 1 unchanged.")

    matching.create(**ADA, PhoneNumber="+1 206 555 0100")
    matching.ask("DeleteProfile", ProfileId=matching.ada[1])
    message = run(matching)["Message"]
    assert message.endswith("Since the job before: 1 grown, 1 unchanged.")


def test_the_merges_of_a_job_are_in_the_change_feed(matching):
    settings(matching, AutoMerging={"Enabled": True, "Consolidation": SAME_MAIL,
             "ConflictResolution": {"ConflictResolvingModel": "RECENCY"}})  # fmt: skip
    matching.engine.enable_changes("shop")

    run(matching)

    changes = json.loads(matching.engine.changes("shop"))["Items"]
    events = [(change["EventType"], change["ProfileId"]) for change in changes]
    assert sorted(events[:-1]) == sorted(("MERGED", merged) for merged in matching.ada[1:])
    assert events[-1] == ("UPDATED", matching.ada[0])


def test_merged_profiles_are_no_change(matching):
    settings(matching, AutoMerging={"Enabled": True, "Consolidation": SAME_MAIL,
             "ConflictResolution": {"ConflictResolvingModel": "RECENCY"}})  # fmt: skip

    assert run(matching)["JobStats"]["NumberOfMergesDone"] == 1
    assert "Since the job before" not in run(matching).get("Message", "")


def test_matches_of_the_job_before_stay_until_there_are_new_ones(matching):
    run(matching)
    before = matching.ask("GetMatches")
    again = matching.create(**ADA, PhoneNumber="+1 206 555 0100")

    assert matching.ask("GetMatches") == before
    run(matching)
    assert again in matching.ask("GetMatches")["Matches"][0]["ProfileIds"]


def test_a_match_keeps_its_id_from_job_to_job(matching):
    bert = {"FirstName": "Berthold", "LastName": "Kernmann", "EmailAddress": "kernmann@x.org"}

    def ids():
        run(matching)
        return {
            ("ada" if matching.ada[0] in match["ProfileIds"] else "bert"): match["MatchId"]
            for match in matching.ask("GetMatches")["Matches"]
        }

    first = ids()
    assert ids() == first
    matching.create(**bert, PhoneNumber="+1 206 555 0177")
    kept = matching.create(**bert, PhoneNumber="+1 206 555 0177")
    second = ids()
    assert second["ada"] == first["ada"]
    assert second["bert"] not in first.values()
    # Members that leave and join do not change the id, nor does a new number in the database.
    matching.ask("DeleteProfile", ProfileId=matching.ada[1])
    matching.create(**ADA, PhoneNumber="+1 206 555 0100")
    assert ids() == second
    # A match that was gone for a job is a new one.
    matching.ask("DeleteProfile", ProfileId=kept)
    assert ids() == {"ada": first["ada"]}
    matching.create(**bert, PhoneNumber="+1 206 555 0177")
    third = ids()
    assert third["ada"] == first["ada"]
    assert third["bert"] not in second.values()


@pytest.mark.parametrize("kept", [True, False], ids=["same attributes", "other attributes"])
@pytest.mark.parametrize("flags", [5, 10])
def test_attributes_that_say_nothing_merge_no_strangers(shop, flags, kept):
    attributes = {
        **made.numbered(made.flag, flags, "flag"),
        **made.numbered(made.number, 8, "number"),
    }
    rows, persons = made.customers(31, attributes, kept=kept)
    shop.ask("UpdateDomain", Matching={"Enabled": True})
    person_of = {}
    for row, person in zip(rows, persons, strict=True):
        fields = {name: value for name, value in row.items() if value and name not in attributes}
        said = {name: row[name] for name in attributes}
        person_of[shop.create(**fields, Attributes=said)] = person
    job = run(shop)
    matches, token = [], None
    while not matches or token:
        page = shop.ask("GetMatches", MaxResults=100, **({"NextToken": token} if token else {}))
        matches, token = matches + page["Matches"], page.get("NextToken")
    groups = [{person_of[found] for found in match["ProfileIds"]} for match in matches]

    assert job["Status"] == "COMPLETED"
    assert "unreliable" not in job.get("Message", "")
    assert all(len(people) == 1 for people in groups)
    assert len(groups) >= 118


def test_the_largest_part_of_a_match_that_is_split_keeps_its_id(matching):
    ids = [f"{n:032x}" for n in range(4)]
    old = {7: ids[0], 9: ids[1], 12: ids[2]}
    before = [(1, 9), (2, 9), (3, 9), (4, 9), (5, 9), (10, 7), (11, 7), (12, 7), (20, 12), (21, 12)]
    now = [(1, 2), (3, 4, 5), (10, 11, 20), (30, 31)]
    found = [
        Found(f"new{n}", 0.9, array("q", rows).tobytes(), b"evidence") for n, rows in enumerate(now)
    ]

    kept, message = machine.continued(before, old, found)

    assert [match.match_id for match in kept] == ["new0", ids[1], ids[0], "new3"]
    assert [match[1:] for match in kept] == [match[1:] for match in found]
    assert message == "Since the job before: 1 created, 1 merged, 1 split, 0 unchanged."


def test_who_is_deleted_or_merged_leaves_the_match(matching):
    run(matching)
    first, second, third = matching.ada
    matching.ask("DeleteProfile", ProfileId=third)
    assert matching.ask("GetMatches")["Matches"][0]["ProfileIds"] == [first, second]

    matching.ask("MergeProfiles", MainProfileId=first, ProfileIdsToBeMerged=[second])
    assert matching.ask("GetMatches")["Matches"] == []
    assert matching.ask("GetMatches")["PotentialMatches"] == 0


def test_who_is_deleted_or_merged_while_a_job_runs_is_in_no_match(matching, held):
    first, second, third = matching.ada
    _, finish = held()
    matching.ask("DeleteProfile", ProfileId=third)
    matching.ask("MergeProfiles", MainProfileId=first, ProfileIdsToBeMerged=[second])
    finish()

    assert matching.ask("GetMatches")["Matches"] == []
    assert matching.ask("GetMatches")["PotentialMatches"] == 0


def test_a_job_tells_how_many_profiles_it_has_read(matching, held):
    job_id, _ = held()
    job = matching.ask("GetIdentityResolutionJob", JobId=job_id)

    assert (job["Status"], job["JobStats"]["NumberOfProfilesReviewed"]) == ("FIND_MATCHING", 53)


def test_a_job_whose_domain_is_deleted_leaves_nothing_behind(matching, held, bucket):
    settings(matching, ExportingConfig={"S3Exporting": {"S3BucketName": "results"}})
    _, finish = held()
    matching.ask("DeleteDomain")
    finish()

    with matching.engine._database.read() as connection:
        for table in ("matches", "matched_profiles", "matching_models", "identity_jobs"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608
    assert bucket.list_objects_v2(Bucket="results")["KeyCount"] == 0


@pytest.mark.parametrize(
    ("then", "told", "matches"),
    [
        ({"Enabled": False}, "Matching was disabled", 0),
        ({"Enabled": True, "AutoMerging": {"Enabled": False}}, "AutoMerging was disabled", 1),
    ],
)
def test_what_is_disabled_while_a_job_runs_merges_nothing(matching, held, then, told, matches):
    settings(matching, AutoMerging={"Enabled": True, "Consolidation": SAME_NAME})
    job_id, finish = held()
    matching.ask("UpdateDomain", Matching=then)
    finish()
    settings(matching)

    assert told in matching.ask("GetIdentityResolutionJob", JobId=job_id)["Message"]
    assert matching.stats()["ProfileCount"] == 53
    assert len(matching.ask("GetMatches")["Matches"]) == matches


def test_a_job_that_was_given_up_does_not_come_back(matching, held):
    job_id, finish = held()
    with matching.engine._database.write() as connection:
        store.change(connection, job_id, status="FAILED", message="interrupted", ended=1.0)
    finish()

    job = matching.ask("GetIdentityResolutionJob", JobId=job_id)
    assert (job["Status"], job["Message"]) == ("FAILED", "interrupted")
    assert matching.ask("GetMatches")["Matches"] == []


def test_a_failure_tells_where_it_was_and_no_value_of_a_customer(matching, monkeypatch, caplog):
    def find(*_):
        raise ValueError(ADA["EmailAddress"])

    monkeypatch.setattr(machine, "find", find)
    job = run(matching)

    assert (job["Status"], job["Message"]) == ("FAILED", "The job failed: ValueError")
    assert "lovelace" not in caplog.text
    assert "in _find_matches" in caplog.text


def test_disabling_the_matching_forgets_the_matches(matching):
    run(matching)
    matching.ask("UpdateDomain", Matching={"Enabled": False})
    settings(matching)

    assert matching.ask("GetMatches")["Matches"] == []


def test_a_job_merges_what_meets_a_criterion_and_exports_nothing(matching):
    to = {"S3Exporting": {"S3BucketName": "results"}}
    merging = {"Enabled": True, "Consolidation": SAME_NAME}
    settings(matching, AutoMerging=merging, ExportingConfig=to)
    job = run(matching)

    assert job["JobStats"]["NumberOfMergesDone"] == 1
    assert "ExportingLocation" not in job
    assert len(matching.search("_email", "lovelace@example.org")) == 2


def test_a_preview_counts_what_would_be_merged(matching):
    run(matching)
    counted = preview(matching)

    assert counted["NumberOfProfilesInSample"] == counted["NumberOfProfilesWillBeMerged"] == 3
    assert len(matching.search("_email", "lovelace@example.org")) == 3


def test_a_preview_leaves_apart_what_would_be_too_large_as_one(matching, monkeypatch):
    for profile_id, name in zip(matching.ada, "abc", strict=True):
        matching.ask("UpdateProfile", ProfileId=profile_id, Attributes={name: "x" * 200})
    run(matching)
    context = matching.engine._context
    small = replace(context, quotas=replace(context.quotas, profile_bytes=500))
    monkeypatch.setattr(matching.engine, "_context", small)
    counted = preview(matching)["NumberOfProfilesWillBeMerged"]
    settings(matching, AutoMerging={"Enabled": True, "Consolidation": SAME_MAIL})

    assert counted == 0
    assert run(matching)["JobStats"]["NumberOfMergesDone"] == 0


def test_a_preview_looks_at_matches_of_all_confidences(shop, monkeypatch):
    settings(shop)
    for number in range(80):
        shop.create(EmailAddress=f"{number // 2}@x.org")
    rows = _rows(shop)
    pairs = [
        Found(f"{n:032x}", 1 - n / 100, array("q", rows[2 * n : 2 * n + 2]).tobytes())
        for n in range(40)
    ]
    with shop.engine._database.write() as connection:
        matches.replace(connection, rows[0] >> 40, Matches.of(pairs), 0.0)
    monkeypatch.setattr(operations, "_SAMPLE", 20)
    sure = preview(shop, MinAllowedConfidenceScoreForMerging=0.805)

    assert sure["NumberOfMatchesInSample"] == 20
    assert 12 <= sure["NumberOfProfilesWillBeMerged"] <= 28
    assert preview(shop, MinAllowedConfidenceScoreForMerging=0.805) == sure


def test_criteria_of_unknown_attributes_are_refused(matching):
    criteria = {"MatchingAttributesList": [["LastName", "Attributes.tier"], ["LastNme"]]}

    with pytest.raises(Refusal, match="LastNme is no attribute"):
        settings(matching, AutoMerging={"Enabled": True, "Consolidation": criteria})
    with pytest.raises(Refusal, match="LastNme is no attribute"):
        preview(matching, Consolidation=criteria)


def test_a_match_that_is_not_sure_enough_is_not_merged(matching):
    run(matching)
    counted = preview(matching, MinAllowedConfidenceScoreForMerging=1.0)

    assert counted["NumberOfProfilesWillBeMerged"] == 0


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
    monkeypatch.setattr(
        job_run.JobRun, "_find_matches", lambda _: go_on.wait() and (Matches([], []), "", 0)
    )
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


def jobs_of(shop):
    return shop.ask("ListIdentityResolutionJobs")["IdentityResolutionJobsList"]


def test_the_first_job_runs_when_the_schedule_is_looked_at_and_then_once_a_week(
    clock, engine, matching
):
    numbers = []
    for _ in range(15):
        engine.run_due()
        numbers.append(len(jobs_of(matching)))
        clock.advance(days=1)

    # The clock begins on a Tuesday; schedules name Saturday unless they are told otherwise.
    assert numbers == [1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3]


def test_a_scheduled_job_that_was_killed_is_run_again(clock, engine, matching):
    engine.run_due()
    (job,) = jobs_of(matching)
    with engine._database.write() as connection:
        killed = {"status": "FIND_MATCHING", "ended": None, "heartbeat": time.time() - 60}
        store.change(connection, job["JobId"], **killed)
    engine.run_due()

    again, before = jobs_of(matching)
    assert (again["Status"], before["Status"]) == ("COMPLETED", "FAILED")
    engine.run_due()
    assert len(jobs_of(matching)) == 2


def test_a_job_that_is_killed_while_it_merges_loses_nobody(tmp_path, monkeypatch):
    command = [sys.executable, "-c", KILLED, str(tmp_path / "shop.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        child.kill()
    monkeypatch.setattr(jobs, "_STALE_SECONDS", 0)
    with Engine(tmp_path / "shop.db", strict=True) as engine:
        shop = Shop(engine)
        (job,) = jobs_of(shop)
        with engine._database.read() as connection:
            bodies = connection.execute("SELECT body FROM profiles").fetchall()

    assert job["Status"] == "FAILED"
    assert len(bodies) == 400 - job["JobStats"]["NumberOfMergesDone"] < 400
    names = [name for (body,) in bodies for name in json.loads(body)["Attributes"]]
    assert sorted(names) == sorted(f"n{number}" for number in range(400))


KILLED = """
import sys
from array import array
from customer_profiles.engine import Engine
from customer_profiles.engine.matching import job_run
from customer_profiles.engine.store.matches import Found, Matches

engine, shop = Engine(sys.argv[1]), {"DomainName": "shop"}
merging = {"Enabled": True, "Consolidation": {"MatchingAttributesList": [["EmailAddress"]]}}
matching = {"Enabled": True, "AutoMerging": merging}
engine.answer("CreateDomain", {**shop, "DefaultExpirationDays": 9, "Matching": matching})
for n in range(400):
    values = {"EmailAddress": f"{n // 2}@x.org", "Attributes": {f"n{n}": "x"}}
    engine.answer("CreateProfile", shop | values)
with engine._database.read() as connection:
    rows = [row for (row,) in connection.execute("SELECT id FROM profiles ORDER BY id")]
pairs = [Found(f"{n:032x}", 1.0, array("q", rows[2 * n : 2 * n + 2]).tobytes()) for n in range(200)]
job_run.JobRun._find_matches = lambda _: (Matches.of(pairs), "", 400)
count = job_run.store.count_merges
def count_merges(connection, job_id, done):
    count(connection, job_id, done)
    if (pairs := count_merges.left) == 0: print("merging", flush=True)
    count_merges.left = pairs - 1
count_merges.left = 20
job_run.store.count_merges = count_merges
job_id = engine.run_identity_resolution("shop")
engine._context.jobs[job_id].join()
"""


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
    """Return the three profiles of the documented example, each value with its own time."""
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
    found = (Matches.of([Found("m" * 32, 1.0, array("q", _rows(shop)).tobytes())]), "", 3)
    monkeypatch.setattr(job_run.JobRun, "_find_matches", lambda _: found)
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
