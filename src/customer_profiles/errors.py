"""The errors of the library: one tree of importable, picklable classes.

```
CustomerProfilesError
├─ ServiceError                 the service refused a request
│  ├─ BadRequestError           400: the request breaks a rule
│  ├─ AccessDeniedError         403: the credentials may not do this
│  ├─ ResourceNotFoundError     404: the domain, profile or resource is not there
│  ├─ ThrottlingError           429: too many requests
│  └─ InternalServerError       500: the service failed
├─ ConnectionFailedError        no answer came
├─ AmbiguousWriteError          a create or merge was sent, and its outcome is unknown
├─ BatchError                   some items of a batch failed
├─ NoResultError                one result was expected, there is none
├─ MultipleResultsError         one result was expected, there are several
├─ PaginationError              the service repeated a page token
├─ WaitTimeoutError             a job took longer than the timeout of wait()
├─ JobFailedError               what wait() waited for has failed
├─ UnreadableAnswerError        an answer does not have the expected shape
├─ DetachedError                save() on an instance that no repository returned
├─ InvalidInputError            refused before anything was sent (also a ValueError)
│  └─ MalformedIdError          no profile can have this id (also a ResourceNotFoundError)
└─ StoreError                   the embedded engine's database cannot be used
```

No message contains a customer's value: they name operations, fields, rules and ids.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class CustomerProfilesError(Exception):
    """The base of all errors of this library."""

    attempts: int = 1
    """How many times the request was sent before this error was raised."""
    retryable: bool = False
    """Whether the same call may succeed later, and may be repeated without harm."""
    _was_lost: bool = False
    """Whether the channel's own retries repeated a request whose outcome is unknown."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by state, so that the constructors of subclasses may differ."""
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(
    kind: type[CustomerProfilesError], args: tuple[Any, ...], state: dict[str, Any]
) -> CustomerProfilesError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ServiceError(CustomerProfilesError, ClientError):
    """The service answered with an error; also a botocore `ClientError`.

    It is raised as one of its five subclasses, or as itself for a code that is not known yet.
    """

    code: str
    """The service's name for the error, such as `BadRequestException`."""
    message: str
    """The service's own words."""
    operation: str
    """The operation that failed, such as `CreateProfile`."""
    request_id: str | None
    """The id of the request for AWS support; None if the answer had none."""
    status: int | None
    """The HTTP status; None for the failed item of a batch."""
    retry_after: float | None
    """Seconds to wait, from the header `Retry-After`; None if the answer had none."""

    def __init__(  # noqa: PLR0913  (an answer has that many parts)
        self,
        code: str,
        message: str,
        *,
        operation: str,
        status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.code, self.message, self.operation = code, message, operation
        self.status, self.request_id, self.retry_after = status, request_id, retry_after
        metadata = {"RequestId": request_id, "HTTPStatusCode": status}
        self.response: Any = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {name: value for name, value in metadata.items() if value},
        }
        self.operation_name = operation
        advice = _HINTS.get(code) or _advice(message)
        hint = f"; {advice}" if advice else ""
        Exception.__init__(self, f"{operation}: {message} ({code}){hint}")

    @staticmethod
    def of(code: str, message: str, **details: Any) -> ServiceError:
        """Return an error of the class for the service's code, or else for the HTTP status."""
        by_status = _CLASS_BY_STATUS.get(details.get("status"), ServiceError)
        error = _BY_CODE.get(code, by_status)(code, message, **details)
        if CONCURRENT_UPDATE in message:
            error.retryable = True
        return error

    @staticmethod
    def of_status(status: int, message: str, *, operation: str) -> ServiceError:
        """Return the error of a failed item of a batch, which has a status and no code."""
        code = _BY_STATUS.get(status)
        if code is None:
            code = "InternalServerException" if status >= 500 else "BadRequestException"  # noqa: PLR2004  (HTTP's faults of the server)
        return ServiceError.of(code, message, operation=operation, status=status)


class BadRequestError(ServiceError):
    """The request breaks a rule of the service (400); the message says which."""


class AccessDeniedError(ServiceError):
    """The credentials are missing, wrong or not allowed to do this (403)."""


class ResourceNotFoundError(ServiceError):
    """The domain, profile or resource does not exist (404)."""


class ThrottlingError(ServiceError):
    """Too many requests for the account's quota (429); retried by the policy."""

    retryable = True


class InternalServerError(ServiceError):
    """The service or a proxy failed (500, 502, 503, 504); retried if it may be repeated.

    The failure of a create or merge is an `AmbiguousWriteError`.
    """

    retryable = True


CONCURRENT_UPDATE = "concurrent update in-progress"
"""The words of a BadRequestException that refuses simultaneous writes of a profile."""

_CLOCK = "check the clock of this machine"
_KEY_ID = "check the access key, and that it belongs to this partition and account"
_SIGNING = "check the secret access key, and whether a proxy changes requests"
_EXPIRED = "renew the session's credentials"
_UNSIGNED = "check that the client signs requests, and that endpoint_url is right"
_HINTS = {
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "IncompleteSignature": _SIGNING,
    "IncompleteSignatureException": _SIGNING,
    "InvalidClientTokenId": _KEY_ID,
    "InvalidSignatureException": f"{_SIGNING}; {_CLOCK}",
    "MissingAuthenticationToken": _UNSIGNED,
    "MissingAuthenticationTokenException": _UNSIGNED,
    "RequestExpired": _CLOCK,
    "RequestTimeTooSkewed": _CLOCK,
    "SignatureDoesNotMatch": f"{_SIGNING}; {_CLOCK}",
    "UnrecognizedClientException": _KEY_ID,
}
"""What to check for the codes of API Gateway and of the check of signatures."""

_ADVICE = {
    "Domain {name} already exists": 'domains.get("{name}") reads it',
    "Matching of domain {name} is not enabled": (
        'in Python: domains.update("{name}", matching=MatchingConfig(enabled=True))'
    ),
    "RuleBasedMatching of domain {name} is not enabled": (
        'in Python: domains.update("{name}", rule_based_matching=RuleBasedMatching(enabled=True, '
        "...))"
    ),
}
"""What to do about refusals, by the first words of their messages."""


def _advice(message: str) -> str:
    for beginning, advice in _ADVICE.items():
        pattern = re.escape(beginning).replace(re.escape("{name}"), r"([\w-]{1,64})")
        if found := re.match(pattern, message):
            return advice.format(name=found[1])
    return ""


# The throttling and transient codes and statuses are those of botocore's standard mode.
_BY_CODE: dict[str, type[ServiceError]] = {
    "BadRequestException": BadRequestError,
    "ResourceNotFoundException": ResourceNotFoundError,
    **dict.fromkeys(
        ("AccessDenied", "AccessDeniedException", "ForbiddenException", *_HINTS), AccessDeniedError
    ),
    **dict.fromkeys(
        (
            *("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled"),
            *("RequestThrottledException", "TooManyRequestsException", "SlowDown"),
            *("ProvisionedThroughputExceededException", "TransactionInProgressException"),
            *("RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException"),
            "PriorRequestNotComplete",
        ),
        ThrottlingError,
    ),
    **dict.fromkeys(
        (
            *("InternalServerException", "InternalServerError", "InternalFailure"),
            *("InternalError", "ServiceUnavailable", "ServiceUnavailableException"),
            *("RequestTimeout", "RequestTimeoutException"),
        ),
        InternalServerError,
    ),
}
# A 404 without the service's code comes from a proxy or a wrong URL: nothing is known to be absent.
_CLASS_BY_STATUS: dict[int | None, type[ServiceError]] = {
    401: AccessDeniedError,
    403: AccessDeniedError,
    429: ThrottlingError,
    **dict.fromkeys((500, 502, 503, 504), InternalServerError),
}

_BY_STATUS = {
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    429: "ThrottlingException",
}


class ConnectionFailedError(CustomerProfilesError):
    """No answer came: the connection could not be made, broke, or timed out."""

    retryable = True
    operation: str
    """The operation that got no answer."""
    sent: bool
    """Whether the request may have reached the service."""

    def __init__(self, operation: str, reason: str, *, sent: bool) -> None:
        self.operation, self.sent = operation, sent
        super().__init__(f"{operation}: no answer from the service ({reason})")


class AmbiguousWriteError(CustomerProfilesError):
    """A create or merge was sent, and its outcome is unknown: it may have happened or not.

    No answer came, or it was a failure of the service, or it could not be read; the cause says
    which. The service has no idempotency tokens, so this library does not repeat the request. A
    client that you pass without `retry` may have repeated it; the message says how often.
    """

    operation: str
    """The operation whose outcome is unknown."""
    remedy: str
    """How to find out whether it happened."""

    def __init__(
        self, operation: str, remedy: str, *, reason: str = "no answer came", repeated: str = ""
    ) -> None:
        self.operation, self.remedy = operation, remedy
        repeated = repeated or "it was not repeated, because that could do it twice"
        super().__init__(
            f"{operation} was sent and {reason}, so it may or may not have happened; "
            f"{repeated}. {remedy}"
        )


class BatchError(CustomerProfilesError):
    """Some items of a batch failed; the results of the others are in `succeeded`."""

    operation: str
    """The operation that failed for some items."""
    succeeded: Sequence[Any]
    """The results of the items that succeeded, in the order of the call."""
    failed: Mapping[Any, CustomerProfilesError]
    """The error of each failed item, by its id, or by its position if it has no id."""

    def __init__(
        self,
        operation: str,
        succeeded: Sequence[Any],
        failed: Mapping[Any, CustomerProfilesError],
    ) -> None:
        self.operation, self.succeeded, self.failed = operation, succeeded, failed
        super().__init__(
            f"{operation}: {len(failed)} of {len(failed) + len(succeeded)} items failed; "
            "see .failed for the error of each and .succeeded for the rest"
        )


class NoResultError(CustomerProfilesError, LookupError):
    """Exactly one result was expected and there is none."""


class MultipleResultsError(CustomerProfilesError, LookupError):
    """Exactly one result was expected and there are several."""


class PaginationError(CustomerProfilesError):
    """The service repeated a page token, so its pages would never end."""


class WaitTimeoutError(CustomerProfilesError, TimeoutError):
    """A job is not over after the timeout of `wait()`; it continues to run."""

    retryable = True


class JobFailedError(CustomerProfilesError):
    """What `wait()` waited for has failed; the message has the service's reason, if it has any."""


class UnreadableAnswerError(CustomerProfilesError):
    """A successful answer is not the service's: cut short, no JSON, or without what it must have.

    The message says what is wrong and contains nothing of the answer.
    """


class DetachedError(CustomerProfilesError):
    """The instance was not returned by a repository, so it has none to save to."""


class InvalidInputError(CustomerProfilesError, ValueError):
    """Refused before anything was sent; the message names each field and its rule."""


class MalformedIdError(InvalidInputError, ResourceNotFoundError):
    """The text cannot be the id of a profile, so there is no such profile; nothing was sent."""

    def __init__(self, message: str, *, operation: str) -> None:
        code = "ResourceNotFoundException"
        ServiceError.__init__(self, code, message, operation=operation, status=404)
        BaseException.__init__(self, f"{operation} was not sent: {message}")


class StoreError(CustomerProfilesError):
    """The embedded engine's database file cannot be used; the message says what to do."""


class FeedError(CustomerProfilesError):
    """The changes of a domain cannot be followed; the message says why."""


class PositionExpiredError(FeedError):
    """Changes after a position are no longer kept, so that reading from it would miss them."""

    position: int
    """The position."""
    first_position: int
    """The position from which reading is possible."""

    def __init__(self, domain_name: str, position: int, first_position: int) -> None:
        self.position, self.first_position = position, first_position
        super().__init__(
            f"the changes of domain {domain_name} up to position {first_position} are no longer "
            f"kept, so that reading from {position} would miss some; read the profiles anew, then "
            "continue from the position at which you began that"
        )


class TransferError(CustomerProfilesError):
    """A domain cannot be exported or imported; the message names the file and says what to do."""
