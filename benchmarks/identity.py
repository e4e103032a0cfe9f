"""Machine matching: how right, how sure, how fast and how large, beside splink in the same run.

The labelled sets are not part of the project: MATCHING_DATA names their folder (by default
../shared/data/matching beside the project), MATCHING_MILLION a Parquet file of a million rows. The
truth column is for judging; no matcher sees it. Each measurement is a process of its own.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from benchmarks import made_sets
from benchmarks.report import Goal, Line, console, show
from customer_profiles.identity.results import evaluation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("MATCHING_DATA", ROOT.parent / "shared/data/matching"))
MILLION = os.environ.get("MATCHING_MILLION", "")
# Best pair F1, pair F1 at 0.95, B-cubed F1 at 0.95.
GOALS = {
    "fake_1000": (0.89, 0.80, 0.945),
    "historical_50k": (0.84, 0.80, 0.92),
    "cdp_10k": (0.94, 0.885, 0.972),
    "cdp_100k": (0.915, 0.865, 0.966),
    "cdp_1m": (0.885, 0.845, 0.96),
}
SECONDS = {"cdp_10k": 2.0, "cdp_100k": 4.0, "cdp_1m": 20.0}
GIGABYTES, MILLISECONDS = 1.5, 2.0
NEW, WARM = 3_000, 1_000
PRECISION, CALIBRATION, PURITY = 0.98, 0.03, 0.98
LARGE, SURE = 10_000, 0.95
TRUTHS = ("_person", "truth")
MARKS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
ADDRESS = ("Address1", "City", "State", "PostalCode", "Country")


def run(*, quick: bool) -> list[str]:
    """Measure all sets that are there, and give the goals that were missed."""
    missed: list[str] = []
    for name in GOALS:
        if quick and name == "cdp_1m":
            continue
        if not _path(name).exists():
            console.print(f"{name}: no such set; MATCHING_DATA and MATCHING_MILLION name them")
            continue
        ours, stored, peer = (child(part, name) for part in ("ours", "stored", "splink"))
        missed += _shown(name, ours, stored, peer)
    return missed


def _shown(name: str, ours: Any, stored: Any, peer: Any) -> list[str]:
    """Print what was measured of one set, and give the goals that were missed."""
    best, sure, cubed = GOALS[name]
    lines = [
        _score("pair F1, best threshold", "best", ours, peer, best),
        _score("pair F1 at 0.95", "sure", ours, peer, sure),
        _score("the same of groups: best", "grouped_best", ours, peer, None),
        _score("at 0.95", "grouped_sure", ours, peer, None),
        _score("B-cubed F1 at 0.95", "cubed", ours, peer, cubed),
    ]
    is_large = ours["rows"] >= LARGE
    lines += [
        _score("right of pairs at 0.95", "precision", ours, peer, PRECISION if is_large else None),
        _score(
            "calibration error", "error", ours, peer, CALIBRATION if is_large else None, least=False
        ),
        _score("pure of groups at 0.95", "pure", ours, peer, PURITY if is_large else None),
    ]
    lines.append(
        Line(
            "records in memory to groups",
            (
                f"{ours['seconds']:.1f} s, {ours['gb']:.2f} GB",
                f"{peer['seconds']:.1f} s, {peer['gb']:.2f} GB",
            ),
        )
    )
    goal = Goal(SECONDS[name], at_least=False, unit=" s") if name in SECONDS else None
    lines.append(
        Line(
            "job from the store, stored",
            (f"{stored['seconds']:.1f} s", ""),
            stored["seconds"],
            goal,
        )
    )
    is_million = name == "cdp_1m"
    memory = Goal(GIGABYTES, at_least=False, unit=" GB") if is_million else None
    lines.append(Line("its memory", (f"{stored['gb']:.2f} GB", ""), stored["gb"], memory))
    tail = Goal(MILLISECONDS, at_least=False, unit=" ms") if is_million else None
    shown = f"p50 {stored['p50']:.2f} ms, p99 {stored['p99']:.2f} ms"
    lines.append(Line("one new profile against them", (shown, ""), stored["p99"], tail))
    lines.append(Line("the index for that, once", (f"{stored['index']:.1f} s", "")))
    return show(f"{name}: {ours['rows']:,} records", ("ours", f"splink {peer['version']}"), lines)


def _score(  # noqa: PLR0913  (a line of a table)
    title: str, key: str, ours: Any, peer: Any, bound: float | None, *, least: bool = True
) -> Line:
    goal = None if bound is None else Goal(bound, at_least=least, unit="")
    return Line(title, (f"{ours[key]:.3f}", f"{peer[key]:.3f}"), ours[key], goal)


def child(part: str, name: str) -> Any:
    """Measure in a process of its own, whose memory is told then."""
    command = [sys.executable, "-m", "benchmarks.identity", part, name]
    done = subprocess.run(command, capture_output=True, check=True, cwd=ROOT, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _path(name: str) -> Path:
    return Path(MILLION) if name == "cdp_1m" else DATA / f"{name}.parquet"


def _read(name: str) -> tuple[pa.Table, Any]:
    """Give a set as text without its truth, and the truth."""
    table = made_sets.table(name) if name in made_sets.MADE else parquet.read_table(_path(name))
    truth = next(one for one in TRUTHS if one in table.column_names)
    kept = [
        one for one in table.column_names if one != truth and table[one].null_count < len(table)
    ]
    text = pa.table({one: table[one].cast(pa.string()) for one in kept})
    return text, table[truth].to_numpy()


def _pairs(count: Any) -> float:
    return float((count * (count - 1) // 2).sum())


def _judged(labels: dict[float, Any], sure: Any, truth: Any) -> dict[str, float]:
    """Judge groups by the truth: pair F1 at several thresholds, B-cubed F1 at 0.95, and purity.

    Args:
        labels: of each threshold each record's group.
        sure: whether each record's group at 0.95 is one that would be merged.
        truth: each record's person.
    """
    person = np.unique(truth, return_inverse=True)[1]
    scores = {
        mark: evaluation.scores(np.unique(label, return_inverse=True)[1], person)
        for mark, label in labels.items()
    }
    _, first, label = np.unique(labels[SURE], return_index=True, return_inverse=True)
    cells = np.unique(np.stack([label, person]), axis=1)
    people = np.bincount(cells[0])
    merged = (np.bincount(label) > 1) & sure[first]
    return {
        "grouped_best": max(score.pairs.f1 for score in scores.values()),
        "grouped_sure": scores[SURE].pairs.f1,
        "cubed": scores[SURE].cubed.f1,
        "pure": float((people[merged] == 1).mean()) if merged.any() else 1.0,
        "false": int((people[merged] > 1).sum()),
    }


def _sure(left: Any, right: Any, probability: Any, truth: Any) -> dict[str, float]:
    """Judge pairs: F1 at the best threshold and at 0.95, and whether probabilities are true."""
    match = truth[left] == truth[right]
    there = max(_pairs(np.unique(truth, return_counts=True)[1]), 1.0)
    order = np.argsort(-probability, kind="stable")
    hits = np.cumsum(match[order])
    scores = 2 * hits / (np.arange(1, len(hits) + 1) + there)
    is_sure = probability >= SURE
    bins = np.minimum((probability * 20).astype(int), 19)
    error = sum(
        abs(probability[bins == one].mean() - match[bins == one].mean()) * (bins == one).sum()
        for one in np.unique(bins)
    )
    return {
        "best": float(scores.max(initial=0)),
        "sure": float(scores[is_sure.sum() - 1]) if is_sure.any() else 0.0,
        # Silence is never wrong.
        "precision": float(match[is_sure].mean()) if is_sure.any() else 1.0,
        "compared": float(match.sum() / there),
        "error": float(error / max(len(match), 1)),
    }


def _used() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def ours(name: str) -> dict[str, Any]:
    """Resolve records that are in memory."""
    from customer_profiles.identity import resolve

    table, truth = _read(name)
    began = time.perf_counter()
    found = resolve(table, keep_values=False)
    groups = len(found.groups)
    seconds, used = time.perf_counter() - began, _used()
    labels = {mark: found._labels(mark) for mark in MARKS}
    pairs = found.pairs(0.0)
    sure = _sure(pairs.left, pairs.right, pairs.probability, truth)
    told = {"rows": len(truth), "groups": groups, "seconds": seconds, "gb": used}
    merged = found.confidence >= SURE
    return told | sure | _judged(labels, merged, truth)


def stored(name: str) -> dict[str, Any]:
    """Run a job of an engine whose file holds the records as profiles."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "shop.db")
        subprocess.run(
            [sys.executable, "-m", "benchmarks.identity", "fill", name, path], check=True, cwd=ROOT
        )
        from customer_profiles.engine import Engine

        with Engine(path) as engine:
            began = time.perf_counter()
            job_id = engine.run_identity_resolution("shop")
            request = {"DomainName": "shop", "JobId": job_id}
            while not (job := json.loads(engine.answer("GetIdentityResolutionJob", request))).get(
                "JobEndTime"
            ):
                time.sleep(0.02)
            seconds, used = time.perf_counter() - began, _used()
            assert job["Status"] == "COMPLETED", job
            return {"seconds": seconds, "gb": used, **_found_one_by_one(engine, name)}


def _found_one_by_one(engine: Any, name: str) -> dict[str, float]:
    """Look records of a set up again, as new ones, and time each; the first ones warm up."""
    table, _ = _read(name)
    draw = np.random.default_rng(1)
    some = table.take(draw.choice(len(table), min(NEW, len(table)), replace=False))
    wires = list(_wires(some))
    began = time.perf_counter()
    engine.find_candidates("shop", wires[0])
    index, times = time.perf_counter() - began, []
    for wire in wires:
        began = time.perf_counter()
        engine.find_candidates("shop", wire)
        times.append(1000 * (time.perf_counter() - began))
    warm = np.array(times[min(WARM, len(times) // 2) :])
    return {"index": index, "p50": float(np.median(warm)), "p99": float(np.percentile(warm, 99))}


def fill(name: str, path: str) -> None:
    """Make profiles of a set, as any client does."""
    from customer_profiles.engine import Engine

    table, _ = _read(name)
    with Engine(path) as engine:
        shop = {"DomainName": "shop", "DefaultExpirationDays": 366}
        engine.answer("CreateDomain", shop | {"Matching": {"Enabled": True}})
        for wire in _wires(table):
            engine.answer("CreateProfile", {"DomainName": "shop", **wire})


def _wires(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Give records as the service takes profiles."""
    columns = {one: table[one].to_pylist() for one in table.column_names if "Id" not in one}
    members = set(_members())
    for row in range(len(table)):
        values = {one: text.strip() for one, it in columns.items() if (text := it[row])}
        wire: dict[str, Any] = {one: it for one, it in values.items() if it and one in members}
        if address := {one: it for one, it in values.items() if it and one in ADDRESS}:
            wire["Address"] = address
        yield wire


def _members() -> Sequence[str]:
    from customer_profiles import _wire

    shape: Any = _wire.operation("CreateProfile").input_shape
    return [one for one, it in shape.members.items() if it.type_name == "string"]


def splink(name: str) -> dict[str, Any]:
    """Resolve the same records with splink, trained as its documentation advises."""
    import duckdb
    import splink as library
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on
    from splink import comparison_library as cl

    table, truth = _read(name)
    table = _cleaned(table).append_column("unique_id", pa.array(np.arange(len(truth))))
    have = set(table.column_names)
    known = {
        "FirstName": cl.JaroWinklerAtThresholds("FirstName", [0.92, 0.8]),
        "LastName": cl.JaroWinklerAtThresholds("LastName", [0.92, 0.8]),
        "BirthDate": cl.DamerauLevenshteinAtThresholds("BirthDate", [1, 2]),
        "email": cl.JaroWinklerAtThresholds("email", [0.96, 0.88]),
        "phones": cl.ArrayIntersectAtSizes("phones", [1]),
        "Address1": cl.JaroWinklerAtThresholds("Address1", [0.92]),
        "City": cl.JaroWinklerAtThresholds("City", [0.9]),
        "PostalCode": cl.LevenshteinAtThresholds("PostalCode", [1]),
        "AccountNumber": cl.ExactMatch("AccountNumber"),
        "MiddleName": cl.ExactMatch("MiddleName"),
        "Extra": cl.ExactMatch("Extra"),
        "DocumentNumber": cl.LevenshteinAtThresholds("DocumentNumber", [1, 2]),
    }
    used = {one: it for one, it in known.items() if one in have}
    for one in ("FirstName", "LastName", "City", "PostalCode"):
        if one in used:
            used[one] = used[one].configure(term_frequency_adjustments=True)
    rules = [
        ("FirstName", "LastName"), ("LastName", "BirthDate"), ("FirstName", "BirthDate"),
        ("LastName", "PostalCode"), ("FirstName", "PostalCode"), ("FirstName", "City", "BirthDate"),
        ("LastName", "City"), ("Address1", "FirstName"), ("Address1", "LastName"),
        ("AccountNumber",), ("DocumentNumber",), ("BirthDate",),
    ]  # fmt: skip
    rules = [one for one in rules if have.issuperset(one)]
    several = [one for one in ("emails", "phones") if one in have]
    began = time.perf_counter()
    connection = duckdb.connect()
    connection.execute("SET lambda_syntax='ENABLE_SINGLE_ARROW'")
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=list(used.values()),
        blocking_rules_to_generate_predictions=[
            *(block_on(*one) for one in rules),
            *(block_on(one, arrays_to_explode=[one]) for one in several),
        ],
    )
    api = DuckDBAPI(connection)
    linker = (
        Linker(api.register(table), settings)
        if hasattr(api, "register")
        else Linker(table, settings, api)
    )
    certain = [block_on(*one) for one in rules if one[-1] in {"BirthDate", "AccountNumber"}]
    certain = certain or [block_on(*rules[0])]
    linker.training.estimate_probability_two_random_records_match(certain, recall=0.6)
    linker.training.estimate_u_using_random_sampling(max_pairs=5e6)
    for one in rules[:5]:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*one))
    found = linker.inference.predict(threshold_match_probability=0.01)
    columns = "unique_id_l, unique_id_r, match_probability"
    pairs = connection.table(found.physical_name).project(columns).fetchnumpy()
    left, right = (pairs[f"unique_id_{side}"].astype(np.int64) for side in "lr")
    probability = pairs["match_probability"]
    labels = {mark: _components(len(truth), left, right, probability >= mark) for mark in MARKS}
    seconds, used_gb = time.perf_counter() - began, _used()
    told = {"seconds": seconds, "gb": used_gb, "version": library.__version__}
    every = np.ones(len(truth), bool)
    return told | _sure(left, right, probability, truth) | _judged(labels, every, truth)


def goldenmatch(name: str) -> dict[str, Any]:
    """Resolve the same records with goldenmatch, as it configures itself."""
    import goldenmatch as library

    table, truth = _read(name)
    began = time.perf_counter()
    found = library.dedupe_df(table, confidence_required=False, allow_red_config=True)
    label = np.arange(len(truth))
    for cluster in found.clusters.values():
        label[cluster["members"]] = min(cluster["members"])
    seconds = time.perf_counter() - began
    every = np.ones(len(truth), bool)
    return {"seconds": seconds, "gb": _used(), **_judged({SURE: label}, every, truth)}


def _cleaned(table: pa.Table) -> pa.Table:
    """Clean values before, as splink's documentation advises: it compares them as they are."""
    from customer_profiles.identity.preparing import normalize

    columns: dict[str, Any] = {}
    several: dict[str, list[Any]] = {"emails": [], "phones": []}
    for name in table.column_names:
        values = table[name].combine_chunks()
        if "Email" in name:
            several["emails"].append(normalize.emails(values))
        elif "Phone" in name:
            several["phones"].append(normalize.phones(values))
        elif name == "BirthDate":
            dates = [
                it and f"{normalize.date(it, days_first=False):08x}" for it in values.to_pylist()
            ]
            columns[name] = pa.array([None if it == "00000000" else it for it in dates])
        else:
            columns[name] = normalize.empty_as_null(normalize.words(values))
    for name, parts in several.items():
        if parts:
            rows = zip(*(part.to_pylist() for part in parts), strict=True)
            lists = [[it for it in dict.fromkeys(row) if it is not None] or None for row in rows]
            columns[name] = pa.array(lists, pa.list_(pa.string()))
            columns[name.removesuffix("s")] = pa.array([one and one[0] for one in lists])
    return pa.table(columns)


def _components(count: int, left: Any, right: Any, kept: Any) -> Any:
    from customer_profiles.identity.matching.clusters import components

    return components(count, left[kept], right[kept])


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        fill(*sys.argv[2:])
    else:
        measure = {f.__name__: f for f in (ours, stored, splink, goldenmatch)}[sys.argv[1]]
        print(json.dumps(measure(sys.argv[2])))
