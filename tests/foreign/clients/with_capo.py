"""Answer calls by capo-customer-profiles, whose members have names in snake_case."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import answering
from capo_customer_profiles import Credentials, CustomerProfilesClient
from capo_customer_profiles.errors import ServiceError, UnknownServiceError

if TYPE_CHECKING:
    from answering import Call


@cache
def client_of(region: str | None, key: str | None, secret: str | None) -> CustomerProfilesClient:
    """Return the client of a region and a key."""
    credentials = None if key is None else Credentials(access_key=key, secret_key=secret or "")
    return CustomerProfilesClient(region=region, credentials=credentials)


def answer(call: Call) -> dict[str, Any]:
    """Return the client's answer to a call."""
    client = client_of(call.get("region"), call.get("key"), call.get("secret"))
    method = re.sub("(?<!^)(?=[A-Z])", "_", call["operation"]).lower()
    try:
        if "page_size" in call:
            items = getattr(client, f"iter_{method}")(
                **call["input"], max_results=call["page_size"]
            )
            return {"items": list(items)}
        return {"output": getattr(client, method)(**call["input"])}
    except (ServiceError, UnknownServiceError) as error:
        return {
            "error": {
                "class": type(error).__name__,
                "code": error.code,
                "message": error.message,
                "status": error.response.status,
                "request_id": error.response.headers.get("x-amzn-requestid"),
            }
        }


if __name__ == "__main__":
    answering.run("capo-customer-profiles", version("capo-customer-profiles"), answer)
