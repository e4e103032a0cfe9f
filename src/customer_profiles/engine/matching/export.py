"""Export of a job's matches to CSV files in S3."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from pydantic_core import from_json

from customer_profiles.engine.store import matches as store
from customer_profiles.engine.store import profiles as profile_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context

# Observed in files of the service: these columns in this order, without MiddleName.
_PLAIN = (
    *("AccountNumber", "AdditionalInformation", "PartyType", "BusinessName", "FirstName"),
    *("LastName", "BirthDate", "Gender", "PhoneNumber", "MobilePhoneNumber", "HomePhoneNumber"),
    *("BusinessPhoneNumber", "EmailAddress", "PersonalEmailAddress", "BusinessEmailAddress"),
)
_ADDRESSES = ("Address", "ShippingAddress", "MailingAddress", "BillingAddress")
_OF_ADDRESS = (
    *("Address1", "Address2", "Address3", "Address4", "City", "County", "State", "Province"),
    *("Country", "PostalCode"),
)
HEADER = (
    *("MatchingGroupId", "ConfidenceScore", "ProfileId", *_PLAIN),
    *(f"{address}.{member}" for address in _ADDRESSES for member in _OF_ADDRESS),
    "Attributes",
)
# Assumed: a part of an export holds up to 1,000 matches.
_MATCHES_A_PART = 1_000


def location(exporting: Wire | None, domain_name: str, job_id: str) -> Wire:
    """Return the bucket and the folder of a job's files; empty if nothing is exported."""
    if not exporting:
        return {}
    # Observed in the service: the prefix, the domain and the job are the folders of the files.
    folders = [exporting.get("S3KeyName", "").strip("/"), domain_name, job_id]
    name = "/".join(folder for folder in folders if folder)
    return {"S3BucketName": exporting["S3BucketName"], "S3KeyName": name}


def export(context: Context, domain: int, domain_name: str, job_id: str, exporting: Wire) -> None:
    """Write a domain's matches to S3.

    Raises:
        AwsError: a file cannot be written to the bucket.
    """
    folder = location(exporting, domain_name, job_id)
    for number, csv_text in enumerate(_parts(context, domain)):
        name = f"CustomerProfilesPendingMatches-{domain_name}-part-{number}.csv"
        context.aws.put(folder["S3BucketName"], f"{folder['S3KeyName']}/{name}", csv_text.encode())


def _parts(context: Context, domain: int) -> Iterator[str]:
    now, after, group, is_first = context.clock.now(), 0, 0, True
    while True:
        with context.database.read() as connection:
            matches = store.page(connection, domain, after, _MATCHES_A_PART)
            if not matches and not is_first:
                return
            out = io.StringIO()
            lines = csv.writer(out, lineterminator="\n")
            lines.writerow(HEADER)
            for group, match in enumerate(matches, group):  # noqa: B020  (continues counting)
                rows = [row for row, _ in store.profiles_of(connection, match, now)]
                bodies = profile_store.bodies(connection, rows, now)
                for row in rows:
                    lines.writerow(_line(group, match.confidence, from_json(bodies[row])))
        yield out.getvalue()
        group, is_first = group + 1, False
        if len(matches) < _MATCHES_A_PART:
            return
        after = matches[-1].id


def _line(group: int, confidence: float, profile: Wire) -> list[object]:
    values: list[object] = [profile.get(name, "") for name in _PLAIN]
    addresses = [profile.get(name) or {} for name in _ADDRESSES]
    values += [address.get(name, "") for address in addresses for name in _OF_ADDRESS]
    attributes = profile.get("Attributes") or {}
    listed = ", ".join(f"{name}={value}" for name, value in attributes.items())
    text = f"{{{listed}}}" if attributes else ""
    return [group, repr(confidence), profile["ProfileId"], *values, text]
