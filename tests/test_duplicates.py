"""Acting on duplicates: comparing, reviewing, undo files and restoring merges."""

from __future__ import annotations

import json
import sqlite3
import stat
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from customer_profiles import (
    BadRequestError,
    CustomerProfiles,
    Domain,
    InvalidInputError,
    MatchingConfig,
    ResourceNotFoundError,
)
from customer_profiles.engine.doors.server import Server
from customer_profiles.repositories import matches as matches_module
from customer_profiles.repositories.side_by_side import compare

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from customer_profiles import Match, Profile

ORDERS = {
    "allow_profile_creation": True,
    "fields": {
        "id": {"source": "_source.id"},
        "customer": {"source": "_source.customer"},
        "city": {"source": "_source.city", "target": "_profile.Attributes.city"},
    },
    "keys": {
        "orderKey": [{"standard_identifiers": ["UNIQUE"], "field_names": ["id"]}],
        "customerKey": [{"standard_identifiers": ["PROFILE"], "field_names": ["customer"]}],
    },
}


@pytest.fixture
def shop() -> Iterator[Domain]:
    """Return a domain with two customers who are there twice, and orders of each."""
    with CustomerProfiles.embedded() as cp:
        domain = cp.domains.create("shop", matching=MatchingConfig(enabled=True))
        domain.object_types.put("Order", **ORDERS)
        for n in range(40):
            domain.profiles.create(
                first_name=f"First{n}", last_name=f"Last{n}", email_address=f"p{n}@example.com"
            )
        people = [
            ("Augusta", "Lovelace", "lovelace@example.org", "+1 206 555 0100"),
            ("Agusta", "Lovelace", "lovelace@example.org", "206-555-0100"),
            ("Grace", "Hopper", "hopper@example.org", "+1 206 555 0199"),
            ("Grace", "Hoper", "hopper@example.org", "206-555-0199"),
        ]
        for n, (first, last, email, phone) in enumerate(people):
            profile = domain.profiles.create(
                first_name=first, last_name=last, email_address=email, phone_number=phone
            )
            domain.profiles.add_key(profile.profile_id, "customerKey", f"C{n}")
            domain.profiles.add_key(profile.profile_id, "_salesforceContactId", f"S{n}")
            domain.objects("Order").put({"id": f"O{n}", "customer": f"C{n}", "city": f"City{n}"})
        domain.matches.run().wait()
        yield domain


def match_of(shop: Domain, last: str) -> Match:
    return next(m for m in shop.matches.all() if any(p.last_name == last for p in m.profiles))


def ids_by_first_name(shop: Domain) -> dict[str | None, str]:
    return {profile.first_name: profile.profile_id for profile in shop.profiles.all()}


def test_a_comparison_says_what_agrees_and_what_differs(shop: Domain) -> None:
    compared = match_of(shop, "Lovelace").compare()
    agreement = {field.field: field.agreement for field in compared.fields}

    assert agreement["phone_number"] == agreement["last_name"] == "same"
    assert agreement["first_name"] == "similar"
    assert agreement["attributes.city"] in ("similar", "different")
    assert "first_name" in compared.differing
    assert "Augusta" not in repr(compared)


def test_profiles_without_anything_are_compared() -> None:
    assert compare([]).fields == []


def test_a_merge_writes_an_undo_file_that_only_its_owner_reads(
    shop: Domain, tmp_path: Path
) -> None:
    match = match_of(shop, "Lovelace")
    file = match.merge(match.profile_ids[0], undo=tmp_path / "undo")

    assert file is not None
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    stored = json.loads(file.read_text())["Profiles"]
    assert {item["Profile"]["FirstName"] for item in stored} == {"Augusta", "Agusta"}
    assert [len(item["Objects"]) for item in stored] == [1, 1]


def contents(profile: Profile) -> tuple[dict[str, object], list[str]]:
    values = profile.reveal()
    del values["profile_id"]
    return values, sorted(item.object for item in profile.objects("Order"))


def test_a_merge_can_be_restored_with_objects_and_keys(shop: Domain, tmp_path: Path) -> None:
    match = match_of(shop, "Lovelace")
    before = {profile.profile_id: contents(profile) for profile in match.profiles}
    keep, other = match.profile_ids
    file = match.merge(keep, undo=tmp_path)
    assert file is not None

    restored = shop.matches.restore(file)

    new = restored.profile_ids[other]
    assert restored.kept_profile_id == keep
    assert new != other
    assert contents(shop.profiles.get(keep)) == before[keep]
    assert contents(shop.profiles.get(new)) == before[other]
    assert len(list(shop.profiles.search(keys={"_salesforceContactId": "S1"}))) == 1
    assert [d.is_match for d in shop.matches.decisions()] == [False]
    assert other in restored.differences[0]
    with pytest.raises(InvalidInputError, match="restored already"):
        shop.matches.restore(file)


def test_what_changed_since_the_merge_stays(shop: Domain, tmp_path: Path) -> None:
    match = match_of(shop, "Lovelace")
    keep = ids_by_first_name(shop)["Augusta"]
    file = match.merge(keep, undo=tmp_path)
    assert file is not None
    shop.profiles.update(keep, last_name="Byron")

    restored = shop.matches.restore(file)

    assert shop.profiles.get(keep).last_name == "Byron"
    assert any("last_name of the kept profile changed" in text for text in restored.differences)


def test_an_undo_file_without_its_merge_is_refused(shop: Domain, tmp_path: Path) -> None:
    match = match_of(shop, "Lovelace")
    shop.profiles.delete(match_of(shop, "Hopper").profile_ids[0])
    file = match.merge(match.profile_ids[0], undo=tmp_path)
    assert file is not None
    content = json.loads(file.read_text())
    content["KeptProfileId"], content["Profiles"][1]["Profile"]["ProfileId"] = (
        match.profile_ids[0],
        ids_by_first_name(shop)["First0"],
    )
    file.write_text(json.dumps(content))

    with pytest.raises(InvalidInputError, match="did not happen"):
        shop.matches.restore(file)


@pytest.mark.parametrize("text", ["", "[]", '{"Format": "x"}', "\x00"])
def test_another_file_is_no_undo_file(shop: Domain, tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)

    with pytest.raises(InvalidInputError, match="not an undo file"):
        shop.matches.restore(tmp_path / "x.json")


def test_a_review_stores_decisions_and_merges_when_it_is_applied(
    shop: Domain, tmp_path: Path
) -> None:
    review = shop.matches.review()
    for item in review:
        if item.profiles[0].last_name == "Lovelace":
            item.merge()
        else:
            item.keep_apart()
    count = len(list(shop.profiles.all()))

    applied = review.apply(undo=tmp_path)

    assert len(list(shop.profiles.all())) == count - 1
    assert [merge.undo_file is not None for merge in applied] == [True]
    shop.matches.run().wait()
    assert list(shop.matches.all()) == []


def test_a_review_goes_on_where_it_stopped(shop: Domain) -> None:
    first = shop.matches.review()
    item = next(first)
    item.keep_apart()

    again = shop.matches.review()
    assert [other.match.match_id for other in again] != []
    assert item.match.match_id not in [other.match.match_id for other in shop.matches.review()]


def test_a_merge_that_was_not_applied_is_pending_later(shop: Domain) -> None:
    next(shop.matches.review()).merge()

    assert len(shop.matches.review().apply()) == 1


def test_an_answer_can_be_taken_back_until_it_is_applied(shop: Domain) -> None:
    review = shop.matches.review()
    item = next(review)
    item.merge()

    undone = review.undo()

    assert undone is item
    assert shop.matches.decisions() == []
    assert next(review).match is item.match
    assert review.apply() == []
    assert review.undo() is None


def test_the_profile_to_keep_can_be_chosen(shop: Domain) -> None:
    review = shop.matches.review()
    item = next(review)
    keep = item.profiles[1]
    item.merge(keep)

    assert review.apply()[0].kept_profile_id == keep.profile_id


def test_contradictory_answers_are_refused_and_change_nothing(shop: Domain) -> None:
    review = shop.matches.review()
    item = next(review)
    a, b = item.match.profile_ids
    other = ids_by_first_name(shop)["First0"]
    shop.matches.decide(a, other, same=True)
    shop.matches.decide(b, other, same=False)

    with pytest.raises(BadRequestError):
        item.merge()
    assert len(shop.matches.decisions()) == 2


def test_run_without_the_extra_is_refused_at_once(
    shop: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = len(list(shop.jobs.all()))
    monkeypatch.setattr(matches_module, "find_spec", lambda name: None if name == "numpy" else 1)

    with pytest.raises(InvalidInputError, match=r'numpy.*pip install "\.\[identity\]"'):
        shop.matches.run()
    assert len(list(shop.jobs.all())) == jobs


def test_restoring_into_another_domain_is_refused(shop: Domain, tmp_path: Path) -> None:
    match = match_of(shop, "Lovelace")
    file = match.merge(match.profile_ids[0], undo=tmp_path)
    assert file is not None
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "DomainName": "other"}))

    with pytest.raises(InvalidInputError, match="is of domain other"):
        shop.matches.restore(file)


def test_a_kept_profile_that_is_gone_is_restored_too(shop: Domain, tmp_path: Path) -> None:
    match = match_of(shop, "Lovelace")
    keep = match.profile_ids[0]
    file = match.merge(keep, undo=tmp_path)
    assert file is not None
    shop.profiles.delete(keep)

    restored = shop.matches.restore(file)

    assert set(restored.profile_ids) == set(match.profile_ids)
    with pytest.raises(ResourceNotFoundError):
        shop.profiles.get(keep)


@pytest.fixture
def aws(shop: Domain) -> Iterator[Domain]:
    """Return the same domain as a client of AWS sees it, over HTTP."""
    channel: Any = shop._home()._gateway.channel
    session = boto3.Session("test", "test", region_name="us-east-1")
    with (
        Server(channel.engine, port=0, run_due_every=None) as server,
        CustomerProfiles(session=session, endpoint_url=server.url, account_id="0" * 12) as cp,
    ):
        yield cp.domains.get("shop")


def test_a_review_on_aws_merges_and_keeps_no_decisions(aws: Domain, tmp_path: Path) -> None:
    review = aws.matches.review()
    first, second = review
    with pytest.raises(InvalidInputError, match="on AWS, skip the match"):
        first.keep_apart()
    first.skip()
    second.merge()

    (merged,) = review.apply(undo=tmp_path)

    assert merged.undo_file is not None
    restored = aws.matches.restore(merged.undo_file)
    assert any("AWS keeps no decisions" in text for text in restored.differences)
    assert any("keys of the others" in text for text in restored.differences)


def test_a_person_on_aws_is_exported_and_erased(aws: Domain) -> None:
    profile_id = ids_by_first_name_on(aws, "lovelace@example.org")[0]

    person = aws.profiles.export(profile_id)
    assert len(person.objects) == 1
    assert any("search keys" in text for text in person.not_included)
    receipt = aws.profiles.forget(profile_id)

    assert receipt.objects_by_type == {"Order": 1}
    assert receipt.is_compacted is False
    with pytest.raises(ResourceNotFoundError):
        aws.profiles.get(profile_id)
    with pytest.raises(ResourceNotFoundError):
        aws.profiles.forget(profile_id)


def ids_by_first_name_on(aws: Domain, email: str) -> list[str]:
    return [profile.profile_id for profile in aws.profiles.search(email=email)]


def test_a_read_that_prevents_compaction_is_reported(tmp_path: Path) -> None:
    with CustomerProfiles.embedded(tmp_path / "shop.db") as cp:
        shop = cp.domains.create("shop")
        ada = shop.profiles.create(first_name="Ada")
        reader = sqlite3.connect(tmp_path / "shop.db")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM profiles").fetchone()

        receipt = shop.profiles.forget(ada.profile_id)
        reader.close()

        assert receipt.is_compacted is False
        assert "another process" in receipt.not_reached[0]
        ida = shop.profiles.create(first_name="Ida")
        assert shop.profiles.forget(ida.profile_id).is_compacted
