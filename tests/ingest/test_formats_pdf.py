"""PDF: every page is read and cross-checked; what is a picture, encrypted, cut off or too long is told."""

import io
import re

import pypdf
import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from services.ingest.domain.reading import NotADocument, read
from services.ingest.domain.text import lines_of
from services.ingest.sandbox import pdf as reader
from services.ingest.sandbox.formats import to_text
from tests.ingest.documents import SENTENCE, pdf, scanned_pdf

TITLE = "关于支持企业的若干措施"


def test_pages_are_divided_by_form_feeds_and_counted() -> None:
    found = to_text(pdf([[TITLE, "一、支持融资。"], ["二、支持用工。"]]), "措施.pdf")
    assert found.text == f"{TITLE}\n一、支持融资。\n\f\n二、支持用工。\n"
    assert (found.pages, found.needs_ocr, found.notes) == (2, False, ())


def test_lines_that_are_repeated_are_all_kept() -> None:
    """pdfium alone keeps one of twenty equal lines in a font that is not embedded."""
    found = to_text(pdf([[TITLE, *[SENTENCE] * 20]]), "措施.pdf")
    assert found.text.count(SENTENCE) == 20
    assert not found.needs_ocr


def test_bold_that_is_printed_twice_over_itself_is_read_once() -> None:
    target = io.BytesIO()
    canvas = Canvas(target)
    canvas.setFont("Helvetica", 12)
    for shift in (0, 0.3):
        canvas.drawString(60 + shift, 800, "Measures for enterprises")
    canvas.drawString(60, 780, "One line that is printed once, long enough to matter.")
    canvas.save()
    assert to_text(target.getvalue(), "a.pdf").text.count("Measures for enterprises") == 1


def test_a_scanned_pdf_awaits_a_person() -> None:
    found = to_text(scanned_pdf("", ""), "扫描.pdf")
    assert found.needs_ocr
    assert found.text.strip() == ""
    assert found.notes == ("第 1–2 页没有可用的文字层。",)


def test_a_pdf_with_one_scanned_page_is_not_taken_for_whole() -> None:
    found = to_text(scanned_pdf(TITLE, "", "二、支持用工。"), "扫描.pdf")
    assert found.needs_ocr
    assert TITLE in found.text
    assert found.notes[0] == "第 2 页没有可用的文字层。"


def test_text_that_no_font_can_explain_awaits_a_person() -> None:
    data = pdf([["ABCDEFGHIJKLMNOP" * 3]])
    strange = reader._Page("\ue000" * 40 + "AB", lost=False, overlaid=False, picture=False)
    assert reader._chosen(strange) == (strange.text, False)
    assert not to_text(data, "a.pdf").needs_ocr


def test_a_page_of_which_words_were_lost_and_that_nobody_can_read_is_not_whole() -> None:
    assert reader._chosen(reader._Page(SENTENCE, lost=True, overlaid=False, picture=False, check="")) == (SENTENCE, False)
    other = reader._Page(SENTENCE, lost=True, overlaid=False, picture=False, check="无关的另一种读法" * 20)
    assert reader._chosen(other) == (SENTENCE, False)


def test_a_pdf_with_a_password_is_refused_and_one_that_only_forbids_printing_is_read() -> None:
    with pytest.raises(NotADocument, match="unreadable") as refusal:
        to_text(pdf([[TITLE]], encrypt=StandardEncryption("geheim")), "a.pdf")
    assert "密码" in refusal.value.detail
    open_to_all = pdf([[TITLE]], encrypt=StandardEncryption("", ownerPassword="x", canPrint=0))
    assert TITLE in to_text(open_to_all, "a.pdf").text


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9, 0.99])
def test_a_truncated_pdf_is_unreadable(part: float) -> None:
    data = pdf([[TITLE, SENTENCE]] * 3)
    with pytest.raises(NotADocument, match="unreadable") as refusal:
        to_text(data[: int(len(data) * part)], "a.pdf")
    assert "不完整" in refusal.value.detail


def test_a_linearized_pdf_that_is_cut_off_is_unreadable() -> None:
    data = pdf([[TITLE]])
    head = b"%%PDF-1.4\n1 0 obj\n<< /Linearized 1 /L %d /H [ 1 2 ] >>\nendobj\n" % (len(data) * 10)
    with pytest.raises(NotADocument, match="unreadable") as refusal:
        to_text(head + data, "a.pdf")
    assert str(len(data) * 10) in refusal.value.detail


def test_a_pdf_whose_inside_is_noise_is_unreadable() -> None:
    with pytest.raises(NotADocument, match="unreadable"):
        to_text(b"%PDF-1.7\n" + bytes(range(256)) * 40 + b"\nstartxref\n0\n%%EOF\n", "a.pdf")


def test_a_pdf_of_more_than_500_pages_is_too_large() -> None:
    writer = pypdf.PdfWriter()
    for _ in range(501):
        writer.add_blank_page(100, 100)
    target = io.BytesIO()
    writer.write(target)
    with pytest.raises(NotADocument, match="too-large") as refusal:
        to_text(target.getvalue(), "a.pdf")
    assert "501" in refusal.value.detail


def test_a_blank_pdf_is_no_document() -> None:
    with pytest.raises(NotADocument, match="not-a-document"):
        to_text(pdf([[]]), "a.pdf")


def test_a_pdf_that_calls_itself_text_is_told_what_it_is() -> None:
    with pytest.raises(NotADocument, match="not-a-document") as refusal:
        to_text(pdf([[TITLE]]), "措施.txt")
    assert re.search(r"\.txt.*PDF", refusal.value.detail)


def test_a_long_document_is_checked_in_part_and_says_so() -> None:
    pages = [[f"第{number}页的文字。"] for number in range(402)]
    found = to_text(pdf(pages), "a.pdf")
    assert all(line[0] in found.text for line in pages)
    (note,) = found.notes
    assert re.fullmatch(r"有 \d+ 页只有一种读法，未经核对。", note)
    assert not found.needs_ocr


def test_columns_of_a_table_come_as_they_are_folded() -> None:
    assert to_text(pdf([["1", "一次性奖励", "市工信局"]]), "a.pdf").text == "1\n一次性奖励\n市工信局\n"


@pytest.mark.parametrize("edge", ["top", "bottom"])
def test_page_numbers_are_no_words_of_the_document(edge: str) -> None:
    halves = [
        ["一、支持企业融资，对符合条件的", "企业给予贴息。"],
        ["二、支持企业用工，对新增参保的企", "业给予补贴。三、支持企业研发，对"],
        ["研发投入给予后补助。"],
    ]
    pages = [[f"{12 + i}", *lines] if edge == "top" else [*lines, f"{12 + i}"] for i, lines in enumerate(halves)]
    bodies = [measure.body.text for measure in read(to_text(pdf(pages), "a.pdf").text.encode()).measures]
    plain = [measure.body.text for measure in read("\n".join(line for lines in halves for line in lines).encode()).measures]
    assert bodies == plain


def test_a_row_number_at_the_head_of_a_page_stays() -> None:
    text = to_text(pdf([["序号 名称 内容"], ["2", "一次性奖励"], ["说明"]]), "a.pdf").text
    assert "2" in [line.s for line in lines_of(text)]
