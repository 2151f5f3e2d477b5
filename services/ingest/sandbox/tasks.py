"""What a child of the sandbox does: bytes to a reading, or a list page to its links; the reply is JSON."""

import codecs
import io
import zipfile
from dataclasses import replace
from typing import Any

import orjson

from services.ingest.domain.decoding import decode
from services.ingest.domain.reading import Document, NotADocument, Reading, read
from services.ingest.sandbox import page
from services.ingest.sandbox.formats import Extracted, to_text

LIST_LIMIT = 4 * 1024 * 1024
"""Bytes a list page may have."""

_CODECS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "gbk", "gb2312", "big5", "latin-1", "ascii", "cp437", "cp1252",
           "mac-roman",
           "unicode-escape", "raw-unicode-escape", "charmap", "idna")  # fmt: skip

_SILENT = Document(
    title=None, doc_number=None, issuer=None, issue_date=None, printed_date=None, addressees=None, open_status=None, annex_label=None,
    attachments=(), enclosed=(), distribution=(), valid_from=None, valid_to=None, repeals=(), amends=(),
)  # fmt: skip


def done(task: dict[str, Any], data: bytes) -> bytes:
    """The reply to a task. Raises NotADocument."""
    if task["task"] == "links":
        return orjson.dumps(page.links_of(decode(data, limit=LIST_LIMIT), task["base"]))
    extracted = to_text(data, task["name"], declared=task["declared"])
    return orjson.dumps(
        {
            "reading": reading_of(extracted, data, task["name"]),
            "format": extracted.format,
            "pages": extracted.pages,
            "needs_ocr": extracted.needs_ocr,
            "notes": extracted.notes,
        }
    )


def reading_of(extracted: Extracted, data: bytes, name: str) -> Reading:
    """The reading of a document's text. Of one that is partly pictures only what it says of itself is read: half a list is no list."""
    written = extracted.format in ("text", "markdown")
    try:
        reading = read(data if written else extracted.text.encode(), name=name)
    except NotADocument:
        if not extracted.needs_ocr:
            raise
        return Reading(name=name, raw=extracted.text, forms=(), document=_SILENT, measures=(), goals=(), remarks=())
    return replace(reading, measures=(), goals=(), remarks=()) if extracted.needs_ocr else reading


def warm_up() -> None:
    """Read one small document of each format, so that children find every module and codec loaded: they may not reach the files."""
    for name in _CODECS:
        codecs.lookup(name)
    small = {"a.html": _small_page(), "a.pdf": _small_pdf(), "a.docx": _small_package("word"), "a.xlsx": _small_package("xl")}
    for name, data in small.items():
        reading_of(to_text(data, name), data, name)
    page.links_of("<a href='/a'>a</a>", "https://example.org/")


def _small_page() -> bytes:
    return "<html><body><h1>通知</h1><ol><li>支持企业。</li></ol><table><tr><td>1</td><td>2</td></tr></table></body></html>".encode()


def _small_pdf() -> bytes:
    """One page that says one thing in a font that is not embedded, as a PDF with a cross-reference table."""
    content = b"BT /F1 12 Tf 72 720 Td (Zhaoqi) Tj ET"
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[6 0 R]>>",
        b"<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>>>",
    )
    data, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(data))
        data += b"%d 0 obj%s endobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size, start = len(objects) + 1, len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    return data + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, start)


def _small_package(kind: str) -> bytes:
    main = "word/document.xml" if kind == "word" else "xl/workbook.xml"
    reference = 'Type="x/{}" Target="{}"'
    parts = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": f"<r><r Id='1' {reference.format('officeDocument', main)}/></r>",
        "word/document.xml": "<d><body><p><r><t>一、支持企业。</t></r></p></body></d>",
        "xl/workbook.xml": "<w><sheets><sheet name='1' id='1'/></sheets></w>",
        "xl/_rels/workbook.xml.rels": f"<r><r Id='1' {reference.format('worksheet', 'sheet.xml')}/></r>",
        "xl/sheet.xml": "<w><sheetData><row><c t='inlineStr'><is><t>支持企业</t></is></c><c><v>1.5</v></c></row></sheetData></w>",
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in parts.items():
            if name.startswith(("[", "_", kind + "/")):
                package.writestr(name, text)
    return target.getvalue()
