"""Where a command works: on the embedded engine's file, or on AWS."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from customer_profiles import AwsChannel, CustomerProfiles, Domain, ResourceNotFoundError

Db = Annotated[
    Path | None,
    typer.Option(help="The embedded engine's database file; without it the command works on AWS."),
]
Region = Annotated[str | None, typer.Option(help="The region on AWS; else as boto3 finds it.")]
ProfileName = Annotated[
    str | None, typer.Option("--profile", help="The profile of AWS's configuration files.")
]
EndpointUrl = Annotated[
    str | None, typer.Option(help="Where to send requests instead of the region's endpoint.")
]
DomainName = Annotated[str, typer.Option("--domain", help="The domain.")]


def opened(
    db: Path | None, region: str | None, profile: str | None, endpoint_url: str | None
) -> CustomerProfiles:
    """Open the way to the service that the options name.

    Raises:
        CustomerProfilesError: the file cannot be used, or there is no way to AWS.
    """
    if db is not None:
        if region or profile or endpoint_url:
            msg = "--db is the embedded engine; --region, --profile and --endpoint-url are for AWS"
            raise typer.BadParameter(msg)
        return CustomerProfiles.embedded(db)
    session = None
    if profile is not None:
        from botocore.session import Session

        session = Session(profile=profile)
    channel = AwsChannel(session=session, region=region, endpoint_url=endpoint_url)
    return CustomerProfiles(channel=channel)


def made(cp: CustomerProfiles, name: str) -> Domain:
    """Give a domain of the embedded engine, which is made when it is missing."""
    try:
        return cp.domains.get(name)
    except ResourceNotFoundError:
        return cp.domains.create(name)
