"""Answer calls by aiobotocore."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import answering
from aiobotocore import __version__
from aiobotocore.session import get_session
from botocore import xform_name
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from answering import Call


async def main() -> None:
    """Answer calls; a client is made once for each region and key."""
    answering.write({"client": "aiobotocore", "version": __version__})
    session = get_session()
    clients: dict[tuple[Any, ...], Any] = {}
    async with AsyncExitStack() as stack:
        for call in answering.read():
            scope = tuple(call.get(name) for name in ("region", "key", "secret"))
            if scope not in clients:
                made = session.create_client(
                    "customer-profiles",
                    region_name=scope[0],
                    aws_access_key_id=scope[1],
                    aws_secret_access_key=scope[2],
                )
                clients[scope] = await stack.enter_async_context(made)
            answering.write(await answer(clients[scope], call))


async def answer(client: Any, call: Call) -> dict[str, Any]:
    """Return the client's answer to a call."""
    method = xform_name(call["operation"])
    try:
        if "page_size" in call:
            pages = client.get_paginator(method).paginate(
                **call["input"], PaginationConfig={"PageSize": call["page_size"]}
            )
            found = [page async for page in pages]
            return {
                "items": [item for page in found for item in page[call["items"]]],
                "pages": len(found),
            }
        output = await getattr(client, method)(**call["input"])
    except ClientError as error:
        return {"error": answering.describe(error)}
    meta = output.pop("ResponseMetadata")
    return {"output": output, "status": meta["HTTPStatusCode"], "request_id": meta["RequestId"]}


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
