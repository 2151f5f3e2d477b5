"""Lists of responsible units (责任单位) and addressees: split into names in printed order, abbreviations completed."""

import re
from collections.abc import Sequence

from .text import NOTHING, Text, tidy

# What Chinese public bodies and their companies are called at the end of their names.
SUFFIX = (
    r"(?:局|委|办|办公室|院|中心|公司|集团|政府|委员会|管委会|厅|部|会|行|总站|总队|支队|大队|署|处|所|站|台|社|海关|法院|检察院|学校|大学|学院|"
    r"银行|分行|支行|联盟|基金|开发区|新区|园区|自贸区|机关|组织|协会|商会|单位|部门|企业|机构|馆|校|队|组|厂|店|港口|航空|股份|控股|机场|电网|税务|专班|街道|镇|乡)"
)
_NAME = re.compile(rf".{{1,40}}{SUFFIX}(?:[（(].{{1,20}}[）)])?|.{{1,20}}[（(].{{1,20}}[）)]")
_SEPARATORS = "、，,；;。."
_ROLE = r"(?:责任|牵头|配合|负责|实施|主办|协办|落实|参与|承办|主管|执行)"
_LABEL = re.compile(rf"(?:主要)?{_ROLE}(?:{_ROLE}|和|及|、|/)*(?:单位|部门|处室|机构)\s*(?:[：:]|为(?!了))\s*|{_ROLE}\s*[：:]\s*")
_NOTE = re.compile(
    rf"[（(〔\[【](?:{_LABEL.pattern})[^（(〔\[【]*(?:[（(][^（）()]*[）)][^（(〔\[【）)〕\]】]*)*[）)〕\]】][。.]?\s*$|(?:^|(?<=[。；;.!！\s）)”]))(?:{_LABEL.pattern})[^。]*[。]?\s*$"
)
_NAMED_APART = re.compile(r"各|全|中国|人民银行|国网|.{1,4}(?:区|县|市|省)(?!场)")  # names that say their level or need none
_LEVEL = ("国家", "省", "市", "区", "县", "州")


def note_of(body: Text) -> tuple[Text, Text]:
    """The note that names the responsible units at a clause's end: (as printed, the list inside); empty when there is none."""
    m = _NOTE.search(body.s)
    if not m:
        return NOTHING, NOTHING
    note = body.part(m.start(), m.end()).strip()
    inner = note.strip("（(〔[【。.").strip()
    if inner and note.s[0] in "（(〔[【":
        inner = inner.part(
            0,
            len(inner.s.rstrip("）)〕]】"))
            if inner.s.count("（") + inner.s.count("(") < inner.s.count("）") + inner.s.count(")")
            else None,
        )
        inner = inner.part(0, len(inner.s.rstrip("〕]】")))
    return note, inner


def is_label(s: str) -> bool:
    """Whether a line begins with 责任单位：, 牵头部门： or the like."""
    return bool(_LABEL.match(s.lstrip("（(〔[【 ")))


def split_names(text: Text) -> list[Text]:
    """Names between 、，；, not inside brackets; the labels 责任单位： 牵头单位： are left out."""
    names: list[Text] = []
    depth, start = 0, 0
    for i, c in enumerate(text.s + "、"):
        if c in "（(〔【":
            depth += 1
        elif c in "）)〕】":
            depth = max(0, depth - 1)
        elif c in _SEPARATORS and not depth and (c != "." or not text.s[i - 1 : i].isascii()):
            names.append(tidy(text.part(start, i)))
            start = i + 1
    found: list[Text] = []
    for name in names:
        label = _LABEL.match(name.s)
        name = tidy(name.part(label.end())) if label else name
        if name:
            found.append(name)
    return found


def units_of(text: Text) -> tuple[Text, ...]:
    """The units a list names, in printed order: 各市、县（区）人民政府 is one name, and 以下… a sentence, not a name."""
    found: list[Text] = []
    for name in split_names(text):
        if re.match(r"(?:以下|不再|以上|均|下同)", name.s):
            break
        if found and found[-1].s.startswith("各") and len(found[-1]) <= 3 and not re.search(SUFFIX + "$", found[-1].s):
            found[-1] = Text(
                f"{found[-1].s}、{name.s}", (*found[-1].at, found[-1].to[-1], *name.at), (*found[-1].to, found[-1].to[-1] + 1, *name.to)
            )
        else:
            found.append(name)
    return tuple(found)


def full_names(units: Sequence[str], between: Sequence[str] = ()) -> tuple[str, ...]:
    """Names with the level an enumeration prints only once: 市市场监管局、发改委 is 市市场监管局 and 市发改委.

    ``between``: what is printed between each name and the next; a level holds on over 、 and ends at a comma.
    """
    found: list[str] = []
    level = ""
    for i, unit in enumerate(units):
        if i and re.search(r"[，,；;]", between[i - 1] if i <= len(between) else ""):
            level = ""
        own = next((p for p in _LEVEL if unit.startswith(p)), "")
        if own:
            level = own
        elif level and re.search(r"(?:局|委|办|厅|院|中心|会)(?:[（(].*)?$", unit) and not _NAMED_APART.match(unit):
            unit = level + unit
        found.append(unit)
    return tuple(found)


def likely_units(s: str) -> bool:
    """Whether these words are nothing but a list of units."""
    names = [n for n in re.split(r"[、，,；;]", s) if n or s.endswith(("、", "，", ","))]
    return bool(names) and all(len(n) >= 3 and _NAME.fullmatch(n) for n in names)
