"""Models in a web framework: snake_case in bodies, answers and OpenAPI; the example service."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import Field, TypeAdapter

from customer_profiles import (
    Address,
    CustomerProfiles,
    Domain,
    Key,
    Match,
    Profile,
    ProfileObject,
    StoredObject,
    Target,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).parents[1] / "examples" / "web_service.py"
PLACED = "2026-01-02T00:00:00Z"


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("CUSTOMER_PROFILES_DB", str(tmp_path / "shop.db"))
    with TestClient(runpy.run_path(str(EXAMPLE))["app"]) as client:
        yield client


@pytest.fixture
def ada(service: TestClient, tmp_path: Path) -> Profile:
    with CustomerProfiles.embedded(tmp_path / "shop.db") as cp:
        return cp.domain("shop").profiles.create(
            first_name="Ada", email_address="ada@example.com", address=Address(city="London")
        )


def test_customers_are_found_in_snake_case_without_nulls(service: TestClient, ada: Profile) -> None:
    answer = service.get("/customers", params={"email": "ADA@example.com"})

    assert answer.json() == [
        {
            "profile_id": ada.profile_id,
            "first_name": "Ada",
            "email_address": "ada@example.com",
            "address": {"city": "London"},
            "found_by": [{"key_name": "_email", "values": ["ADA@example.com"]}],
        }
    ]


def test_a_patch_sets_clears_and_keeps(service: TestClient, ada: Profile) -> None:
    patch = {"last_name": "King", "email_address": None, "address": {"postal_code": "W1"}}
    answer = service.patch(f"/customers/{ada.profile_id}", json=patch)

    assert answer.json() == {
        "profile_id": ada.profile_id,
        "first_name": "Ada",
        "last_name": "King",
        "address": {"city": "London", "postal_code": "W1"},
    }
    assert service.get(f"/customers/{ada.profile_id}").json() == answer.json()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"frist_name": "secret"}, ["body", "frist_name"]),
        ({"gender": "secret"}, ["body", "gender"]),
        ({"address": {"ciy": "secret"}}, ["body", "address", "ciy"]),
    ],
)
def test_a_wrong_body_is_refused_by_field_without_its_value(
    service: TestClient, ada: Profile, body: Any, field: list[str]
) -> None:
    answer = service.patch(f"/customers/{ada.profile_id}", json=body)

    assert answer.status_code == 422
    assert [item["field"] for item in answer.json()["detail"]] == [field]
    assert "secret" not in answer.text


def test_what_the_service_cannot_clear_is_refused(service: TestClient, ada: Profile) -> None:
    answer = service.patch(f"/customers/{ada.profile_id}", json={"gender": None})

    assert answer.status_code == 422
    assert "gender cannot be cleared" in answer.text


@pytest.mark.parametrize("profile_id", ["zzz", "0" * 32])
def test_an_id_that_does_not_exist_is_not_found(service: TestClient, profile_id: str) -> None:
    assert service.get(f"/customers/{profile_id}").status_code == 404


def test_a_search_without_keys_is_refused(service: TestClient) -> None:
    assert service.get("/customers").status_code == 422


def test_a_webhook_puts_orders_which_create_the_customer(service: TestClient) -> None:
    order = {"order_id": "1", "email": "new@example.com", "total": "9.90", "placed_at": PLACED}
    assert service.post("/webhooks/orders", json=order).status_code == 202
    assert service.post("/webhooks/orders", json=order | {"total": "10.00"}).status_code == 202

    (customer,) = service.get("/customers", params={"email": "new@example.com"}).json()
    stored = service.get(f"/customers/{customer['profile_id']}/orders").json()
    assert stored == [order | {"total": "10.00"}]


def test_the_service_says_whether_its_domain_is_there(service: TestClient) -> None:
    assert service.get("/health").json() == {"domain": "shop"}


class Line(ProfileObject):
    unit_price: int


class Booking(ProfileObject, name="Booking", allow_profile_creation=True):
    booking_id: Annotated[str, Key("BookingId", unique=True)]
    email: Annotated[str, Key("_email", profile=True), Target("_profile.EmailAddress")]
    first_line: Line
    all_lines: list[Line] = Field(default_factory=list)
    remark: str | None = Field(default=None, alias="theRemark")


def names_of(model: type[Any]) -> set[str]:
    schema = TypeAdapter(model).json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return {name for part in parts for name in part.get("properties", {})}


@pytest.mark.parametrize("model", [Profile, Domain, Match, StoredObject, Booking])
@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_a_schema_has_our_names_alone(model: type[Any], mode: Any) -> None:
    names = names_of(model)

    assert {name for name in names if name[:1].isupper()} == set()


def test_the_values_of_an_enum_are_in_the_schema() -> None:
    gender = TypeAdapter(Profile).json_schema()["properties"]["gender"]

    assert gender["anyOf"][0]["enum"] == ["MALE", "FEMALE", "UNSPECIFIED"]


def test_bodies_are_read_by_both_names_and_answered_by_ours() -> None:
    app = FastAPI()

    @app.post("/echo", response_model_exclude_unset=True)
    def echo(profile: Profile) -> Profile:
        return profile

    client = TestClient(app)
    for body in ({"first_name": "Ada"}, {"FirstName": "Ada"}):
        assert client.post("/echo", json=body).json() == {"first_name": "Ada"}


def test_an_object_is_answered_by_our_names_and_written_by_its_own() -> None:
    booking = Booking(
        booking_id="1",
        email="a@example.com",
        first_line=Line(unit_price=1),
        all_lines=[Line(unit_price=2)],
        theRemark="x",
    )

    assert booking.model_dump(by_alias=True) == {
        "booking_id": "1",
        "email": "a@example.com",
        "first_line": {"unit_price": 1},
        "all_lines": [{"unit_price": 2}],
        "theRemark": "x",
    }
    assert booking.to_object() == (
        '{"BookingId":"1","Email":"a@example.com","FirstLine":{"UnitPrice":1},'
        '"AllLines":[{"UnitPrice":2}],"theRemark":"x"}'
    )


def test_undeclared_members_with_the_names_of_fields_are_written_as_they_were() -> None:
    text = (
        '{"BookingId":"1","Email":"a@example.com","FirstLine":{"UnitPrice":1,"unit_price":7},'
        '"AllLines":[{"UnitPrice":2,"unit_price":8}],"booking_id":"x"}'
    )

    assert Booking.from_object(text).to_object() == text
