"""XLSX: values as the sheet shows them, one row a line; what a person would not see is told, not guessed."""

import io
import zipfile
from datetime import date, datetime

import pytest
from openpyxl import Workbook

from services.ingest.domain.reading import NotADocument, read
from services.ingest.sandbox.formats import to_text
from tests.ingest.documents import Document, book_of, docx_of, with_parts, xlsx


def rows(data: bytes) -> list[str]:
    return [line for line in to_text(data, "清单.xlsx").text.split("\n") if line.strip()]


def test_a_list_comes_out_as_rows_with_tabs() -> None:
    head = ["序号", "政策名称", "奖补标准", "责任单位"]
    items = [[1, "一次性\n奖励", "最高50万元", "市工信局"], [2, "贷款贴息", None, "市财政局"]]
    data = xlsx([["免申即享政策清单"], head, *items], merged=["A1:D1"])
    assert rows(data) == [
        "免申即享政策清单",
        "序号\t政策名称\t奖补标准\t责任单位",
        "1\t一次性 奖励\t最高50万元\t市工信局",
        "2\t贷款贴息\t\t市财政局",
    ]
    assert len(read(to_text(data, "清单.xlsx").text.encode()).measures) == 2


def test_numbers_show_as_their_format_says() -> None:
    moment = datetime(2024, 3, 5, 9, 30)  # noqa: DTZ001 - a sheet knows no zone
    data = xlsx(
        [[0.05, 0.125, 1234567.891, 2026, 0.1 + 0.2, date(2024, 3, 5), moment, 45356, True, 1e-7]],
        formats={"A1": "0%", "B1": "0.0%", "C1": "#,##0.00", "F1": "yyyy-mm-dd", "G1": "yyyy-mm-dd hh:mm", "H1": 'yyyy"年"m"月"d"日"'},
    )
    assert rows(data) == ["5%\t12.5%\t1,234,567.89\t2026\t0.3\t2024-03-05\t2024-03-05 09:30\t2024年3月5日\tTRUE\t0.0000001"]


def test_a_unit_in_the_format_is_printed() -> None:
    assert rows(xlsx([[50, 3]], formats={"A1": '0"万元"', "B1": "0.00"})) == ["50万元\t3.00"]


def test_a_cell_merged_over_rows_says_its_words_in_each() -> None:
    data = xlsx([["1", "奖励", "市工信局"], ["2", "贴息", None], ["3", "补贴", "市人社局"]], merged=["C1:C2"])
    assert rows(data) == ["1\t奖励\t市工信局", "2\t贴息\t市工信局", "3\t补贴\t市人社局"]


def test_hidden_sheets_are_told_and_left_out() -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(["甲"])
    book.create_sheet("附件2").append(["乙"])
    book.create_sheet("字典").append(["丙"])
    book["字典"].sheet_state = "hidden"
    found = to_text(book_of(book), "清单.xlsx")
    assert found.text == "甲\n\f\n乙\n"
    assert found.pages == 2
    assert found.notes == ("隐藏的工作表未读取：字典。",)


def test_a_formula_without_its_value_is_refused_not_skipped() -> None:
    with pytest.raises(NotADocument, match="unreadable") as refusal:
        to_text(xlsx([[1, 2, "=A1+B1"]]), "清单.xlsx")
    assert "C1" in refusal.value.detail


def test_an_empty_workbook_is_no_document() -> None:
    with pytest.raises(NotADocument, match="not-a-document"):
        to_text(xlsx([]), "清单.xlsx")


def test_a_workbook_named_docx_is_told_what_it_is() -> None:
    with pytest.raises(NotADocument, match="not-a-document") as refusal:
        to_text(xlsx([["甲"]]), "通知.docx")
    assert ".docx" in refusal.value.detail
    assert "XLSX" in refusal.value.detail


def test_a_declared_type_that_contradicts_the_bytes_is_refused_and_a_general_one_is_not() -> None:
    data = xlsx([["甲"]])
    assert to_text(data, "清单.xlsx", declared="application/octet-stream").format == "xlsx"
    with pytest.raises(NotADocument, match="not-a-document"):
        to_text(data, "清单.xlsx", declared="application/pdf")


def test_a_cell_far_out_does_not_fill_the_memory() -> None:
    book = Workbook()
    assert book.active is not None
    book.active["A1"], book.active["XFD1048576"] = "甲", "乙"
    with pytest.raises(NotADocument, match="too-large"):
        to_text(book_of(book), "清单.xlsx")


def test_a_merge_over_the_whole_sheet_does_not_fill_it() -> None:
    small = xlsx([["甲", "乙"], ["丙", "丁"]], merged=["D1:D2"])
    part = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(io.BytesIO(small)) as package:
        data = with_parts(small, {part: package.read(part).replace(b"D1:D2", b"D1:D1048576")})
    with pytest.raises(NotADocument, match="too-large"):
        to_text(data, "清单.xlsx")


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"PK\x05\x06" + bytes(18), "压缩包"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "旧版"),
     (b"\x89PNG\r\n\x1a\n" + bytes(50), "PNG"),
     (b"MZ" + bytes(300), "程序"), (b"{\\rtf1 x}", "RTF"), (b"Rar!\x1a\x07\x00", "RAR"), (b"", "空"), (b" \r\n\x00", "空")],
)  # fmt: skip
def test_other_formats_are_refused_by_name(data: bytes, says: str) -> None:
    with pytest.raises(NotADocument, match="not-a-document") as refusal:
        to_text(data, "文件")
    assert says in refusal.value.detail
    assert refusal.value.hint


def test_an_encrypted_office_file_is_told_as_such() -> None:
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le")
    with pytest.raises(NotADocument, match="unreadable") as refusal:
        to_text(data, "文件.docx")
    assert "密码" in refusal.value.detail


def test_ofd_is_refused_with_the_way_out() -> None:
    with pytest.raises(NotADocument, match="not-a-document") as refusal:
        to_text(with_parts(b"PK\x05\x06" + bytes(18), {"OFD.xml": b"<OFD/>"}), "文件.ofd")
    assert "OFD" in refusal.value.detail
    assert "PDF" in refusal.value.hint


def test_macro_files_are_refused_by_extension_too() -> None:
    with pytest.raises(NotADocument, match="not-a-document"):
        to_text(docx_of(Document()), "文件.docm")
