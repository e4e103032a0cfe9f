"""Search pages and single answers over loopback HTTP: raw boto3, ours, and capo beside them.

boto3 gives dicts, capo typed dicts, we typed objects; each variant then reads five members of
every profile, so that nobody gains by putting the reading off.
"""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from capo_customer_profiles import Credentials, CustomerProfilesClient
from zapros import StdNetworkHandler, SyncTransport

from benchmarks.bodies import PAGE
from benchmarks.report import Goal, faster
from benchmarks.responder import responding
from benchmarks.timing import Variant, in_turn
from customer_profiles import CustomerProfiles

if TYPE_CHECKING:
    from collections.abc import Callable

REGION = "us-east-1"
KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "secret"
THREADS = 16
LATENCY = 0.025

BASE = "boto3"
OURS = "customer_profiles"
CAPO = "capo as shipped"
PROMPT_CAPO = "capo with TCP_NODELAY"

GOALS = {"full100": 2.0, "sparse100": 1.8, "full1": 1.05, "domain": 1.05}
TITLES = {
    "full100": "Search, a page of 100 full profiles",
    "sparse100": "Search, a page of 100 sparse profiles",
    "full1": "Search, one full profile",
    "domain": "GetDomain",
}
# Calls in a round: 50 ms of boto3's. Many short rounds feel a busy machine less than few long.
CALLS = {"full100": 5, "sparse100": 15, "full1": 45, "domain": 45}


def run(*, quick: bool) -> list[str]:
    """Measure every body, then threads; give the goals missed."""
    missed = []
    with responding() as url:
        for body, title in TITLES.items():
            timings = in_turn(_variants(body, url, CALLS[body]), 11 if quick else 41)
            missed += faster(title, timings, BASE, {OURS: Goal(GOALS[body])})
    with responding(LATENCY) as url, ThreadPoolExecutor(THREADS) as threads:
        title = f"Search, 100 full profiles a page, {THREADS} threads, {LATENCY * 1e3:.0f} ms away"
        timings = in_turn(_crowds(url, threads), 5 if quick else 15)
        missed += faster(title, timings, BASE, {OURS: Goal(2.0)})
    return missed


def _variants(body: str, url: str, calls: int) -> list[Variant]:
    ask = _ask_domain if body == "domain" else _ask_search
    variants = [
        Variant(name, ask(name, client, body), calls) for name, client in _clients(url).items()
    ]
    sums = {variant.name: variant.call() for variant in variants}
    if len(set(sums.values())) != 1:
        msg = f"the variants read different things from the same bytes: {sums}"
        raise AssertionError(msg)
    return [_slow(variant) if variant.name == CAPO else variant for variant in variants]


def _slow(variant: Variant) -> Variant:
    # A POST of capo's waits 40 ms for the peer's delayed ACK; a few show it as well as many.
    return variant._replace(calls=min(3, variant.calls))


def _crowds(url: str, threads: ThreadPoolExecutor) -> list[Variant]:
    clients = _clients(url)

    def crowd(name: str) -> Variant:
        ask = _ask_search(name, clients[name], "full100")
        return Variant(name, lambda: [*threads.map(lambda _: ask(), range(3 * THREADS))], 1)

    return [crowd(BASE), crowd(OURS)]


def _clients(url: str) -> dict[str, Any]:
    session = boto3.Session(KEY, SECRET, region_name=REGION)
    config = Config(max_pool_connections=THREADS)
    return {
        BASE: session.client("customer-profiles", endpoint_url=url, config=config),
        OURS: CustomerProfiles(session=session, region=REGION, endpoint_url=url, config=config),
        CAPO: _capo(url),
        PROMPT_CAPO: _capo(url, StdNetworkHandler(transport=_PromptTransport())),
    }


def _capo(url: str, handler: StdNetworkHandler | None = None) -> CustomerProfilesClient:
    credentials = Credentials(access_key=KEY, secret_key=SECRET)
    return CustomerProfilesClient(handler, region=REGION, endpoint=url, credentials=credentials)


class _PromptTransport(SyncTransport):
    """capo's own transport, but its sockets send at once."""

    def connect(self, *args: Any, **options: Any) -> Any:
        stream: Any = super().connect(*args, **options)
        stream.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return stream


def _ask_search(name: str, client: Any, domain: str) -> Callable[[], int]:
    """Give a call that searches, and reads five members of each profile found."""
    values = ["ada@example.com"]

    def ours() -> int:
        return sum(map(_read_object, profiles.search(email=values, page_size=PAGE)))

    def raw() -> int:
        answer = client.search_profiles(
            DomainName=domain, KeyName="_email", Values=values, MaxResults=PAGE
        )
        return sum(map(_read_dict, answer["Items"]))

    def capo() -> int:
        answer = client.search_profiles(domain, "_email", values, max_results=PAGE)
        return sum(map(_read_snake_dict, answer["items"]))

    if name == OURS:
        profiles = client.domain(domain).profiles
        return ours
    return raw if name == BASE else capo


def _ask_domain(name: str, client: Any, domain: str) -> Callable[[], int]:
    """Give a call that gets the domain, and reads two members at different depths."""
    if name == OURS:
        domains, expiry, count = client.domains, "default_expiration_days", "stats.profile_count"
        read = attrgetter(expiry, count)
        return lambda: sum(read(domains.get(domain)))

    def raw() -> int:
        answer = client.get_domain(DomainName=domain)
        return int(answer["DefaultExpirationDays"] + answer["Stats"]["ProfileCount"])

    def capo() -> int:
        answer = client.get_domain(domain)
        return int(answer["default_expiration_days"] + answer["stats"]["profile_count"])

    return raw if name == BASE else capo


def _read_object(profile: Any) -> int:
    return (
        len(profile.profile_id)
        + len(profile.first_name)
        + len(profile.email_address)
        + len(profile.address.city)
        + len(profile.attributes["tier"])
    )


def _read_dict(profile: dict[str, Any]) -> int:
    return (
        len(profile["ProfileId"])
        + len(profile["FirstName"])
        + len(profile["EmailAddress"])
        + len(profile["Address"]["City"])
        + len(profile["Attributes"]["tier"])
    )


def _read_snake_dict(profile: dict[str, Any]) -> int:
    return (
        len(profile["profile_id"])
        + len(profile["first_name"])
        + len(profile["email_address"])
        + len(profile["address"]["city"])
        + len(profile["attributes"]["tier"])
    )
