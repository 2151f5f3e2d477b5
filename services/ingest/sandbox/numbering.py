"""Automatic list numbers of WordprocessingML (ECMA-376 Part 1 §17.9): they stand in no paragraph's text and have to be counted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from services.ingest.sandbox.archive import attribute, child, local

_DIGITS = "〇一二三四五六七八九"
_LEGAL = "零壹贰叁肆伍陆柒捌玖"


@dataclass(frozen=True)
class Level:
    """One level of a list: how its number is written and when it starts again."""

    start: int = 1
    format: str = "decimal"
    text: str = ""
    legal: bool = False  # numbers of outer levels are written in digits
    restart: int | None = None  # 1-based level after which it starts again; 0 never, None after any outer one
    style: str | None = None


@dataclass
class Numbering:
    """The lists of a document and how far each has counted."""

    levels: Mapping[str, Mapping[int, Level]]  # by numId, overrides applied
    lists: Mapping[str, str]  # numId -> abstractNumId: lists of one abstract list count on together
    starts: Mapping[str, Mapping[int, int]]  # numId -> level -> startOverride
    counts: dict[str, dict[int, int]] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)

    def level_of_style(self, number: str, style: str) -> int:
        """The level of a list that a paragraph style stands for; the outermost when none says so."""
        return next((i for i, level in self.levels.get(number, {}).items() if level.style == style), 0)

    def next(self, number: str, at: int) -> str:
        """Count one paragraph of a list and give its printed number; empty for bullets and unknown lists."""
        levels = self.levels.get(number)
        if levels is None or at not in levels:
            return ""
        counts = self.counts.setdefault(self.lists[number], {})
        if number not in self.begun:
            self.begun.add(number)
            for level in self.starts.get(number, {}):
                counts.pop(level, None)
        counts[at] = counts[at] + 1 if at in counts else self._start(number, at)
        for outer in range(at):
            counts.setdefault(outer, self._start(number, outer))
        for inner in [one for one in counts if one > at]:
            restart = levels[inner].restart if inner in levels else None
            if restart is None or (restart != 0 and at < restart):
                del counts[inner]
        here = levels[at]
        if here.format == "bullet":
            return ""
        printed = here.text
        for outer in range(at, -1, -1):
            form = levels[outer].format if outer in levels else "decimal"
            printed = printed.replace(f"%{outer + 1}", written(counts[outer], "decimal" if here.legal and outer < at else form))
        return printed

    def _start(self, number: str, at: int) -> int:
        override = self.starts.get(number, {}).get(at)
        level = self.levels[number].get(at)
        return override if override is not None else level.start if level else 1


def numbering_of(root: Element | None) -> Numbering:
    """The lists of numbering.xml; none where a document has no such part."""
    if root is None:
        return Numbering({}, {}, {})
    abstract: dict[str, dict[int, Level]] = {}
    links: dict[str, str] = {}  # abstract list -> the style it borrows its levels from
    styles: dict[str, str] = {}  # style -> the abstract list that defines it
    for one in root:
        if local(one) == "abstractNum":
            identity = attribute(one, "abstractNumId") or ""
            abstract[identity] = {int(attribute(lvl, "ilvl") or 0): _level(lvl) for lvl in one if local(lvl) == "lvl"}
            if link := attribute(child(one, "numStyleLink"), "val"):
                links[identity] = link
            if style := attribute(child(one, "styleLink"), "val"):
                styles[style] = identity
    levels: dict[str, dict[int, Level]] = {}
    lists: dict[str, str] = {}
    starts: dict[str, dict[int, int]] = {}
    for one in root:
        if local(one) != "num":
            continue
        number, identity = attribute(one, "numId") or "", attribute(child(one, "abstractNumId"), "val") or ""
        identity = styles.get(links.get(identity, ""), identity)
        own = dict(abstract.get(identity, {}))
        for override in (o for o in one if local(o) == "lvlOverride"):
            at = int(attribute(override, "ilvl") or 0)
            if (lvl := child(override, "lvl")) is not None:
                own[at] = _level(lvl)
            if start := attribute(child(override, "startOverride"), "val"):
                starts.setdefault(number, {})[at] = int(start)
        levels[number], lists[number] = own, identity
    return Numbering(levels, lists, starts)


def _level(lvl: Element) -> Level:
    restart, start = attribute(child(lvl, "lvlRestart"), "val"), attribute(child(lvl, "start"), "val")
    form = attribute(child(lvl, "numFmt"), "val") or attribute(child(lvl, "AlternateContent", "Fallback", "numFmt"), "val")
    legal = child(lvl, "isLgl")
    return Level(
        start=int(start) if start else 0,
        format=form or "decimal",
        text=attribute(child(lvl, "lvlText"), "val") or "",
        legal=legal is not None and attribute(legal, "val") not in ("0", "false"),
        restart=int(restart) if restart else None,
        style=attribute(child(lvl, "pStyle"), "val"),
    )


def written(value: int, form: str) -> str:
    """A number as a list format writes it (ECMA-376 Part 1 §17.18.59); digits for formats that Chinese documents do not use."""
    if form == "none":
        return ""
    if value < 1:
        return str(value)
    if form == "decimalZero":
        return f"{value:02d}"
    if form in ("decimalFullWidth", "decimalFullWidth2"):
        return "".join(chr(ord(c) + 0xFEE0) for c in str(value))
    if form in ("chineseCounting", "chineseCountingThousand", "japaneseCounting", "taiwaneseCountingThousand", "taiwaneseCounting"):
        return chinese(value)
    if form in ("ideographDigital", "japaneseDigitalTenThousand", "taiwaneseDigital"):
        return "".join(_DIGITS[int(c)] for c in str(value))
    if form in ("chineseLegalSimplified", "ideographLegalTraditional", "japaneseLegal"):
        return chinese(value, digits=_LEGAL, units=("", "拾", "佰", "仟"))
    if form == "ideographTraditional":
        return "甲乙丙丁戊己庚辛壬癸"[(value - 1) % 10]
    if form == "ideographZodiac":
        return "子丑寅卯辰巳午未申酉戌亥"[(value - 1) % 12]
    if form in ("decimalEnclosedCircle", "decimalEnclosedCircleChinese"):
        return chr(0x2460 + value - 1) if value <= 20 else chr(0x3251 + value - 21) if value <= 35 else str(value)
    if form == "decimalEnclosedParen":
        return chr(0x2474 + value - 1) if value <= 20 else f"({value})"
    if form == "decimalEnclosedFullstop":
        return chr(0x2488 + value - 1) if value <= 20 else f"{value}."
    if form in ("upperLetter", "lowerLetter"):
        letter = chr(ord("A") + (value - 1) % 26) * ((value - 1) // 26 + 1)
        return letter if form == "upperLetter" else letter.lower()
    if form in ("upperRoman", "lowerRoman"):
        roman = _roman(value)
        return roman if form == "upperRoman" else roman.lower()
    return str(value)


def chinese(value: int, *, digits: str = "零一二三四五六七八九", units: tuple[str, ...] = ("", "十", "百", "千")) -> str:
    """A number up to 9999 in Chinese words: 十一, 二十, 一百零五."""
    if value > 9999:
        return str(value)
    printed, gap = "", False
    for place in range(3, -1, -1):
        digit = value // 10**place % 10
        if digit:
            printed += (digits[0] if gap and printed else "") + digits[digit] + units[place]
            gap = False
        else:
            gap = True
    return printed[1:] if printed.startswith("一十") and value < 20 else printed


def _roman(value: int) -> str:
    if value > 3999:
        return str(value)
    printed = ""
    for worth, sign in (
        (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"),
        (5, "V"), (4, "IV"), (1, "I"),
    ):  # fmt: skip
        printed += sign * (value // worth)
        value %= worth
    return printed
