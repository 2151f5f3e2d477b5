"""A stepped amount as rules.md §3 writes it: steps as cases, slices of a figure, stages that add up, sums that come on top."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from services.catalog.domain.amounts import Amount
from services.catalog.domain.attributes import MEASURED
from services.catalog.domain.bases import fact_named
from services.catalog.domain.condition import Condition
from services.catalog.domain.events import market_step
from services.catalog.domain.facts import told
from services.catalog.domain.naming import Node, Setting, named_at
from services.catalog.domain.passage import Passage
from services.catalog.domain.quantities import NUMERAL, Comparison, comparisons, exact, figures
from services.catalog.domain.shapes import instalments, within_both
from services.catalog.domain.steps import Share
from services.catalog.domain.titles import one_honour


@dataclass(frozen=True)
class _Line:
    """The line that a step is chosen by: as a condition, with the words it is said in."""

    condition: Condition
    words: str
    bare: bool = False


def stepped(passage: Passage, amount: Amount, paid: Sequence[Node], *, setting: Setting) -> Node:
    """The amount of all steps; `paid` is what each of them pays. Stages that are all reached add up."""
    text = passage.text
    each = [{"cap": exact(s.cap.figure.base), "of": node} if s.cap else node for s, node in zip(amount.shares, paid, strict=True)]
    if (sliced := _slices(passage, amount, setting)) is not None:
        return sliced
    lines = _lines(passage, amount.shares)
    if re.search("分阶段|分步|分期", _announcing(passage, amount)):
        stages = [
            [_stage(passage, share, setting) or _chosen(passage, amount, i, line, setting), node]
            for i, (share, line, node) in enumerate(zip(amount.shares, lines, each, strict=True))
        ]
        return {"sum": [{"case": [stage]} for stage in stages]}
    whole = within_both(text, amount, each) or instalments(text, amount, each)
    if whole is not None:
        return whole
    tops = [i for i, share in enumerate(amount.shares) if share.adds]
    steps = [i for i in range(len(each)) if i not in tops]
    summed = _cases(passage, amount, steps, lines, each, setting)
    if not tops:
        return summed
    return {"sum": [summed, *(_on_top(passage, amount, i, lines[i], each[i], setting) for i in tops)]}


def _cases(
    passage: Passage, amount: Amount, steps: Sequence[int], lines: Sequence[_Line | None], each: Sequence[Node], setting: Setting
) -> Node:
    """The steps as cases; the first true one counts, so that the higher lines come first and what is for all comes last."""
    if len(steps) == 1:
        return each[steps[0]]
    first, rest = steps[0], steps[1:]
    if all(amount.shares[i].nested or amount.shares[i].tier for i in rest) and (
        amount.shares[first].tier is None or any(amount.shares[i].nested for i in rest)
    ):
        return {"case": [[_chosen(passage, amount, i, lines[i], setting), each[i]] for i in rest], "else": each[first]}
    cases: list[list[Any]] = [[_chosen(passage, amount, i, lines[i], setting), each[i]] for i in steps]
    bounds = [_bound(lines[i]) for i in steps]
    known = [bound for bound in bounds if bound is not None]
    given = [lines[i] for i in steps]
    rising = len(known) == len(steps) and known == sorted(known)
    if rising and all(line and line.condition.operator in (">", ">=", "between") and not _TOP_IN.search(line.words) for line in given):
        cases.reverse()  # 达到50个, 达到100个 begin with the higher line; a line between two steps is of the upper one
    return {"case": cases}


_TOP_IN = re.compile(rf"(?:[-—~至]|(?<!达)到){NUMERAL}[^,;。]{{0,6}}\(含")  # 3亿元至5亿元(含): the upper end is of this step


def _on_top(passage: Passage, amount: Amount, i: int, line: _Line | None, node: Node, setting: Setting) -> Node:
    """再给予…: added where its own case is met; counted by itself (每多吸纳1人) it needs none."""
    if "per" in node or amount.shares[i].tier is None:
        return node
    return {"case": [[_chosen(passage, amount, i, line, setting), node]]}


def _bound(line: _Line | None) -> Decimal | None:
    return line.condition.comparison.figures[0].base if line and line.condition.comparison else None


def _announcing(passage: Passage, amount: Amount) -> str:
    """The words of the article up to the first figure, as far as they may announce it."""
    at = amount.shares[0].figure.span.start
    return passage.text[max(passage.text.rfind("。", 0, at), at - 120, 0) : at]


def _slices(passage: Passage, amount: Amount, setting: Setting) -> Node | None:
    """500万元以下的部分按5%, 500万元至2000万元的部分按8%: each rate for its slice of one figure."""
    shares = amount.shares
    if not all(s.figure.share and s.tier and passage.text[s.tier.start : s.tier.end].endswith("部分") for s in shares):
        return None
    froms: list[Decimal] = []
    on: Node | None = None
    for share in shares:
        assert share.tier is not None
        words = passage.text[share.tier.start : share.tier.end]
        bounds = comparisons(words)
        if len(bounds) != 1 or not bounds[0].figures[0].money:
            return None
        below = bounds[0].operator in ("<", "<=")
        froms.append(Decimal(0) if below else bounds[0].figures[0].base)
        on = on or fact_named(_subject(words, bounds[0]).rstrip("在为达到"), setting)
    if on is None or froms != sorted(set(froms)):
        return None
    rates = [exact(s.figure.base) for s in shares]
    first = [] if froms[0] == 0 else [[0, 0]]
    return {"tiers": [*first, *([exact(at), rate] for at, rate in zip(froms, rates, strict=True))], "on": on, "marginal": True}


def _stage(passage: Passage, share: Share, setting: Setting) -> Node | None:
    """A stage on the way to the stock market that a step of the amount is paid for."""
    if share.tier is None:
        return None
    step = market_step(passage.text[share.tier.start : share.tier.end], setting.registry).node
    return step | {"quote": passage.quote(share.tier)} if "judged" not in step else None


def _lines(passage: Passage, shares: Sequence[Share]) -> list[_Line | None]:
    found: list[_Line | None] = []
    lead: _Line | None = None
    for share in shares:
        line = _line(passage, share, lead)
        lead = line if line and not line.bare else lead
        found.append(line)
    return found


def _line(passage: Passage, share: Share, lead: _Line | None) -> _Line | None:
    """What the words of a step ask for; a bare figure is asked of what the step before it was asked of (达到1亿元、5亿元)."""
    if share.tier is None or len(share.tier) < 2:
        return None
    words = passage.text[share.tier.start : share.tier.end]
    bounds = comparisons(words)
    printed = figures(words)
    asked = lead.condition.comparison if lead else None
    if lead is not None and asked is not None and len(bounds) < 2:
        if printed and printed[0].span.start == 0 and not bounds:
            said = lead.words[: asked.figures[0].span.start] + words[: printed[0].span.end]
            return _Line(
                replace(lead.condition, comparison=replace(asked, figures=(printed[0],)), unit=printed[0].unit, span=share.tier), said, True
            )
        if bounds and not re.search(r"[\u4e00-\u9fa5]{2}", _subject(words, bounds[0])):
            said = re.sub(r"(?:达到?|为|超过|不?满)$", "", lead.words[: asked.figures[0].span.start]) + words
            moved = comparisons(said)
            if len(moved) == 1:
                condition = replace(
                    lead.condition, operator=moved[0].operator, comparison=moved[0], unit=moved[0].figures[0].unit, span=share.tier
                )
                return _Line(condition, said, True)
    if len(bounds) != 1:
        return None
    bound = bounds[0]
    subject = _subject(words, bound)
    fits = (row for row in MEASURED if re.search(row.subject, subject) and (not row.units or bound.figures[0].unit[-1:] in row.units))
    row = next(fits, None)
    if row is None:
        return None
    return _Line(Condition(row.attribute, bound.operator, None, bound.figures[0].unit, share.tier, comparison=bound), words)


def _subject(words: str, bound: Comparison) -> str:
    return words[bound.subject.start : bound.subject.end]


def _chosen(passage: Passage, amount: Amount, i: int, line: _Line | None, setting: Setting) -> Node:
    """What must be true for a step: a test where the words name one, else the words, for a person to decide."""
    share = amount.shares[i]
    if share.tier is None or (len(share.tier) < 2 and share.head is None):
        at = amount.shares[0].figure.span.start
        near = re.split(r"[,;。]", passage.text[max(0, at - 40) : at])[-1].strip()
        return {"judged": f"{near}第{i + 1}档"}
    quote = passage.quote(share.tier)
    if line is not None:
        return told(line.condition, line.words, setting).node | {"quote": quote}
    if named_at(setting.registry, "honours", passage.text, share.tier)[0]:
        return one_honour(passage.text, share.tier, setting.registry).node | {"quote": quote}
    words = passage.text[share.tier.start : share.tier.end]
    return {"judged": words + (passage.text[share.head.start : share.head.end] if share.head else ""), "quote": quote}
