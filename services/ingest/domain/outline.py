"""Outlines: 一、（一）1.（1） in any depth, articles (第X条) and question-and-answer guides, divided into clauses."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .marks import Mark, Numbering, mark_of
from .text import NOTHING, Line, Text, join, tidy, width
from .units import is_label, note_of, units_of
from .values import Clause, Passage

# A full stop: 。, or a half-width one after a Chinese character, a quote or a bracket, as some presses print it.
STOP = re.compile(r"[。！？!?；;]|(?:(?<=[^\x00-\x7f])|(?<=[)\]%]))\.(?!\d)")
_ENDS = re.compile(r"(?:[。！？!?；;：:]|(?<=[^\x00-\x7f])\.|(?<=[)\]%])\.)[”’」』）)〕】》]*\s*$|[）)〕】]\s*$")
_GOAL = re.compile(r"(?:行动|总体|工作|主要|发展|建设|年度|阶段|近期|远期|改革|任务)*目标(?:任务|要求)?")
_PRINCIPLE = re.compile(
    r"(?:指导思想|总体(?:要求|思路)|基本(?:原则|要求|思路)|工作(?:原则|思路|要求)|主要原则|目标意义|重要意义|适用范围|目的依据)"
)
# Sections of rules about the measures themselves; printed as prose they are no measure, their numbered points are.
_ABOUT = re.compile(
    r"附\s*则|(?:组织|实施|政策|工作|服务|要素)?保障(?:措施|机制)?|组织(?:实施|领导|保障|推进)|(?:工作|有关|相关|组织)要求|其他(?:事项|规定|要求)?|"
    r"(?:监督|绩效)(?:管理|考核|检查)?|名词解释|施行日期|有关说明|附注"
)
_CLOSING = re.compile(
    r"(?:各级各部门|各级|各地|各(?:市|区|县|镇|街道)|各(?:有关|相关|责任|牵头)?(?:单位|部门)|各部门|(?:省|市|区|县|州)[^，。,、]{0,8}?要|请(?:各|认真)|"
    r"本(?:政策|措施|方案|通知|办法|意见|规定|细则|行动方案|若干|文件|条款)|以上(?:政策|措施|条款|各)|上述(?:政策|措施|条款)|"
    r"国家、?省|此前|原有|我市已出台|涉及)"
)
_WEB_FURNITURE = re.compile(
    r"(?:浏览次数|浏览量|访问量|分享到?|分享文章|打印(?:本页|页面|此页)?|关闭(?:本页|窗口|页面)?|返回顶部|上一篇|下一篇|扫一扫.*|版权所有.*|网站地图|"
    r"关于我们|联系我们|联系方式|网站声明|隐私.{0,4}|使用帮助|主办单位|承办单位|责任编辑.*|相关链接|相关附件|相关文档|政策解读|附件下载|.{0,3}ICP备.*|.*公网安备.*|"
    r"网站标识码.*|字号.*|【.{0,6}(?:打印|关闭|字体).*|收藏本页|收藏)[：:\s\d次-]*"
)
_LONG_TITLE = 100  # half-width cells; past that the first sentence is prose, not a title


@dataclass(slots=True)
class Node:
    """One numbered point with all lines up to the next point of its own or a higher level."""

    mark: Mark
    number: Text
    own: list[Line] = field(default_factory=list)  # its text before its first child, without the mark
    everything: list[Line] = field(default_factory=list)  # its text with its children, marks included
    children: list["Node"] = field(default_factory=list)
    headed: bool = True  # whether points of this series print their heading on a line of its own


def flat(lines: Sequence[Line]) -> bool:
    """Whether the line breaks of this text are lost: paragraph upon paragraph in one line."""
    sizes = [len(line.s) for line in lines if "\t" not in line.s]
    if not sizes:
        return False
    return (max(sizes) > 1200 and sum(n for n in sizes if n > 600) * 2 > sum(sizes)) or (len(lines) <= 3 and max(sizes) > 80)


# Where a paragraph may begin in a text without line breaks. Joining the pieces again loses nothing, so a break too many does no harm.
_BREAKS = re.compile(
    r"(?<=[^\x00-\x7f]|[,.:;)\]])[ \u3000]+(?=[^\x00-\x7f]|\d|\()"  # a blank between Chinese characters
    r"|(?<=[。；;：:）)！!？?])(?=(?:[一二三四五六七八九十百]{1,4}、|[（(][一二三四五六七八九十]{1,4}[）)]|第[一二三四五六七八九十百零\d]{1,6}[条章节]|\d{1,2}[.．、][^\d\s]))"
    r"|(?<=[\u4e00-\u9fff”》])(?=\d{1,2}[.．、][\u4e00-\u9fff“《])"  # a heading run together with its first point
    r"|(?<=[。；）])(?=[（(]?(?:责任|牵头|配合)单位[：:])"
    r"|(?<=[\u4e00-\u9fff])(?=各[\u4e00-\u9fff（）、，]{2,80}(?:单位|部门|政府|委员会|公司|企业|机构)：)"  # title and addressees
    r"|(?<=(?:单位|部门|政府|公司|企业|机构)：)|(?<=委员会：)"
    r"|(?<=。)(?=[\u4e00-\u9fff]{4,30}(?:政府|办公厅|办公室|局|委员会|厅)\d{4}年\d{1,2}月\d{1,2}日)"  # signature and date
    r"|(?<=[府厅室局会])(?=\d{4}年\d{1,2}月\d{1,2}日(?:[（(]|\s|$))|(?<=日)(?=[（(]此件)"
)


def unfold(lines: Sequence[Line]) -> list[Line]:
    """A text with all line breaks lost, broken again where a paragraph may begin."""
    found: list[Line] = []
    for line in lines:
        if len(line.s) < 60 or "\t" in line.s:
            found.append(line)
            continue
        start = 0
        for m in _BREAKS.finditer(line.s):
            if m.start() > start:
                found.append(Line(line.text.part(start, m.start()), line.gap and start == 0))
            start = m.end()
        if start < len(line.s):
            found.append(Line(line.text.part(start), line.gap and start == 0))
    return [piece for piece in found if piece.s.strip()]


def nodes_of(lines: Sequence[Line]) -> tuple[list[Line], list[Node]]:
    """The lines before the first point, and the points as a tree."""
    numbering = Numbering(mark_of(line.s) for line in lines)
    before: list[Line] = []
    roots: list[Node] = []
    path: list[Node] = []
    wide = full_width(lines)
    previous = ""
    for line in lines:
        mark = mark_of(line.s)
        after_sentence = not previous or bool(_ENDS.search(previous)) or width(previous) < wide * 0.85
        depth = numbering.accept(mark, after_sentence=after_sentence) if mark else None
        previous = line.s
        if mark is None or depth is None:
            if path:
                path[-1].own.append(line)
                for node in path:
                    node.everything.append(line)
            else:
                before.append(line)
            continue
        rest = line.text.part(mark.length)
        mark = numbering.open[-1]
        node = Node(mark, line.text.part(0, mark.printed).strip() if mark.kind != "ask" else NOTHING)
        del path[depth:]
        for parent in path:
            parent.everything.append(line)
        (path[-1].children if path else roots).append(node)
        if rest.s.strip():
            node.own.append(Line(rest, line.gap, line.rule, line.page))
            node.everything.append(node.own[0])
        path.append(node)
    return before, roots


def full_width(lines: Sequence[Line]) -> int:
    sizes = sorted(width(line.s) for line in lines)
    return sizes[len(sizes) * 97 // 100] if sizes else 0


def clauses_of(lines: Sequence[Line], *, annex: str = "", above: tuple[Text, ...] = ()) -> tuple[list[Clause], list[Passage]]:
    """The clauses of an outline in order, and what stands between them (goals, principles, closing words).

    ``above``: headings over the outline, outermost first (annex label and title).
    """
    before, roots = nodes_of(lines)
    wide = full_width(lines)
    agree(roots, wide)
    found: list[Clause] = []
    passages: list[Passage] = []
    if before:
        passages += _passage("remark", above, join(line.text for line in before))

    def walk(node: Node, section: tuple[Text, ...], trail: tuple[int, ...]) -> None:
        heading, prose = _heading(node, wide)
        name = heading.s.strip(" ：:。.")
        here = (*section, _headline(node, heading))
        trail = (*trail, node.mark.ordinal)
        if _GOAL.fullmatch(name) or _PRINCIPLE.fullmatch(name):
            if any(_GOAL.fullmatch(_heading(child, wide)[0].s.strip(" ：:。.")) for child in node.children):
                for child in node.children:
                    walk(child, here, trail)
                return
            words = join([prose, *(line.text for line in node.everything[len(node.own) :])])
            passages.extend(_passage("goal" if _GOAL.fullmatch(name) else "principle", here, words))
            return
        if node.children and _divides(node, heading, prose):
            if prose.s.strip():
                passages.extend(_passage("remark", here, prose))
            for child in node.children:
                walk(child, here, trail)
            return
        if prose.s.strip() and not node.children and _ABOUT.fullmatch(name) and node in divided:
            passages.extend(_passage("remark", here, prose))
            return
        clause, rest = clause_of(node, wide, section, trail, annex, last=node is final)
        found.append(clause)
        passages.extend(_passage("remark", above, rest))

    final = roots[-1] if roots else None
    while final and final.children and _divides(final, *_heading(final, wide)):
        final = final.children[-1]
    divided = roots if any(root.children for root in roots) else []
    for root in roots:
        walk(root, above, ())
    return found, passages


def _passage(kind: str, section: tuple[Text, ...], text: Text) -> list[Passage]:
    words = tidy(text)
    return [Passage(kind, section, words)] if words else []


def _headline(node: Node, heading: Text) -> Text:
    """「三、便利进入退出」: the mark and the words as printed, for a section path."""
    head = heading if heading.s.strip() else join(line.text for line in node.own)
    return tidy(join([node.number, head])) if head.s.strip() else node.number


def _heading(node: Node, wide: int) -> tuple[Text, Text]:
    """(heading on lines of its own, text that follows before the first child); no heading: the first is empty."""
    lines = node.own
    if not lines:
        return NOTHING, NOTHING
    everything = join(x.text for x in lines)
    if node.children and not any(STOP.search(line.s) for line in lines) and not lines[-1].s.rstrip().endswith(("：", ":")):
        return everything, NOTHING
    if not node.headed:
        return NOTHING, everything
    for k, line in enumerate(lines):
        if STOP.search(line.s) or line.s.rstrip().endswith(("，", ",", "、", "：", ":")):
            return NOTHING, everything
        if k + 1 == len(lines):
            return everything, NOTHING
        printed = width(line.s) + (width(node.number.s) + 4 if k == 0 else 0)  # a first line is indented by two characters
        if printed < wide * 0.9 or (lines[k + 1].gap and wide > 200):
            heading = join(x.text for x in lines[: k + 1])
            if not _balanced(heading.s) or re.match(r"[，。；、,.;）)”》]", lines[k + 1].s):
                return NOTHING, everything
            return heading, join(x.text for x in lines[k + 1 :])
    return NOTHING, everything


def agree(series: Sequence[Node], wide: int) -> None:
    """Points of one series print their headings alike: a line that only happens to be short is no heading."""
    leaves = [node for node in series if not node.children and node.own]
    headed = sum(1 for node in leaves if _heading(node, wide)[0].s.strip() and _heading(node, wide)[1].s.strip())
    plain = sum(1 for node in leaves if not _heading(node, wide)[0].s.strip())
    for node in leaves:
        node.headed = headed > plain or not headed
    for node in series:
        agree(node.children, wide)


def _divides(node: Node, heading: Text, prose: Text) -> bool:
    """Whether the points below are clauses of their own, or only items of this one."""
    if node.mark.kind in ("part", "chapter", "division"):
        return True
    if node.mark.kind in ("article", "question", "ask"):
        return False
    words = prose.s.strip()
    if not words:
        return not heading.s.rstrip().endswith(("？", "?", "：", ":"))
    if heading.s.rstrip().endswith(("？", "?")) or re.match(r"\s*答\s*[：:]", words) or "？" in words[:60]:
        return False
    sizes = sorted(sum(len(line.s) for line in child.everything) for child in node.children)
    titled = sum(1 for child in node.children if _titled(join(line.text for line in child.own)))
    return len(words) < 120 and len(sizes) >= 2 and sizes[len(sizes) // 2] >= 70 and titled * 2 > len(sizes)


def _titled(text: Text) -> bool:
    m = STOP.search(text.s)
    return bool(m) and width(text.s[: m.start()]) <= _LONG_TITLE and bool(text.s[m.end() :].strip()) if m else False


def clause_of(
    node: Node, wide: int, section: tuple[Text, ...], trail: tuple[int, ...], annex: str, *, last: bool, form: str = "outline"
) -> tuple[Clause, Text]:
    """A point as a clause, and the words behind it that belong to the whole document (only behind the ``last`` one)."""
    heading, _ = _heading(node, wide)
    lines = node.everything
    question = heading.s.rstrip().endswith(("？", "?"))
    own_line = bool(heading.s.strip()) and len(join(x.text for x in lines).s.strip()) > len(heading.s.strip())
    if (
        not own_line
        and lines
        and (m := re.match(r"[^。；]{4,60}？", lines[0].s))
        and len(lines) > 1
        and m.end() == len(lines[0].s.rstrip())
    ):
        heading, own_line, question = lines[0].text, True, True
    title = heading if own_line else NOTHING
    if own_line:
        used = next(k for k in range(1, len(lines) + 1) if join(x.text for x in lines[:k]).s == heading.s)
        lines = lines[used:]
    lines, rest = _without_closing(lines, title if title else join(x.text for x in lines[:1]), last=last)
    body = tidy(join(line.text for line in lines))
    if question and (m := re.match(r"答\s*[：:]\s*", body.s)):
        body = body.part(m.end())
    note, units = note_of(body)
    if not own_line:
        title = title_of(body.part(0, body.s.index(note.s)) if note and body.s.endswith(note.s) else body)
    if node.mark.kind == "article" and (m := re.match(r"[【〔\[]([^】〕\]]{2,24})[】〕\]]", body.s)):
        title = body.part(m.start(1), m.end(1))
    title = tidy(title)
    return Clause(form, tidy(node.number), title, body, section, trail, annex, units_of(units), note), rest


def title_of(body: Text) -> Text:
    """The title of a clause printed without a heading of its own: its first sentence, or the first part of a long one."""
    m = STOP.search(body.s)
    first = body.part(0, m.start()) if m else body
    more = bool(m) and bool(body.s[m.end() :].strip(" ”’")) if m else False
    if m and m[0] in "？?":
        first = body.part(0, m.end())
    if width(first.s) <= (_LONG_TITLE if more else 60):
        return first
    for comma in re.finditer(r"[，,：:]", first.s):
        if comma.start() >= 6 and _balanced(first.s[: comma.start()]):
            return first.part(0, comma.start())
    return first


def _balanced(s: str) -> bool:
    return all(s.count(a) <= s.count(b) for a, b in ("（）", "()", "“”", "《》", "«»"))


def _without_closing(lines: list[Line], title: Text, *, last: bool) -> tuple[list[Line], Text]:
    """The lines without page furniture of a web site and, in the last clause, the words that close the whole document; and those."""
    for k, line in enumerate(lines):
        if _WEB_FURNITURE.fullmatch(line.s.strip()) or re.fullmatch(r"\s*附\s*则\s*", line.s):
            return lines[:k], join(x.text for x in lines[k:])
        if not last or k == 0 or not (_ENDS.search(lines[k - 1].s) or line.rule or is_label(lines[k - 1].s)):
            continue
        if line.rule or (_CLOSING.match(line.s) and not _speaks_of(join(x.text for x in lines[k:]).s, title.s)):
            return lines[:k], join(x.text for x in lines[k:])
    return lines, NOTHING


def _speaks_of(paragraph: str, title: str) -> bool:
    """Whether a paragraph goes on with what the title names: half of the title's word pairs occur in it."""
    words = re.sub(r"[^\u4e00-\u9fff]", "", title)
    pairs = {words[i : i + 2] for i in range(len(words) - 1)}
    return bool(pairs) and sum(pair in paragraph for pair in pairs) * 2 >= len(pairs)
