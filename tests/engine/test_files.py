"""The records of the files that a flow pulls."""

from __future__ import annotations

import io

import pytest

from customer_profiles.engine.flows.files import BadRecord, FileProblem, read


def records(name, text):
    body = text if isinstance(text, bytes) else text.encode()
    return list(read(name, io.BytesIO(body)))


def test_a_csv_file_has_a_header():
    assert records("in/a.csv", 'id,name\n1,"King, Ada"\n2,Bob\n') == [
        {"id": "1", "name": "King, Ada"},
        {"id": "2", "name": "Bob"},
    ]


def test_a_name_without_an_ending_is_csv():
    assert records("part-0000", b"\xef\xbb\xbfid\r\n1\r\n") == [{"id": "1"}]


def test_an_empty_value_is_absent():
    assert records("a.csv", "id,name,city\n1,,\n2\n\n") == [{"id": "1"}, {"id": "2"}]


def test_a_value_may_have_several_lines():
    assert records("a.csv", 'id,note\n1,"one\ntwo"\n') == [{"id": "1", "note": "one\ntwo"}]


def test_a_row_with_too_many_values_is_told():
    (bad,) = records("a.csv", "id\n1,Ada\n")
    assert bad == BadRecord('["1","Ada"]', "The row has 2 values, and the header 1")


@pytest.mark.parametrize("text", ["", "id,name\n", "\n"])
def test_a_file_may_be_empty(text):
    assert records("a.csv", text) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,home.city\n", "column 2 of the header has a dot"),
        ("id,,name\n", "column 2 of the header is empty"),
        ("id,id\n", "column 2 of the header has the name of an earlier one"),
        (b"id\n\xff\n", "not UTF-8"),
        ('id\n"1"2\n', "line 2 is not CSV"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(text, words):
    with pytest.raises(FileProblem, match=words):
        records("a.csv", text)


@pytest.mark.parametrize("name", ["a.jsonl", "A.NDJSON", "a.json"])
def test_json_may_be_in_lines(name):
    assert records(name, '{"a": 1}\r\n\n{"a": "x\u2028y"}') == [{"a": 1}, {"a": "x\u2028y"}]


@pytest.mark.parametrize("text", ['[{"a": 1}, {"a": 2}]', '[\n{"a": 1},\n{"a": 2}\n]'])
def test_a_json_file_may_be_a_list(text):
    assert records("a.json", text) == [{"a": 1}, {"a": 2}]


def test_a_json_file_may_be_one_object():
    assert records("a.json", '{\n"a": {"b": 1}\n}') == [{"a": {"b": 1}}]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_what_is_no_object_is_told_and_the_others_are_read(name):
    good, bad, last = records(name, '{"a": 1}\nnothing\n{"a": 2}\n')
    assert (good, last) == ({"a": 1}, {"a": 2})
    assert bad == BadRecord("nothing", "The record is not a JSON object")
