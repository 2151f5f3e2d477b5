"""Chapter 3 of rules.md: how much, as the least and the most it may be; and whether a benefit is in force.

Where rules know an unknown value only as unknown, an amount takes it for whatever it may still be.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

from tests.conformance.second.rules import (
    INFINITE,
    REGISTRY,
    VOID,
    Gap,
    Json,
    Span,
    Truth,
    World,
    every,
    judgement,
    merged,
    met,
    plus,
    point,
    related,
    rows_of,
    some,
    stated,
    times,
    truth,
    value,
    window,
    year_before,
)

NOTHING = point(0)
AMOUNTS = ("fixed", "rate", "per", "tiers", "case", "each", "min", "max", "cap", "floor", "less", "instalments", "judged")


def in_force(benefit: Json, world: World) -> Truth:
    """`as_of` lies in `valid` or in `window`."""
    if benefit.get("valid") is None:
        return True
    spans = [span for span in (benefit["valid"], benefit.get("window")) if span is not None]
    return some(_within(span, world) for span in spans)


def _within(span: Json, world: World) -> Truth:
    ends = [(">=", span.get("from")), ("<=", span.get("to"))]
    return every(related(op, world.day, value(end, world)) for op, end in ends if end is not None)


def outcome(benefit: Json, world: World) -> Truth:
    force = in_force(benefit, world)
    return False if force is False else every((force, truth(benefit["rule"], world)))


def payable(benefit: Json, world: World) -> tuple[Decimal, Decimal | None]:
    """Low and high in yuan, rounded once; the high is None where nothing limits it."""
    found = outcome(benefit, world)
    if found is False or benefit.get("amount") is None:
        return Decimal("0.00"), Decimal("0.00")
    low, high, _ = _not_below_nothing(worth(benefit["amount"], world))
    return _cents(low) if found is True else Decimal("0.00"), None if high == INFINITE else _cents(high)


def _cents(yuan: Fraction) -> Decimal:
    return Decimal(floor(yuan * 100 + Fraction(1, 2))).scaleb(-2)


def _not_below_nothing(span: Span) -> Span:
    return Span(max(span.low, Fraction(0)), max(span.high, Fraction(0)), span.gap)


def is_amount(node: Any) -> bool:
    if not isinstance(node, dict):
        return False
    return any(key in node for key in AMOUNTS) or isinstance(node.get("sum"), list) or any(map(is_amount, node.get("times", ())))


def worth(node: Json, world: World) -> Span:
    """What an amount, or a figure in one, may be."""
    return _not_below_nothing(_form(node, world)) if is_amount(node) else _figure(node, world)


def _form(node: Json, world: World) -> Span:
    if "fixed" in node:
        return worth(node["fixed"], world)
    if "rate" in node:
        return times(worth(node["rate"], world), worth(node["of"], world))
    if "per" in node:
        count = worth(node["count"], world)
        return times(worth(node["per"], world), _full_steps(count, worth(node["step"], world)) if "step" in node else count)
    if "tiers" in node:
        return _slices(node, world) if node.get("marginal") else _tiers(node, world)
    if "case" in node:
        branches = [(truth(rule, world), pay) for rule, pay in node["case"]]
        return _one_of([*branches, (True, node.get("else", 0))], world)
    if "each" in node:
        return _each(node, world)
    if "cap" in node:
        return _least([worth(node["cap"], world), worth(node["of"], world)])
    if "floor" in node:
        return _most([worth(node["floor"], world), worth(node["of"], world)])
    if "min" in node or "max" in node:
        return (_least if "min" in node else _most)([worth(part, world) for part in node.get("min", node.get("max"))])
    if "less" in node:
        return plus(worth(node["less"], world), _turned(worth(node["paid"], world)))
    if "judged" in node:
        low, high = (worth(end, world) for end in node["between"])
        settled = judgement(node["judged"], world).get("amount")
        if settled is not None:
            return _least([_most([point(settled), low]), high])
        return Span(low.low, high.high, merged((low.gap, high.gap, Gap((), (node["judged"],)))))
    total = point(1) if "times" in node else NOTHING
    for part in node.get("times", node.get("sum", node.get("instalments"))):
        total = times(total, worth(part, world)) if "times" in node else plus(total, worth(part, world))
    return total


def _turned(span: Span) -> Span:
    return Span(-span.high, -span.low, span.gap)


def _least(spans: list[Span]) -> Span:
    return Span(min(span.low for span in spans), min(span.high for span in spans), merged(span.gap for span in spans))


def _most(spans: list[Span]) -> Span:
    return Span(max(span.low for span in spans), max(span.high for span in spans), merged(span.gap for span in spans))


def _full_steps(count: Span, step: Span) -> Span:
    if step.low <= 0:
        return Span(Fraction(0), INFINITE, merged((count.gap, step.gap)))
    ends = [end if abs(end) == INFINITE else Fraction(end // by) for end in (count.low, count.high) for by in step[:2] if by != INFINITE]
    return Span(max(min(ends), Fraction(0)) if step.high == INFINITE else min(ends), max(ends), merged((count.gap, step.gap)))


def _one_of(branches: list[tuple[Truth, Json]], world: World) -> Span:
    """The first branch whose condition holds; every branch that may be that one is possible."""
    possible: list[Span] = []
    gaps: list[Gap] = []
    for holds, pay in branches:
        if holds is False:
            continue
        possible.append(worth(pay, world))
        if holds is True:
            break
        assert isinstance(holds, Gap)
        gaps.append(holds)
    gap = merged([*gaps, *(span.gap for span in possible)])
    return Span(min(span.low for span in possible), max(span.high for span in possible), gap)


def _tiers(node: Json, world: World) -> Span:
    on, operator = worth(node["on"], world), ">" if node.get("edge") == "upto" else ">="
    reached = [(related(operator, on, worth(line, world)), pay) for line, pay in node["tiers"]]
    return _one_of([*reversed(reached), (True, 0)], world)


def _slices(node: Json, world: World) -> Span:
    on, total = worth(node["on"], world), NOTHING
    lines = [worth(line, world) for line, _ in node["tiers"]]
    for position, (_, rate) in enumerate(node["tiers"]):
        top = _least([on, lines[position + 1]]) if position + 1 < len(lines) else on
        slice_ = _not_below_nothing(plus(top, _turned(lines[position])))
        total = plus(total, times(worth(rate, world), slice_))
    return total


def _each(node: Json, world: World) -> Span:
    kind = node["each"]
    rows = rows_of(kind, world)
    if rows is None:
        return Span(Fraction(0), INFINITE, Gap((kind,)))
    pays = []
    for row in rows:
        holds = met(node, kind, row, world)
        if holds is not False:
            inside = World(world.facts, world.records, world.day, world.benefit, (kind, row), world.along, world.city, world.ranked)
            pay = worth(node["pay"], inside)
            pays.append(pay if holds is True else Span(Fraction(0), pay.high, merged((holds, pay.gap))))
    best = node.get("best", len(pays))
    lows, highs = sorted((pay.low for pay in pays), reverse=True), sorted((pay.high for pay in pays), reverse=True)
    return Span(sum(lows[:best], Fraction(0)), sum(highs[:best], Fraction(0)), merged(pay.gap for pay in pays))


# ----------------------------------------------------------------------------------------------------------------- figures


def _figure(node: Json, world: World) -> Span:
    if isinstance(node, dict) and ("plus" in node or "times" in node):
        total = point(1) if "times" in node else NOTHING
        for part in node.get("times", node.get("plus")):
            total = times(total, worth(part, world)) if "times" in node else plus(total, worth(part, world))
        return total
    found = value(node, world)
    if found is VOID:
        return NOTHING
    if not isinstance(found, Gap):
        return found  # type: ignore[no-any-return]
    if "fact" in node:
        return _fact(node, found, world)
    kind = node.get("sum") or (world.row[0] if world.row and "field" in node else None)
    signed = kind is not None and REGISTRY["kinds"][kind]["fields"].get(node["field"], {}).get("signed", False)
    return Span(-INFINITE if signed else Fraction(0), INFINITE, found)


def _fact(node: Json, gap: Gap, world: World) -> Span:
    """A fact of which something is missing: what it may be, by the periods that are known."""
    take = node.get("take")
    periods = window(node, world) if "period" in node else gap
    signed = REGISTRY["facts"].get(node["fact"], {}).get("signed", False)
    anything = Span(-INFINITE, INFINITE, gap)
    if take == "growth" or (take == "increase" and isinstance(periods, Gap)):
        return anything
    if take is None or isinstance(periods, Gap):
        return anything if signed else Span(Fraction(0), INFINITE, gap)

    def at(period: tuple[str, int]) -> Span:
        found = stated(node["fact"], period, world)
        return Span(-INFINITE if signed else Fraction(0), INFINITE, found) if isinstance(found, Gap) else found

    if take == "increase":
        before, base = at(year_before(periods[-1])), node.get("base_if_zero")
        if base is not None and before.low <= 0 <= before.high:
            base = point(base)
            before = base if before.low == before.high else Span(min(before.low, base.low), max(before.high, base.high), before.gap)
        return plus(at(periods[-1]), _turned(before))
    parts = [at(period) for period in periods]
    if take in ("min", "max"):
        return (_least if take == "min" else _most)(parts)
    total = NOTHING
    for part in parts:
        total = plus(total, part)
    return times(total, point(Fraction(1, len(parts)))) if take == "mean" else total
