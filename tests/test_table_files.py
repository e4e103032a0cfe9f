"""Files of any format are read as tables, with line numbers, problems and what was found."""

# ruff: noqa: RUF001  (texts of many scripts)
from __future__ import annotations

import gzip
import io
import json
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from customer_profiles.files import FileError, Row, Table, open_table

PEOPLE = "Vorname;Name;Ort;PLZ\r\nJürgen;Groß;Köln;50667\r\nÄnne;Özil;Münster;48143\r\n"


def table(data: bytes | str, name: str = "", **options: Any) -> Table:
    raw = data.encode() if isinstance(data, str) else data
    return open_table(io.BytesIO(raw), name, **options)


def cells(data: bytes | str, name: str = "", **options: Any) -> list[list[str]]:
    return [row.cells for row in table(data, name, **options).rows()]


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "cp850"],
)
def test_an_encoding_is_found(encoding: str) -> None:
    found = table(PEOPLE.encode(encoding))

    assert found.header == ["Vorname", "Name", "Ort", "PLZ"]
    assert [row.cells[:3] for row in found.rows()] == [
        ["Jürgen", "Groß", "Köln"],
        ["Änne", "Özil", "Münster"],
    ]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Prénom,Ville\nRenée,Besançon\nFrançois,Orléans\n"),
        ("cp1252", "Nombre,Ciudad\nJosé Núñez,Córdoba\n"),
        ("cp1252", "nome,cidade\nJoão Conceição,São Paulo\n"),
        ("cp1252", "navn,by\nSøren Ærø,Århus\n"),
        ("cp1250", "imię,miasto\nŁukasz Wójcik,Łódź\nŻaneta,Kraków\n"),
        ("cp1250", "jméno,město\nJiří Dvořák,Plzeň\n"),
        ("cp1250", "név,város\nKovács Győző,Székesfehérvár\n"),
        ("cp1251", "имя,город\nИван Петров,Москва\n"),
        ("cp1253", "όνομα,πόλη\nΓιώργος Παπαδόπουλος,Αθήνα\n"),
        ("cp1254", "ad,şehir\nAyşe Yılmaz,İstanbul\n"),
        ("cp932", "姓,名,住所\n山田,太郎,東京都千代田区\n"),
        ("gb18030", "姓名,城市\n王伟,北京\n李娜,上海市浦东新区\n"),
        ("cp949", "이름,도시\n김민수,서울\n"),
    ],
)
def test_old_encodings_are_found_by_the_letters_of_their_languages(
    encoding: str, text: str
) -> None:
    lines = text.splitlines()

    assert cells(text.encode(encoding)) == [line.split(",") for line in lines[1:]]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_a_delimiter_is_found_although_cells_have_others(mark: str) -> None:
    rows = [
        ["Name", "Address", "Sum"],
        ["Ada", "1 St, London; UK", "1,5"],
        ["Bo", "2 St, X", "2,5"],
    ]
    text = "\n".join(mark.join(f'"{cell}"' for cell in row) for row in rows)

    assert cells(text) == rows[1:]


def test_a_line_names_the_delimiter() -> None:
    assert cells("sep=;\r\na;b\r\n1,2;3\r\n") == [["1,2", "3"]]


def test_what_is_before_and_after_a_table_is_left_out() -> None:
    text = (
        "Customers, all\nExported 2026-01-01\n\nName;Mail;City;\nAda;a@b.c;London;\n"
        "Total;;;\nBo;b@b.c;Rome;\n\nGrand Totals (2 records)\nCopyright (c) Acme\n"
    )
    found = table(text)
    rows = list(found.rows())

    assert [row.cells for row in rows] == [
        ["Ada", "a@b.c", "London"],
        ["Total", "", ""],
        ["Bo", "b@b.c", "Rome"],
    ]
    assert [row.line for row in rows] == [5, 6, 7]
    assert "header after 3 other rows" in found.found
    assert found.remarks == ["lines 9 to 10 are the footer of a report, and left out"]


def test_short_rows_are_filled_and_long_rows_keep_what_is_too_much() -> None:
    found = table("a,b,c\n1\n1,2,3,,\n1,2,3,4\n")

    assert list(found.rows()) == [
        Row(2, ["1", "", ""]),
        Row(3, ["1", "2", "3"], "", []),
        Row(4, ["1", "2", "3"], "", [("cell 4", "4")]),
    ]
    assert found.remarks == ["1 row shorter than the header; missing cells count as empty"]


def test_columns_of_one_name_are_numbered() -> None:
    found = table("Mail,Mail,Mail (2),\nx@a.b,y@a.b,z@a.b,w\n")

    assert found.header == ["Mail", "Mail (3)", "Mail (2)", "column 4"]
    assert (
        "the header names Mail 2 times; the further ones are read as Mail (3)" in found.remarks[0]
    )
    assert "--map" in found.remarks[0]


def test_a_quote_that_is_not_closed_costs_one_row() -> None:
    rows = list(table('a,b\n1,"2\n3,4\n5,6\n' + "7,8\n" * 50).rows())

    assert (rows[0].line, rows[0].cells) == (2, ['1,"2'])
    assert "the row cannot be read" in rows[0].problem
    assert [row.cells for row in rows[1:3]] == [["3", "4"], ["5", "6"]]
    assert len(rows) == 53


def test_rows_that_are_not_in_the_encoding_do_not_spoil_the_others() -> None:
    good = "José,München\n".encode() * 50
    rows = list(table(b"name,town\n" + good + b"Ren\xe9,x\n" + good).rows())

    assert [row.line for row in rows if row.problem] == [52]
    assert "not utf-8" in rows[50].problem
    assert len(rows) == 101


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.text("ab ,;\"'\n\r|\té日=", max_size=6), min_size=3, max_size=3), max_size=8
    ),
    st.sampled_from([",", ";", "\t"]),
)
def test_what_was_written_is_read(rows: list[list[str]], mark: str) -> None:
    import csv

    out = io.StringIO()
    header = ["first name", "last name", "town"]
    csv.writer(out, delimiter=mark, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    wanted = [row for row in rows if any(cell and not cell.isspace() for cell in row)]

    assert cells(out.getvalue(), delimiter=mark, encoding="utf-8") == wanted


def test_json_lines_become_columns_and_stay_objects() -> None:
    first = '{"id": 1, "name": {"first": "Ada"}, "tags": ["a", "b"]}'
    text = f'{first}\n\nnope\n[1]\n{{"id": 2.0, "late": "x"}}\n'
    rows = list(table(text).rows())

    assert table(text).header == ["id", "name.first", "tags", "late"]
    assert [row.cells for row in rows if not row.problem] == [
        ["1", "Ada", "a ::: b", ""],
        ["2", "", "", "x"],
    ]
    assert [row.line for row in rows] == [1, 3, 4, 5]
    assert [line.text for line in table(text).objects()] == text.split("\n")[:1] + text.split("\n")[
        2:5
    ]


@pytest.mark.parametrize(
    "text",
    [
        '[\n {"a": 1},\n {"a": 2}\n]',
        '{"data": [{"a": 1}, {"a": 2}], "more": false}',
        '[{"a":1},{"a":2}]',
    ],
)
def test_lists_of_json_are_read_record_by_record(text: str) -> None:
    assert cells(text, "x.json") == [["1"], ["2"]]
    assert [json.loads(line.text) for line in table(text, "x.json").objects()] == [
        {"a": 1},
        {"a": 2},
    ]


def test_a_list_of_json_that_breaks_off_says_where() -> None:
    rows = list(table('[\n{"a": 1},\n{"a": 2},\n{"a": tru', "x.json").rows())

    assert [row.cells for row in rows[:2]] == [["1"], ["2"]]
    assert "line 4" in rows[2].problem


def test_a_member_that_comes_late_is_an_extra_value() -> None:
    text = '{"a": "1"}\n' * 1_000 + '{"a": "1", "z": "late"}\n'

    assert list(table(text).rows())[-1].extra == [("z", "late")]


def test_parquet_is_read_with_its_types(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    columns = {"id": [1, 2], "phone": [12065550100.0, None], "tags": [["a", "b"], None]}
    parquet.write_table(pa.table(columns), path)

    with path.open("rb") as raw:
        found = open_table(raw)
        assert [row.cells for row in found.rows()] == [
            ["1", "12065550100", "a ::: b"],
            ["2", "", ""],
        ]
    with path.open("rb") as raw:
        objects = [json.loads(line.text) for line in open_table(raw).objects()]
    assert objects == [{"id": 1, "phone": 12065550100.0, "tags": ["a", "b"]}, {"id": 2}]


def test_a_sheet_is_chosen(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["Cover"])
    for name in ("First", "Second"):
        sheet = book.create_sheet(name)
        sheet.append(["name", "phone"])
        sheet.append([name, 12065550100])
    book.save(tmp_path / "book.xlsx")
    data = (tmp_path / "book.xlsx").read_bytes()

    assert cells(data) == [["First", "12065550100"]]
    assert cells(data, sheet="Second") == [["Second", "12065550100"]]
    with pytest.raises(FileError, match="no sheet 'Secnd'; did you mean 'Second'"):
        table(data, sheet="Secnd")


def test_a_card_that_cannot_be_read_does_not_spoil_the_others() -> None:
    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nN:King;Ada\r\nFN:Ada King\r\nEND:VCARD\r\n"
    rows = list(
        table(card + "BEGIN:VCARD\r\n;;;:\r\nEND:VCARD\r\n" + card + "BEGIN:VCARD\r\n").rows()
    )

    assert [row.line for row in rows if not row.problem and row.cells[0]] == [1, 9]
    assert "may be cut" in rows[-1].problem


def test_a_compressed_file_is_read() -> None:
    assert cells(gzip.compress(b"a,b\n1,2\n"), "x.csv.gz") == [["1", "2"]]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no header"),
        (b"PK\x03\x04rest", "no workbook"),
        (b"PAR1rest", "damaged"),
        (b"SQLite format 3\x00", "a database"),
        (b"\x89PNG\r\n\x00", "binary"),
        (b"[]", "no rows"),
        (f"a,{'x' * 2_000}\n".encode(), "the name of a column"),
    ],
    ids=range(7),
)
def test_what_is_no_table_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(FileError, match=reason):
        table(data)


def test_a_file_is_read_as_a_stream_with_flat_memory(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    with path.open("w") as text:
        text.write("name,mail,town\n")
        text.writelines(f"Ada {n},a{n}@example.com,London\n" for n in range(200_000))
    with path.open("rb") as raw:
        tracemalloc.start()
        try:
            assert sum(1 for _ in open_table(raw).rows()) == 200_000
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 20_000_000


def test_thousands_of_columns_are_read(tmp_path: Path) -> None:
    header = ",".join(f"c{n}" for n in range(5_000))

    assert len(cells(f"{header}\n" + (",".join("x" * 5_000) + "\n") * 20)) == 20


def test_a_pipe_is_read(tmp_path: Path) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size, 7) if size and size > 0 else size)

    found = open_table(Pipe(PEOPLE.encode("cp1252")))

    assert [row.cells[0] for row in found.rows()] == ["Jürgen", "Änne"]


def test_the_readers_of_other_formats_are_imported_when_they_are_needed() -> None:
    import subprocess

    code = (
        "import sys; import customer_profiles.files; "
        "print([name for name in ('pyarrow', 'python_calamine', 'vobject') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
