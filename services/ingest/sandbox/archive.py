"""Office packages (ECMA-376): a zip that is looked over before anything in it is inflated, and its XML without entities."""

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring, iterparse

from services.ingest.domain.reading import NotADocument

ENTRIES = 2_000
INFLATED = 100 * 1024 * 1024
"""Bytes all entries of a package may have together."""
RATIO = 100
"""How many times its packed size a package, or one entry of more than 1 MiB, may grow."""

_NESTED = (".zip", ".rar", ".7z", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".jar", ".docx", ".xlsx", ".pptx", ".docm", ".xlsm")
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OverflowError, ValueError, OSError, KeyError)
_RESAVE = "请用 WPS 或 Office 打开原件，另存一次后重新上传。"


@dataclass(frozen=True)
class Package:
    """A checked package; parts are named as in the zip, without a leading slash."""

    zip: zipfile.ZipFile
    names: frozenset[str]
    main: str  # the part that holds the document or workbook

    def tree(self, part: str) -> Element:
        """The XML of a part."""
        try:
            root: Element = fromstring(self.zip.read(part), forbid_dtd=True)
        except DefusedXmlException as error:
            raise NotADocument("unreadable", f"文件内的 {part} 含有 DTD 或实体定义，不予读取。", _RESAVE) from error
        except (*_DAMAGED, ParseError) as error:
            raise damaged(part) from error
        return root

    def events(self, part: str) -> Iterator[Element]:
        """Each element of a part as it ends, for parts too large to hold."""
        try:
            with self.zip.open(part) as stream:
                for _, element in iterparse(stream, events=("end",), forbid_dtd=True):
                    yield element
        except DefusedXmlException as error:
            raise NotADocument("unreadable", f"文件内的 {part} 含有 DTD 或实体定义，不予读取。", _RESAVE) from error
        except (*_DAMAGED, ParseError) as error:
            raise damaged(part) from error

    def related(self, part: str) -> dict[str, tuple[str, str]]:
        """What a part refers to: relationship id → (kind, part)."""
        folder, name = posixpath.split(part)
        rels = posixpath.join(folder, "_rels", name + ".rels")
        if rels not in self.names:
            return {}
        return {
            one.get("Id", ""): (one.get("Type", "").rpartition("/")[2], _resolved(folder, one.get("Target", "")))
            for one in self.tree(rels)
            if one.get("TargetMode") != "External"
        }

    def other(self, kind: str) -> str | None:
        """The part of a kind that the main part refers to, if it is there."""
        return next((part for found, part in self.related(self.main).values() if found == kind and part in self.names), None)


def damaged(part: str) -> NotADocument:
    """The refusal of a package of which one part cannot be read."""
    return NotADocument("unreadable", f"文件已损坏：其中的 {part} 无法读取。", _RESAVE)


def local(element: Element) -> str:
    """An element's name without its namespace: transitional and strict packages differ only there."""
    return element.tag.rpartition("}")[2]


def attribute(element: Element | None, name: str) -> str | None:
    """An attribute by its name without namespace."""
    if element is None:
        return None
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), None)


def child(element: Element | None, *path: str) -> Element | None:
    """The first descendant along a path of names."""
    for name in path:
        if element is None:
            return None
        element = next((one for one in element if local(one) == name), None)
    return element


def kind_of(data: bytes) -> str:
    """docx or xlsx; any other zip is refused by what it is."""
    names = {info.filename for info in _opened(data).infolist()}
    if "[Content_Types].xml" in names:
        if any(name.startswith("word/") for name in names):
            return "docx"
        if any(name.startswith("xl/") for name in names):
            return "xlsx"
        what, hint = "演示文稿或其他 Office 文件", "请另存为 DOCX、XLSX 或 PDF 后上传。"
    elif "OFD.xml" in names:
        what, hint = "OFD 版式文件", "请用阅读软件导出为 PDF 后上传。"
    elif "mimetype" in names and "content.xml" in names:
        what, hint = "OpenDocument 文件", "请另存为 DOCX 或 XLSX 后上传。"
    else:
        what, hint = "压缩包", "请解压后逐个上传其中的文件。"
    raise NotADocument("not-a-document", f"这是{what}，不是可读取的文档。", hint)


def open_package(data: bytes) -> Package:
    """Look a package over by its directory alone, then open it."""
    archive = _opened(data)
    entries = archive.infolist()
    if len(entries) > ENTRIES:
        raise NotADocument("too-large", f"文件内有 {len(entries)} 个部件，超过 {ENTRIES} 个的限制。", "请拆分后分别上传。")
    inflated, packed = sum(one.file_size for one in entries), sum(one.compress_size for one in entries)
    worst = max((one.file_size / max(one.compress_size, 1) for one in entries if one.file_size > 1024 * 1024), default=0.0)
    if inflated > INFLATED or max(worst, inflated / max(packed, 1)) > RATIO:
        raise NotADocument(
            "too-large",
            f"文件解开后有 {inflated / 1024 / 1024:.0f} MB，是压缩前的 {max(worst, inflated / max(packed, 1)):.0f} 倍；"
            f"上限为 {INFLATED // 1024 // 1024} MB、{RATIO} 倍。",
            "请删去空白行列与图片，或拆分后分别上传。",
        )
    for one in entries:
        name = one.filename
        if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
            raise NotADocument("unreadable", "文件内有指向外部路径的部件，不予读取。", _RESAVE)
        if one.flag_bits & 0x1:
            raise NotADocument("unreadable", "文件内有加密的部件，无法读取。", "请去掉密码后重新上传。")
        lower = name.lower()
        if lower.endswith(("vbaproject.bin", "vbadata.xml")) or "/macrosheets/" in lower:
            raise NotADocument("not-a-document", "文件带有宏，不予读取。", "请另存为不带宏的 DOCX 或 XLSX 后上传。")
        if lower.endswith(_NESTED):
            raise NotADocument(
                "unreadable",
                f"文件内嵌了另一个文件（{posixpath.basename(name)[:80]}），无法读取。",
                "请把内嵌的内容粘贴到正文，或分别上传。",
            )
    names = frozenset(one.filename for one in entries)
    package = Package(archive, names, "")
    main = next((part for kind, part in package.related("").values() if kind == "officeDocument"), "")
    if main not in names:
        raise damaged(main or "主文档")
    if "[Content_Types].xml" in names and b"macroEnabled" in archive.read("[Content_Types].xml"):
        raise NotADocument("not-a-document", "文件带有宏，不予读取。", "请另存为不带宏的 DOCX 或 XLSX 后上传。")
    return Package(archive, names, main)


def _opened(data: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except _DAMAGED as error:
        raise NotADocument("unreadable", "文件不完整或已损坏：缺少压缩目录。", "请重新下载或导出原件后上传。") from error


def _resolved(folder: str, target: str) -> str:
    if target.startswith("/"):
        return posixpath.normpath(target).lstrip("/")
    return posixpath.normpath(posixpath.join(folder, target))
