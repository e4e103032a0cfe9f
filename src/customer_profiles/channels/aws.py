"""The channel to AWS, through a botocore client."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from customer_profiles import _wire
from customer_profiles._quiet import private, quiet_botocore
from customer_profiles.errors import (
    AccessDeniedError,
    ConnectionFailedError,
    InvalidInputError,
    ServiceError,
)

from .redaction import Redactor

if TYPE_CHECKING:
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    from customer_profiles._wire import Wire


class AwsChannel:
    """AWS, or whatever answers at `endpoint_url`, through a botocore client.

    A client that this class makes retries nothing (the gateway does) and leaves successful
    bodies unparsed. A client that you pass keeps its retries and its handlers as they are.

    Args:
        session: a boto3 session; by default, credentials and region are found as boto3 does.
        region: the region's name.
        endpoint_url: the URL to send requests to, instead of the region's endpoint.
        config: a botocore `Config`; its `retries` are replaced.
        client: a boto3 client of this service, in place of all the others.
        account_id: the account's id in ARNs; by default, STS is queried when an ARN is needed.

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
    ) -> None:
        if client is not None and any((session, region, endpoint_url, config)):
            msg = "client excludes session, region, endpoint_url and config: it has its own"
            raise InvalidInputError(msg)
        if client is not None and not hasattr(client, "search_profiles"):
            msg = f"client must be a boto3 client of {_wire.SERVICE}"
            raise InvalidInputError(msg)
        self.retries: bool = client is not None
        self._account_id = account_id
        self._session = session
        self.client: Any = client or _make_client(session, region, endpoint_url, config)
        """The boto3 client, for operations that this library has no method for."""
        quiet_botocore()

    def send(self, operation: str, request: Wire) -> bytes:
        """Send one request once, and return the JSON of a successful answer."""
        from botocore import xform_name
        from botocore.exceptions import BotoCoreError, ClientError

        method = getattr(self.client, xform_name(operation))
        try:
            with private():
                answer: dict[str, Any] = method(**request)
        except ClientError as error:
            raise _translate_client_error(operation, request, error) from error
        except BotoCoreError as error:
            _redact_report(operation, request, error)
            raise _translate_transport_error(operation, error) from error
        raw: bytes | None = answer.get(_RAW)
        return _dump(answer) if raw is None else raw

    def arn(self, resource: str) -> str:
        """Return the ARN of a resource such as `domains/shop`.

        Raises:
            InvalidInputError: the account's id is not known, and STS did not answer.
        """
        meta = self.client.meta
        return f"arn:{meta.partition}:profile:{meta.region_name}:{self._account}:{resource}"

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


_RAW = "customer-profiles-raw-body"


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


def _make_client(
    session: Any, region: str | None, endpoint_url: str | None, config: Config | None
) -> Any:
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError
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
    except (BotoCoreError, ValueError) as error:
        msg = f"boto3 could make no client for AWS: {error}"
        raise InvalidInputError(msg) from error
    client.meta.events.register("before-parse.customer-profiles", _keep_raw)
    # These headers would number every attempt of the gateway as the first.
    client.meta.events.unregister("request-created", add_retry_headers)
    return client


def _user_agent() -> str:
    import platform

    import botocore

    from customer_profiles._version import __version__

    return (
        f"customer-profiles/{__version__} Botocore/{botocore.__version__} "
        f"Python/{platform.python_version()} {platform.system()}/{platform.release()}"
    )


def _keep_raw(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    """Keep a successful body from botocore's parser, which takes 80 % of a page's time."""
    if response_dict["status_code"] < 300:  # noqa: PLR2004  (success is what is below)
        customized_response_dict[_RAW] = response_dict["body"] or b"{}"
        response_dict["body"] = b""


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
    if not retry_after:
        return None
    with suppress(ValueError):
        return max(0.0, float(retry_after))
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(moment.tzinfo)).total_seconds())


def _translate_transport_error(operation: str, error: BotoCoreError) -> Exception:
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
    never_sent = (
        exceptions.EndpointConnectionError,
        exceptions.ConnectTimeoutError,
        exceptions.ProxyConnectionError,
    )
    if isinstance(error, (exceptions.HTTPClientError, exceptions.ConnectionError)):
        sent = not isinstance(error, never_sent)
        return ConnectionFailedError(operation, type(error).__name__, sent=sent)
    return InvalidInputError(f"{operation}: {error}")
