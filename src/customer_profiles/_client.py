"""The client: connect to AWS or to an embedded engine, and get its collections."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from ._gateway import Gateway
from .channels.aws import AwsChannel
from .channels.embedded import EngineChannel, embedded
from .errors import InvalidInputError

if TYPE_CHECKING:
    import os

    from botocore.config import Config

    from ._gateway import RetryPolicy
    from .channels.base import Channel
    from .engine import Clock, Faults, Quotas
    from .models.domain import Domain
    from .repositories.domains import Domains
    from .repositories.integrations import AccountIntegrations
    from .repositories.tags import Tags
    from .repositories.templates import Templates


class CustomerProfiles:
    """Amazon Connect Customer Profiles: on AWS, or embedded in this process.

    ```python
    cp = CustomerProfiles()                       # AWS, as boto3 finds credentials and region
    cp = CustomerProfiles.embedded("shop.db")     # the engine on a SQLite file
    ```

    One instance serves many threads. Close it, or use it as a context manager, to release
    connections and files.

    Args:
        session: a boto3 session; by default, credentials and region are found as boto3 does.
        region: the region's name, such as `us-east-1`.
        endpoint_url: the URL to send requests to, instead of the region's endpoint.
        config: a botocore `Config`, for timeouts, proxies and pools; its retries are replaced.
        client: a boto3 client in place of all these; it keeps its own retries, unless you pass
            `retry` as well: then a copy of it without retries is used.
        account_id: the account's id in ARNs; by default, STS is queried when an ARN is needed.
        retry: when and how often requests are sent again.
        channel: a channel in place of all these but `retry`.

    Raises:
        InvalidInputError: arguments exclude each other, have a wrong type, or no client for AWS
            can be made of them.
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
        retry: RetryPolicy | None = None,
        channel: Channel | None = None,
    ) -> None:
        if channel is None:
            channel = AwsChannel(
                session=session,
                region=region,
                endpoint_url=endpoint_url,
                config=config,
                client=client,
                account_id=account_id,
                without_retries=client is not None and retry is not None,
            )
        elif any((session, region, endpoint_url, config, client, account_id)):
            msg = "channel excludes all other arguments but retry: it has its own connection"
            raise InvalidInputError(msg)
        elif not hasattr(channel, "send"):
            msg = "channel must be a Channel, such as an AwsChannel or an EngineChannel"
            raise InvalidInputError(msg)
        if retry is not None and not hasattr(retry, "attempts"):
            msg = "retry must be a RetryPolicy"
            raise InvalidInputError(msg)
        if retry is not None and channel.retries:
            msg = (
                "retry excludes a channel that retries by itself: "
                "pass client= and retry= to CustomerProfiles, which then retries in its place"
            )
            raise InvalidInputError(msg)
        self._gateway = Gateway(channel, retry)

    @classmethod
    def embedded(  # noqa: PLR0913  (all but the path are seldom given)
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        clock: Clock | None = None,
        region: str = "us-east-1",
        account_id: str = "000000000000",
        quotas: Quotas | None = None,
        session: Any = None,
        upload_uri: str | None = None,
        ingestion_delay: float = 0.0,
        strict: bool = False,
        retry: RetryPolicy | None = None,
    ) -> Self:
        """Run the service in this process, on a SQLite file or, without a path, in memory.

        Args:
            path: the database file; it is created if it is missing.
            clock: the source of the time and of new ids; by default the system's.
            region: the region in ARNs.
            account_id: the account's id in ARNs.
            quotas: the service's limits; by default those of AWS.
            session: a boto3 session for the S3 files of flows and the SQS queues of dead letters;
                by default boto3's default session, if any of these are used.
            upload_uri: the folder of a bucket, such as `s3://bucket/uploads`, that the files of
                upload jobs are put into; by default a folder beside the database.
            ingestion_delay: seconds until an object that was put is visible, for tests of code
                that must wait on AWS.
            strict: check every answer against the service's model.
            retry: when and how often requests are sent again, which injected faults make fail.

        Raises:
            StoreError: the file cannot be used; it is left as it was.
            InvalidInputError: an option has a wrong type or value.
        """
        options = {
            "clock": clock,
            "region": region,
            "account_id": account_id,
            "quotas": quotas,
            "session": session,
            "upload_uri": upload_uri,
            "ingestion_delay": ingestion_delay,
            "strict": strict,
        }
        return cls(channel=EngineChannel.open(path, **options), retry=retry)

    @property
    def faults(self) -> Faults:
        """The faults that tests inject into the embedded engine: which of the next requests fail.

        ```python
        cp.faults.fail_next("SearchProfiles", throttling=3)
        ```

        Raises:
            InvalidInputError: the client is connected to AWS.
        """
        msg = "faults are injected into an embedded engine: use CustomerProfiles.embedded(...)"
        return embedded(self._gateway.channel, msg).faults

    @cached_property
    def domains(self) -> Domains:
        """The domains of the account and region."""
        # Models are imported when they are first used, so that a client is made quickly.
        from .repositories.domains import Domains

        return Domains(self._gateway)

    @cached_property
    def tags(self) -> Tags:
        """The tags of domains and other resources."""
        from .repositories.tags import Tags

        return Tags(self._gateway)

    @cached_property
    def templates(self) -> Templates:
        """The service's templates: ready mappings for well-known sources."""
        from .repositories.templates import Templates

        return Templates(self._gateway)

    @cached_property
    def integrations(self) -> AccountIntegrations:
        """The integrations of all domains; `domain.integrations` are those of a single one."""
        from .repositories.integrations import AccountIntegrations

        return AccountIntegrations(self._gateway)

    def domain(self, name: str) -> Domain:
        """Return the domain of a name; sends nothing, so the domain need not exist yet."""
        return self.domains.named(name)

    def close(self) -> None:
        """Release connections and files."""
        self._gateway.channel.close()

    def __enter__(self) -> Self:
        """Use the client in a `with` block that closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the client."""
        self.close()
