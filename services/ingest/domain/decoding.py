"""Bytes to text: UTF-8, UTF-16 with a byte order mark and GB18030 are read, everything else is refused with the reason."""

import codecs
import unicodedata

_BREAKS = "\n\r\f\v\t\x1c\x1d\x1e\x85"  # control characters that text may hold


class NotADocument(Exception):
    """These bytes cannot be read as a text document.

    ``code`` is one of ``not-a-document`` (empty, binary, another format), ``too-large`` and ``unreadable`` (no known
    encoding, or cut off); ``detail`` says what and where, ``hint`` what the sender can do. Both are Chinese sentences.
    """

    def __init__(self, code: str, detail: str, hint: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail, self.hint = code, detail, hint


def decode(data: bytes, *, limit: int) -> str:
    """The text of ``data``: UTF-8, UTF-16 with a byte order mark, or GB18030. Raises NotADocument."""
    if len(data) > limit:
        raise NotADocument("too-large", f"文件有 {len(data)} 字节，上限为 {limit} 字节。", "请拆分文件，或只上传正文与附件的文本。")
    if not data.strip(b"\x00 \t\r\n\x0b\x0c\xef\xbb\xbf"):
        raise NotADocument("not-a-document", "文件是空的。", "请检查文件是否上传完整。")
    for magic, kind in ((b"%PDF-", "PDF"), (b"PK\x03\x04", "DOCX、XLSX 或压缩包"), (b"\xd0\xcf\x11\xe0", "DOC、XLS 或 WPS")):
        if data.startswith(magic):
            raise NotADocument("not-a-document", f"这是 {kind} 文件，不是文本。", "请另存为纯文本、Markdown 或 HTML 后上传。")
    text = _decoded(data)
    if not text.strip():
        raise NotADocument("not-a-document", "文件里只有空白。", "请检查文件是否上传完整。")
    strange = sum(1 for c in text if unicodedata.category(c) in ("Cc", "Cn", "Cs", "Co") and c not in _BREAKS)
    if strange * 50 > len(text):
        raise NotADocument("not-a-document", f"{len(text)} 个字符里有 {strange} 个不是文字，像是二进制文件。", "请上传文本文件。")
    return text


def _decoded(data: bytes) -> str:
    for mark, name in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if data.startswith(mark):
            try:
                return data[2:].decode(name)
            except UnicodeDecodeError as error:
                raise NotADocument(
                    "unreadable", f"按 UTF-16 读到第 {error.start + 3} 字节处出错，文件可能被截断。", "请重新导出并完整上传。"
                ) from None
    body = data.removeprefix(codecs.BOM_UTF8)
    if b"\x00" in body:
        raise NotADocument("not-a-document", f"第 {body.index(0) + 1} 字节是空字符，像是二进制文件。", "请上传文本文件。")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        first = error
    try:
        text = body.decode("gb18030")
        if _looks_chinese(text):
            return text
    except UnicodeDecodeError:
        pass
    if first.start >= len(body) - 3 and first.reason == "unexpected end of data":
        raise NotADocument("unreadable", "文件在一个字的中间结束，被截断了。", "请完整上传文件。")
    raise NotADocument("unreadable", f"第 {first.start + 1} 字节起既不是 UTF-8 也不是 GB18030。", "请另存为 UTF-8 后上传。")


def _looks_chinese(text: str) -> bool:
    """GB18030 decodes almost anything; what was really written in it is mostly common characters and punctuation."""
    wide = [c for c in text if ord(c) > 127]
    common = sum(1 for c in wide if "\u4e00" <= c <= "\u9fff" or "\u3000" <= c <= "\u303f" or "\uff00" <= c <= "\uffef" or c in "“”‘’—…·×")
    first_level = sum(1 for c in wide if _first_level(c))
    return common * 10 >= len(wide) * 9 and first_level * 10 >= len(wide) * 6


def _first_level(c: str) -> bool:
    """Punctuation and the 3,755 characters of GB 2312's first level, with which official writing is written."""
    code = c.encode("gb18030")
    return len(code) == 2 and (0xA1 <= code[0] <= 0xA3 or 0xB0 <= code[0] <= 0xD7) and code[1] >= 0xA1
