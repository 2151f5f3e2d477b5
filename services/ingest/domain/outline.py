"""Outlines: 一、（一）1.（1） in any depth, articles (第X条) and question-and-answer guides, divided into clauses."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .marks import Mark, Numbering, mark_of
from .text import NOTHING, Line, Text, join, tidy, width
from .units import note_of, units_of
from .values import Clause, Passage

# A full stop: 。, or a half-width one after a Chinese character, a quote or a bracket, as some presses print it.
STOP = re.compile(r"[。！？!?；;]|(?:(?<=[^\x00-\x7f])|(?<=[)\]%]))\.(?!\d)")
_ENDS = re.compile(r"(?:[。！？!?；;：:]|(?<=[^\x00-\x7f])\.|(?<=[)\]%])\.)[”’」』）)〕】》]*\s*$|[）)〕】]\s*$")
_GOAL = re.compile(r"(?:行动|总体|工作|主要|发展|建设|年度|阶段|近期|远期|改革|任务)*目标(?:任务|要求)?")
_PRINCIPLE = re.compile(
    r"(?:指导思想|总体(?:要求|思路)|基本(?:原则|要求|思路)|工作(?:原则|思路|要求)|主要原则|目标意义|重要意义|适用范围|目的依据)"
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


def flat(lines: Sequence[Line]) -> bool:
    """Whether the line breaks of this text are lost: paragraph upon paragraph in one line."""
    sizes = [len(line.s) for line in lines]
    return bool(sizes) and max(sizes) > 1200 and sum(n for n in sizes if n > 600) * 2 > sum(sizes)


_BREAKS = re.compile(
    r"(?<=[^\x00-\x7f]|[,.:;)\]])[ \t\u3000]+(?=[^\x00-\x7f]|\d|\()"
    r"|(?<=[。；;：:）)！!？?])(?=(?:[一二三四五六七八九十百]{1,4}、|[（(][一二三四五六七八九十]{1,4}[）)]|第[一二三四五六七八九十百零\d]{1,6}[条章节]|\d{1,2}[.．、][^\d\s]))"
    r"|(?<=[\u4e00-\u9fff”》])(?=\d{1,2}[.．、][\u4e00-\u9fff“《])|(?<=[。；）])(?=[（(]?(?:责任|牵头|配合)单位[：:])"
)


def unfold(lines: Sequence[Line]) -> list[Line]:
    """A text with all line breaks lost, broken again where a paragraph may begin. Joining the lines loses nothing."""
    found: list[Line] = []
    for line in lines:
        if len(line.s) < 200:
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
    numbering = Numbering()
    before: list[Line] = []
    roots: list[Node] = []
    path: list[Node] = []
    wide = _full_width(lines)
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
        node = Node(mark, line.text.part(0, mark.printed).strip())
        del path[depth:]
        for parent in path:
            parent.everything.append(line)
        (path[-1].children if path else roots).append(node)
        if rest.s.strip():
            node.own.append(Line(rest, line.gap, line.rule, line.page))
            node.everything.append(node.own[0])
        path.append(node)
    return before, roots


def _full_width(lines: Sequence[Line]) -> int:
    sizes = sorted(width(line.s) for line in lines)
    return sizes[len(sizes) * 9 // 10] if sizes else 0


def clauses_of(lines: Sequence[Line], *, annex: str = "", above: tuple[Text, ...] = ()) -> tuple[list[Clause], list[Passage]]:
    """The clauses of an outline in order, and what stands between them (goals, principles, closing words).

    ``above``: headings over the outline, outermost first (annex label and title).
    """
    before, roots = nodes_of(lines)
    wide = _full_width(lines)
    found: list[Clause] = []
    passages: list[Passage] = []
    if before and roots:
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
        clause, rest = _clause(node, wide, section, trail, annex)
        found.append(clause)
        passages.extend(_passage("remark", above, rest))

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
    if node.children and not any(STOP.search(line.s) for line in lines) and not lines[-1].s.rstrip().endswith(("：", ":")):
        return join(x.text for x in lines), NOTHING
    for k, line in enumerate(lines):
        if STOP.search(line.s) or (line.s.rstrip().endswith(("：", ":")) and (k or not node.children)):
            return (NOTHING, join(x.text for x in lines)) if k == 0 or len(lines) > k + 1 or not node.children else _split(lines, k)
        printed = width(line.s) + (width(node.number.s) + 4 if k == 0 else 0)  # a first line is indented by two characters
        ends = printed < wide * 0.9 or (k + 1 < len(lines) and lines[k + 1].gap and wide > 200)
        if k + 1 == len(lines):
            return join(x.text for x in lines), NOTHING
        if ends:
            return _split(lines, k + 1)
    return NOTHING, join(x.text for x in lines)


def _split(lines: Sequence[Line], k: int) -> tuple[Text, Text]:
    return join(x.text for x in lines[:k]), join(x.text for x in lines[k:])


def _divides(node: Node, heading: Text, prose: Text) -> bool:
    """Whether the points below are clauses of their own, or only items of this one."""
    if node.mark.kind in ("part", "chapter", "division"):
        return True
    if node.mark.kind in ("article", "question"):
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


def _clause(node: Node, wide: int, section: tuple[Text, ...], trail: tuple[int, ...], annex: str) -> tuple[Clause, Text]:
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
    lines, rest = _without_closing(lines, title if title else join(x.text for x in lines[:1]))
    body = tidy(join(line.text for line in lines))
    if question and (m := re.match(r"答\s*[：:]\s*", body.s)):
        body = body.part(m.end())
    note, units = note_of(body)
    if not own_line:
        title = title_of(body.part(0, body.s.index(note.s)) if note and body.s.endswith(note.s) else body)
    title = tidy(title)
    return Clause("outline", tidy(node.number), title, body, section, trail, annex, units_of(units), note), rest


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


def _without_closing(lines: list[Line], title: Text) -> tuple[list[Line], Text]:
    """A last clause without the words that close the whole document, and those words."""
    for k, line in enumerate(lines):
        if _WEB_FURNITURE.fullmatch(line.s.strip()):
            return lines[:k], join(x.text for x in lines[k:])
        if k == 0 or not (_ENDS.search(lines[k - 1].s) or line.rule):
            continue
        if line.rule or (_CLOSING.match(line.s) and not _speaks_of(join(x.text for x in lines[k:]).s, title.s)):
            return lines[:k], join(x.text for x in lines[k:])
    return lines, NOTHING


def _speaks_of(paragraph: str, title: str) -> bool:
    """Whether a paragraph goes on with what the title names: half of the title's word pairs occur in it."""
    words = re.sub(r"[^\u4e00-\u9fff]", "", title)
    pairs = {words[i : i + 2] for i in range(len(words) - 1)}
    return bool(pairs) and sum(pair in paragraph for pair in pairs) * 2 >= len(pairs)
