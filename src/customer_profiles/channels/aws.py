"""The channel to AWS, through a botocore client."""

from __future__ import annotations

import copy
import json
import math
import re
import threading
from datetime import UTC, datetime
from functools import cached_property
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from customer_profiles import _wire
from customer_profiles._hints.nearest import did_you_mean, listed
from customer_profiles._quiet import private, quiet_botocore
from customer_profiles.errors import (
    CONCURRENT_UPDATE,
    AccessDeniedError,
    ConnectionFailedError,
    CustomerProfilesError,
    InvalidInputError,
    ServiceError,
    UnreadableAnswerError,
)

from .redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    from customer_profiles._wire import Wire


class AwsChannel:
    """AWS, or whatever answers at `endpoint_url`, through a botocore client.

    A client that this class makes retries nothing (the gateway does). A client that you pass
    keeps its retries, unless `without_retries` says otherwise, and its handlers.

    Args:
        session: a boto3 session; by default, credentials and region are found as boto3 does.
        region: the region's name.
        endpoint_url: the URL to send requests to, instead of the region's endpoint.
        config: a botocore `Config`; its `retries` are replaced.
        client: a boto3 client of this service, in place of all the others.
        account_id: the account's id in ARNs; by default, STS is queried when an ARN is needed.
        without_retries: send through a copy of `client` that retries nothing; the copy shares
            credentials, settings and handlers with `client`, which is left as it is.

    Raises:
        InvalidInputError: arguments exclude each other or have a wrong type, or boto3 can make
            no client of them.
    """

    def __init__(  # noqa: PLR0913  (the ways in which boto3 itself is configured)
        self,
        *,
        session: Any = None,
        region: str | None = None,
        endpoint_url: str | None = None,
        config: Config | None = None,
        client: Any = None,
        account_id: str | None = None,
        without_retries: bool = False,
    ) -> None:
        if client is not None and any((session, region, endpoint_url, config)):
            msg = "client excludes session, region, endpoint_url and config: it has its own"
            raise InvalidInputError(msg)
        if client is not None and not hasattr(client, "search_profiles"):
            msg = f"client must be a boto3 client of {_wire.SERVICE}"
            raise InvalidInputError(msg)
        self._account_id = account_id
        self._session = session
        self._is_given = client is not None
        self.retries: int = 0
        if client is None:
            client = _make_client(session, region, endpoint_url, config)
        elif without_retries:
            client = _without_retries(client)
        else:
            self.retries = _attempts(client.meta.config)
        self.client: Any = client
        """The boto3 client, for operations that this library has no method for."""
        for event, handler in (("before-parse", _keep), ("response-received", _note)):
            name = f"{event}.{_wire.SERVICE}"
            client.meta.events.register(name, handler, unique_id=f"customer-profiles-{event}")
        quiet_botocore()

    def send(self, operation: str, request: Wire) -> bytes:
        """Send one request, and return the JSON of a successful answer."""
        from botocore import xform_name
        from botocore.exceptions import BotoCoreError, ClientError

        method = getattr(self.client, xform_name(operation))
        cause: Exception | None = None
        outer, _thread.exchange = _thread.exchange, (exchange := _Exchange())
        try:
            with private():
                answer: dict[str, Any] = method(**request)
        except ClientError as error:
            # The words are looked for in the text as it was, before any of it is redacted.
            is_concurrent = CONCURRENT_UPDATE in str(error)
            failure: CustomerProfilesError = _translate_client_error(operation, request, error)
            failure.retryable = failure.retryable or is_concurrent
            cause = error
        except BotoCoreError as error:
            _redact_report(operation, request, error)
            failure = _translate_transport_error(operation, error)
            cause = None if _may_quote_an_answer(error) else error
        else:
            if exchange.problem is None:
                return _dump(answer) if exchange.body is None else exchange.body
            failure = UnreadableAnswerError(f"{operation}: {exchange.problem}")
        finally:
            _thread.exchange = outer
        failure.attempts, failure._was_lost = max(exchange.sent, 1), exchange.was_lost  # noqa: SLF001  (read by the gateway)
        # Raised here, the error has no context that could hold a body.
        raise failure from cause

    def arn(self, resource: str) -> str:
        """Return the ARN of a resource such as `domains/shop`.

        Raises:
            InvalidInputError: the account's id is not known, and STS did not answer.
        """
        meta = self.client.meta
        return f"arn:{meta.partition}:profile:{meta.region_name}:{self._account}:{resource}"

    def s3_client(self) -> Any:
        """Return a client of S3 with the same credentials and region."""
        session = self._session or (_session_of(self.client) if self._is_given else _session())
        make = getattr(session, "client", None) or session.create_client
        return make("s3", region_name=self.client.meta.region_name)

    def close(self) -> None:
        """Close the client's connections."""
        self.client.close()

    @cached_property
    def _account(self) -> str:
        """Return the account's id, which STS is queried for once."""
        if self._account_id is not None:
            return self._account_id
        from botocore.exceptions import BotoCoreError, ClientError

        session = self._session or _session()
        make = getattr(session, "client", None) or session.create_client
        try:
            answer = make("sts", region_name=self.client.meta.region_name).get_caller_identity()
        except (BotoCoreError, ClientError) as error:
            msg = (
                "an ARN needs the account's id, and STS did not answer; "
                "pass account_id= to CustomerProfiles, or an ARN in place of the domain"
            )
            raise InvalidInputError(msg) from error
        return str(answer["Account"])


class _Exchange:
    """What a single call of ours sent and received."""

    sent: int = 0
    is_lost: bool = False
    """Whether the latest request failed in a way that leaves its outcome unknown."""
    was_lost: bool = False
    """Whether an earlier request failed so, and the client's own retries repeated it."""
    body: bytes | None = None
    problem: str | None = None


class _Thread(threading.local):
    exchange: _Exchange | None = None
    """The exchange of this thread; None while others use the client."""


_thread = _Thread()


def _note(response_dict: dict[str, Any] | None, exception: Exception | None, **_: Any) -> None:
    """Count a request of a call of ours, and note whether its outcome is unknown."""
    if (exchange := _thread.exchange) is None:
        return
    exchange.sent += 1
    exchange.was_lost |= exchange.is_lost
    if response_dict is None:
        exchange.is_lost = not isinstance(exception, _never_sent())
    else:
        exchange.is_lost = response_dict["status_code"] >= 500  # noqa: PLR2004  (HTTP's faults of the server)


def _keep(response_dict: dict[str, Any], **_: Any) -> None:
    """Keep the answer to a call of ours from botocore's parser.

    The parser takes 80 % of a page's time, reads garbage as an empty answer, and fails on JSON
    that is not an object.
    """
    exchange, body = _thread.exchange, response_dict["body"] or b""
    if exchange is None:
        return
    exchange.body = exchange.problem = None
    if response_dict["status_code"] < 300:  # noqa: PLR2004  (success is what is below)
        exchange.body = body
        exchange.problem = _problem(response_dict["headers"], body)
        response_dict["body"] = b""
    else:
        response_dict["body"] = _refusal(response_dict)


def _problem(headers: Mapping[str, str], body: bytes) -> str | None:
    """Return why a successful answer cannot be the service's; its JSON is read later."""
    length = headers.get("content-length") or ""
    if length.isdecimal() and len(body) < float(length):
        return "the answer was cut short"
    if "json" not in headers.get("content-type", "json").lower():
        return "the answer's content type is not JSON"
    if body and not (body.lstrip().startswith(b"{") and body.rstrip().endswith(b"}")):
        return "the answer is not a JSON object"
    return None


def _refusal(answer: dict[str, Any]) -> bytes:
    """Return the body of a refusal with the members that botocore reads; all are texts."""
    try:
        wire = json.loads(answer["body"])
    except (ValueError, RecursionError):
        wire = None
    names = ("__type", "code", "Code", "message", "Message")
    members = wire if isinstance(wire, dict) else {}
    texts = {name: members[name] for name in names if isinstance(members.get(name), str)}
    if not texts and "x-amzn-errortype" not in answer["headers"]:
        texts["message"] = (
            f"HTTP status {answer['status_code']} without an error of the service; check "
            "endpoint_url, proxies and what else is between here and AWS"
        )
    return json.dumps(texts).encode()


def _attempts(config: Any) -> int:
    """Return how often a client sends a request at most, by its own retries."""
    retries = config.retries or {}
    default = 5 if retries.get("mode", "legacy") == "legacy" else 3
    return int(retries.get("total_max_attempts") or default)


def _without_retries(client: Any) -> Any:
    """Return a copy of a client that retries nothing and keeps deadlines."""
    endpoint = getattr(client, "_endpoint", None)
    if endpoint is None:
        msg = "retry needs a client that boto3 or botocore made"
        raise InvalidInputError(msg)
    # copy.copy() recurses without end in the client's __getattr__.
    twin = object.__new__(type(client))
    endpoint = copy.copy(endpoint)
    twin.__dict__.update(client.__dict__, _endpoint=endpoint)
    endpoint._needs_retry = _never  # noqa: SLF001  (only events could be changed publicly, for all)
    _keep_deadlines(endpoint)
    return twin


def _never(*_: Any, **__: Any) -> bool:
    return False


def _keep_deadlines(endpoint: Any) -> None:
    from .deadline import bounded

    endpoint.http_session = bounded(endpoint.http_session)


def _session() -> Any:
    """Return boto3's default session if the program has set one, else a botocore session."""
    import sys

    boto3 = sys.modules.get("boto3")
    if boto3 is not None and boto3.DEFAULT_SESSION is not None:
        return boto3.DEFAULT_SESSION
    from botocore.session import Session

    session = Session()
    # Ours has read the service's description already, and reads each file only once.
    session.register_component("data_loader", _wire.loader())
    return session


def _session_of(client: Any) -> Any:
    """Return a session with the credentials of a client, which the client renews."""
    from botocore.session import Session

    session: Any = Session()
    session._credentials = client._request_signer._credentials  # noqa: SLF001  (botocore has no public way)
    return session


def _make_client(
    session: Any, region: str | None, endpoint_url: str | None, config: Config | None
) -> Any:
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, NoRegionError
    from botocore.handlers import add_retry_headers

    if config is not None and not hasattr(config, "merge"):
        msg = "config must be a botocore Config, such as Config(read_timeout=5)"
        raise InvalidInputError(msg)
    # The gateway checks requests against the same model, with messages that name our fields, and
    # retries by itself: two layers of retries would multiply the attempts.
    settings = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    # botocore builds its own user agent twice a call, which takes a tenth of a small call's time.
    ours = Config(user_agent=_user_agent(), disable_request_compression=True)
    settings = ours.merge(config.merge(settings) if config is not None else settings)
    session = session or _session()
    make = getattr(session, "client", None) or getattr(session, "create_client", None)
    if make is None:
        msg = "session must be a boto3 session, such as boto3.Session(profile_name=...)"
        raise InvalidInputError(msg)
    try:
        client = make(_wire.SERVICE, region_name=region, endpoint_url=endpoint_url, config=settings)
    except NoRegionError as error:
        ignored = "AWS_REGION is set, but boto3 does not read it; " if _has_aws_region() else ""
        msg = (
            f"boto3 could make no client for AWS: no region is set; {ignored}pass region= "
            "(--region of a command), such as us-east-1, set AWS_DEFAULT_REGION, or add a region "
            "to ~/.aws/config; the embedded engine needs none (CustomerProfiles.embedded(), --db)"
        )
        raise InvalidInputError(msg) from error
    except (BotoCoreError, ValueError) as error:
        msg = f"boto3 could make no client for AWS: {error}"
        raise InvalidInputError(msg) from error
    _check_region(client.meta, session)
    _keep_deadlines(client._endpoint)  # noqa: SLF001  (botocore has no option for it)
    # These headers would number every attempt of the gateway as the first.
    client.meta.events.unregister("request-created", add_retry_headers)
    if not client.meta.endpoint_url.endswith(_AWS_DOMAINS):
        # `serve --auth` accepts a request once, and equal ones of a second are signed alike.
        name = f"request-created.{_wire.SERVICE}"
        client.meta.events.register_first(name, _add_nonce, unique_id="customer-profiles-nonce")
    return client


_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


def _add_nonce(request: Any, **_: Any) -> None:
    """Make the signatures of equal requests different, as a header that other SDKs send does."""
    request.headers["x-nonce"] = token_hex(8)


def _has_aws_region() -> bool:
    import os

    return bool(os.environ.get("AWS_REGION"))


_REGION = re.compile(r"[a-z]{2,4}(-[a-z]{2,4})?-(?=[nsecw])(north|south|central)?(east|west)?-\d+")


def _check_region(meta: Any, session: Any) -> None:
    """Refuse a region that AWS cannot have, whose endpoint no request would ever reach.

    Raises:
        InvalidInputError: the region is misspelled.
    """
    region: str = meta.region_name
    if f".{region}." not in meta.endpoint_url:
        # The requests go elsewhere: the region only signs them.
        return
    from botocore.exceptions import UnknownRegionError

    try:
        session.get_partition_for_region(region)
        is_possible = _REGION.fullmatch(region) is not None
    except UnknownRegionError:
        is_possible = False
    if not is_possible:
        known = [
            name
            for partition in session.get_available_partitions()
            for name in session.get_available_regions("sts", partition)
        ]
        if region not in known:
            hint = did_you_mean(region, known) or f"such as {listed(known, 3)}"
            msg = f"there is no AWS region {region!r}; {hint} (a new region may need a newer boto3)"
            raise InvalidInputError(msg)


def _user_agent() -> str:
    import platform

    import botocore

    from customer_profiles._version import __version__

    return (
        f"customer-profiles/{__version__} Botocore/{botocore.__version__} "
        f"Python/{platform.python_version()} {platform.system()}/{platform.release()}"
    )


def _dump(answer: dict[str, Any]) -> bytes:
    """Encode an answer that botocore parsed, because models are read from JSON only."""
    wire = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    return json.dumps(wire, default=_epoch, separators=(",", ":")).encode()


def _epoch(value: object) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    msg = f"botocore returned a {type(value).__name__}, which is not JSON"
    raise TypeError(msg)


def _redact_report(operation: str, request: Wire, error: BotoCoreError) -> None:
    """Redact what botocore's own check of parameters repeats of a request."""
    if "report" in error.kwargs:
        report = Redactor(_wire.private_texts(operation, request)).text(error.kwargs["report"])
        error.kwargs = {**error.kwargs, "report": report}
        error.args = (error.fmt.format(**error.kwargs),)


_CODE = re.compile(r"\w[\w.:-]{0,99}", re.ASCII)


def _translate_client_error(operation: str, request: Wire, error: ClientError) -> ServiceError:
    from botocore.exceptions import ClientError

    answer: Any = error.response
    metadata, details = answer.get("ResponseMetadata", {}), answer.setdefault("Error", {})
    message = details.get("Message") or answer.get("message") or answer.get("Message")
    code = str(details.get("Code", ""))
    redactor = Redactor(_wire.private_texts(operation, request))
    # The cause is printed and pickled with the answer that it holds, so both are redacted.
    shown = frozenset((code if _CODE.fullmatch(code) else None, metadata.get("RequestId")))
    redacted: Any = redactor.value(answer, shown)
    ClientError.__init__(error, redacted, error.operation_name)
    return ServiceError.of(
        code if code in shown else "Unknown",
        redactor.text(message or "no message"),
        operation=operation,
        status=metadata.get("HTTPStatusCode"),
        request_id=metadata.get("RequestId"),
        retry_after=_seconds(metadata.get("HTTPHeaders", {}).get("retry-after")),
    )


def _seconds(retry_after: str | None) -> float | None:
    """Return the seconds of a `Retry-After` header, which holds seconds or a date."""
    from email.utils import parsedate_to_datetime

    try:
        seconds = float(retry_after or "nan")
    except ValueError:
        try:
            moment = parsedate_to_datetime(str(retry_after))
        except (ValueError, OverflowError):
            return None
        # A date without a zone is in UTC, in HTTP as in mail.
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _never_sent() -> tuple[type[Exception], ...]:
    """Return botocore's errors of requests that cannot have arrived."""
    from botocore import exceptions

    return (
        exceptions.EndpointConnectionError,
        exceptions.ConnectTimeoutError,
        exceptions.ProxyConnectionError,
    )


def _may_quote_an_answer(error: BotoCoreError) -> bool:
    """Return whether the text or the causes of an error may hold what the other side sent."""
    from botocore import exceptions

    lost = (exceptions.HTTPClientError, exceptions.ConnectionError)
    plain = (exceptions.SSLError, exceptions.ReadTimeoutError, *_never_sent())
    return isinstance(error, lost) and not isinstance(error, plain)


def _translate_transport_error(operation: str, error: BotoCoreError) -> CustomerProfilesError:
    """Return our error for a lost connection, missing credentials or a local problem."""
    from botocore import exceptions

    credentials = (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
        exceptions.TokenRetrievalError,
        exceptions.UnauthorizedSSOTokenError,
        exceptions.SSOTokenLoadError,
    )
    if isinstance(error, credentials):
        return AccessDeniedError(
            type(error).__name__, f"{error}; nothing was sent", operation=operation
        )
    if isinstance(error, (exceptions.HTTPClientError, exceptions.ConnectionError)):
        sent = not isinstance(error, _never_sent())
        return ConnectionFailedError(operation, type(error).__name__, sent=sent)
    return InvalidInputError(f"{operation}: {error}")
