"""A web service in front of customer profiles: search, read, change, and take in orders.

Run it on a SQLite file, with `pip install fastapi uvicorn`:

    CUSTOMER_PROFILES_DB=shop.db uvicorn --app-dir examples web_service:app

Without `CUSTOMER_PROFILES_DB` it uses AWS, as boto3 finds credentials and region. The name of the
domain is in `CUSTOMER_PROFILES_DOMAIN`, by default `shop`.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from customer_profiles import (
    CustomerProfiles,
    Domain,
    InvalidInputError,
    Key,
    Profile,
    ProfileObject,
    ResourceNotFoundError,
    Target,
    ThrottlingError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Order(ProfileObject, name="Order", allow_profile_creation=True):
    """An order of the shop system."""

    order_id: Annotated[str, Key("OrderId", unique=True)]
    email: Annotated[str, Key("_email", profile=True), Target("_profile.EmailAddress")]
    total: Annotated[Decimal, Target("_order.TotalPrice")]
    placed_at: datetime


def connect() -> CustomerProfiles:
    """Return a client of the embedded engine where a file is named, else of AWS."""
    path = os.environ.get("CUSTOMER_PROFILES_DB")
    return CustomerProfiles.embedded(path) if path else CustomerProfiles()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Connect once; threads share the client."""
    name = os.environ.get("CUSTOMER_PROFILES_DOMAIN", "shop")
    with connect() as cp:
        try:
            domain = cp.domains.get(name)
        except ResourceNotFoundError:
            domain = cp.domains.create(name)
        domain.object_types.put(Order)
        app.state.domain = domain
        yield


app = FastAPI(title="Customers", lifespan=lifespan)


def domain_of(request: Request) -> Domain:
    """Return the domain that the service works on."""
    domain: Domain = request.app.state.domain
    return domain


Shop = Annotated[Domain, Depends(domain_of)]


# `def`, not `async def`: FastAPI runs these in threads, so that a slow answer of AWS blocks nobody.
@app.get("/customers", response_model_exclude_none=True)
def search(
    shop: Shop, email: str | None = None, phone: str | None = None, full_name: str | None = None
) -> list[Profile]:
    """Find customers who have all of the given keys."""
    keys = {"email": email, "phone": phone, "full_name": full_name}
    given = {name: value for name, value in keys.items() if value}
    return list(shop.profiles.search(**given, limit=50))


@app.get("/customers/{profile_id}", response_model_exclude_none=True)
def read(shop: Shop, profile_id: str) -> Profile:
    """Read a customer."""
    return shop.profiles.get(profile_id)


@app.patch("/customers/{profile_id}", response_model_exclude_none=True)
def change(shop: Shop, profile_id: str, patch: Profile) -> Profile:
    """Set the fields of the body, clear those that are null, and keep all others."""
    shop.profiles.update(profile_id, patch)
    return shop.profiles.get(profile_id)


@app.get("/customers/{profile_id}/orders")
def orders(shop: Shop, profile_id: str) -> list[Order]:
    """List a customer's orders."""
    return list(shop.profiles.get(profile_id).objects(Order))


@app.post("/webhooks/orders", status_code=202)
def receive(shop: Shop, order: Order) -> dict[str, str]:
    """Take in an order; the same order again replaces the earlier one."""
    return {"key": shop.objects(Order).put(order)}


@app.exception_handler(RequestValidationError)
def explain_body(_: Request, error: RequestValidationError) -> JSONResponse:
    """Name the wrong fields; FastAPI's own answer would also repeat their values."""
    problems = [{"field": list(item["loc"]), "message": item["msg"]} for item in error.errors()]
    return JSONResponse({"detail": problems}, 422)


@app.exception_handler(InvalidInputError)
def explain_input(_: Request, error: InvalidInputError) -> JSONResponse:
    """Answer 422 to what breaks a rule of the service, and 404 to an id that none can have."""
    status = 404 if isinstance(error, ResourceNotFoundError) else 422
    return JSONResponse({"detail": str(error)}, status)


@app.exception_handler(ResourceNotFoundError)
def not_found(_: Request, __: ResourceNotFoundError) -> JSONResponse:
    """Answer 404."""
    return JSONResponse({"detail": "there is no such customer"}, 404)


@app.exception_handler(ThrottlingError)
def throttled(_: Request, error: ThrottlingError) -> JSONResponse:
    """Pass throttling on, after the client's own retries."""
    headers = {"Retry-After": str(round(error.retry_after or 1))}
    return JSONResponse({"detail": "too many requests"}, 503, headers)


@app.get("/health")
def health(shop: Shop) -> dict[str, str]:
    """Say whether the domain can be read."""
    try:
        return {"domain": shop.refresh().domain_name}
    except ResourceNotFoundError as error:
        raise HTTPException(503, "the domain does not exist") from error
