"""Bounded figures as tests: which fact a figure is said of, in which period, how it is taken; shares, ranks and first crossings."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from contracts.rules import Registry
from services.catalog.domain.condition import Condition
from services.catalog.domain.conduct import looked_back, record_of_conduct
from services.catalog.domain.ladders import crossed, rungs
from services.catalog.domain.naming import Node, Setting, Told, all_of, any_of, named_at, open_fact
from services.catalog.domain.phrases import phrase_of
from services.catalog.domain.quantities import Comparison, Figure, numeral, plain
from services.catalog.domain.times import over, period, steps
from services.catalog.domain.vocabulary import fact_said, figure_fact

# Attribute of a bounded figure -> fact, how it is taken.
FIGURES: Mapping[str, tuple[str, str | None]] = {
    "上年度营业收入": ("revenue", None),
    "营业收入增长率": ("revenue", "growth"),
    "主营业务收入": ("main_revenue", None),
    "年销售额": ("sales", None),
    "月销售额": ("sales", None),
    "利润总额": ("profit", None),
    "工业总产值": ("output_value", None),
    "工业总产值增量": ("output_value", "increase"),
    "研发费用": ("rd_expense", None),
    "研发费用增量": ("rd_expense", "increase"),
    "注册资本": ("registered_capital", None),
    "实缴注册资本": ("paid_in_capital", None),
    "固定资产投资额": ("fixed_investment", None),
    "设备投资额": ("equipment_investment", None),
    "纳税额": ("tax_paid", None),
    "地方经济贡献": ("local_contribution", None),
    "从业人数": ("employees", None),
    "参保人数": ("insured_persons", None),
    "裁员率": ("layoff_rate", None),
    "办公面积": ("office_area", None),
    "电压等级": ("voltage", None),
    "上缴工会经费": ("union_fee", None),
    "亩均税收": ("tax_per_mu", None),
    "出口额": ("exports", None),
    "进口额": ("imports", None),
    "资产总额": ("total_assets", None),
    "融资额": ("equity_financing", None),
}
PROJECT_FIELDS = {"项目总投资": "total", "单台设备金额": "equipment"}
# A share of one fact in another: 研发费用占营业收入的3%.
SHARES = (
    (r"研发|研究开发", "rd_expense", r"营业收入|销售收入|营收|收入", "revenue"),
    (r"科技人员|研发人员", "rd_staff", r"职工|员工|从业", "employees"),
    (r"主营业务收入", "main_revenue", r"营业收入|总收入", "revenue"),
    (r"高新技术产品", "hitech_revenue", r"收入", "revenue"),
    (r"捐赠", "donation", r"利润", "profit"),
)


def bounded(condition: Condition, comparison: Comparison, words: str, text: str, setting: Setting) -> Told:
    comparison = replace(comparison, operator=_settled(comparison, setting))
    figure = comparison.figures[0]
    registry = setting.registry
    notes = ("用语自相矛盾：严格比较与“含”并用",) if comparison.contradictory else ()
    test: Node = {"is": comparison.operator, "value": _amount(figure)}
    if comparison.operator == "between":
        test["value"] = [_amount(f) for f in comparison.figures]
    phrase = phrase_of(text, condition.span)
    around = text[phrase.start : max(condition.span.end, phrase.start)] if text != words else words
    whole_phrase = text[phrase.start : phrase.end]
    if re.search(r"罚款|处罚", whole_phrase) and (records := record_of_conduct(looked_back(text, condition.span) + whole_phrase)):
        return Told(all_of(records), notes)
    if figure.share and comparison.operator != "between" and (share := share_of(words, registry) or share_of(around, registry)):
        part, of = share
        whole = {"times": [test["value"], {"fact": of, "period": period(words)}]}
        return Told({"fact": part, "period": period(words), "is": comparison.operator, "value": whole}, notes)
    turned = {">=": "<=", ">": "<", "<=": ">=", "<": ">"}.get(comparison.operator)
    if condition.attribute == "成立年限" and (span := steps(figure)) and turned:
        return Told({"fact": "founded_on", "is": turned, "value": {"ago": span}}, notes)
    if turned in (">=", ">"):
        titles, _ = named_at(registry, "honours", text, phrase)
        since = _since_event(words, figure, titles)
        if since is not None:
            return Told(since, (*notes, "“之日起…内”按决定之日往前推算，请核对"))
    if (
        condition.attribute == "运营时间"
        and figure.unit in ("年", "个月")
        and (span := steps(figure))
        and comparison.operator in (">=", ">")
        and _OPERATES.search(words)
    ):
        begun: Node = {"fact": "founded_on", "is": turned, "value": {"ago": span}}
        return Told(all_of([begun, {"fact": "status", "is": "=", "value": "存续"}]), (*notes, "持续经营的时间按成立日期推算，请核对"))
    if re.search("美元|港元|港币|欧元|新台币", figure.unit):
        return Told({"judged": words}, ("金额以外币计，须按汇率折算后判断",))
    fact, take = _known(condition.attribute)
    if re.search("单品|产品|品种", words) and condition.attribute in ("年销售额", "工业总产值", "上年度营业收入") and not figure.share:
        return Told({"fact": open_fact("产品" + condition.attribute, "条件")} | test, notes)  # of a product, not of the enterprise
    if "申请" in words and condition.attribute == "知识产权":
        return Told({"fact": "open.专利申请数"} | test, notes)  # what is applied for is not held
    number = str(plain(figure.value))
    said = figure_fact(words[: words.find(number)] or words, figure, registry)
    said = said or figure_fact(around[: around.rfind(number)] if number in around else "", figure, registry)
    if said and condition.attribute not in ("月销售额", *PROJECT_FIELDS):
        fact, take = said, take if said == fact else None
    entry = registry.facts.get(fact or "")
    if fact and entry and entry.type == "date" and (span := steps(figure)) and turned:
        return Told({"fact": fact, "is": turned, "value": {"ago": span}}, notes)
    if fact and entry and figure.share and take != "growth" and entry.type != "ratio":
        grows = entry.periods and re.search(r"增长|增速|增幅|增加|提高|同比|较|比上|新增", words)
        fact, take = (fact, "growth") if grows else (None, None)
    if fact and take is None and re.search(r"增量|净增|新增|增加额", words) and figure.money:
        take = "increase"
    if take == "growth" and "连续" in words:
        return Told({"judged": words}, ("连续数年的增长率须逐年核对",))
    if fact:
        node: Node = {"fact": fact}
        if entry and entry.periods:
            node["period"] = "month-1" if condition.attribute == "月销售额" else period(words)
            if ("Q" in node["period"] or "quarter" in node["period"]) and "quarter" not in entry.periods:
                return Told({"judged": words}, (*notes, "登记表中这一事实没有季度数"))
        if take:
            node["take"] = take
        if "period" in node and (several := over(words, take)):
            node |= several
        if re.search(r"首次|首度", words) and node.get("period") in ("last_year", "this_year") and comparison.operator in (">=", ">"):
            ways = [crossed(node, _amount(rung), comparison.operator) for rung in rungs(text, condition.span.end, figure)]
            return Told(any_of(ways), (*notes, "“首次”按此前各年均未达到该线理解"))
        return Told(node | test, notes)
    if condition.attribute == "榜单排名" and (ranked := rank(around, setting)):
        return Told(ranked)
    if condition.attribute in PROJECT_FIELDS:
        return Told({"some": "project", "where": [{"field": PROJECT_FIELDS[condition.attribute]} | test]}, notes)
    counted = condition.attribute + (
        figure.unit if re.fullmatch("年|个月|天", figure.unit) and figure.unit[-1] not in condition.attribute else ""
    )
    return Told({"fact": open_fact(counted, "条件")} | test, notes)


# Within so long of something that happened: the row that tells of it. 创办 and 成立 are the founding, which is a fact.
_EVENTS: tuple[tuple[str, str, Node, str], ...] = (
    (r"(?:认定|获评|评定|获批|评为)", "certificate", {}, "awarded_on"),
    (r"(?:落户|迁入)", "change", {"field": "kind", "is": "=", "value": "迁入"}, "changed_on"),
    (r"(?:上市|挂牌)", "public_listing", {}, "listed_on"),
    (r"(?:纳统|入统|入库|升规|上规)", "listing", {}, "listed_on"),
    (r"贷款(?:发放)?|放款", "loan", {}, "drawn_on"),
)


def _since_event(words: str, figure: Figure, titles: Sequence[str]) -> Node | None:
    """自认定之日起12个月内: a row of that day, no longer ago than the words say; None where no record tells of the event."""
    span = steps(figure)
    if span is None:
        return None
    if re.search(r"(?:创办|开办|成立|设立|注册)(?:登记)?(?:之日|当日)?(?:起|后)", words):
        return {"fact": "founded_on", "is": ">=", "value": {"ago": span}}
    for event, kind, test, day in _EVENTS:
        if re.search(rf"{event}(?:之日|当日|当年|之后)?(?:起|后)", words):
            recent: Node = {"field": day, "is": ">=", "value": {"ago": span}}
            of: Node = {"field": "name", "is": "in", "value": list(titles)} if kind == "certificate" and titles else test
            return {"some": kind, "where": [of, recent] if of else [recent]}
    return None


_OPERATES = re.compile(r"(?<!后续)(?:经营|运营|营业|运行)")


def _known(attribute: str) -> tuple[str | None, str | None]:
    return FIGURES.get(attribute, (None, None))


def share_of(words: str, registry: Registry) -> tuple[str, str] | None:
    """The part and the whole of a share: 研发费用占营业收入的比例."""
    for part, fact, whole, of in SHARES:
        if re.search(part, words) and re.search(rf"占.*(?:{whole})|(?:{whole}).*(?:比|占)", words):
            return fact, of
    left, joined, right = words.partition("占")
    pair = (fact_said(left, registry), fact_said(right, registry)) if joined else (None, None)
    return (pair[0], pair[1]) if pair[0] and pair[1] and pair[0] != pair[1] else None


_RANK = re.compile(r"前(?:(?P<p>\d+(?:\.\d+)?)%|(?P<n>\d+|[一二三四五六七八九十]+)(?:名|位|强)?)")


def rank(words: str, setting: Setting) -> Node | None:
    """A place among the enterprises of the city by a figure of the registry; None where the ranking is somebody else's list."""
    place = _RANK.search(words)
    fact = fact_said(words[: place.start()], setting.registry) if place else None
    if place is None or fact is None:
        return None
    before = words[: place.start()]
    take = (
        {"take": "increase"} if re.search("增加额|增量|净增", before) else {"take": "growth"} if re.search("增速|增幅|增长", before) else {}
    )
    among: Node = {"fact": "district", "is": "under", "value": [setting.place if setting.place and "区" in before else setting.city]}
    by = "percentile" if place["p"] else "rank"
    value = (Decimal(place["p"]) / 100).normalize() if place["p"] else int(numeral(place["n"]))
    return {by: fact, "period": period(before), **take, "among": among, "is": "<=", "value": value}


def _amount(figure: Figure) -> Decimal | int | float:
    base = figure.base
    return plain(base) if base == base.to_integral_value() else base.normalize()


def _settled(comparison: Comparison, setting: Setting) -> str:
    """The operator, with or without the figure as the document settles it for its bounding words."""
    said = setting.inclusive.get(comparison.wording)
    if said is None or comparison.operator == "between":
        return comparison.operator
    return comparison.operator[0] + ("=" if said else "")
