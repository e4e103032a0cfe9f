"""The pytest plugin, in runs of pytest of its own."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from customer_profiles import testing

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/how-to/test-your-code.md"
ENTRY_POINT = "customer_profiles.testing"


@pytest.fixture
def run(pytester, monkeypatch):
    """Run pytest on the text of a test file, with this plugin and xdist only."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def run(text, *options, ini=""):
        pytester.makepyfile(test_shop=text)
        pytester.makeini(f"[pytest]\nfilterwarnings = error\n{ini}")
        plugins = ("-p", ENTRY_POINT, "-p", "xdist.plugin", "-p", "no:cacheprovider")
        return pytester.runpytest_subprocess(*plugins, *options)

    return run


def test_the_entry_point_has_the_name_of_its_module():
    """`-p customer_profiles.testing` finds the entry point, and does not load it twice."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert project["entry-points"]["pytest11"] == {ENTRY_POINT: testing.__name__}


def test_every_exported_name_is_there():
    assert [name for name in testing.__all__ if getattr(testing, name) is None] == []
    with pytest.raises(AttributeError, match="no attribute 'fixture'"):
        testing.fixture  # noqa: B018


def test_no_name_of_the_plugin_is_one_of_another():
    taken = {"client", "engine", "server", "session", "clock", "cp", "domain"}

    assert taken.isdisjoint(testing.__all__)


def test_the_client_is_new_for_each_test(run):
    result = run("""
        import pytest
        from customer_profiles import CustomerProfiles

        @pytest.mark.parametrize("number", range(3))
        def test_it(customer_profiles, number):
            assert isinstance(customer_profiles, CustomerProfiles)
            assert list(customer_profiles.domains.all()) == []
            customer_profiles.domains.create("shop", default_expiration_days=1)
    """)
    result.assert_outcomes(passed=3)


def test_the_domain_is_one_of_the_client(run):
    result = run("""
        def test_it(profiles_domain, customer_profiles):
            profiles_domain.profiles.create(email_address="ada@example.com")
            (domain,) = customer_profiles.domains.all()
            assert domain.domain_name == profiles_domain.domain_name
    """)
    result.assert_outcomes(passed=1)


SESSION = """
    import pytest

    seen = set()

    @pytest.mark.parametrize("number", range(4))
    def test_it(customer_profiles, profiles_engine, profiles_domain, number):
        seen.add((id(customer_profiles), id(profiles_engine)))
        assert len(seen) == 1
        assert profiles_domain.profiles.search(email="ada@example.com").first() is None
        profiles_domain.profiles.create(email_address="ada@example.com")
        if number == 2:
            customer_profiles.domains.delete(profiles_domain.domain_name)
        customer_profiles.domains.create(f"kept-{number}", default_expiration_days=1)
        assert len(list(customer_profiles.domains.all())) == number + 2 - (number == 2)
"""


def test_all_tests_of_a_session_can_share_an_engine(run):
    run(SESSION, "--customer-profiles-scope=session").assert_outcomes(passed=4)


def test_the_scope_can_be_a_setting(run):
    run(SESSION, ini="customer_profiles_scope = session").assert_outcomes(passed=4)


def test_the_option_takes_precedence_over_the_setting(run):
    result = run(
        SESSION, "--customer-profiles-scope=session", ini="customer_profiles_scope = function"
    )
    result.assert_outcomes(passed=4)


def test_a_scope_that_does_not_exist_is_named(run):
    result = run("def test_it(customer_profiles): ...", ini="customer_profiles_scope = module")
    result.stdout.fnmatch_lines_random(
        "*customer_profiles_scope must be function or session, it was 'module'*"
    )
    assert result.ret != 0


def test_the_clock_stands_still_until_it_is_moved(run):
    result = run("""
        from datetime import UTC, datetime

        def test_it(profiles_clock, customer_profiles):
            shop = customer_profiles.domains.create("shop", default_expiration_days=1)
            ada = shop.profiles.create(account_number="A-1")
            assert profiles_clock.now() == profiles_clock.now()
            profiles_clock.advance(days=2)
            assert shop.profiles.search(account="A-1").first() is None

        def test_it_can_be_set(profiles_domain, profiles_clock, customer_profiles):
            profiles_clock.move_to(datetime(2030, 1, 1, tzinfo=UTC))
            made = customer_profiles.domains.create("later", default_expiration_days=1)
            assert made.created_at == datetime(2030, 1, 1, tzinfo=UTC)

        def test_without_it_time_passes(profiles_engine):
            before = profiles_engine._clock.now()
            while profiles_engine._clock.now() == before:
                pass
    """)
    result.assert_outcomes(passed=3)


def test_a_shared_engine_never_goes_back_in_time(run):
    result = run(
        """
        times = []

        def test_one(profiles_clock, profiles_engine):
            profiles_clock.advance(days=2)
            times.append(profiles_clock.now())

        def test_two(profiles_engine):
            times.append(profiles_engine._clock.now())

        def test_three(profiles_clock):
            times.append(profiles_clock.now())
            assert times == sorted(times)
        """,
        "--customer-profiles-scope=session",
    )
    result.assert_outcomes(passed=3)


@pytest.mark.parametrize("scope", ["function", "session"])
def test_faults_end_with_the_test(run, scope):
    result = run(
        """
        import pytest
        from customer_profiles import AmbiguousWriteError, ThrottlingError

        def test_one(profiles_faults, profiles_domain):
            profiles_faults.fail_next("SearchProfiles", throttling=3)
            assert profiles_domain.profiles.search(email="a@example.com").first() is None
            assert not profiles_faults.pending
            profiles_faults.on("CreateProfile", "DeleteDomain", lose_answer=True)
            with pytest.raises(AmbiguousWriteError):
                profiles_domain.profiles.create(first_name="Ada")

        def test_two(profiles_domain, profiles_faults):
            assert list(profiles_faults) == []
            profiles_domain.profiles.create(first_name="Ada")
        """,
        f"--customer-profiles-scope={scope}",
    )
    result.assert_outcomes(passed=2)


def test_options_are_overridden_by_a_fixture(run):
    result = run("""
        import pytest
        from customer_profiles import BadRequestError
        from customer_profiles.engine import Quotas
        from customer_profiles.testing import EngineOptions

        @pytest.fixture
        def profiles_options() -> EngineOptions:
            return {"quotas": Quotas(domains=1), "ingestion_delay": 5}

        def test_it(profiles_domain, customer_profiles):
            with pytest.raises(BadRequestError):
                customer_profiles.domains.create("second", default_expiration_days=1)
    """)
    result.assert_outcomes(passed=1)


def test_a_clock_among_the_options_is_refused(run):
    result = run("""
        import pytest

        @pytest.fixture
        def profiles_options():
            return {"clock": None}

        def test_it(customer_profiles): ...
    """)
    result.stdout.fnmatch_lines(["*cannot set the clock: use the fixture profiles_clock*"])
    result.assert_outcomes(errors=1)


ENDPOINT = """
    import boto3
    import pytest

    def connect(url, **options):
        return boto3.client(
            "customer-profiles", region_name="us-east-1", endpoint_url=url,
            aws_access_key_id="testing", aws_secret_access_key="testing", **options,
        )

    @pytest.mark.parametrize("number", range(6))
    def test_the_served_engine_is_that_of_the_test(profiles_endpoint, customer_profiles, number):
        client = connect(profiles_endpoint)
        assert client.list_domains()["Items"] == []
        client.create_domain(DomainName="shop", DefaultExpirationDays=1)
        (domain,) = customer_profiles.domains.all()
        assert domain.domain_name == "shop"

    urls = set()

    @pytest.mark.parametrize("number", range(2))
    def test_one_server_serves_all_tests(profiles_endpoint, number):
        urls.add(profiles_endpoint)
        assert len(urls) == 1
        assert profiles_endpoint.startswith("http://127.0.0.1:")
"""


def test_an_engine_is_served_over_http(run):
    run(ENDPOINT).assert_outcomes(passed=8)


def test_parallel_workers_do_not_meet(run):
    result = run(ENDPOINT, "-n", "2", "--dist", "loadscope")
    result.assert_outcomes(passed=8)


def test_a_served_engine_fails_as_one_in_process(run):
    result = run(f"""
    {ENDPOINT}

    import time
    from botocore.config import Config
    from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

    ONCE = Config(retries={{"total_max_attempts": 1}}, read_timeout=0.3)

    def test_errors(profiles_endpoint, profiles_faults):
        client = connect(profiles_endpoint, config=ONCE)
        for name, code, status in (
            ("throttling", "ThrottlingException", 429),
            ("internal_error", "InternalServerException", 500),
            ("unavailable", "ServiceUnavailable", 503),
            ("access_denied", "AccessDeniedException", 403),
            ("concurrent_update", "BadRequestException", 400),
        ):
            profiles_faults.fail_next("ListDomains", **{{name: 1}})
            with pytest.raises(ClientError) as caught:
                client.list_domains()
            assert caught.value.response["Error"]["Code"] == code
            metadata = caught.value.response["ResponseMetadata"]
            assert metadata["HTTPStatusCode"] == status
            assert "retry-after" not in metadata["HTTPHeaders"]
        assert client.list_domains()["Items"] == []

    def test_lost_answers(profiles_endpoint, profiles_faults):
        client = connect(profiles_endpoint, config=ONCE)
        profiles_faults.fail_next("CreateDomain", lost_request=1, lost_answer=1)
        for expected in ([], ["shop"]):
            with pytest.raises(ConnectionClosedError):
                client.create_domain(DomainName="shop", DefaultExpirationDays=1)
            found = [item["DomainName"] for item in client.list_domains()["Items"]]
            assert found == expected

    def test_lost_answers_of_reads(profiles_endpoint, profiles_faults):
        client = connect(profiles_endpoint, config=ONCE)
        profiles_faults.fail_next("ListDomains", lost_answer=1)
        with pytest.raises(ConnectionClosedError):
            client.list_domains()
        assert client.list_domains()["Items"] == []

    def test_a_delayed_read_delays_no_other(profiles_endpoint, profiles_faults):
        client = connect(profiles_endpoint, config=ONCE)
        profiles_faults.on("ListDomains", delay=1, times=1)
        began = time.monotonic()
        with pytest.raises(ReadTimeoutError):
            client.list_domains()
        client.list_domains()
        assert time.monotonic() - began < 0.9
    """)
    result.assert_outcomes(passed=12)


def test_the_plugin_imports_nothing_before_a_fixture_is_used(run, monkeypatch):
    # Coverage, which measures subprocesses too, imports sqlite3.
    for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
        monkeypatch.delenv(name)
    result = run("""
        import sys

        def test_it():
            heavy = [
                name for name in sys.modules
                if name.split(".")[0] in ("boto3", "botocore", "moto", "pydantic", "sqlite3")
                or name.startswith(("customer_profiles.", "customer_profiles._"))
            ]
            assert heavy == ["customer_profiles.testing"]
    """)
    result.assert_outcomes(passed=1)


def test_the_fixtures_are_listed_with_their_documentation(run):
    result = run("", "--fixtures")
    names = [name for name in testing.__all__ if name.startswith(("profiles_", "customer_"))]
    result.stdout.fnmatch_lines_random([f"{name}*" for name in names])


def blocks():
    """Return the Python blocks of the page that have tests, with the number of their tests."""
    texts = [block.split("\n```")[0] for block in PAGE.read_text().split("```python\n")[1:]]
    return [text for text in texts if "def test_" in text or "class Test" in text]


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_the_tests_of_the_docs_pass(run, pytester, monkeypatch, options):
    texts = blocks()
    for number, text in enumerate(texts):
        pytester.makepyfile(**{f"test_block_{number}": text})
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    result = run("", *options)

    assert sum(result.parseoutcomes().values()) == sum(text.count("def test_") for text in texts)
    result.assert_outcomes(passed=sum(text.count("def test_") for text in texts))


@pytest.mark.parametrize(
    "name", [name for name in testing.__all__ if name.startswith(("profiles_", "customer_"))]
)
def test_every_fixture_is_in_the_docs(name):
    assert f"| `{name}` |" in PAGE.read_text(), f"docs/how-to/test-your-code.md lacks {name}"
