"""Answer calls by boto3."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import answering
import boto3
from botocore import xform_name
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from answering import Call


@cache
def client_of(region: str | None, key: str | None, secret: str | None) -> Any:
    """Return the client of a region and a key."""
    return boto3.client(
        "customer-profiles", region, aws_access_key_id=key, aws_secret_access_key=secret
    )


def answer(call: Call) -> dict[str, Any]:
    """Return the client's answer to a call."""
    client = client_of(call.get("region"), call.get("key"), call.get("secret"))
    method = xform_name(call["operation"])
    try:
        if "page_size" in call:
            pages = client.get_paginator(method).paginate(
                **call["input"], PaginationConfig={"PageSize": call["page_size"]}
            )
            found = list(pages)
            return {
                "items": [item for page in found for item in page[call["items"]]],
                "pages": len(found),
            }
        output = getattr(client, method)(**call["input"])
    except ClientError as error:
        return {"error": answering.describe(error)}
    meta = output.pop("ResponseMetadata")
    return {"output": output, "status": meta["HTTPStatusCode"], "request_id": meta["RequestId"]}


if __name__ == "__main__":
    answering.run("boto3", boto3.__version__, answer)
