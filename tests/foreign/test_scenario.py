"""The checks of the scenario find what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from .scenario import Reading, differences, model, resolve, to_snake

DOMAIN = model().operation_model("GetDomain").output_shape


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"Tags": None}, ".Tags is null"),
        ({"Tags": {"a": None}}, ".Tags.a is null"),
        ({"Town": "Oslo"}, "unknown members ['Town']"),
        ({"CreatedAt": 1.5}, ".CreatedAt is 1.5, not a time"),
        ({"CreatedAt": {"$date": "2030-01-31T12:00:00"}}, "not a time"),
    ],
)
def test_a_wrong_answer_is_reported(value, problem):
    reading = Reading(snake_case=False, typed_dates=True)
    reading.read(DOMAIN, value)

    assert len(reading.problems) == 1
    assert problem in reading.problems[0]


def test_an_answer_in_snake_case_is_read():
    reading = Reading(snake_case=True, typed_dates=True)
    answer = {"domain_name": "shop", "created_at": {"$date": "2030-01-31T13:00:00+01:00"}}

    created = datetime(2030, 1, 31, 12, tzinfo=UTC)
    assert reading.read(DOMAIN, answer) == {"DomainName": "shop", "CreatedAt": created}
    assert reading.problems == []


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({"Name": "<absent>"}, {"Name": ""}),
        ({"Name": "Ada"}, {}),
        ({"Items": []}, {"Items": [1]}),
        ({"Items": [{"Name": "Ada"}]}, {"Items": [{"Name": "Eva"}]}),
        ({"At": "<now>"}, {"At": datetime(2001, 1, 1, tzinfo=UTC)}),
        ({"Id": "<id>"}, {"Id": "ada"}),
        ({"Text": "<text>"}, {"Text": ""}),
        ({"Text": {"<json>": {"a": 1}}}, {"Text": '{"a": 2}'}),
        ({"Count": 1}, {"Count": True}),
        ({"Text": "Zoë"}, {"Text": "Zoe"}),
    ],
)
def test_a_difference_is_reported(expected, actual):
    assert len(list(differences(expected, actual))) == 1


def test_other_members_may_be_there():
    assert list(differences({"Items": [{}]}, {"Items": [{"Name": "Ada"}], "NextToken": "x"})) == []


def test_a_reference_is_a_value_of_an_earlier_answer():
    answers = {"shop": {"Items": [{"At": 1}]}}

    assert resolve({"At": ["{shop.Items.0.At}", "{other}"]}, answers) == {"At": [1, "{other}"]}
    with pytest.raises(KeyError):
        resolve("{shop.Nothing}", answers)


def test_keys_of_maps_keep_their_case():
    shape = model().operation_model("CreateDomain").input_shape

    request = {"DomainName": "shop", "Tags": {"CostCenter": "1"}}
    assert to_snake(shape, request) == {"domain_name": "shop", "tags": {"CostCenter": "1"}}
