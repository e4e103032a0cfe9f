"""An import of rows gives what a plain model gives, whatever the rows and the size of a step."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from unittest import mock
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_profiles.engine import Engine, background
from customer_profiles.engine.uploads import steps

SHOP = {"DomainName": "shop"}
MAILS = st.sampled_from(["", "a@x.org", "A@x.org", "b@x.org", "c@x.org ", "d@x.org"])
NAMES = st.sampled_from(["", "Ada", "Bea, the\n2nd", '"', "ü" * 255, "ü" * 256])
ROWS = st.lists(st.tuples(MAILS, NAMES, NAMES), max_size=12)
STORED = st.lists(st.tuples(MAILS, st.sampled_from(["", "Ada"])), max_size=4)
TARGETS = {"EmailAddress": "EMAIL_ADDRESS", "Attributes.mail": "EMAIL_ADDRESS"}
LONGEST = 255


def nested(path: str, value: str) -> dict[str, object]:
    top, _, member = path.partition(".")
    return {top: {member: value}} if member else {top: value}


def read(profile: dict[str, object], path: str) -> object:
    for name in path.split("."):
        profile = profile.get(name) or {}  # type: ignore[assignment]
    return profile or None


def normal(value: object) -> str:
    return str(value).casefold().strip()


def naive(stored, rows, target):
    """Import rows into a list of profiles, one after the other."""
    profiles = [
        {**(nested(target, mail) if mail else {}), "FirstName": name} for mail, name in stored
    ]
    profiles = [{name: value for name, value in item.items() if value} for item in profiles]
    updated = created = failed = 0
    for mail, first, last in rows:
        cells = {target: mail, "FirstName": first, "LastName": last}
        same = [
            item for item in profiles if normal(read(item, target) or "") == normal(mail) and mail
        ]
        if not mail.strip() or len(same) > 1 or any(len(cell) > LONGEST for cell in cells.values()):
            failed += 1
            continue
        updated += bool(same)
        created += not same
        if not same:
            same = [{}]
            profiles += same
        for path, value in cells.items():
            if value:
                same[0].update(nested(path, value))
    return profiles, (updated, created, failed)


@pytest.mark.parametrize("target", TARGETS)
@given(stored=STORED, rows=ROWS, size=st.sampled_from([1, 2, 5, 100]))
@settings(max_examples=60)
def test_an_import_gives_what_a_plain_model_gives(target, stored, rows, size):
    expected, counts = naive(stored, rows, target)
    text = io.StringIO()
    csv.writer(text).writerows([("Mail", "First", "Last"), *rows])
    fields = {
        "mail": {
            "Source": "_source.Mail",
            "Target": f"_profile.{target}",
            "ContentType": TARGETS[target],
        },
        "first": {"Source": "_source.First", "Target": "_profile.FirstName"},
        "last": {"Source": "_source.Last", "Target": "_profile.LastName"},
    }

    with Engine(strict=True) as engine, mock.patch.object(background, "start"):

        def ask(operation, **members):
            return json.loads(engine.answer(operation, {**SHOP, **members}))

        ask("CreateDomain", DefaultExpirationDays=30)
        for mail, name in stored:
            members = {**(nested(target, mail) if mail else {}), "FirstName": name}
            ask("CreateProfile", **{key: value for key, value in members.items() if value})
        job = ask("CreateUploadJob", DisplayName="x", Fields=fields, UniqueKey="mail")["JobId"]
        url = ask("GetUploadJobPath", JobId=job)["Url"]
        Path(url2pathname(urlsplit(url).path)).write_text(text.getvalue(), newline="")
        ask("StartUploadJob", JobId=job)
        with mock.patch.multiple(steps, _FIRST=size, _ROWS_OF_A_SCAN=size):
            background.finish(engine._context)
        answer = ask("GetUploadJob", JobId=job)
        found = json.loads(engine.list_profiles("shop"))["Items"]

    assert tuple(answer["ResultsSummary"].values()) == counts
    for item in found:
        del item["ProfileId"]
    assert found == expected
