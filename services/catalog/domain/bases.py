"""What a share is a share of: the fact that the printed base names, an `open.` one where the registry has none."""

import re
from collections.abc import Sequence

from services.catalog.domain.attributes import MEASURED
from services.catalog.domain.bounds import FIGURES
from services.catalog.domain.naming import Node, Setting, open_fact
from services.catalog.domain.rows import Rows, added_up
from services.catalog.domain.times import period
from services.catalog.domain.vocabulary import fact_said

_GROWN = r"增量|净增|增长部分|新增|增长额"
_COST = r"费用|费率|利息|保费|租息|担保费"
# Whose figure it is when it is not the enterprise's own.
_PERSONAL = r"个人|个税|职工|人才|员工|高管|高级管理人员|法定代表人"
_INTEREST = re.compile(r"LPR|基准利率|贷款[^,。;]{0,8}利率|实际利率|同期[^,。;]{0,8}利率|市场报价利率")
_GROWN_ONLY = re.compile(r"(?:其|同比)?(?:增量|新增|增长|增加|超出)(?:部分|额)?")
_BARE = ("投资额", "投资总额", "实际投资额", "总投资", "投资", "新增投资额")


def base_of(named: str, described: Sequence[Rows], setting: Setting, *, near: str = "", points: bool = False) -> Node:
    """The figure that `named` words stand for; `near` are the words of the target before, which say of what a bare 投资额 is.

    A share of an interest rate is one of the interest paid, `points` of interest are of the principal.
    """
    if points:
        return added_up(described, "本金") or {"fact": open_fact("贷款本金", "贷款本金")}
    if _INTEREST.search(named) and not re.search("利息|贷款额|本金", named):
        return added_up(described, "利息") or {"fact": open_fact("贷款利息按" + named.removesuffix("给予"), "贷款利息")}
    return added_up(described, named) or fact_named(named, setting, near=near)


def fact_named(words: str, setting: Setting, *, near: str = "") -> Node:
    """The fact of the registry, or an `open.` one named by the words."""
    if re.search(_PERSONAL, words):
        return {"fact": open_fact(words, "金额基数")}
    if _GROWN_ONLY.fullmatch(words) and (fact := fact_said(near, setting.registry)):  # 营业收入增长的, 按增量部分的2%
        return {"fact": fact, "period": period(near), "take": "increase"}
    if words in _BARE:
        said = re.findall(r"固定资产投资|设备(?:\(?[^,。;()]{0,6}\)?)?投资|技术改造投资", near)
        words = said[-1] + "额" if said else words
        if not said:
            return {"fact": open_fact(words, "金额基数")}
    cost = re.search(_COST, words) and not re.search("研发|研究开发", words)
    for row in MEASURED:
        if not cost and row.attribute in FIGURES and not row.units and words and re.search(row.subject, words):
            fact, take = FIGURES[row.attribute]
            if fact in ("registered_capital", "paid_in_capital"):
                return {"fact": fact}
            node: Node = {"fact": fact, "period": period(words)}
            if take or re.search(_GROWN, words):
                node["take"] = take if take == "increase" else "increase"
            return node
    said_fact = fact_said(words, setting.registry)
    if said_fact:
        grown = {"take": "increase"} if re.search(_GROWN, words) else {}
        return {"fact": said_fact, "period": period(words), **grown}
    return {"fact": open_fact(words, "金额基数")}
