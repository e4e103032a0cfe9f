"""Exporting a domain and importing it elsewhere."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from customer_profiles import (
    Address,
    CustomerProfiles,
    Domain,
    MatchingConfig,
    Profile,
    TransferError,
    where,
)
from customer_profiles.engine import Engine
from customer_profiles.engine.doors.server import Server
from customer_profiles.transfer import exporting, importing, parts, read_manifest
from customer_profiles.transfer.definitions import in_order

from .test_duplicates import ORDERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COUNT = 130
ROLE = "arn:aws:iam::111122223333:role/exports"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Domain]:
    """Return a domain with all that an export has."""
    with CustomerProfiles.embedded(tmp_path / "source.db") as cp:
        matching = MatchingConfig(enabled=True)
        domain = cp.domains.create(
            "shop", default_expiration_days=30, matching=matching, tags={"team": "sales"}
        )
        fill(domain)
        yield domain


def fill(domain: Domain) -> None:
    domain.object_types.put("Order", description="Orders", **ORDERS)
    domain.layouts.create("main", display_name="Main", description="All", layout="{}")
    attributes = domain.calculated_attributes
    attributes.create(
        "cities",
        "{Order.city}",
        statistic="COUNT",
        days=30,
        threshold=("GREATER_THAN", 1),
        where=where.field("city").is_not_in("X"),
        use_historical_data=True,
        tags={"team": "sales"},
    )
    attributes.update("_new_customer", display_name="New here")
    attributes.delete("_asset_first_occurrence")
    # In the order of their names, the last one is the first that can be created.
    segments = domain.segments
    segments.create("c-gold", where.attributes["tier"].is_in("gold"), tags={"team": "sales"})
    segments.create("b-big", where.segment("c-gold") & where.calculated("cities").is_in(True))
    segments.create(
        "a-named",
        ~where.segment("b-big") & where.last_name.begins_with("Ü", "S"),
        display_name="Ünnamed",
        description="All others",
        sort=[where.last_name.descending()],
    )
    ids = []
    for n in range(COUNT):
        profile = domain.profiles.create(
            first_name=f"First{n}",
            last_name="Ünïcode" if n % 2 else "Same",
            email_address=f"p{n % 60}@example.com",
            address=Address(city=f"City{n}"),
            attributes={"tier": "gold"},
        )
        ids.append(profile.profile_id)
        if n % 10 == 0:
            domain.profiles.add_key(profile.profile_id, "customerKey", f"C{n}")
            domain.objects("Order").put({"id": f"O{n}", "customer": f"C{n}", "city": f"New{n}"})
    domain.profiles.update(ids[0], attributes={"city": "changed by hand"})
    domain.objects("Order").put({"id": "P", "customer": "created by its object", "city": "X"})
    domain.profiles.add_key(ids[1], "_salesforceContactId", "S1")
    domain.matches.decide(ids[0], ids[1], same=False)


def everything(domain: Domain) -> dict[str, Any]:
    """Return what a domain has, without ids."""
    profiles = []
    for profile in domain.profiles.all():
        values = profile.reveal()
        del values["profile_id"]
        orders = sorted(order.object for order in profile.objects("Order"))
        keys = {
            (key.key_name, key.value)
            for key in domain.profiles.keys(profile.profile_id)
            if key.key_name != "_profileId"
        }
        profiles.append((values, orders, keys))
    domain.refresh()
    return {
        "profiles": sorted(profiles, key=repr),
        "types": [domain.object_types.get("Order").fields],
        "layouts": [layout.refresh().layout for layout in domain.layouts.all()],
        "matching": domain.matching,
        "days": domain.default_expiration_days,
        "tags": domain.tags,
        "attributes": definitions(domain),
        "decisions": [decision.is_match for decision in domain.matches.decisions()],
    }


def definitions(domain: Domain) -> dict[str, Any]:
    """Return the calculated attributes and segments of a domain, without times."""
    return {
        attribute.calculated_attribute_name: {
            name: value
            for name, value in attribute.refresh().reveal().items()
            if not name.endswith("_at") and name not in ("status", "readiness")
        }
        for attribute in domain.calculated_attributes.all()
    } | {
        segment.segment_definition_name: {
            name: value
            for name, value in segment.refresh().reveal().items()
            if name not in ("created_at", "segment_definition_arn")
        }
        for segment in domain.segments.all()
    }


@contextmanager
def over_http() -> Iterator[CustomerProfiles]:
    """Yield a client of an engine as if it were AWS."""
    session = boto3.Session("test", "test", region_name="us-east-1")
    with (
        Engine() as engine,
        Server(engine, port=0, run_due_every=None) as server,
        CustomerProfiles(session=session, endpoint_url=server.url, account_id="0" * 12) as cp,
    ):
        yield cp


@contextmanager
def target(tmp_path: Path) -> Iterator[CustomerProfiles]:
    with CustomerProfiles.embedded(tmp_path / "target.db") as cp:
        yield cp


@pytest.mark.parametrize("part_format", ["jsonl", "parquet"])
def test_a_domain_is_the_same_after_export_and_import(
    shop: Domain, tmp_path: Path, part_format: Any
) -> None:
    report = shop.export(tmp_path / "out", part_format=part_format)

    assert report.is_complete
    assert (report.counts["profiles"], report.counts["objects"]) == (COUNT + 1, COUNT // 10 + 1)
    with target(tmp_path) as cp:
        imported = cp.domains.import_from(tmp_path / "out", ids=tmp_path / "ids.csv")
        assert imported.not_imported == []
        assert imported.counts["profiles"] == COUNT + 1
        assert everything(cp.domain("shop")) == everything(shop)
        assert (tmp_path / "ids.csv").read_text().count("\n") == COUNT + 2
    assert not list((tmp_path / "out").glob("import-*"))


def test_calculated_attributes_have_the_values_that_they_had(shop: Domain, tmp_path: Path) -> None:
    shop.objects("Order").put({"id": "Q", "customer": "C10", "city": "Oslo"})
    shop.export(tmp_path / "out")

    with target(tmp_path) as cp:
        cp.domains.import_from(tmp_path / "out")
        profile = cp.domain("shop").profiles.search(keys={"customerKey": "C10"}).one()
        assert profile.calculated_attributes["cities"].value is True
        assert profile.calculated_attributes["cities"].text == "true"


def test_segments_have_the_members_that_they_had(shop: Domain, tmp_path: Path) -> None:
    shop.export(tmp_path / "out")

    with target(tmp_path) as cp:
        imported = cp.domains.import_from(tmp_path / "out")
        assert imported.counts["segments"] == 3
        assert imported.counts["calculated_attributes"] == 1
        count = shop.segments.estimate("a-named").wait().count
        assert cp.domain("shop").segments.estimate("a-named").wait().count == count > 0


def test_a_segment_follows_those_from_which_it_starts() -> None:
    def segment(name: str, *sources: str) -> dict[str, Any]:
        started = [{"SegmentDefinitionName": source} for source in sources]
        groups = {"Groups": [{"Dimensions": [], "SourceSegments": started}]}
        return {"SegmentDefinitionName": name, "SegmentGroups": groups}

    segments = [segment("a", "c"), segment("b", "a", "gone"), segment("c"), segment("d", "d")]
    ordered = [wire["SegmentDefinitionName"] for wire in in_order(segments)]

    assert ordered == ["c", "a", "b", "d"]


def test_an_export_without_definitions_is_still_imported(shop: Domain, tmp_path: Path) -> None:
    shop.export(tmp_path / "out")
    as_of_version_1(tmp_path / "out")

    with target(tmp_path) as cp:
        imported = cp.domains.import_from(tmp_path / "out")
        assert imported.not_imported == []
        names = definitions(cp.domain("shop"))
        assert "cities" not in names
        assert "_asset_first_occurrence" in names


def as_of_version_1(folder: Path) -> None:
    """Change an export into one of an earlier release."""
    settings, manifest = folder / "settings.json", folder / "manifest.json"
    content = json.loads(settings.read_text())
    for name in ("CalculatedAttributes", "Segments", "EventStreams"):
        content.pop(name, None)
    settings.write_text(json.dumps(content))
    described = json.loads(manifest.read_text())
    for kind in ("calculated_attributes", "segments", "event_streams"):
        described["counts"].pop(kind, None)
    (entry,) = [file for file in described["files"] if file["kind"] == "settings"]
    entry["bytes"] = settings.stat().st_size
    entry["sha256"] = hashlib.sha256(settings.read_bytes()).hexdigest()
    manifest.write_text(json.dumps({**described, "version": 1}))


@pytest.fixture
def kinesis() -> Iterator[str]:
    with mock_aws():
        client = boto3.client("kinesis", "us-east-1")
        client.create_stream(StreamName="changes", ShardCount=1)
        yield "arn:aws:kinesis:us-east-1:123456789012:stream/changes"


def test_an_event_stream_is_created_where_a_destination_is_given(
    shop: Domain, tmp_path: Path, kinesis: str
) -> None:
    shop.event_streams.create("changes", kinesis, tags={"team": "sales"})
    exported = shop.export(tmp_path / "out")
    assert any("event stream has not sent yet" in text for text in exported.not_included)

    with target(tmp_path) as cp:
        without = cp.domains.import_from(tmp_path / "out", "without")
        assert any("event_stream_uri" in text for text in without.not_imported)
        assert list(cp.domain("without").event_streams.all()) == []
        again = cp.domains.import_from(tmp_path / "out", event_stream_uri=kinesis)
        assert again.not_imported == []
        stream = cp.domain("shop").event_streams.get("changes")
        assert (stream.uri, stream.tags) == (kinesis, {"team": "sales"})


def test_upload_jobs_are_not_exported_and_the_manifest_says_so(
    shop: Domain, tmp_path: Path
) -> None:
    shop.export(tmp_path / "out")

    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert any("upload jobs" in text for text in manifest["not_included"])


def test_an_export_is_for_its_owner_alone(shop: Domain, tmp_path: Path) -> None:
    shop.export(tmp_path / "out")

    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "out").iterdir()} == {0o600}


def test_parquet_has_a_column_for_each_field(shop: Domain, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    shop.export(tmp_path / "out", part_format="parquet")
    table = pq.read_table(tmp_path / "out" / "profiles-00001.parquet")

    assert table.column("address.city")[3].as_py() == "City3"
    assert table.num_rows == COUNT + 1


class Killed(Exception):  # noqa: N818
    """Stands for a kill."""


@pytest.mark.parametrize("at", range(1, 9))
def test_an_interrupted_export_goes_on(
    shop: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    monkeypatch.setattr(exporting, "_PART_ROWS", 50)
    calls, write = 0, exporting.write_private

    def killed(path: Path, content: bytes) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise Killed
        write(path, content)

    monkeypatch.setattr(exporting, "write_private", killed)
    with pytest.raises(Killed):
        shop.export(tmp_path / "out")
    with pytest.raises(TransferError), target(tmp_path) as cp:
        cp.domains.import_from(tmp_path / "out")

    report = shop.export(tmp_path / "out")

    assert (report.counts["profiles"], report.counts["objects"]) == (COUNT + 1, COUNT // 10 + 1)
    with target(tmp_path) as cp:
        assert cp.domains.import_from(tmp_path / "out").is_complete
        assert everything(cp.domain("shop")) == everything(shop)


@pytest.mark.parametrize("operation", ["create", "add_key", "get_many", "put_each"])
@pytest.mark.parametrize("at", [1, 2, 7])
def test_an_interrupted_import_goes_on(
    shop: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str, at: int
) -> None:
    from customer_profiles.repositories.profile_objects import ProfileObjects
    from customer_profiles.repositories.profiles import Profiles

    shop.export(tmp_path / "out")
    monkeypatch.setattr(importing, "_BATCH", 50)
    owner = ProfileObjects if operation == "put_each" else Profiles
    calls, function = 0, getattr(owner, operation)

    def killed(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        done = function(*args, **options)
        if calls == at:
            raise Killed
        return done

    with target(tmp_path) as cp:
        with monkeypatch.context() as patch:
            patch.setattr(owner, operation, killed)
            try:
                cp.domains.import_from(tmp_path / "out")
            except Killed:
                assert cp.tags.all(cp.domains.get("shop")).get(importing.MARK)
        if calls >= at:
            report = cp.domains.import_from(tmp_path / "out")
            assert report.not_imported == []
        assert everything(cp.domain("shop")) == everything(shop)


def test_an_export_of_given_ids_says_which_are_missing(shop: Domain, tmp_path: Path) -> None:
    ids = [profile.profile_id for profile in shop.profiles.all(limit=30)]
    report = shop.export(tmp_path / "out", ids=[*ids, "f" * 32])

    assert report.counts["profiles"] == 30
    assert not report.is_complete
    assert any("1 of the ids" in text for text in report.not_included)
    with target(tmp_path) as cp:
        imported = cp.domains.import_from(tmp_path / "out")
        assert imported.counts["profiles"] == 30
        assert cp.domains.get("shop").stats.profile_count == 30


def test_a_folder_with_other_content_is_refused(shop: Domain, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "holiday.jpg").write_bytes(b"")

    with pytest.raises(TransferError, match=r"other files, such as holiday\.jpg"):
        shop.export(tmp_path / "out")


def test_a_file_is_no_folder(shop: Domain, tmp_path: Path) -> None:
    with pytest.raises(TransferError, match="is a file"):
        shop.export(tmp_path / "source.db")


def test_a_whole_export_is_not_overwritten(shop: Domain, tmp_path: Path) -> None:
    shop.export(tmp_path / "out")

    with pytest.raises(TransferError, match="already has an export of domain shop"):
        shop.export(tmp_path / "out")


def test_a_full_disk_leaves_nothing_half_written(
    shop: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: object, _row: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "profiles-00001.jsonl")

    with monkeypatch.context() as patch:
        patch.setattr(parts.PartWriter, "write", full)
        with pytest.raises(TransferError, match=r"No space left.*free some space.*goes on"):
            shop.export(tmp_path / "out")

    assert not list((tmp_path / "out").glob("*.tmp"))
    assert not (tmp_path / "out" / "manifest.json").exists()
    assert shop.export(tmp_path / "out").counts["profiles"] == COUNT + 1


def damage(folder: Path, how: str) -> None:
    manifest = folder / "manifest.json"
    content = json.loads(manifest.read_text())
    part = folder / "profiles-00001.jsonl"
    if how == "bytes":
        part.write_bytes(part.read_bytes().replace(b"First1", b"First2", 1))
    elif how == "short":
        part.write_bytes(part.read_bytes()[:-10])
    elif how == "missing":
        part.unlink()
    elif how == "outside":
        content["files"][0]["name"] = "../secret.json"
        manifest.write_text(json.dumps(content))
    elif how == "version":
        manifest.write_text(json.dumps({**content, "version": 99}))
    elif how == "foreign":
        manifest.write_text('{"name": "an extension of a browser"}')
    elif how == "no json":
        manifest.write_bytes(b"\xff\x00")
    elif how == "member":
        del content["domain"]
        manifest.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("bytes", "is damaged"),
        ("short", "is damaged"),
        ("missing", "is missing"),
        ("outside", "outside of the folder"),
        ("version", "another release"),
        ("foreign", "not the manifest"),
        ("no json", "not the manifest"),
        ("member", "damaged at domain"),
    ],
)
def test_a_damaged_export_is_refused_before_anything_is_written(
    shop: Domain, tmp_path: Path, how: str, words: str
) -> None:
    shop.export(tmp_path / "out")
    damage(tmp_path / "out", how)

    with target(tmp_path) as cp:
        with pytest.raises(TransferError, match=words):
            cp.domains.import_from(tmp_path / "out")
        assert list(cp.domains.all()) == []


def test_a_domain_that_exists_is_not_imported_into(shop: Domain, tmp_path: Path) -> None:
    shop.export(tmp_path / "out")
    with target(tmp_path) as cp:
        cp.domains.create("shop")

        with pytest.raises(TransferError, match="domain shop exists"):
            cp.domains.import_from(tmp_path / "out")
        assert cp.domains.import_from(tmp_path / "out", "other").is_complete


def test_settings_can_be_replaced(shop: Domain, tmp_path: Path) -> None:
    shop.export(tmp_path / "out")
    with target(tmp_path) as cp:
        cp.domains.import_from(tmp_path / "out", default_expiration_days=99)

        assert cp.domains.get("shop").default_expiration_days == 99


def test_aws_says_that_it_lists_no_profiles(tmp_path: Path) -> None:
    session = boto3.Session("test", "test", region_name="us-east-1")
    with (
        Engine() as engine,
        Server(engine, port=0, run_due_every=None) as server,
        CustomerProfiles(session=session, endpoint_url=server.url, account_id="0" * 12) as cp,
    ):
        shop = cp.domains.create("shop")
        shop.object_types.put("Order", description="Orders", **ORDERS)
        ids = [shop.profiles.create(first_name=f"A{n}").profile_id for n in range(30)]
        report = shop.export(tmp_path / "settings")
        assert not report.is_complete
        assert any("AWS lists no profiles" in text for text in report.not_included)

        report = shop.export(tmp_path / "out", ids=ids)
        assert report.is_complete
        assert report.counts["profiles"] == 30
        assert cp.domains.import_from(tmp_path / "out", "again").counts["profiles"] == 30


def test_aws_exports_all_profiles_by_way_of_a_snapshot(tmp_path: Path) -> None:
    with mock_aws(), over_http() as cp:
        boto3.client("s3", "us-east-1").create_bucket(Bucket="exports")
        shop = cp.domains.create("shop")
        for n in range(30):
            shop.profiles.create(first_name=f"A{n}")
        options: Any = {"snapshot": "s3://exports/all", "role_arn": ROLE}
        report = shop.export(tmp_path / "out", **options)

        assert report.is_complete
        assert report.counts["profiles"] == 30
        assert not (tmp_path / "out" / "ids.txt").exists()
        assert boto3.client("s3", "us-east-1").list_objects_v2(Bucket="exports")["KeyCount"] == 0
        assert list(shop.segments.all()) == []
        assert cp.domains.import_from(tmp_path / "out", "again").counts["profiles"] == 30


def test_an_interrupted_export_from_aws_makes_no_second_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_BATCH", 10)
    with mock_aws(), over_http() as cp:
        boto3.client("s3", "us-east-1").create_bucket(Bucket="exports")
        shop = cp.domains.create("shop")
        for n in range(30):
            shop.profiles.create(first_name=f"A{n}")
        options: Any = {"snapshot": "s3://exports/all", "role_arn": ROLE}

        def killed(_kind: str, count: int) -> None:
            if count == 20:
                raise Killed

        with pytest.raises(Killed):
            shop.export(tmp_path / "out", on_progress=killed, **options)
        boto3.client("s3", "us-east-1").delete_bucket(Bucket="exports")
        report = shop.export(tmp_path / "out", **options)

        assert report.counts["profiles"] == 30
        rows = parts.read_rows(
            tmp_path / "out", read_manifest(tmp_path / "out").of_kind("profiles")
        )
        assert len({row["Profile"]["ProfileId"] for row in rows}) == 30


def test_other_values_are_not_profiles_of_ours() -> None:
    assert not importing._has_values(Profile(first_name="A"), {"FirstName": "B"})
    assert importing._has_values(Profile(first_name="A"), {"FirstName": "A"})


def test_an_interrupted_import_into_aws_finds_what_it_created(
    shop: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from customer_profiles.transfer.ids import IdLog

    shop.export(tmp_path / "out")
    session = boto3.Session("test", "test", region_name="us-east-1")
    monkeypatch.setattr(importing, "_BATCH", 20)
    with (
        Engine() as engine,
        Server(engine, port=0, run_due_every=None) as server,
        CustomerProfiles(session=session, endpoint_url=server.url, account_id="0" * 12) as cp,
    ):
        flushes = 0

        def killed(_log: IdLog) -> None:
            nonlocal flushes
            flushes += 1
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(IdLog, "flush", killed)
            with pytest.raises(Killed):
                cp.domains.import_from(tmp_path / "out")
        report = cp.domains.import_from(tmp_path / "out")

        # Profiles with objects have nothing yet by which AWS finds them.
        stats = cp.domains.get("shop").stats
        assert stats is not None
        twins = (stats.profile_count or 0) - COUNT - 1
        assert 0 <= twins <= 3
        assert any("may be stored twice" in text for text in report.not_imported)
