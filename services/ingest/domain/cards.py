"""Digests of policies as cards: the same labelled fields (依据文件 服务对象 服务内容 条件要求 …) again for each policy."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .facts import Facts
from .marks import mark_of
from .outline import agree, clause_of, full_width, nodes_of, title_of
from .text import NOTHING, Line, Text, join, squeeze, tidy
from .validity import iso_day
from .values import Clause

# Field names of policy digests and service guides (办事指南) of Chinese authorities.
_LABELS = (
    "依据文件|政策依据|文件依据|文件名称|政策名称|发文机构|发文机关|发布机构|发文字号|文号|发布日期|发文日期|发布时间|工具分类|政策类型|政策类别|"
    "服务对象|支持对象|适用对象|扶持对象|申报对象|受惠对象|享受主体|服务内容|支持内容|政策内容|扶持内容|优惠内容|支持方式|支持标准|扶持标准|奖补标准|"
    "条件要求|申报条件|申请条件|享受条件|支持条件|服务流程|办理流程|申报流程|申报方式|办理方式|申报材料|所需材料|时间/频度|申报时间|办理时限|有效期限|"
    "联络方式|联系方式|咨询电话|联系电话|责任部门|责任单位|主管部门|受理部门|实施部门|执行期限|政策期限"
)
_LABEL = re.compile(rf"\s*[【\[]?\s*({_LABELS})\s*[】\]]?\s*(?:[：:]\s*|\s+|$)")
_INNER_LABEL = re.compile(rf"(?<=\s)({_LABELS})(?=\s|$|[：:])\s*[：:]?\s*")
_CONTENT = re.compile(r"(?:服务|支持|政策|扶持|优惠)内容|(?:支持|扶持|奖补)标准")


@dataclass(slots=True)
class Field:
    """One labelled field of a card and its lines."""

    label: Text
    lines: list[Line]

    @property
    def text(self) -> Text:
        return tidy(join(line.text for line in self.lines))


@dataclass(slots=True)
class Card:
    """One policy: its heading and its fields in printed order."""

    heading: list[Line]
    fields: list[Field]

    def field(self, names: Sequence[str]) -> Text:
        return next((f.text for f in self.fields if f.label.s in names), NOTHING)


def cards_of(lines: Sequence[Line]) -> list[Card]:
    """The cards of a text; empty when its lines are not such cards (fewer than four labels, or no field that says what is given)."""
    fields = _fields(lines)
    labels = [f.label.s for f in fields]
    if len(set(labels)) < 4 or not any(_CONTENT.fullmatch(label) for label in labels):
        return []
    first = labels[0]
    cards: list[Card] = []
    heading = _heading(lines, fields[0])
    for field in fields:
        if field.label.s == first:
            if cards:
                heading = _cut_heading(cards[-1].fields[-1])
            cards.append(Card(heading, []))
        cards[-1].fields.append(field)
    return cards


def _fields(lines: Sequence[Line]) -> list[Field]:
    found: list[Field] = []
    for line in lines:
        at = 0
        m = _LABEL.match(line.s)
        if m:
            found.append(Field(line.text.part(m.start(1), m.end(1)), []))
            at = m.end()
            for inner in _INNER_LABEL.finditer(line.s, at):
                _put(found, line, at, inner.start())
                found.append(Field(line.text.part(inner.start(1), inner.end(1)), []))
                at = inner.end()
        if found:
            _put(found, line, at, len(line.s))
    return found


def _put(found: list[Field], line: Line, start: int, end: int) -> None:
    part = line.text.part(start, end)
    if part.s.strip():
        found[-1].lines.append(Line(part, line.gap and start == 0, line.rule, line.page))


def _heading(lines: Sequence[Line], first: Field) -> list[Line]:
    where = first.label.at[0]
    before = [line for line in lines if line.text.at[0] < where]
    start = next((i for i in range(len(before) - 1, max(-1, len(before) - 7), -1) if mark_of(before[i].s)), max(0, len(before) - 2))
    return before[start:]


def _cut_heading(last: Field) -> list[Line]:
    """The heading of the next card stands at the end of this card's last field, from its numbering mark on."""
    lines = last.lines
    start = next((i for i in range(len(lines) - 1, max(-1, len(lines) - 7), -1) if mark_of(lines[i].s)), None)
    if start is None:
        start = next((i for i in range(1, len(lines)) if lines[i].gap), len(lines))
    heading = lines[start:]
    del lines[start:]
    return heading


def clauses_of_cards(cards: Sequence[Card]) -> list[Clause]:
    """The points of what each card gives, with its other fields as their context."""
    found: list[Clause] = []
    wide = full_width([line for card in cards for field in card.fields for line in field.lines])
    for n, card in enumerate(cards):
        mark = mark_of(card.heading[0].s) if card.heading else None
        ordinal = mark.ordinal if mark else n + 1
        name = _name(card)
        context = tuple((f.label, f.text) for f in card.fields if not _CONTENT.fullmatch(f.label.s) and f.lines)
        for field in card.fields:
            if _CONTENT.fullmatch(field.label.s) and field.lines:
                found += _points(field, (name, field.label), ordinal, context, wide)
    return found


def _name(card: Card) -> Text:
    """The heading; a policy's name printed twice, long and short, counts once."""
    taken: list[Text] = []
    for line in card.heading:
        said = re.sub(r"\s", "", join(taken).s)
        pairs = [line.s[i : i + 2] for i in range(len(line.s.strip()) - 1)]
        if taken and sum(pair in said for pair in pairs) * 10 >= len(pairs) * 7:
            break
        taken.append(line.text)
    return tidy(join(taken))


def _points(field: Field, section: tuple[Text, ...], ordinal: int, context: tuple[tuple[Text, Text], ...], wide: int) -> list[Clause]:
    before, roots = nodes_of(field.lines)
    found: list[Clause] = []
    introduction = tidy(join(line.text for line in before))
    if not roots or len(introduction) > 60:
        found.append(Clause("cards", NOTHING, title_of(introduction), introduction, section, (ordinal,), context=context))
    agree(roots, wide)
    for node in roots:
        clause, _ = clause_of(node, wide, section, (ordinal, node.mark.ordinal), "", last=False, form="cards")
        found.append(replace(clause, context=context))
    return found


def facts_of_cards(cards: Sequence[Card]) -> Facts:
    """What the cards say of the document they digest, where all name the same one."""

    def common(names: Sequence[str]) -> Text:
        texts = [card.field(names) for card in cards]
        return texts[0] if len({squeeze(t.s) for t in texts}) == 1 else NOTHING

    published = common(("发布日期", "发文日期", "发布时间"))
    day = iso_day(published.s)
    return Facts(
        title=tidy(common(("依据文件", "政策依据", "文件依据", "文件名称")).strip("《》")),
        doc_number=common(("发文字号", "文号")),
        issuer=common(("发文机构", "发文机关", "发布机构")),
        issue_date=(day, published) if day else None,
    )
