"""What an amount promises before anything is known of an enterprise, in half a sentence."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from contracts.rules import (
    Cap,
    Case,
    Each,
    Fixed,
    Floor,
    Instalments,
    JudgedAmount,
    Least,
    Less,
    Most,
    Multiple,
    Node,
    Per,
    Rate,
    Tiers,
    Total,
)
from contracts.rules.words import percent, plain, yuan
from services.policy_match.domain.wording.asked import Asked

FORMS = (Fixed, Rate, Per, Tiers, Case, Each, Total, Least, Most, Cap, Floor, Multiple, Less, Instalments, JudgedAmount)


def amount_words(item: Any, asked: Asked, row: str | None = None) -> str:
    """An amount, or a figure inside one, in yuan."""
    match item:
        case Decimal():
            return yuan(item)
        case Fixed():
            return amount_words(item.fixed, asked, row)
        case Rate():
            share = percent(item.rate) if isinstance(item.rate, Decimal) else _figure(item.rate, asked, row)
            return f"{_figure(item.of, asked, row)}的{share}"
        case Per():
            each = "每单位" if item.step is None else f"每满{in_unit_of(item.count, item.step, asked, row)}"
            return f"按{_figure(item.count, asked, row)}，{each}给{amount_words(item.per, asked, row)}"
        case Tiers():
            return _tiers(item, asked, row)
        case Case():
            ways = [f"{asked.test(rule)}的，{amount_words(pay, asked, row)}" for rule, pay in item.case]
            return "；".join([*ways, *([f"其余{amount_words(item.else_, asked, row)}"] if item.else_ is not None else [])])
        case Each():
            best = f"，取最高的 {item.best} 项" if item.best else ""
            return f"对每一条{asked.rows(item.each, item.where)}：{amount_words(item.pay, asked, item.each)}{best}"
        case Total():
            return "以下各项之和：" + "；".join(amount_words(part, asked, row) for part in item.sum)
        case Least() | Most():
            several = item.min if isinstance(item, Least) else item.max
            return f"以下各项中{'最低' if isinstance(item, Least) else '最高'}的：" + "；".join(
                amount_words(part, asked, row) for part in several
            )
        case Cap():
            return f"{amount_words(item.of, asked, row)}，最高不超过{amount_words(item.cap, asked, row)}"
        case Floor():
            return f"{amount_words(item.of, asked, row)}，最低{amount_words(item.floor, asked, row)}"
        case Multiple():
            return " × ".join(plain(part) if isinstance(part, Decimal) else amount_words(part, asked, row) for part in item.times)
        case Less():
            return f"{amount_words(item.less, asked, row)}，减去已付的{_figure(item.paid, asked, row)}"
        case Instalments():
            return "逐年分期：" + "、".join(amount_words(part, asked, row) for part in item.instalments)
        case JudgedAmount():
            low, high = item.between
            return f"由主管部门在{amount_words(low, asked, row)}至{amount_words(high, asked, row)}之间确定（{item.judged}）"
    return asked.value(item, row=row)


def _figure(item: Any, asked: Asked, row: str | None) -> str:
    return plain(item) if isinstance(item, Decimal) else amount_words(item, asked, row)


def _tiers(item: Tiers, asked: Asked, row: str | None) -> str:
    belongs = "恰为分界数的归下一档" if item.edge == "upto" else "恰为分界数的归上一档"
    steps = []
    for line, pay in item.tiers:
        paid = f"超过部分按{percent(pay)}" if item.marginal and isinstance(pay, Decimal) else amount_words(pay, asked, row)
        steps.append(f"{in_unit_of(item.on, line, asked, row)}起{paid}")
    return f"按{_figure(item.on, asked, row)}分档{'累进' if item.marginal else ''}：" + "；".join(steps) + f"（{belongs}）"


def in_unit_of(counted: Any, figure: Any, asked: Asked, row: str | None = None) -> str:
    """A step or a line between tiers, in the unit of what is counted or tiered."""
    entry = asked.entry(counted, row) if isinstance(counted, Node) else None
    return asked.terms.value(figure, entry) if isinstance(figure, Decimal) else _figure(figure, asked, row)
