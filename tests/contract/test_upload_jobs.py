"""Upload jobs on every target: a CSV file of customers is put, and imported once."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from customer_profiles import (
    BadRequestError,
    Domain,
    InvalidInputError,
    ObjectTypeField,
    ResourceNotFoundError,
    UploadJob,
    UploadProgress,
    UploadResults,
    WaitTimeoutError,
)

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = {"Email": "email_address", "First": "first_name"}


def csv_of(*lines: str) -> io.BytesIO:
    return io.BytesIO("\n".join(lines).encode() + b"\n")


def new_job(shop: Domain, **settings: object) -> UploadJob:
    fields: dict[str, str] = dict(FIELDS)
    return shop.upload_jobs.create("june.csv", fields=fields, unique_key="Email")


def test_a_row_updates_creates_or_fails(shop: Domain) -> None:
    ada = shop.profiles.create(first_name="Ada", email_address="ada@example.com")
    for name in ("A", "B"):
        shop.profiles.create(first_name=name, email_address="two@example.com")
    file = csv_of(
        "Email,First", "ADA@example.com,", "new@example.com,Neu", ",Nobody", "two@example.com,X"
    )

    job = shop.upload_jobs.upload(file, fields=FIELDS, unique_key="Email")

    assert (job.status, job.status_reason) == ("PARTIALLY_SUCCEEDED", None)
    assert job.results_summary == UploadResults(
        updated_records=1, created_records=1, failed_records=2
    )
    assert job.completed_at is not None
    assert shop.profiles.get(ada.profile_id).first_name == "Ada"
    assert shop.profiles.search(email="new@example.com").one().first_name == "Neu"
    assert len(list(shop.profiles.search(email="two@example.com"))) == 2


def test_a_job_is_created_put_and_started_step_by_step(shop: Domain) -> None:
    job = new_job(shop)
    assert (job.status, job.display_name, job.data_expiry) == ("CREATED", "june.csv", 14)
    assert job.fields == {
        "email_address": ObjectTypeField(
            source="_source.Email", target="_profile.EmailAddress", content_type="EMAIL_ADDRESS"
        ),
        "first_name": ObjectTypeField(
            source="_source.First", target="_profile.FirstName", content_type="NAME"
        ),
    }

    job.put(csv_of("Email,First", "a@example.com,Ada")).start().wait(30)

    assert job.status == "SUCCEEDED"
    assert job.is_over
    assert shop.upload_jobs.get(job.job_id).results_summary == job.results_summary
    assert shop.profiles.search(email="a@example.com").one().first_name == "Ada"


def test_the_path_has_a_url_a_key_and_an_end(shop: Domain) -> None:
    path = new_job(shop).path()

    assert path.url.startswith(("http", "file:"))
    assert path.client_token is not None
    assert path.valid_until is not None
    assert path.client_token not in repr(path)
    assert path.url not in repr(path)


def test_a_file_is_found_by_the_names_of_its_columns(shop: Domain, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("E-Mail,Vorname,Ort,Note\nada@example.com,Ada,London,x\n")
    seen: list[UploadProgress] = []

    job = shop.upload_jobs.upload(file, progress=seen.append)

    assert job.status == "SUCCEEDED"
    assert job.display_name == "people.csv"
    profile = shop.profiles.search(email="ada@example.com").one()
    assert profile.first_name == "Ada"
    assert profile.address is not None
    assert profile.address.city == "London"
    assert seen[0].mapping is not None
    assert str(seen[0].mapping) == (
        "E-Mail -> email_address, Vorname -> first_name, Ort -> address.city; customers are "
        "identified by email_address; not imported: Note"
    )
    assert [seen[0].stage, seen[1].stage, seen[-1].stage] == ["mapped", "uploading", "over"]
    assert (seen[-1].sent_bytes, seen[-1].total_bytes) == (file.stat().st_size,) * 2


def test_later_rows_win_and_attributes_and_addresses_are_merged(shop: Domain) -> None:
    shop.profiles.create(account_number="7", attributes={"old": "1"}, address={"country": "UK"})
    file = csv_of("Id,List,Town", "7,june,Oslo", "7,july,", "8,x,Rome", "8,y,")

    job = shop.upload_jobs.upload(
        file,
        fields={"Id": "account_number", "List": "attributes.list", "Town": "address.city"},
        unique_key="account_number",
    )

    assert job.results_summary == UploadResults(
        updated_records=3, created_records=1, failed_records=0
    )
    old, new = (shop.profiles.search(account=number).one() for number in ("7", "8"))
    assert old.attributes == {"old": "1", "list": "july"}
    assert old.address is not None
    assert (old.address.city, old.address.country) == ("Oslo", "UK")
    assert (new.attributes, new.account_number) == ({"list": "y"}, "8")


def test_a_member_without_a_search_key_may_be_unique(shop: Domain) -> None:
    known = shop.profiles.create(attributes={"crm": "X-1"}, first_name="Ada")
    file = csv_of("Crm,Last", "X-1,Lovelace", "X-2,Hopper", "X-2,Murray")

    job = shop.upload_jobs.upload(
        file, fields={"Crm": "attributes.crm", "Last": "last_name"}, unique_key="Crm"
    )

    assert job.results_summary == UploadResults(
        updated_records=2, created_records=1, failed_records=0
    )
    assert shop.profiles.get(known.profile_id).last_name == "Lovelace"


def test_an_attribute_may_have_any_name(shop: Domain) -> None:
    fields = {"Kundennr.": "attributes.kunden.nr ü", "Mail": "email_address"}
    with pytest.raises(InvalidInputError, match="dot"):
        shop.upload_jobs.create("x", fields=fields, unique_key="Mail")
    fields = {"Kunde Nr": "attributes.kunden.nr ü", "Mail": "email_address"}
    file = csv_of("Kunde Nr,Mail", "ä 1,a@example.com", "ä 1,b@example.com", "ä 2,c@example.com")

    job = shop.upload_jobs.upload(file, fields=fields, unique_key="Kunde Nr")

    assert job.results_summary == UploadResults(
        updated_records=1, created_records=2, failed_records=0
    )
    assert job.fields is not None
    assert {*job.fields} == {"column1", "email_address"}
    found = shop.profiles.search(email="b@example.com").one()
    assert found.attributes == {"kunden.nr ü": "ä 1"}


def test_a_raw_field_names_its_own_source_and_target(shop: Domain) -> None:
    fields = {
        "phone": ObjectTypeField(
            source="_source.Tel", target="_profile.PhoneNumber", content_type="PHONE_NUMBER"
        )
    }
    shop.profiles.create(phone_number="+1 206 555 0100")

    job = shop.upload_jobs.upload(
        csv_of("Tel", "(206) 555-0100"), fields=fields, unique_key="phone", display_name="phones"
    )

    assert (job.display_name, job.unique_key) == ("phones", "phone")
    assert job.results_summary == UploadResults(
        updated_records=1, created_records=0, failed_records=0
    )


def test_jobs_are_listed_with_the_newest_first(shop: Domain) -> None:
    made = [new_job(shop).job_id for _ in range(3)]

    assert [job.job_id for job in shop.upload_jobs.all(page_size=2)] == made[::-1]
    listed = shop.upload_jobs.all(limit=1).first()
    assert listed is not None
    assert listed.fields is None
    assert listed.refresh().fields is not None


def test_a_job_without_a_file_fails(shop: Domain) -> None:
    job = new_job(shop).start().wait(30)

    assert (job.status, job.status_reason) == ("FAILED", "VALIDATION_FAILURE")


def test_a_job_is_stopped_before_it_is_started(shop: Domain) -> None:
    job = new_job(shop).stop()

    assert job.status == "STOPPED"
    with pytest.raises(BadRequestError, match="STOPPED"):
        job.start()
    with pytest.raises(BadRequestError, match="STOPPED"):
        job.stop()
    with pytest.raises(BadRequestError, match="STOPPED"):
        job.path()


def test_a_job_that_is_over_is_neither_started_nor_put_again(shop: Domain) -> None:
    job = shop.upload_jobs.upload(csv_of("Email", "a@example.com"), unique_key="Email")

    with pytest.raises(BadRequestError, match="SUCCEEDED"):
        job.start()
    with pytest.raises(BadRequestError, match="SUCCEEDED"):
        job.put(csv_of("Email", "b@example.com"))


def test_waiting_for_a_job_that_was_not_started_is_refused(shop: Domain) -> None:
    with pytest.raises(InvalidInputError, match="start"):
        new_job(shop).wait(1)


def test_a_later_file_replaces_an_earlier_one(shop: Domain) -> None:
    job = new_job(shop).put(csv_of("Email", "a@example.com")).put(csv_of("Email", "b@example.com"))

    job.start().wait(30)

    assert shop.profiles.search(email="a@example.com").first() is None
    assert shop.profiles.search(email="b@example.com").first() is not None


def test_missing_jobs_are_not_found(shop: Domain) -> None:
    for call in (shop.upload_jobs.get, shop.upload_jobs.start, shop.upload_jobs.stop):
        with pytest.raises(ResourceNotFoundError):
            call("0" * 32)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xef\xbb\xbfEmail\na@example.com\n", "byte order mark"),
        (b"Email\n\xe4\n", "not UTF-8"),
        (b"", "no header"),
        (b"\nEmail\n", "no header"),
        (b"Mail,Email,Email\n", "twice"),
        (b"First\nAda\n", "no column 'Email'"),
    ],
)
def test_a_file_that_the_service_would_refuse_is_not_sent(
    shop: Domain, content: bytes, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        shop.upload_jobs.upload(
            io.BytesIO(content), fields={"Email": "email_address"}, unique_key="Email"
        )
    assert list(shop.upload_jobs.all()) == []


@pytest.mark.parametrize(
    ("fields", "unique", "message"),
    [
        ({"Email": "emial_address"}, "Email", "did you mean"),
        ({"Email": "profile_id"}, "Email", "no field 'profile_id'"),
        ({"Email": "email_address"}, "Phone", "unique_key 'Phone'"),
        ({"A": "email_address", "B": "email_address"}, "A", "two columns"),
        ({"a.b": "email_address"}, "a.b", "dot"),
        ({}, "Email", "fields has 0"),
        ({f"c{number}": f"attributes.a{number}" for number in range(26)}, "c1", "fields has 26"),
    ],
)
def test_fields_that_no_job_can_have_are_refused(
    shop: Domain, fields: dict[str, str], unique: str, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        shop.upload_jobs.create("x", fields=fields, unique_key=unique)


def test_a_file_must_be_binary_and_readable(shop: Domain, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="binary"):
        shop.upload_jobs.upload(io.StringIO("Email\n"))  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="cannot be read"):
        shop.upload_jobs.upload(tmp_path / "missing.csv")


def test_a_file_whose_columns_identify_nobody_is_refused(shop: Domain) -> None:
    with pytest.raises(InvalidInputError, match="identify a customer"):
        shop.upload_jobs.upload(csv_of("First", "Ada"))
    with pytest.raises(InvalidInputError, match="'Note'"):
        shop.upload_jobs.mapping(csv_of("Email,Note"), unique_key="Note")


def test_a_job_is_neither_saved_nor_deleted(shop: Domain) -> None:
    job = new_job(shop)

    with pytest.raises(InvalidInputError, match="cannot be changed"):
        job.save()
    with pytest.raises(InvalidInputError, match="cannot be deleted"):
        job.delete()


def test_imported_profiles_are_kept_as_long_as_the_longer_of_two_expiries(shop: Domain) -> None:
    job = shop.upload_jobs.create(
        "x", fields={"Email": "email_address"}, unique_key="Email", data_expiry=1098
    )

    assert job.data_expiry == 1098
    with pytest.raises(InvalidInputError, match="data_expiry"):
        shop.upload_jobs.create("x", fields=FIELDS, unique_key="Email", data_expiry=1099)


def test_a_wait_ends_after_its_timeout(shop: Domain) -> None:
    lines = ["Crm,First", *(f"{number},Ada" for number in range(20_000))]
    job = shop.upload_jobs.create(
        "x", fields={"Crm": "attributes.crm", "First": "first_name"}, unique_key="Crm"
    )
    job.put(csv_of(*lines)).start()

    with pytest.raises(WaitTimeoutError, match="IN_PROGRESS"):
        job.wait(0.001)
    assert job.stop().status == "STOPPED"
