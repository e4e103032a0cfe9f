"""Upload jobs in the engine: files, states, provenance, expiry, kills, and what is removed."""

from __future__ import annotations

import json
import logging
import random
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.httpsession import URLLib3Session
from moto.server import ThreadedMotoServer

from customer_profiles import AmbiguousWriteError, CustomerProfiles, EngineChannel, RetryPolicy
from customer_profiles.engine import Engine, ManualClock, Quotas, Refusal, StorageError, background
from customer_profiles.engine.uploads import steps

SHOP = {"DomainName": "shop"}
FIELDS = {
    "mail": {
        "Source": "_source.Email",
        "Target": "_profile.EmailAddress",
        "ContentType": "EMAIL_ADDRESS",
    },
    "first": {"Source": "_source.First", "Target": "_profile.FirstName"},
    "list": {"Source": "_source.List", "Target": "_profile.Attributes.list"},
}
DAY = 86_400


def ask(engine, operation, **members):
    return json.loads(engine.answer(operation, {**SHOP, **members}))


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def engine(tmp_path, clock):
    with Engine(tmp_path / "shop.db", clock=clock, strict=True) as made:
        ask(made, "CreateDomain", DefaultExpirationDays=30)
        yield made


@pytest.fixture
def _no_thread(monkeypatch):
    """Leave pending work to `background.finish`."""
    monkeypatch.setattr(background, "start", lambda _: None)


def new_job(engine, fields=FIELDS, unique="mail", **members):
    request = {"DisplayName": "june.csv", "Fields": fields, "UniqueKey": unique, **members}
    return ask(engine, "CreateUploadJob", **request)["JobId"]


def file_of(engine, job):
    url = ask(engine, "GetUploadJobPath", JobId=job)["Url"]
    return Path(url2pathname(urlsplit(url).path))


def job_of(engine, job):
    return ask(engine, "GetUploadJob", JobId=job)


def counts(answer):
    return tuple(answer["ResultsSummary"].values())


def run(engine, content, *, fields=FIELDS, unique="mail", **members):
    """Import a file, and return the job as GetUploadJob answers it."""
    job = new_job(engine, fields, unique, **members)
    raw = content if isinstance(content, bytes) else content.encode()
    file_of(engine, job).write_bytes(raw)
    ask(engine, "StartUploadJob", JobId=job)
    return over(engine, job)


def over(engine, job):
    deadline = time.monotonic() + 60
    while (answer := job_of(engine, job))["Status"] == "IN_PROGRESS":
        background.finish(engine._context)
        assert time.monotonic() < deadline
    return answer


def find(engine, mail):
    found = ask(engine, "SearchProfiles", KeyName="_email", Values=[mail])["Items"]
    return [{name: item[name] for name in item if name != "FoundByItems"} for item in found]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xef\xbb\xbfEmail,First\na@x.org,Ada\n", "byte order mark"),
        ("Email\na@x.org\n".encode("utf-16"), "not UTF-8"),
        (b"Email,First\na@x.org,Ada\nb@x.org,\xff\n", "not UTF-8"),
        (b"Email\na@x.org\xc3", "not UTF-8"),
        (b"", "no header"),
        (b"\n\n", "no header"),
        (b"\nEmail\na@x.org\n", "no header"),
        (b'"Email\na@x.org\n', "no header"),
        (b"email,First\na@x.org,Ada\n", "UniqueKey"),
        (b" Email\na@x.org\n", "UniqueKey"),
        (b"a@x.org,Ada\n", "UniqueKey"),
        (b"Email,First,First\na@x.org,A,B\n", "twice"),
    ],
)
def test_a_file_that_is_not_valid_fails_and_nothing_of_it_is_imported(
    engine, caplog, content, reason
):
    with caplog.at_level(logging.WARNING):
        answer = run(engine, content)

    assert (answer["Status"], answer["StatusReason"]) == ("FAILED", "VALIDATION_FAILURE")
    assert counts(answer) == (0, 0, 0)
    assert reason in caplog.text
    assert "x.org" not in caplog.text
    assert ask(engine, "GetDomain")["Stats"]["ProfileCount"] == 0


def test_a_file_of_the_largest_size_or_more_fails(tmp_path):
    with Engine(tmp_path / "small.db", quotas=Quotas(upload_bytes=20), strict=True) as engine:
        ask(engine, "CreateDomain", DefaultExpirationDays=30)
        assert run(engine, "Email\n" + "a" * 13)["Status"] == "SUCCEEDED"
        assert run(engine, "Email\n" + "a" * 14)["StatusReason"] == "VALIDATION_FAILURE"


def test_a_header_alone_succeeds(engine):
    answer = run(engine, "Email,First\r\n")

    assert (answer["Status"], counts(answer)) == ("SUCCEEDED", (0, 0, 0))


def test_a_file_of_whose_rows_none_can_be_imported_fails(engine):
    answer = run(engine, "Email,First\n,Ada\n   ,Ada\n")

    assert (answer["Status"], answer["StatusReason"]) == ("FAILED", "VALIDATION_FAILURE")
    assert counts(answer) == (0, 0, 2)


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        ("a@x.org,Ada", (0, 1, 0)),
        ("a@x.org", (0, 1, 0)),
        ('"a@x.org","Ada, ""the"" first\nof her name"', (0, 1, 0)),
        ("a@x.org,Ada,june,more", (0, 0, 1)),
        ("a@x.org," + "A" * 256, (0, 0, 1)),
        ("\n\na@x.org,Ada\n\n", (0, 1, 0)),
        ("a@x.org,Ada\r\nb@x.org,Bea\r\n", (0, 2, 0)),
    ],
)
def test_a_row_counts_once(engine, row, outcome):
    assert counts(run(engine, f"Email,First,List\n{row}\n")) == outcome


def test_a_quotation_that_is_no_csv_fails_each_of_its_lines_and_no_other(engine):
    content = 'Email,First\na@x.org,Ada\nb@x.org,"Bea\nc@x.org,"Cleo"\nd@x.org,Dora\ne@x.org,"Eve\n'

    answer = run(engine, content)

    assert (answer["Status"], counts(answer)) == ("PARTIALLY_SUCCEEDED", (0, 2, 3))
    assert [len(find(engine, f"{name}@x.org")) for name in "abcde"] == [1, 0, 0, 1, 0]


def test_a_line_of_more_than_a_megabyte_is_a_failed_record(engine):
    wide = "a@x.org," + ",".join(["x"] * 600_000)

    answer = run(engine, f"Email,First\n{wide}\nb@x.org,Bea\n")

    assert counts(answer) == (0, 1, 1)


@pytest.mark.parametrize(
    ("changes", "unique", "message"),
    [
        ({"x": {"Target": "_profile.LastName"}}, "mail", "Source of field x"),
        ({"x": {"Source": "Last", "Target": "_profile.LastName"}}, "mail", "Source of field x"),
        ({"x": {"Source": "_source.", "Target": "_profile.LastName"}}, "mail", "Source of field x"),
        ({"x": {"Source": "_source.a.b", "Target": "_profile.LastName"}}, "mail", "without dots"),
        ({"x": {"Source": "_source.{{a}}", "Target": "_profile.LastName"}}, "mail", "dots"),
        ({"x": {"Source": "_source.a"}}, "mail", "Target of field x"),
        ({"x": {"Source": "_source.a", "Target": "_order.Status"}}, "mail", "Target of field x"),
        ({"x": {"Source": "_source.a", "Target": "_profile.LastNam"}}, "mail", "LastName"),
        ({"x": {"Source": "_source.a", "Target": "_profile.Address"}}, "mail", "several values"),
        ({"x": {"Source": "_source.a", "Target": "_profile.ProfileId"}}, "mail", "no"),
        ({"x": {"Source": "_source.a", "Target": "_profile.FirstName"}}, "mail", "same Target"),
        ({"x": {"Source": "_source.a", "Target": "_profile.Gender"}}, "x", "fixed set"),
        ({}, "phone", "UniqueKey names none"),
        ({"x": {"Source": "_source.a", "Target": '_profile.Attributes.a"b'}}, "x", "quotation"),
    ],
)
def test_fields_that_cannot_be_imported_are_refused(engine, changes, unique, message):
    with pytest.raises(Refusal, match=message) as caught:
        new_job(engine, {**FIELDS, **changes}, unique)

    assert caught.value.code == "BadRequestException"
    assert ask(engine, "ListUploadJobs")["Items"] == []


@pytest.mark.parametrize("count", [0, 26])
def test_a_job_has_1_to_25_fields(engine, count):
    fields = {
        f"f{n}": {"Source": f"_source.c{n}", "Target": f"_profile.Attributes.a{n}"}
        for n in range(count)
    }

    with pytest.raises(Refusal, match=f"{count} entries"):
        new_job(engine, fields, "f0")


@pytest.mark.parametrize(
    "unique", ["mail", "Email", "_source.Email", "EmailAddress", "_profile.EmailAddress"]
)
def test_the_unique_key_names_a_field_a_column_or_a_target(engine, unique):
    answer = run(engine, "Email,First\na@x.org,Ada\nA@X.ORG,Bea\n", unique=unique)

    assert (answer["UniqueKey"], counts(answer)) == (unique, (1, 1, 0))


def test_values_are_compared_by_the_content_type_of_the_field(engine):
    exact = {"mail": {**FIELDS["mail"], "ContentType": "STRING"}}
    number = {"no": {"Source": "_source.No", "Target": "_profile.AccountNumber"}}
    ask(engine, "CreateProfile", EmailAddress="a@x.org", AccountNumber="007")

    assert counts(run(engine, "Email\nA@x.org\na@x.org\n", fields=exact)) == (1, 1, 0)
    assert counts(run(engine, "No\n7\n", fields=number, unique="no")) == (0, 1, 0)
    number["no"]["ContentType"] = "NUMBER"
    assert counts(run(engine, "No\n7.0\n", fields=number, unique="no")) == (0, 0, 1)
    assert counts(run(engine, "No\n8\n8.0\n", fields=number, unique="no")) == (1, 1, 0)


def test_only_the_targets_own_value_identifies_a_profile(engine):
    ask(engine, "CreateProfile", FirstName="Home", PersonalEmailAddress="a@x.org")

    assert counts(run(engine, "Email,First\na@x.org,Ada\n")) == (0, 1, 0)
    assert [profile["FirstName"] for profile in find(engine, "a@x.org")] == ["Home", "Ada"]


def test_a_choice_is_read_as_in_a_mapping(engine):
    fields = {**FIELDS, "sex": {"Source": "_source.Sex", "Target": "_profile.Gender"}}

    run(engine, "Email,Sex\na@x.org,female\nb@x.org,other\n", fields=fields)

    assert find(engine, "a@x.org")[0]["Gender"] == "FEMALE"
    assert find(engine, "b@x.org")[0]["GenderString"] == "other"


def test_a_row_replaces_values_of_every_source_and_any_object_replaces_them(engine):
    who = {"StandardIdentifiers": ["UNIQUE", "PROFILE"], "FieldNames": ["mail"]}
    ask(
        engine,
        "PutProfileObjectType",
        ObjectTypeName="Person",
        Description="People",
        AllowProfileCreation=True,
        Fields={
            "mail": {**FIELDS["mail"], "Source": "_source.mail"},
            "first": {"Source": "_source.first", "Target": "_profile.FirstName"},
        },
        Keys={"_email": [who]},
    )
    profile = ask(engine, "CreateProfile", FirstName="Hand", EmailAddress="a@x.org")["ProfileId"]

    job = run(engine, "Email,First\na@x.org,File\n")["JobId"]
    source = engine.provenance("shop", profile)["FirstName"]
    assert (source["ObjectTypeName"], source["ProfileObjectUniqueKey"]) == ("_uploadJob", job)
    assert find(engine, "a@x.org")[0]["FirstName"] == "File"
    person = json.dumps({"mail": "a@x.org", "first": "Object"})
    ask(engine, "PutProfileObject", ObjectTypeName="Person", Object=person)
    assert find(engine, "a@x.org")[0]["FirstName"] == "Object"
    ask(engine, "UpdateProfile", ProfileId=profile, FirstName="Hand")
    assert "FirstName" not in engine.provenance("shop", profile)
    listed = ask(engine, "ListProfileObjects", ProfileId=profile, ObjectTypeName="Person")
    assert len(listed["Items"]) == 1


def test_an_imported_profile_has_a_history(engine):
    run(engine, "Email,First\na@x.org,Ada\n")
    run(engine, "Email,First\na@x.org,Ada\n")
    run(engine, "Email,First\na@x.org,Bea\n")

    profile = find(engine, "a@x.org")[0]["ProfileId"]
    records = ask(engine, "ListProfileHistoryRecords", ProfileId=profile)["ProfileHistoryRecords"]
    assert [record["ActionType"] for record in records] == ["CREATED", "UPDATED"]


def test_a_changed_key_finds_the_profile_by_its_new_value_only(engine):
    fields = {
        "no": {"Source": "_source.No", "Target": "_profile.AccountNumber"},
        "mail": FIELDS["mail"],
    }
    rows = "No,Email\n1,old@x.org\n1,new@x.org\n"

    assert counts(run(engine, rows, fields=fields, unique="no")) == (1, 1, 0)
    assert (find(engine, "old@x.org"), len(find(engine, "new@x.org"))) == ([], 1)


def test_of_two_expiries_the_later_one_counts(engine, clock):
    by_hand = ask(engine, "CreateProfile", EmailAddress="hand@x.org")["ProfileId"]
    run(engine, "Email\nhand@x.org\nshort@x.org\n", DataExpiry=2)
    run(engine, "Email\nlong@x.org\n")
    run(engine, "Email\nlong@x.org\nshort@x.org\n", DataExpiry=3)

    clock.advance(days=2.5)
    assert [len(find(engine, f"{name}@x.org")) for name in ("hand", "short", "long")] == [1, 1, 1]
    clock.advance(days=1)
    assert [len(find(engine, f"{name}@x.org")) for name in ("hand", "short", "long")] == [1, 0, 1]
    clock.advance(days=11)
    assert [len(find(engine, f"{name}@x.org")) for name in ("hand", "short", "long")] == [1, 0, 0]
    assert find(engine, "hand@x.org")[0]["ProfileId"] == by_hand


def test_the_counters_of_a_domain_and_its_search_index_stay_right(engine):
    rows = "".join(f"{number % 150}@x.org,Ada{number}\n" for number in range(300))

    assert counts(run(engine, f"Email,First\n{rows}")) == (150, 150, 0)

    stats = ask(engine, "GetDomain")["Stats"]
    bodies = [profile for n in range(150) for profile in find(engine, f"{n}@x.org")]
    assert stats["ProfileCount"] == len(bodies) == 150
    assert stats["TotalSize"] == sum(
        len(json.dumps(body, separators=(",", ":"))) for body in bodies
    )


def test_profiles_of_a_domain_with_rules_match_as_they_are_imported(engine):
    ask(
        engine,
        "UpdateDomain",
        RuleBasedMatching={
            "Enabled": True,
            "MatchingRules": [{"Rule": ["PhoneNumber"]}],
            "MaxAllowedRuleLevelForMerging": 1,
        },
    )
    fields = {**FIELDS, "phone": {"Source": "_source.Tel", "Target": "_profile.PhoneNumber"}}
    rows = "".join(f"{number}@x.org,+1206555{number // 2:04}\n" for number in range(130))

    answer = run(engine, f"Email,Tel\n{rows}", fields=fields)

    assert counts(answer) == (0, 130, 0)
    assert ask(engine, "GetDomain")["Stats"]["ProfileCount"] == 65


@pytest.mark.usefixtures("_no_thread")
def test_a_stopped_job_keeps_what_was_imported(engine, monkeypatch):
    monkeypatch.setattr(steps, "_FIRST", 10)
    job = new_job(engine)
    file = file_of(engine, job)
    file.write_text("Email\n" + "".join(f"{number}@x.org\n" for number in range(100)))
    ask(engine, "StartUploadJob", JobId=job)
    for _ in range(3):
        background.run_step(engine._context)

    ask(engine, "StopUploadJob", JobId=job)

    background.finish(engine._context)
    answer = job_of(engine, job)
    assert (answer["Status"], counts(answer)) == ("STOPPED", (0, 20, 0))
    assert "StatusReason" not in answer
    assert ask(engine, "GetDomain")["Stats"]["ProfileCount"] == 20
    assert not file.exists()


@pytest.mark.usefixtures("_no_thread")
def test_other_work_gets_its_turn_between_two_steps(engine, monkeypatch):
    monkeypatch.setattr(steps, "_FIRST", 10)
    jobs = [new_job(engine) for _ in range(2)]
    for job in jobs:
        file_of(engine, job).write_text(
            "Email\n" + "".join(f"{job}{number}@x.org\n" for number in range(100))
        )
        ask(engine, "StartUploadJob", JobId=job)
    for _ in range(8):
        background.run_step(engine._context)

    assert all(counts(job_of(engine, job))[1] for job in jobs)


def test_a_file_that_disappears_while_it_is_imported_fails_the_job(engine, monkeypatch):
    monkeypatch.setattr(steps, "_FIRST", 10)
    monkeypatch.setattr(background, "start", lambda _: None)
    job = new_job(engine)
    file = file_of(engine, job)
    file.write_text("Email\n" + "".join(f"{number}@x.org\n" for number in range(100)))
    ask(engine, "StartUploadJob", JobId=job)
    for _ in range(2):
        background.run_step(engine._context)
    file.unlink()

    background.finish(engine._context)

    answer = job_of(engine, job)
    assert (answer["Status"], answer["StatusReason"]) == ("FAILED", "INTERNAL_FAILURE")
    assert counts(answer) == (0, 10, 0)


CHILD = """
import json, sys
from customer_profiles.engine import Engine, background
from customer_profiles.engine.uploads import steps
steps._FIRST = 7
engine = Engine(sys.argv[1])
engine._context.pace["upload"] = 7
print("open", flush=True)
background.finish(engine._context)
"""


@pytest.mark.usefixtures("_no_thread")
def test_an_import_survives_kills_and_counts_each_row_once(engine, tmp_path):
    job = new_job(engine)
    rows = "".join(f"{number % 900}@x.org,Ada{number}\n" for number in range(1_000))
    file_of(engine, job).write_text(f"Email,First\n{rows},\n")
    ask(engine, "StartUploadJob", JobId=job)
    seed = random.Random(5)

    for _ in range(8):
        command = [sys.executable, "-c", CHILD, str(tmp_path / "shop.db")]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout.readline() == b"open\n"
            time.sleep(seed.uniform(0, 0.3))
            child.kill()

    answer = over(engine, job)
    assert (answer["Status"], counts(answer)) == ("PARTIALLY_SUCCEEDED", (100, 900, 1))
    assert ask(engine, "GetDomain")["Stats"]["ProfileCount"] == 900
    assert find(engine, "5@x.org")[0]["FirstName"] == "Ada905"
    assert list((tmp_path / "shop.db-uploads").iterdir()) == []


def test_an_engine_that_is_opened_again_continues(tmp_path, monkeypatch):
    with Engine(tmp_path / "shop.db") as engine:
        monkeypatch.setattr(background, "start", lambda _: None)
        ask(engine, "CreateDomain", DefaultExpirationDays=30)
        job = new_job(engine)
        file_of(engine, job).write_text("Email\na@x.org\n")
        ask(engine, "StartUploadJob", JobId=job)
        monkeypatch.undo()
    with Engine(tmp_path / "shop.db") as engine:
        deadline = time.monotonic() + 30
        while job_of(engine, job)["Status"] == "IN_PROGRESS":
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert job_of(engine, job)["Status"] == "SUCCEEDED"


def test_a_file_is_removed_after_its_import(engine, tmp_path):
    job = new_job(engine)
    file = file_of(engine, job)
    folder = tmp_path / "shop.db-uploads"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    file.write_text("Email\na@x.org\n")

    ask(engine, "StartUploadJob", JobId=job)
    over(engine, job)
    background.finish(engine._context)

    assert list(folder.iterdir()) == []


def test_a_file_that_is_never_imported_is_removed_a_day_later(engine, clock):
    job = new_job(engine)
    file = file_of(engine, job)
    file.write_text("Email\na@x.org\n")
    clock.advance(seconds=DAY)
    engine.run_due()
    assert file.exists()

    clock.advance(seconds=1_000)
    engine.run_due()

    assert not file.exists()
    ask(engine, "StartUploadJob", JobId=job)
    assert over(engine, job)["StatusReason"] == "VALIDATION_FAILURE"


@pytest.mark.usefixtures("_no_thread")
@pytest.mark.parametrize("is_started", [False, True])
def test_a_deleted_domain_leaves_no_file_and_no_job(engine, is_started):
    job = new_job(engine)
    file = file_of(engine, job)
    file.write_text("Email\na@x.org\n")
    if is_started:
        ask(engine, "StartUploadJob", JobId=job)

    ask(engine, "DeleteDomain")
    background.finish(engine._context)

    assert not file.exists()
    ask(engine, "CreateDomain", DefaultExpirationDays=30)
    with pytest.raises(Refusal, match="no upload job"):
        job_of(engine, job)


def test_a_file_whose_job_is_gone_is_swept(engine, tmp_path):
    file = file_of(engine, new_job(engine))
    stray = file.with_name("0" * 32 + ".csv")
    stray.write_text("Email\n")

    engine.run_due()

    assert not stray.exists()


def test_an_engine_in_memory_removes_its_folder_when_it_is_closed():
    with Engine() as engine:
        ask(engine, "CreateDomain", DefaultExpirationDays=30)
        file = file_of(engine, new_job(engine))
        file.write_text("Email\na@x.org\n")
    assert not file.parent.exists()


def test_a_job_belongs_to_its_domain(engine):
    job = new_job(engine)
    engine.answer("CreateDomain", {"DomainName": "other", "DefaultExpirationDays": 30})

    with pytest.raises(Refusal, match="no upload job"):
        engine.answer("GetUploadJob", {"DomainName": "other", "JobId": job})


def test_an_upload_uri_that_is_no_bucket_is_refused(tmp_path):
    for uri in ("bucket/uploads", "s3://", "s3://B", "https://bucket.s3.amazonaws.com/x"):
        with pytest.raises(ValueError, match="s3://bucket/folder"):
            Engine(tmp_path / "shop.db", upload_uri=uri)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def s3():
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


class S3Session:
    """A session whose clients use moto's server."""

    def __init__(self, url):
        self._url = url

    def client(self, service, **options):
        return boto3.client(
            service, **{"region_name": "us-east-1", **options}, endpoint_url=self._url
        )


@pytest.fixture
def bucket(s3):
    client = S3Session(s3).client("s3")
    client.create_bucket(Bucket="mine")
    yield client
    for item in client.list_objects_v2(Bucket="mine").get("Contents", ()):
        client.delete_object(Bucket="mine", Key=item["Key"])
    client.delete_bucket(Bucket="mine")


def put(url, body, headers):
    request = AWSPreparedRequest("PUT", url, headers, body, stream_output=False)
    return URLLib3Session().send(request).status_code


def headers_of(path):
    from tests.serve.test_uploads import encryption

    return encryption(path["ClientToken"])


@pytest.fixture
def s3_engine(tmp_path, s3):
    session = S3Session(s3)
    uri = "s3://mine/up/loads/"
    with Engine(tmp_path / "s3.db", session=session, upload_uri=uri, strict=True) as made:
        ask(made, "CreateDomain", DefaultExpirationDays=30)
        yield made


def keys_in(bucket):
    return [item["Key"] for item in bucket.list_objects_v2(Bucket="mine").get("Contents", ())]


@pytest.mark.usefixtures("_no_thread")
def test_a_bucket_gets_the_file_by_a_presigned_url_whose_headers_are_signed(s3_engine, bucket):
    job = new_job(s3_engine)
    path = ask(s3_engine, "GetUploadJobPath", JobId=job)
    assert "X-Amz-Signature" in path["Url"]
    for name in ("algorithm", "key", "key-md5"):
        assert f"x-amz-server-side-encryption-customer-{name}" in path["Url"]
    assert "X-Amz-Expires=900" in path["Url"]

    assert put(path["Url"], b"Email,First\na@x.org,Ada\n", headers_of(path)) == 200
    assert keys_in(bucket) == [f"up/loads/{job}.csv"]
    ask(s3_engine, "StartUploadJob", JobId=job)
    answer = over(s3_engine, job)
    background.finish(s3_engine._context)

    assert (answer["Status"], counts(answer)) == ("SUCCEEDED", (0, 1, 0))
    assert keys_in(bucket) == []


def test_a_job_whose_file_is_not_in_the_bucket_fails(s3_engine, bucket):
    job = new_job(s3_engine)
    ask(s3_engine, "StartUploadJob", JobId=job)

    assert over(s3_engine, job)["StatusReason"] == "VALIDATION_FAILURE"


def test_a_bucket_that_is_not_there_is_an_internal_failure(s3_engine, caplog):
    job = new_job(s3_engine)
    ask(s3_engine, "StartUploadJob", JobId=job)

    with caplog.at_level(logging.WARNING):
        assert over(s3_engine, job)["StatusReason"] == "INTERNAL_FAILURE"
    assert "NoSuchBucket" in caplog.text


def test_a_deleted_domain_removes_its_files_from_the_bucket(s3_engine, bucket):
    path = ask(s3_engine, "GetUploadJobPath", JobId=new_job(s3_engine))
    assert put(path["Url"], b"Email\na@x.org\n", headers_of(path)) == 200

    ask(s3_engine, "DeleteDomain")

    assert keys_in(bucket) == []


def test_imported_rows_are_in_the_change_feed(engine):
    ask(engine, "CreateProfile", EmailAddress="known@x.org")
    engine.enable_changes("shop")

    run(engine, "Email,First\nknown@x.org,Ada\nnew@x.org,Bea\nnew@x.org,Bea\nnew@x.org,Cleo\n")

    found = json.loads(engine.changes("shop"))["Items"]
    assert [(item["EventType"], item["Object"].get("FirstName")) for item in found] == [
        ("UPDATED", "Ada"),
        ("CREATED", "Bea"),
        ("UPDATED", "Cleo"),
    ]


def test_a_receipt_of_an_erasure_counts_the_files_that_are_not_imported(engine):
    profile = ask(engine, "CreateProfile", EmailAddress="a@x.org")["ProfileId"]
    file_of(engine, new_job(engine)).write_text("Email\na@x.org\n")
    new_job(engine)

    assert engine.erase_profile("shop", profile)["PendingUploads"] == 1


def test_a_start_or_stop_whose_answer_is_lost_is_found_out(engine):
    cp = CustomerProfiles(channel=EngineChannel(engine), retry=RetryPolicy(attempts=1))
    jobs = cp.domain("shop").upload_jobs
    fields = {"Email": "email_address"}
    engine.fail_next("StartUploadJob", lost_answer=1)
    assert jobs.create("a", fields=fields, unique_key="Email").start().wait(30).is_over
    engine.fail_next("StopUploadJob", lost_answer=1)
    assert jobs.create("b", fields=fields, unique_key="Email").stop().status == "STOPPED"

    job = jobs.create("c", fields=fields, unique_key="Email")
    for operation, call in (("StartUploadJob", job.start), ("StopUploadJob", job.stop)):
        engine.fail_next(operation, lost_request=1)
        with pytest.raises(AmbiguousWriteError, match=operation):
            call()


def test_a_folder_that_cannot_be_created_is_named(engine, tmp_path):
    (tmp_path / "shop.db-uploads").write_text("a file")

    with pytest.raises(StorageError, match="db-uploads cannot be created"):
        file_of(engine, new_job(engine))
