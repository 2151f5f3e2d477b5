"""Bytes of any format a city publishes in, to the raw text that the reading reads; what cannot be read whole is refused with the reason.

The signature, the extension and the declared type must name one format. Text and Markdown pass through as they are; everything else is
turned into lines: one paragraph or table row a line, cells divided by tabs, pages by form feeds.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from services.ingest.domain.decoding import decode
from services.ingest.domain.reading import LIMIT, NotADocument
from services.ingest.sandbox import archive, docx, page, pdf, xlsx

_OTHERS = (
    "doc", "wps", "dot", "xls", "et", "ppt", "pptx", "dps", "rtf", "odt", "ods", "ofd", "ceb", "zip", "rar",
    "7z", "gz", "tar", "png", "jpg", "jpeg",
    "gif", "bmp", "tif", "tiff", "webp", "mp3", "mp4", "wav", "avi", "exe", "dll", "msi", "bat", "iso",
)  # fmt: skip
_EXTENSIONS = {
    "txt": "text", "text": "text", "csv": "text", "tsv": "text", "md": "markdown", "markdown": "markdown",
    "html": "html", "htm": "html", "xhtml": "html", "shtml": "html", "docx": "docx", "xlsx": "xlsx", "pdf": "pdf",
    **{other: other.upper() for other in _OTHERS},
}  # fmt: skip
"""What an extension says the format is; formats that are never read stand in capitals. Other extensions say nothing."""
_TYPES = {
    "text/plain": "text",
    "text/csv": "text",
    "text/markdown": "markdown",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
_PRINTED = {"text": "纯文本", "markdown": "Markdown", "html": "网页", "docx": "DOCX", "xlsx": "XLSX", "pdf": "PDF"}
_WRITTEN = frozenset({"text", "markdown", "html"})  # nothing in their bytes tells these apart for certain
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "旧版 Office 或 WPS 文件（DOC、XLS、WPS）", "请用 WPS 或 Word 另存为 DOCX、XLSX 或 PDF 后上传。"),
    (b"{\\rtf", "RTF 文件", "请另存为 DOCX 或 PDF 后上传。"),
    (b"\x89PNG\r\n\x1a\n", "PNG 图片", "请上传有文字的原件；只有扫描件的，请合成为一个 PDF 上传。"),
    (b"\xff\xd8\xff", "JPEG 图片", "请上传有文字的原件；只有扫描件的，请合成为一个 PDF 上传。"),
    (b"GIF8", "GIF 图片", "请上传有文字的原件；只有扫描件的，请合成为一个 PDF 上传。"),
    (b"II*\x00", "TIFF 图片", "请上传有文字的原件；只有扫描件的，请合成为一个 PDF 上传。"),
    (b"MM\x00*", "TIFF 图片", "请上传有文字的原件；只有扫描件的，请合成为一个 PDF 上传。"),
    (b"Rar!\x1a\x07", "RAR 压缩包", "请解压后逐个上传其中的文件。"),
    (b"7z\xbc\xaf\x27\x1c", "7z 压缩包", "请解压后逐个上传其中的文件。"),
    (b"\x1f\x8b\x08", "gzip 压缩包", "请解压后逐个上传其中的文件。"),
    (b"MZ", "Windows 程序", "请上传文件原件，不要上传程序。"),
    (b"\x7fELF", "程序", "请上传文件原件，不要上传程序。"),
)
_PAGE = re.compile(rb"<!doctype\s+html|<html[\s>]|<body[\s>]", re.IGNORECASE)
_TAG = re.compile(r"</?(?:p|div|span|table|tr|td|br|h[1-6]|body|html|head|ul|ol|li|a|font|strong)\b[^<>]{0,2000}>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Extracted:
    """The raw text of a document and how it was come by.

    ``format`` is text, markdown, html, docx, xlsx or pdf. ``pages`` counts a PDF's pages and an XLSX's visible sheets and is None where a
    format has none. ``needs_ocr`` says that some page is only a picture: the text is not whole and must not be published as if it were.
    ``notes`` are Chinese sentences for the person who looks after the document.
    """

    text: str
    format: str
    pages: int | None = None
    needs_ocr: bool = False
    notes: tuple[str, ...] = ()


def to_text(data: bytes, name: str, *, declared: str | None = None) -> Extracted:
    """The raw text of a document. ``declared`` is the media type its sender gave.

    Raises NotADocument with `not-a-document` (another format, or one that its name contradicts), `too-large` (bytes, pages, entries,
    inflated size) or `unreadable` (encrypted, cut off, damaged), each with what, where and what to do.
    """
    if not data.strip(b"\x00 \t\r\n\x0b\x0c\xef\xbb\xbf"):
        raise NotADocument("not-a-document", "文件是空的。", "请检查文件是否上传完整。")
    named, typed, found = _named(name), _TYPES.get((declared or "").partition(";")[0].strip().lower()), _recognised(data)
    for claim, source in ((named, f"扩展名是 {PurePosixPath(name).suffix}"), (typed, f"声明的类型是 {declared}")):
        if claim is not None and claim != found and not {claim, found} <= _WRITTEN:
            raise NotADocument(
                "not-a-document",
                f"{source}（{_PRINTED.get(claim, claim)}），内容却是{_PRINTED[found]}。",
                "请核对是否选错了文件；内容无误时，请改正扩展名后重新上传。",
            )
    if found == "pdf":
        read = pdf.text_of(data)
        return Extracted(_sound(read.text), "pdf", read.pages, read.needs_ocr, read.notes)
    if found in ("docx", "xlsx"):
        package = archive.open_package(data)
        if found == "docx":
            text, pictures = docx.text_of(package)
            return _written("docx", text, pictures=pictures)
        text, sheets, notes = xlsx.text_of(package)
        return _written("xlsx", text, pages=sheets, notes=notes)
    text = decode(data, limit=LIMIT)
    kind = found if found == "html" else named or typed or "text"
    if kind == "html" and _TAG.search(text):
        return _written("html", page.text_of(text))
    return Extracted(text, "text" if kind == "html" else kind)


def _written(kind: str, text: str, *, pages: int | None = None, pictures: int = 0, notes: tuple[str, ...] = ()) -> Extracted:
    if any(not c.isspace() for c in text):
        return Extracted(_sound(text), kind, pages, False, notes)
    if pictures:
        return Extracted("", kind, pages, True, (f"文件里只有 {pictures} 幅图片，没有文字。",))
    raise NotADocument("not-a-document", f"这份{_PRINTED[kind]}里没有文字。", "请检查文件内容；内容是图片的，请上传有文字的原件。")


def _sound(text: str) -> str:
    """Text without halves of surrogate pairs and NUL, which neither UTF-8 nor PostgreSQL can hold."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _named(name: str) -> str | None:
    suffix = PurePosixPath(name).suffix.lower().removeprefix(".")
    if suffix in ("docm", "xlsm", "dotm", "xltm"):
        raise NotADocument("not-a-document", f"扩展名 .{suffix} 是带宏的文件，不予读取。", "请另存为不带宏的 DOCX 或 XLSX 后上传。")
    return _EXTENSIONS.get(suffix)


def _recognised(data: bytes) -> str:
    """The format the bytes themselves show; ``text`` where nothing speaks against it."""
    head = data[:1024]  # readers accept what stands before the signature, so long as it is no document of its own
    if head.lstrip(b"\x00 \t\r\n\xef\xbb\xbf").startswith(b"%PDF-") or (b"%PDF-" in head and b"%%EOF" in data[-2048:]):
        return "pdf"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return archive.kind_of(data)
    for magic, what, hint in _FOREIGN:
        if data.startswith(magic) and (magic != b"MZ" or b"\x00" in data[:256]):
            if magic.startswith(b"\xd0\xcf") and "EncryptedPackage".encode("utf-16-le") in data:
                raise NotADocument("unreadable", "这是设了打开密码的 Office 文件，无法读取。", "请去掉密码后重新上传。")
            raise NotADocument("not-a-document", f"这是{what}，不是可读取的文档。", hint)
    if len(data) > 12 and data[4:8] == b"ftyp":
        raise NotADocument("not-a-document", "这是音视频或图片文件，不是可读取的文档。", "请上传有文字的原件。")
    return "html" if _PAGE.search(data[:4096].replace(b"\x00", b"")) else "text"
