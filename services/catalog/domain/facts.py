"""From a condition in words to a test on facts.

Registry ids where the registry has the fact, `open.` ids where it has not, `judged` where only a person decides.

No condition is dropped. Every node bears the words it comes from; what the mapping had to take for granted is told as a note.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from contracts.rules import Registry
from services.catalog.domain.ladders import crossed, rungs
from services.catalog.domain.naming import Node, Setting, Told, named, named_at, open_fact
from services.catalog.domain.passage import Span
from services.catalog.domain.quantities import Comparison, Figure, numeral, plain
from services.catalog.domain.recognition import Condition
from services.catalog.domain.records import (
    changed_form,
    honour,
    listed,
    looked_back,
    market_step,
    moved_or_founded,
    phrase_of,
    record_of_conduct,
    staffed,
)
from services.catalog.domain.times import over, period, steps
from services.catalog.domain.vocabulary import fact_said, figure_fact, state

# Attributes that name a state only a person can see.
JUDGED = frozenset(
    {
        "受疫情影响", "生产经营困难", "缴税困难", "示范效应", "产业政策符合", "财务管理制度", "风险可控", "证明材料", "评估结果",
        "验收结果", "其他条件", "成果转化", "经营项目", "接待要求", "资金用途", "房产用途", "设备用途", "参加展会", "签订合同",
        "产品或业务", "兼并重组", "租赁要求", "定损核赔", "贷款风险发生", "项目类型", "项目状态", "标准制定", "知识产权",
    }
)  # fmt: skip
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
EXPORTERS = re.compile(r"出口(?!信用)")
IMPORTERS = re.compile(r"进口")


def told(condition: Condition, words: str, setting: Setting, *, text: str | None = None) -> Told:
    """The test that a condition stands for.

    `words` are the condition's words without blanks; `text` is the passage in which its span counts, by default the words alone.
    """
    registry = setting.registry
    name = condition.attribute
    if text is None:
        text, condition = words, replace(condition, span=Span(0, len(words)))
    phrase = phrase_of(text, condition.span)
    around = text[phrase.start : phrase.end]
    if (people := staffed(text, condition.span)) is not None:
        return people
    if name in ("主体类型", "资质认定", "其他条件") and (changed := changed_form(around)) is not None:
        return changed
    if condition.comparison is not None:
        return _bounded(condition, condition.comparison, words, text, setting)
    if condition.window is not None:
        return _dated(condition, around)
    if condition.operator == "contains" and name in ("行业", "主体类型") and not named(registry, "industry", words):
        return _phrase(words, registry)  # kept as it stands, under the word it ends on
    match name:
        case "企业规模":
            grown = text[max(0, condition.span.start - 1) : condition.span.start] in ("扩", "加")  # 扩大|中小微企业
            return _size(words[1:] if grown and words.startswith("大") else words, registry)
        case "注册地" | "纳税地" | "统计地":
            return _place(name, around if re.search("均|都", around) else words, setting)
        case "行业":
            return _trade(condition, words, text, setting)
        case "主体类型":
            if re.search(r"(?:单位|企业)(?:和|及|、|或)$", text[max(0, condition.span.start - 4) : condition.span.start]):
                return Told(
                    {"fact": "legal_form", "is": "in", "value": list(registry.codes["legal_form"])}
                )  # 单位和个体工商户: of any form
            return _body(words, registry)
        case "纳税人类型":
            codes = named(registry, "taxpayer_type", words)
            return Told({"fact": "taxpayer_type", "is": "in", "value": codes}) if codes else Told({"judged": words})
        case "资质认定":
            return honour(text, condition.span, registry)
        case "首次认定":
            return _first(condition, text, registry)
        case "名单入选" | "项目入库":
            return listed(text, condition.span, registry)
        case "新设或迁入":
            return moved_or_founded(words, around, setting)
        case "纳统情况":
            return _above_scale(words, around, registry)
        case "信用状况" | "违法记录":
            return _credit(words, around, registry)
        case "上市板块":
            codes = named(registry, "stock_listing", words)
            board: Node = {"fact": "stock_listing", "is": "in", "value": codes}
            return Told(board if codes else {"fact": "open.上市板块", "is": "=", "value": words})
        case "上市阶段":
            return market_step(around, registry)
        case "裁员率":
            zero: Node = {"fact": "layoff_rate", "period": "last_year", "is": "=", "value": 0}
            return Told({"any": [zero, {"judged": "少裁员"}]}) if "少裁员" in words else Told(zero)
        case "承租国有房产":
            return Told({"fact": "rents_state_premises", "is": "=", "value": True})
        case "经营状况" if re.search(r"(?:无法|不能|未能|难以)$", text[max(0, condition.span.start - 3) : condition.span.start]):
            return Told({"judged": around})
        case "经营状况":
            return Told({"fact": "status", "is": "=", "value": "存续"})
        case "入驻载体" | "园区":
            codes = named(registry, "park", words)
            return (
                Told({"fact": "park", "is": "in", "value": codes}) if codes else Told({"fact": "open.入驻载体", "is": "=", "value": words})
            )
        case "投保险种" if "出口信用" in words:
            return Told({"fact": "export_insured", "period": "this_year", "is": "=", "value": True})
        case "实际到资":
            return Told({"fact": "foreign_capital_paid", "period": "last_year", "is": ">", "value": 0})
        case "公益捐赠":
            return Told({"fact": "donation", "period": "this_year", "is": ">", "value": 0})
    if name == "榜单排名" and (ranked := rank(around, setting)):
        return Told(ranked)
    if name not in _OF_PROJECTS and (node := state(words, registry)):
        return Told({"not": node} if re.match("未|无|没有|不得?(?!低)", words) else node)
    if name in JUDGED:
        return Told({"judged": words})
    return Told({"fact": f"open.{name}", "is": "=", "value": words})


# What is asked of a project or a thing says nothing of the enterprise's own state.
_OF_PROJECTS = frozenset({"项目类型", "设备用途", "产品或业务", "进口产品", "参加展会", "标准制定"})


def _phrase(words: str, registry: Registry) -> Told:
    """A phrase that no wording knows: conduct, a state the registry names, else a person's judgement."""
    if records := record_of_conduct(words):
        return Told(_all_of(records))
    if node := state(words, registry):
        return Told({"not": node} if re.search("未|无|没有|不", words) else node)
    return Told({"judged": words})


def _dated(condition: Condition, around: str) -> Told:
    """A day of the enterprise's own (成立, 认定) or one that the registry does not have."""
    value = condition.value
    test: Node = {"is": "between" if isinstance(value, list) else condition.operator, "value": value}
    if condition.attribute == "注册时间":
        return Told({"fact": "founded_on"} | test)
    return Told({"fact": f"open.{condition.attribute}"} | test)


def _trade(condition: Condition, words: str, text: str, setting: Setting) -> Told:
    if re.search(r"外贸|进出口", words):
        return Told({"fact": "foreign_trade_registered", "is": "=", "value": True})
    codes, _ = named_at(setting.registry, "industry", text, condition.span)
    printed = re.match(r"[^(]{0,12}\(((?:\d{2}、?)+)\)", text[condition.span.start :])
    if printed and codes:
        known = setting.registry.codes["industry"]
        codes = [c for number in printed[1].split("、") for c in known if re.fullmatch(f"[A-T]{number}", c)] or codes
    if codes:
        return Told({"fact": "industry", "is": "under", "value": codes}, ("行业按国民经济行业分类名称对应，请核对",))
    return Told({"fact": "open.行业", "is": "=", "value": words})


def _first(condition: Condition, text: str, registry: Registry) -> Told:
    """首次 without an attribute of its own beside it: of a title, of the statistics' lists, else a fact that the registry lacks."""
    titles, _ = named_at(registry, "honours", text, condition.span)
    if titles:
        return honour(text, condition.span, registry)
    words = text[condition.span.start : condition.span.end]
    if re.search(r"规上|上规|规模以上|限额以上|限上|入统|纳统|升规|入规", words):
        return _above_scale(words, words, registry)
    return Told({"fact": open_fact(words, "首次"), "is": "=", "value": True})


def _bounded(condition: Condition, comparison: Comparison, words: str, text: str, setting: Setting) -> Told:
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
        return Told(_all_of(records), notes)
    if figure.share and comparison.operator != "between" and (share := _share_of(words, registry) or _share_of(around, registry)):
        part, of = share
        whole = {"times": [test["value"], {"fact": of, "period": period(words)}]}
        return Told({"fact": part, "period": period(words), "is": comparison.operator, "value": whole}, notes)
    turned = {">=": "<=", ">": "<", "<=": ">=", "<": ">"}.get(comparison.operator)
    if condition.attribute == "成立年限" and (span := steps(figure)) and turned:
        return Told({"fact": "founded_on", "is": turned, "value": {"ago": span}}, notes)
    if re.search("美元|港元|港币|欧元|新台币", figure.unit):
        return Told({"judged": words}, ("金额以外币计，须按汇率折算后判断",))
    fact, take = _known(condition.attribute)
    said = figure_fact(words[: words.find(str(plain(figure.value)))] or words, figure, registry)
    if said and condition.attribute not in ("月销售额", *PROJECT_FIELDS):
        fact, take = said, take if said == fact else None
    entry = registry.facts.get(fact or "")
    if fact and entry and entry.type == "date" and (span := steps(figure)) and turned:
        return Told({"fact": fact, "is": turned, "value": {"ago": span}}, notes)
    if fact and entry and figure.share and take != "growth" and entry.type != "ratio":
        grows = entry.periods and re.search(r"增长|增速|增幅|增加|提高|同比|较", words)
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
            return Told(_any_of(ways), (*notes, "“首次”按此前各年均未达到该线理解"))
        return Told(node | test, notes)
    if condition.attribute == "榜单排名" and (ranked := rank(around, setting)):
        return Told(ranked)
    if condition.attribute in PROJECT_FIELDS:
        return Told({"some": "project", "where": [{"field": PROJECT_FIELDS[condition.attribute]} | test]}, notes)
    return Told({"fact": open_fact(condition.attribute, "条件")} | test, notes)


def _known(attribute: str) -> tuple[str | None, str | None]:
    return FIGURES.get(attribute, (None, None))


def _share_of(words: str, registry: Registry) -> tuple[str, str] | None:
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


def _all_of(tests: list[Node]) -> Node:
    return tests[0] if len(tests) == 1 else {"all": tests}


def _any_of(tests: list[Node]) -> Node:
    return tests[0] if len(tests) == 1 else {"any": tests}


def _size(words: str, registry: Registry) -> Told:
    if re.search(r"规下|规模以下|限下|限额以下", words):
        return Told({"fact": "above_scale", "period": "last_year", "is": "=", "value": False})
    if re.search(r"规模以上|规上|限额以上|限上", words):
        above: Node = {"fact": "above_scale", "period": "last_year", "is": "=", "value": True}
        industry = named(registry, "industry", words)
        return Told({"all": [above, {"fact": "industry", "is": "under", "value": industry}]}) if industry else Told(above)
    head = words.partition("企业")[0]
    codes = [code for char, code in (("大", "large"), ("中", "medium"), ("小", "small"), ("微", "micro")) if char in head]
    if "中小" in head and "micro" not in codes:
        codes.append("micro")  # 中小企业促进法 第二条: 中小企业 are the medium, the small and the micro
    tests: list[Node] = [{"fact": "size", "is": "in", "value": codes}] if codes else []
    if "个体" in words:
        tests.append({"fact": "legal_form", "is": "=", "value": "individual"})
    return Told(_any_of(tests)) if tests else Told({"judged": words})


_PLACES = (("注册地", "district", "注册"), ("纳税地", "tax_district", "纳税|税务|税收"), ("统计地", "statistics_district", "统计|纳统"))


def _place(name: str, words: str, setting: Setting) -> Told:
    fact = next(fact for attribute, fact, _ in _PLACES if attribute == name)
    facts = [fact, *(other for _, other, said in _PLACES if other != fact and re.search(said, words))]
    codes = named(setting.registry, "district", words)
    if not codes and re.search(r"本区|我区|全区|区内|辖区", words) and setting.place:
        codes = [setting.place]
    if not codes and re.search(r"本市|我市|全市|市内", words):
        codes = [setting.city]
    if not codes and re.search(r"本省|我省|全省|省内", words):
        codes = [setting.city[:2] + "0000"]
    if codes:
        return Told(_all_of([{"fact": fact, "is": "under", "value": codes} for fact in facts]))
    return Told({"fact": f"open.{name}", "is": "=", "value": words}, ("地名不在本市行政区划表中",))


# 民法典 第七十六条, 第八十七条, 第一百条: legal persons that are enterprises, and the others; a partnership or a branch is none.
_ENTERPRISES = ("company", "cooperative")
_OTHER_LEGAL_PERSONS = ("institution", "association", "foundation", "social_service")


def _body(words: str, registry: Registry) -> Told:
    owners = named(registry, "ownership", words)
    if "内资" in words:
        return Told({"fact": "ownership", "is": "not_in", "value": ["foreign", "hmt"]}, ("按所有制区分对象，请做公平竞争审查",))
    if re.search(r"台资|台商|台企", words):
        return Told({"fact": "taiwan_invested", "is": "=", "value": True})
    if owners:
        return Told({"fact": "ownership", "is": "in", "value": owners}, ("按所有制区分对象，请做公平竞争审查",))
    if EXPORTERS.search(words) or IMPORTERS.search(words):
        tests: list[Node] = []
        if EXPORTERS.search(words):
            tests.append({"fact": "exports", "period": "last_year", "is": ">", "value": 0})
        if IMPORTERS.search(words):
            tests.append({"fact": "imports", "period": "last_year", "is": ">", "value": 0})
        return Told(_any_of(tests))
    if re.search(r"法人(?:资格|地位)|独立法人|企业法人", words):
        return Told({"fact": "legal_form", "is": "in", "value": [*_ENTERPRISES, *(() if "企业" in words else _OTHER_LEGAL_PERSONS)]})
    forms = named(registry, "legal_form", words)
    if forms and not re.search(r"^(?:企业|单位)", words):
        return Told({"fact": "legal_form", "is": "in", "value": forms})
    return Told({"fact": "open.主体类型", "is": "=", "value": words})


_ABOVE_SCALE_IN = (("software_above_scale", r"软件"),)


def _above_scale(words: str, around: str, registry: Registry) -> Told:
    """In the statistics' lists of those above scale; 首次 is read as not having been in them the year before."""
    fact = next((fact for fact, said in _ABOVE_SCALE_IN if re.search(said, words)), "above_scale")
    trade = named(registry, "industry", re.sub("规模以上|规上|限额以上|限上|小升规|上规|统计", "", words)) if fact == "above_scale" else []
    if not trade and "工业" in words and fact == "above_scale":
        trade = named(registry, "industry", "工业")
    now: Node = {
        "fact": fact,
        "period": "this_year" if re.search("当年|今年|第一季度", around) else "last_year",
        "is": "=",
        "value": True,
    }
    if re.search(r"首次|新|转规上|升规|进规|入规|上规|入统|纳统", words):
        before: Node = {
            "fact": fact,
            "period": "year-2" if now["period"] == "last_year" else "last_year",
            "is": "=",
            "value": False,
        }
        tests = [now, before] + ([{"fact": "industry", "is": "under", "value": trade}] if trade else [])
        return Told({"all": tests}, ("“首次”按上一年度不在规上（限上）名录理解，请核对",))
    return Told({"all": [now, {"fact": "industry", "is": "under", "value": trade}]} if trade else now)


def _credit(words: str, around: str, registry: Registry) -> Told:
    grade = re.search(r"([A-D]\+?)级?", words)
    if grade and "纳税" in words:
        return Told({"fact": "tax_credit", "period": "last_year", "is": "=", "value": grade[1]})
    if grade and "信用" in words:
        return Told({"fact": "public_credit", "is": "=", "value": grade[1]})
    tests: list[Node] = []
    if re.search(r"失信|黑名单", words):
        tests.append({"fact": "dishonest", "is": "=", "value": False})
    if re.search(r"经营异常|异常名录", words):
        tests.append({"fact": "abnormal", "is": "=", "value": False})
    if re.search(r"拖欠.{0,4}工资|欠薪", words):
        tests.append({"fact": "wage_arrears", "is": "=", "value": False})
    tests += record_of_conduct(words)
    if not tests and (node := state(around, registry)):
        return Told(node)
    if not tests:
        return Told({"judged": words})
    return Told(tests[0] if len(tests) == 1 else {"all": tests})


def _settled(comparison: Comparison, setting: Setting) -> str:
    """The operator, with or without the figure as the document settles it for its bounding words."""
    said = setting.inclusive.get(comparison.wording)
    if said is None or comparison.operator == "between":
        return comparison.operator
    return comparison.operator[0] + ("=" if said else "")
