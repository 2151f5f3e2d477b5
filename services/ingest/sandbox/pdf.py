"""PDF to lines: pdfium reads, pypdf checks page by page, and a page that neither can vouch for is a picture that awaits a person.

pdfium leaves out text that it takes for a second print of the same words: right for bold that is drawn twice, wrong for lines that are
repeated in a font that is not embedded. Where it left something out, the page as pypdf reads it takes its place.
"""

import io
import logging
import time
import unicodedata
from collections import Counter
from dataclasses import dataclass

import pypdf
import pypdfium2 as pdfium
import pypdfium2.raw as raw

from services.ingest.domain.reading import NotADocument

PAGES = 500
CHECKED = 200
"""Pages without a sign of trouble that are cross-checked, spread over the document; pages with one are always checked."""
PATIENCE = 4.0
"""Seconds after which pages without a sign of trouble are no longer cross-checked: on a busy machine better noted than not read."""
SCANNED = 0.5
"""Share of a page that a picture covers when the page is a scan."""
FEW = 30
"""Characters below which the words of a scanned page are but a stamp of the scanner."""
DIFFER = 0.02
"""Share of a page's characters in which two readings may differ (ligatures, signs of formulas) and still be the same."""

_RESAVE = "请重新下载或导出原件后上传。"
_PASSWORD, _SECURITY = 4, 5  # FPDF_GetLastError

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # its remarks quote the document


@dataclass(frozen=True)
class PdfText:
    """The text of a PDF, pages divided by form feeds; ``needs_ocr`` when a page could not be read."""

    text: str
    pages: int
    needs_ocr: bool
    notes: tuple[str, ...]


@dataclass
class _Page:
    text: str
    lost: bool  # pdfium left out words that stand in a place of their own
    overlaid: bool  # pdfium left out words that are printed over the same words
    picture: bool
    check: str | None = None  # the page as pypdf reads it; "" when it cannot


def text_of(data: bytes) -> PdfText:
    """The text of a PDF. Raises NotADocument: `too-large` (pages), `unreadable` (password, cut off, a page that cannot be opened)."""
    start = max(data.find(b"%PDF-"), 0)
    tail = data.rstrip(b"\x00\r\n\t ")[-2048:]
    if b"%%EOF" not in tail or b"startxref" not in tail:
        raise NotADocument("unreadable", f"PDF 不完整：{len(data)} 字节之后缺少结尾标记（%%EOF）。", _RESAVE)
    declared = _linear_size(data[start : start + 1024])
    if declared is not None and declared > len(data) - start:
        raise NotADocument("unreadable", f"PDF 不完整：应有 {declared} 字节，只收到 {len(data) - start} 字节。", _RESAVE)
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) in (_PASSWORD, _SECURITY):
            raise NotADocument("unreadable", "PDF 设了打开密码，无法读取。", "请去掉密码后重新上传。") from error
        raise NotADocument("unreadable", "PDF 已损坏，无法打开。", _RESAVE) from error
    count = len(document)
    if count > PAGES:
        raise NotADocument("too-large", f"PDF 有 {count} 页，超过 {PAGES} 页的限制。", "请拆分后分别上传。")
    if count == 0:
        raise NotADocument("unreadable", "PDF 里没有页面。", _RESAVE)
    pages = [_page(document, i) for i in range(count)]
    if not any(page.text.strip() for page in pages) and not any(page.picture or page.lost for page in pages):
        raise NotADocument("not-a-document", "PDF 里没有文字，也没有图像。", "请检查文件内容是否完整。")
    _check(data, pages)
    chosen = [_chosen(page) for page in pages]
    unread = [i + 1 for i, (_, whole) in enumerate(chosen) if not whole]
    unchecked = [i + 1 for i, page in enumerate(pages) if page.text.strip() and not page.check]
    notes = [f"{_printed(unread)}没有可用的文字层。"] if unread else []
    notes += [f"{_printed(unchecked)}只有一种读法，未经核对。"] if unchecked else []
    return PdfText("\n\f\n".join(text for text, _ in chosen) + "\n", count, bool(unread), tuple(notes))


def _page(document: pdfium.PdfDocument, index: int) -> _Page:
    try:
        page = document[index]
        layer = page.get_textpage()
        text = layer.get_text_range()
    except pdfium.PdfiumError as error:
        raise NotADocument("unreadable", f"PDF 第 {index + 1} 页已损坏，无法读取。", _RESAVE) from error
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufffe", "-\n").replace("\x02", "-\n").replace("\f", "\n")
    width, height = page.get_size()
    covered = 0.0
    here: list[tuple[float, float, float]] = []  # where each printed string begins, and how long it is
    left_out: list[tuple[float, float, float]] = []
    for one in page.get_objects(filter=[raw.FPDF_PAGEOBJ_TEXT, raw.FPDF_PAGEOBJ_IMAGE], max_depth=8):
        left, bottom, right, top = one.get_bounds()
        if one.type == raw.FPDF_PAGEOBJ_IMAGE:
            covered = max(covered, (min(right, width) - max(left, 0)) * (min(top, height) - max(bottom, 0)))
        elif right - left > 0.5:
            silent = raw.FPDFTextObj_GetText(one.raw, layer.raw, None, 0) <= 2
            (left_out if silent else here).append((left, bottom, right - left))
    lost = [one for one in left_out if not any(abs(one[0] - k[0]) < 2 and abs(one[1] - k[1]) < 2 and abs(one[2] - k[2]) < 2 for k in here)]
    layer.close()
    page.close()
    return _Page(text, bool(lost), len(lost) < len(left_out), covered >= SCANNED * width * height > 0)


def _check(data: bytes, pages: list[_Page]) -> None:
    """Read pages a second time, those with a sign of trouble first."""
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if len(reader.pages) != len(pages):
            return
    except Exception:  # whatever pypdf stumbles over, pdfium has read the document: the pages stay unchecked, and a note says so
        return
    sound = [i for i, page in enumerate(pages) if page.text.strip() and not page.lost]
    spread = sound[:: -(-len(sound) // CHECKED) or 1]
    until = time.monotonic() + PATIENCE
    for i in [*(i for i, page in enumerate(pages) if page.lost), *spread]:
        if not pages[i].lost and time.monotonic() > until:
            return
        try:
            pages[i].check = reader.pages[i].extract_text()
        except Exception:  # as above
            pages[i].check = ""


def _chosen(page: _Page) -> tuple[str, bool]:
    """A page's text, and whether it is whole."""
    if page.picture and sum(1 for c in page.text if not c.isspace()) < FEW:
        return page.text, False
    mine = _characters(page.text)
    size = sum(mine.values())
    strange = sum(1 for c in page.text if unicodedata.category(c) in ("Co", "Cn", "Cs") or c == "\ufffd")
    garbled = strange * 10 > size
    if not page.check:
        return page.text, not (page.lost or garbled)
    theirs = _characters(page.check)
    more, less = sum((theirs - mine).values()), sum((mine - theirs).values())
    covers = less <= DIFFER * size
    if (page.lost or garbled or more > DIFFER * size) and not (page.overlaid and not page.lost):
        if covers and more:
            return page.check.replace("\f", "\n"), True
        return page.text, not (page.lost or garbled)
    return page.text, True


def _characters(text: str) -> Counter[str]:
    """The letters and digits of a text, as NFKC writes them."""
    return Counter(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c)[0] in "LN")


def _linear_size(head: bytes) -> int | None:
    """The size that a linearized PDF says it has (ISO 32000-1 Annex F)."""
    if b"/Linearized" not in head:
        return None
    digits = head.partition(b"/L ")[2].lstrip()[:12]
    number = bytes(c for c in digits.split(b"/")[0].split(b">")[0].strip())
    return int(number) if number.isdigit() else None


def _printed(numbers: list[int]) -> str:
    """第 1、3–5 页; where that would be a long list, how many."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    if len(runs) > 10:
        return f"有 {len(numbers)} 页"
    return f"第 {'、'.join('–'.join(map(str, run)) for run in runs)} 页"
