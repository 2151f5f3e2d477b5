"""Document facts as GB/T 9704-2012 prints them: 标题 发文字号 主送机关 附件说明 署名 成文日期 附注 抄送 印发, and validity."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .marks import mark_of, number_of
from .text import NOTHING, Line, Text, join, squeeze, tidy, whole
from .units import SUFFIX, split_names
from .validity import DAY, Dated, iso_day, succession, validity

_NUMERIC_DAY = r"\d{4}\s*[-/.]\s*\d{1,2}\s*[-/.]\s*\d{1,2}"
_DOC_NUMBER = re.compile(r"[\u4e00-\u9fff]{1,14}\s*[〔\[［【（(]\s*(?:19|20)\d{2}\s*[〕\]］】）)]\s*第?\s*\d{1,5}\s*号")
_ADDRESSEES = re.compile(
    r"[^。；！？]{0,160}(?:单位|部门|政府|管委会|委员会|公司|企业|缴费人|纳税人|院校|学校|机构|厅|局|办|院|集团|部委|机关|街道|办事处|协会|组织|中心|同志|院所|银行)\s*[：:]"
)
_ADDRESSED = re.compile(
    rf"\s*(?:各|[省市区县州局]直|[省市区县州]各|有关|全[省市区县州国]|局属|机关各|[\u4e00-\u9fff、，（）()]{{3,60}}{SUFFIX}\s*[：:]\s*$)"
)
_SITE = re.compile(r"\s*[-_—|－]+\s*[^-_—|－]{2,30}(?:网站|门户网站|网|门户|政府|局|委员会|厅)\s*$")
_OPEN = re.compile(
    r"[（(]?\s*(?:此件|本件|信息公开选项|公开方式|公开属性)\s*[：:]?\s*((?:主动|依申请|不予|免予|全文)?\s*公开(?:发布)?)\s*[）)]?"
)
_GROUP = re.compile(r"(有关单位|抄送|抄报|分送|主送|发送|报送)\s*[：:]\s*")
_PRINTED = re.compile(rf"({DAY})\s*印发")
_ANNEX = re.compile(r"附\s*(?:件|录|表)\s*(\d{1,2}|[一二三四五六七八九十]{1,3})?\s*[：:]?")
_ATTACHED = re.compile(r"附\s*(?:件|录)?\s*[：:]\s*(?=\S)")
_PUBLISHED = re.compile(rf"(?:发表|发布|发文|成文|印发|公布|更新)(?:时间|日期)\s*[：:]?\s*({_NUMERIC_DAY}|{DAY})")
_PUBLISHER = re.compile(r"(?:发文|发布|制定)(?:机构|机关|单位)\s*[：:]?\s*(\S[^\n]*)")
_SITE_OWNER = re.compile(r"(?:版权所有|主办单位|主办)\s*[：:]\s*(\S+)")


@dataclass(slots=True)
class Facts:
    """What the document says of itself; each text keeps its place. Dates are ISO days of the city."""

    title: Text = NOTHING
    doc_number: Text = NOTHING
    issuer: Text = NOTHING
    issue_date: Dated | None = None
    printed_date: Dated | None = None
    addressees: Text = NOTHING
    open_status: Text = NOTHING
    annex_label: Text = NOTHING
    attachments: list[Text] = field(default_factory=list)
    enclosed: list[Text] = field(default_factory=list)
    distribution: list[tuple[Text, list[Text]]] = field(default_factory=list)
    valid_from: Dated | None = None
    valid_to: Dated | None = None
    repeals: list[tuple[Text, Dated | None]] = field(default_factory=list)
    amends: list[Text] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the document that may hold measures: the text itself or one annex."""

    lines: tuple[Line, ...]
    label: Text = NOTHING  # 附件 1
    annex: str = ""  # A1


def facts_of(lines: Sequence[Line]) -> tuple[Facts, list[Segment]]:
    """The document's facts, and what is left for the measures: the text and its annexes, without letterhead, signature and tail."""
    facts = Facts()
    lines = _tail(list(lines), facts)
    used: set[int] = set()
    start = _head(lines, facts, used)
    segments = _segments(lines, facts, used, start)
    text = whole(lines)
    _labelled(text, facts)
    _enclosed(facts, text)
    issued = facts.issue_date[0] if facts.issue_date else None
    facts.valid_from, facts.valid_to = validity(text, issued=issued)
    facts.repeals, facts.amends = succession(text)
    if not facts.issuer and facts.title:
        _issuer_of_title(facts)
    return facts, segments


# --- tail -------------------------------------------------------------------------------------------------------------


def _tail(lines: list[Line], facts: Facts) -> list[Line]:
    """Takes 有关单位, 抄送 and the printing line from the end; a group goes on until its full stop."""
    used: set[int] = set()
    i = 0
    while i < len(lines):
        m = _GROUP.match(lines[i].s)
        if m and i * 2 > len(lines):
            j = i
            while j + 1 < len(lines) and j - i < 40 and not re.search(r"[。.]\s*$", lines[j].s):
                following = lines[j + 1]
                if _GROUP.match(following.s) or _PRINTED.search(following.s) or following.rule:
                    break
                j += 1
            text = join(line.text for line in lines[i : j + 1]).part(m.end())
            names = [n for n in split_names(text.part(0, len(text.s.rstrip("。. ")))) if n]
            facts.distribution.append((lines[i].text.part(m.start(1), m.end(1)), names))
            used.update(range(i, j + 1))
            i = j
        elif (p := _PRINTED.search(lines[i].s)) and len(lines[i].s) < 80 and i * 2 > len(lines):
            day = iso_day(p[1])
            if day:
                facts.printed_date = (day, lines[i].text.part(p.start(1), p.end(1)))
                used.add(i)
                if (
                    not lines[i].s[: p.start()].strip()
                    and i
                    and re.fullmatch(rf"[\u4e00-\u9fff（）()\s]{{3,40}}{SUFFIX}", lines[i - 1].s.strip())
                    and i - 1 not in used
                ):
                    used.add(i - 1)
        i += 1
    return [line for k, line in enumerate(lines) if k not in used]


# --- head -------------------------------------------------------------------------------------------------------------


def _head(lines: list[Line], facts: Facts, used: set[int]) -> int:
    """Takes letterhead, number, title and addressees; returns the index where the text begins."""
    limit = min(len(lines), 60)
    for i in range(min(limit, 40)):
        m = _DOC_NUMBER.fullmatch(re.sub(r"\s+$", "", lines[i].s.strip()))
        if m:
            facts.doc_number = tidy(lines[i].text)
            used.add(i)
            break
    if lines and _ANNEX.fullmatch(lines[0].s.strip()):
        return 0  # an annex on its own
    for i in range(limit):
        if i in used or len(lines[i].s) > 200 or not _ADDRESSED.match(lines[i].s):
            continue
        for j in range(i, min(i + 8, len(lines))):
            if re.search(r"[：:]\s*$", lines[j].s):
                words = join(line.text for line in lines[i : j + 1])
                if _ADDRESSEES.fullmatch(words.s.strip()):
                    facts.addressees = tidy(words.part(0, len(words.s.rstrip(" ：:"))))
                    _title(lines, range(i), facts, used)
                    used.update(range(i, j + 1))
                    return j + 1
                break
            if re.search(r"[。；]", lines[j].s):
                break
    end = next((i for i in range(limit) if _body_begins(lines, i)), min(limit, 1))
    _title(lines, range(end), facts, used)
    return end


def _body_begins(lines: Sequence[Line], i: int) -> bool:
    """A sentence, a table head, a numbered point, or a paragraph after the title's block of lines."""
    s = lines[i].s
    point = mark_of(s) is not None and "关于" not in s
    return bool(re.search(r"[。；]", s)) or squeeze(s).startswith("序号") or point or (i > 0 and lines[i].gap and not lines[i - 1].gap)


def _title(lines: Sequence[Line], region: range, facts: Facts, used: set[int]) -> None:
    """The title is what stands between letterhead and addressees."""
    kept: list[Text] = []
    for i in region:
        s = lines[i].s.strip()
        if i in used or re.fullmatch(r"(?:签发人|份号|密级|保密期限|紧急程度|特急|加急|索引号|主题词).*", s):
            continue
        if re.fullmatch(rf"[\u4e00-\u9fff（）()\s]{{2,60}}{SUFFIX}\s*文\s*件", s) and not re.search(r"关于", s):
            facts.issuer = facts.issuer or tidy(lines[i].text.part(0, re.search(r"文\s*件\s*$", lines[i].s).start()))  # type: ignore[union-attr]
            used.add(i)
            continue
        if m := re.match(r".*?(?:当前位置|首页)\s*[：:>]", s):
            continue
        kept.append(lines[i].text)
        used.add(i)
    if not kept:
        return
    if _SITE.search(kept[0].s):  # the window title of a web page; what follows is navigation
        kept = kept[:1]
    title = tidy(join(kept))
    lead = re.match(r"\d{1,3}\s*[.．、]\s*(?=[\u4e00-\u9fff])", title.s)  # its number in a collection
    title = title.part(lead.end()) if lead else title
    if m := re.search(rf"[（(]\s*({DAY})\s*[）)]\s*$", title.s):
        facts.issue_date = (iso_day(m[1]) or "", title.part(m.start(1), m.end(1)))
        title = tidy(title.part(0, m.start()))
    if site := _SITE.search(title.s):
        owner = re.sub(r"(?:门户)?网站?\s*$", "", title.s[site.start() :].strip(" -_—|－"))
        at = title.s.rindex(owner) if owner else 0
        if owner and not facts.issuer:
            facts.issuer = title.part(at, at + len(owner))
        title = tidy(title.part(0, site.start()))
    facts.title = title


# --- signature, attachments, annexes ----------------------------------------------------------------------------------


def _segments(lines: list[Line], facts: Facts, used: set[int], start: int) -> list[Segment]:
    signed = _signature(lines, facts, used, start)
    for i in range(start, len(lines)):
        if m := _OPEN.fullmatch(lines[i].s.strip()):
            facts.open_status = _status(lines[i].text, m[1])
            used.add(i)
    _attachments(lines, facts, used, start, signed)
    breaks = [
        i
        for i in range(start, len(lines))
        if i not in used and _ANNEX.fullmatch(lines[i].s.strip()) and (i == 0 or lines[i].gap or signed is not None)
    ]
    found: list[Segment] = []
    first = breaks[0] if breaks else len(lines)
    if signed is not None and signed < first:
        found.append(Segment(tuple(lines[k] for k in range(start, signed) if k not in used)))
        found.append(Segment(tuple(lines[k] for k in range(signed, first) if k not in used)))
    else:
        found.append(Segment(tuple(lines[k] for k in range(start, first) if k not in used)))
    for n, i in enumerate(breaks):
        end = breaks[n + 1] if n + 1 < len(breaks) else len(lines)
        m = _ANNEX.fullmatch(lines[i].s.strip())
        number = number_of(m[1]) if m and m[1] else n + 1
        label = tidy(lines[i].text.part(0, len(lines[i].s.rstrip(" ：:"))))
        found.append(Segment(tuple(lines[k] for k in range(i + 1, end) if k not in used), label, f"A{number}"))
    if not facts.title and breaks:
        facts.annex_label = found[-len(breaks)].label
    return found


def _status(text: Text, words: str) -> Text:
    at = text.s.index(words)
    return tidy(text.part(at, at + len(words)))


def _signature(lines: list[Line], facts: Facts, used: set[int], start: int) -> int | None:
    """The signing body above its date; returns the index after the date. Several bodies may sign together."""
    for i in range(start, len(lines)):
        m = re.fullmatch(rf"\s*({DAY})\s*", lines[i].s)
        same = re.fullmatch(rf"\s*([\u4e00-\u9fff（）()·\s]{{3,60}}{SUFFIX})\s+({DAY})\s*", lines[i].s)
        if not m and not same:
            continue
        names: list[int] = []
        k = i - 1
        while (
            not same and k >= start and len(names) < 6 and re.fullmatch(rf"[\u4e00-\u9fff（）()、·\s]{{2,60}}{SUFFIX}", lines[k].s.strip())
        ):
            names.insert(0, k)
            k -= 1
        if not names and not same:
            continue
        day = iso_day(m[1] if m else same[2])  # type: ignore[index]
        if not day:
            continue
        facts.issue_date = (day, tidy(lines[i].text.part(*(m.span(1) if m else same.span(2)))))  # type: ignore[union-attr]
        facts.issuer = tidy(join(lines[k].text for k in names)) if names else tidy(lines[i].text.part(*same.span(1)))  # type: ignore[union-attr]
        used.update([*names, i])
        return i + 1
    return None


def _attachments(lines: list[Line], facts: Facts, used: set[int], start: int, signed: int | None) -> None:
    """附件：1. … 2. … above the signature; a name may go on in the next line."""
    end = signed if signed is not None else len(lines)
    first = next((i for i in range(start, end) if i not in used and _ATTACHED.match(lines[i].s)), None)
    if first is None:
        return
    m = _ATTACHED.match(lines[first].s)
    taken = [lines[first].text.part(m.end() if m else 0)]
    used.add(first)
    for i in range(first + 1, end):
        if i in used or not (
            re.match(r"\s*\d{1,2}\s*[.．、]", lines[i].s)
            or (len(lines[i].s) < 40 and not re.search(r"[。：:]", lines[i].s) and signed is not None)
        ):
            break
        taken.append(lines[i].text)
        used.add(i)
    text = join(taken)
    starts = list(re.finditer(r"(?:^|(?<=\s)|(?<=[\u4e00-\u9fff”》）)；;]))\s*(\d{1,2})\s*[.．、]\s*(?=\D)", text.s))
    series: list[re.Match[str]] = []
    for m in starts:
        if int(m[1]) == len(series) + 1:
            series.append(m)
    if not series:
        facts.attachments.append(tidy(text.part(0, len(text.s.rstrip("。；; ")))))
    for n, m in enumerate(series):
        part = text.part(m.end(), series[n + 1].start() if n + 1 < len(series) else None)
        facts.attachments.append(tidy(part.part(0, len(part.s.rstrip("。；; ")))))


# --- facts said in words ----------------------------------------------------------------------------------------------


def _labelled(text: Text, facts: Facts) -> None:
    """发布日期, 发文机构, 发文字号 as pages and cards print them, where the letterhead did not say."""
    if not facts.issue_date and (m := _PUBLISHED.search(text.s)) and (day := iso_day(m[1])):
        facts.issue_date = (day, text.part(m.start(1), m.end(1)))
    if not facts.doc_number and (m := re.search(rf"发文字号\s*[：:]?\s*({_DOC_NUMBER.pattern})", text.s)):
        facts.doc_number = tidy(text.part(m.start(1), m.end(1)))
    if not facts.issuer and (m := _PUBLISHER.search(text.s) or _SITE_OWNER.search(text.s)):
        facts.issuer = tidy(text.part(m.start(1), m.end(1)))
    if not facts.open_status and (m := _OPEN.search(text.s)):
        facts.open_status = tidy(text.part(m.start(1), m.end(1)))


def _issuer_of_title(facts: Facts) -> None:
    m = re.match(rf"([\u4e00-\u9fff（）()、]{{2,40}}{SUFFIX})(?:关于|印发|公布|发布)", facts.title.s)
    if m:
        facts.issuer = facts.title.part(0, m.end(1))


_ENCLOSED_KIND = r"(?:方案|办法|措施|意见|规定|细则|指南|规划|计划|政策|名单|清单|目录|要点|条例|规则|标准|制度|指引|举措|条款|行动)"


def _enclosed(facts: Facts, text: Text) -> None:
    """What the notice prints with it: 《…》已经…同意，现印发给你们, or 关于印发…的通知."""
    head = text.part(0, 4000)
    for m in re.finditer(r"[《«]([^《》«»]{4,160})[》»](?=\s*(?:已|业)经|，\s*现)", head.s):
        name = tidy(head.part(m.start(1), m.end(1)))
        if re.search(r"(?:现|予以?)[^。]{0,40}(?:印发|发布|公布|下发)", head.s[m.end() : m.end() + 120]) and all(
            squeeze(name.s) != squeeze(e.s) for e in facts.enclosed
        ):
            facts.enclosed.append(name)
    for m in re.finditer(r"现(?:将|予以?)[^《«。]{0,10}[《«]([^《》«»]{4,160})[》»][^。，,]{0,20}(?:印发|发布|公布|下发)", head.s):
        if not facts.enclosed:
            facts.enclosed.append(tidy(head.part(m.start(1), m.end(1))))
    if facts.enclosed:
        return
    said = re.search(
        rf"(?:印发|公布|发布|下发)\s*[《«]?(?:关于)?(.{{4,120}}?{_ENCLOSED_KIND}(?:[（(][^（）()]{{1,16}}[）)])?)[》»]?\s*的?(?:通知|公告|通告)",
        facts.title.s,
    )
    if said:
        at = facts.title.s.find("关于", said.start(), said.start(1))
        facts.enclosed.append(facts.title.part(at if at >= 0 else said.start(1), said.end(1)))
