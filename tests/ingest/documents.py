"""Documents made for tests: Word files, workbooks, PDFs and packages as offices and scanners make them, and as attackers do."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence

from docx import Document
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from openpyxl import Workbook
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

SENTENCE = "对符合条件的企业给予不超过五十万元的一次性奖励，由市工信局负责落实。"


def pdf(pages: Sequence[Sequence[str]], **options: object) -> bytes:
    """A PDF with the lines of each page in a Chinese font that is not embedded."""
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    target = io.BytesIO()
    canvas = Canvas(target, **options)
    for lines in pages:
        canvas.setFont("STSong-Light", 12)
        for i, line in enumerate(lines):
            canvas.drawString(60, 800 - 18 * i, line)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def scanned_pdf(*texts: str) -> bytes:
    """A PDF of pictures; a page that has a text carries it as words beside its picture, an empty one is the picture alone."""
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    target = io.BytesIO()
    canvas = Canvas(target)
    for text in texts:
        if text:
            canvas.setFont("STSong-Light", 12)
            canvas.drawString(60, 800, text)
        else:
            canvas.drawImage(ImageReader(io.BytesIO(png(60, 80))), 0, 0, 595, 842)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def png(width: int, height: int) -> bytes:
    """A grey picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\x00" + b"\x80" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def docx_of(document: object) -> bytes:
    """The bytes of a python-docx document."""
    target = io.BytesIO()
    document.save(target)  # type: ignore[attr-defined]
    return target.getvalue()


def numbered_docx(levels: Sequence[tuple[str, str]], paragraphs: Sequence[tuple[int | None, str]]) -> bytes:
    """A Word file with one list: (format, text) of each level; paragraphs are (level or None, words)."""
    document = Document()
    root = document.part.numbering_part.element
    inner = "".join(
        f'<w:lvl w:ilvl="{i}"><w:start w:val="1"/><w:numFmt w:val="{form}"/><w:lvlText w:val="{text}"/></w:lvl>'
        for i, (form, text) in enumerate(levels)
    )
    root.insert(0, parse_xml(f'<w:abstractNum {nsdecls("w")} w:abstractNumId="90">{inner}</w:abstractNum>'))
    root.append(parse_xml(f'<w:num {nsdecls("w")} w:numId="90"><w:abstractNumId w:val="90"/></w:num>'))
    for level, words in paragraphs:
        paragraph = document.add_paragraph(words)
        if level is not None:
            number(paragraph, 90, level)
    return docx_of(document)


def number(paragraph: object, identity: int, level: int) -> None:
    """Make a paragraph an item of a list."""
    properties = paragraph._p.get_or_add_pPr()  # type: ignore[attr-defined]
    properties.append(parse_xml(f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{level}"/><w:numId w:val="{identity}"/></w:numPr>'))


def xlsx(rows: Sequence[Sequence[object]], *, merged: Sequence[str] = (), formats: Mapping[str, str] | None = None) -> bytes:
    """A workbook with one sheet."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    for cells in merged:
        sheet.merge_cells(cells)
    for cell, form in (formats or {}).items():
        sheet[cell].number_format = form
    return book_of(book)


def book_of(book: Workbook) -> bytes:
    """The bytes of a workbook."""
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def with_parts(package: bytes, parts: Mapping[str, bytes]) -> bytes:
    """A package with parts added or replaced."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, data in parts.items():
            new.writestr(name, data)
    return target.getvalue()


__all__ = [
    "Document",
    "book_of",
    "docx_of",
    "number",
    "numbered_docx",
    "parse_xml",
    "pdf",
    "png",
    "qn",
    "scanned_pdf",
    "with_parts",
    "xlsx",
]
