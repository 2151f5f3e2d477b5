"""The rule of one provision, put together from its conditions: and, or where the words say 或, the contrary where they except.

Every node bears the words it comes from, the article they stand in and, where it is known, their place in the raw text.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from services.catalog.domain.amounts import Amount
from services.catalog.domain.choices import choices, places
from services.catalog.domain.condition import Condition
from services.catalog.domain.facts import told
from services.catalog.domain.junctions import branches, implied, leaning, one_phrase
from services.catalog.domain.naming import Node, Setting, all_of, any_of, named_at
from services.catalog.domain.passage import Passage, Span
from services.catalog.domain.rows import Rows

_STAGED = frozenset({"上市板块", "上市阶段"})
_EVIDENCE = ("quote", "article", "span")


@dataclass(frozen=True)
class Ground:
    """Where words stand: the passage, the article's name, and where the passage begins in the raw text of the document (None: unknown)."""

    passage: Passage
    article: str
    offset: int | None

    def evidence(self, span: Span) -> Node:
        """The exact words of a stretch, their article and their place."""
        said: Node = {"quote": self.passage.quote(span), "article": self.article}
        if self.offset is None or len(span) == 0:
            return said
        start, end = self.passage.place(span)
        return said | {"span": [self.offset + start, self.offset + end]}


@dataclass
class Rule:
    """A rule under construction: tests in order with their evidence, and the notes made on the way."""

    tests: list[Node] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def take(self, node: Node) -> None:
        """Add a test, unless one says the same."""
        if all(bare(t) != bare(node) for t in self.tests):
            self.tests.append(node)

    @property
    def node(self) -> Node:
        """All tests as one rule; without any it holds for everybody."""
        return self.tests[0] if len(self.tests) == 1 else {"all": self.tests}


def bare(node: Any) -> Any:
    """A node without its evidence."""
    if isinstance(node, dict):
        return {k: bare(v) for k, v in node.items() if k not in _EVIDENCE}
    return [bare(item) for item in node] if isinstance(node, list) else node


def composed(
    ground: Ground, governed: Sequence[Condition], described: Sequence[Rows], *, setting: Setting, steps: tuple[Span, list[Node]] | None
) -> Rule:
    """The rule of conditions that stand in a passage. `described` are rows that several of them describe together, `steps` where the
    first step of a stepped amount is said and what each step asks: who reaches any of them has the benefit.
    """
    text = ground.passage.text
    rule = Rule()
    of_rows = {i: r for r in described for i in r.conditions}
    silent = implied(text, governed) | _part_of_a_name(text, governed, setting)

    def node(i: int) -> Node | None:
        if i in of_rows:
            if i != of_rows[i].conditions[0]:
                return None
            spans = [governed[k].span for k in of_rows[i].conditions]
            rule.notes += of_rows[i].notes
            return of_rows[i].node | ground.evidence(of_rows[i].span or Span(min(s.start for s in spans), max(s.end for s in spans)))
        if i in silent:
            return None
        condition, words = leaning(text, governed[i], governed[:i])
        span = governed[i].span
        if any(term in text[span.start : span.end] for term in setting.meanings):
            return None  # what the term means is asked instead
        if steps and condition.comparison is not None and span.meets(steps[0]):
            return {"any": [bare(case) for case in steps[1]]} | ground.evidence(span)
        if steps and condition.attribute in _STAGED and span.end <= steps[0].start and any("ipo_step" in str(case) for case in steps[1]):
            return {"any": [bare(case) for case in steps[1]]} | ground.evidence(span)  # who is on the way has its stage's part
        if steps and steps[0].within(span) and condition.operator == "contains":
            return None  # the whole row of steps, kept as it stands
        answer = told(condition, words, setting, text=text)
        rule.notes += answer.notes
        return ({"not": answer.node} if governed[i].excepted else answer.node) | ground.evidence(span)

    kept = {i for i, c in enumerate(governed) if c.operator == "contains" and c.comparison is None}
    for i in kept:  # a phrase kept whole around a figure that is understood says nothing more
        within = [o for o in governed if o.comparison is not None and o.span.within(governed[i].span)]
        if within and all("open." not in str(told(*leaning(text, o, ()), setting, text=text).node) for o in within):
            silent.add(i)

    chosen: set[int] = set()
    for choice in choices(text):
        items = places(choice, governed)
        if not any(items) or any(i in chosen for item in items for i in item):
            continue
        chosen.update(i for item in items for i in item)
        spans = [*choice.items, *([choice.instead] if choice.instead else [])]
        ways = [_item(ground, span, [n for i in item if (n := node(i)) is not None]) for span, item in zip(spans, items, strict=False)]
        if len(items) > len(choice.items) and choice.needs > 1:  # a score does instead of so many items
            rule.take({"any": [ways[-1], {"at_least": choice.needs, "of": ways[:-1]}]})
        else:
            rule.take(any_of(ways) if choice.needs == 1 else {"at_least": choice.needs, "of": ways})
    rest = [i for i in range(len(governed)) if i not in chosen]
    for group in branches(text, [governed[i] for i in rest]):
        found = [all_of(nodes) for way in group if (nodes := [n for i in way if (n := node(rest[i])) is not None])]
        if found:
            rule.take(any_of(found))
    if not rule.tests:  # each was taken for part of another: better a person than everybody
        for condition in governed:
            if not any(term in text[condition.span.start : condition.span.end] for term in setting.meanings):
                rule.take({"judged": text[condition.span.start : condition.span.end]} | ground.evidence(condition.span))
    return rule


def _item(ground: Ground, span: Span, nodes: list[Node]) -> Node:
    """One item of a list: what it asks, or, where nothing of it was read, a person's judgement."""
    words = ground.passage.text[span.start : span.end].rstrip(";。,")
    return all_of(nodes) if nodes else {"judged": words} | ground.evidence(Span(span.start, span.start + len(words)))


def steps_of(amount: Amount, paid: Node | None) -> tuple[Span, list[Node]] | None:
    """Where the first step of a stepped amount is said, and what each step asks for; None where a person chooses the step."""
    first = amount.shares[0].tier if amount.kind == "tiered" else None
    node = paid or {}
    node = node["of"] if "cap" in node else node
    if any(share.adds for share in amount.shares) or "else" in node or any("else" in part for part in node.get("sum", ())):
        return None  # what is for all, and what comes on top, asks for no step
    cases = [case for stage in (node, *node.get("sum", ())) if isinstance(stage, dict) for case, _ in stage.get("case", ())]
    chosen = "sum" in node or all("judged" not in case for case in cases)  # a stage that a person sees is a stage all the same
    return (first, cases) if first is not None and cases and chosen else None


def _part_of_a_name(text: str, governed: Sequence[Condition], setting: Setting) -> set[int]:
    """Places of conditions whose words are only part of a trade's or a title's name (信息技术服务业 says nothing of 技术服务)."""
    places = [
        (c, place)
        for c in governed
        for codes, of in (("industry", "行业"), ("honours", "资质认定"))
        if c.attribute == of
        for place in named_at(setting.registry, codes, text, c.span)[1]
    ]
    titled = [c for c, _ in places if c.attribute == "资质认定"]
    part = {i for i, c in enumerate(governed) for other, place in places if c.attribute != other.attribute and c.span.within(place)}
    conduct = [c for c in governed if c.attribute in ("违法记录", "信用状况")]
    part |= {
        i for i, c in enumerate(governed) if c.attribute == "资质认定" and c not in titled and any(o.span.within(c.span) for o in conduct)
    }
    for i, c in enumerate(governed):  # 首次认定及重新认定的高新技术企业: of one title
        if c.attribute == "资质认定" and c not in titled:
            after = [o for o in titled if o.span.start >= c.span.start]
            part |= {i} if after and one_phrase(text, c, after[0]) else set()
    return part
