"""From a condition in words to a test on facts.

Registry ids where the registry has the fact, `open.` ids where it has not, `judged` where only a person decides.

No condition is dropped. Every node bears the words it comes from; what the mapping had to take for granted is told as a note.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.rules import Registry
from services.catalog.domain.quantities import Comparison, Figure, numeral, plain
from services.catalog.domain.recognition import Condition

Node = dict[str, Any]

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
_QUARTER = re.compile(r"(20\d\d)年第?([一二三四])季度")
_YEAR = re.compile(r"(20\d\d)年")


@dataclass(frozen=True)
class Told:
    """A rule node, and what an officer should know about how it was made."""

    node: Node
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Setting:
    """Where the reading takes place: the registry, the deployment's city and, where the document is a district's, its code."""

    registry: Registry
    city: str
    place: str | None = None


def named(registry: Registry, codes: str, words: str) -> list[str]:
    """The codes of a list that the words name, longest wording first; a wording that stands under several codes means all of them."""
    table: Mapping[str, Sequence[str]] = registry.codes.get(codes, {})
    wordings = sorted({w for many in table.values() for w in many}, key=len, reverse=True)
    left, found = words, list[str]()
    for wording in wordings:
        if _plain_quotes(wording) in _plain_quotes(left):
            left = _plain_quotes(left).replace(_plain_quotes(wording), "■")
            found += [code for code, many in table.items() if wording in many and code not in found]
    return found


def _plain_quotes(words: str) -> str:
    return re.sub('[“”‘’"「」]', "", words)


def told(condition: Condition, words: str, setting: Setting) -> Told:
    """The test that a condition stands for. `words` are the condition's words without blanks."""
    registry = setting.registry
    name = condition.attribute
    if condition.comparison is not None:
        return _bounded(condition, condition.comparison, words)
    if condition.window is not None:
        day: Node = {"fact": f"open.{name}"}
        value = condition.value
        if isinstance(value, list):
            return Told(day | {"is": "between", "value": value})
        return Told(day | {"is": condition.operator, "value": value})
    match name:
        case "企业规模":
            return _size(words, registry)
        case "注册地" | "纳税地" | "统计地":
            return _place(name, words, setting)
        case "行业":
            codes = named(registry, "industry", words)
            if re.search(r"外贸|进出口", words):
                return Told({"fact": "foreign_trade_registered", "is": "=", "value": True})
            if codes:
                return Told({"fact": "industry", "is": "under", "value": codes}, ("行业按国民经济行业分类名称对应，请核对",))
            return Told({"fact": "open.行业", "is": "=", "value": words})
        case "主体类型":
            return _body(words, registry)
        case "纳税人类型":
            codes = named(registry, "taxpayer_type", words)
            return Told({"fact": "taxpayer_type", "is": "in", "value": codes}) if codes else Told({"judged": words})
        case "资质认定" | "首次认定":
            return _honour(name, words, registry)
        case "名单入选" | "项目入库":
            codes = named(registry, "lists", words)
            return Told({"fact": "lists", "is": "has", "value": codes or [_title(words)]})
        case "纳统情况":
            return _above_scale(words)
        case "信用状况" | "违法记录":
            return _credit(words, registry)
        case "上市板块":
            codes = named(registry, "stock_listing", words)
            return (
                Told({"fact": "stock_listing", "is": "in", "value": codes})
                if codes
                else Told({"fact": "open.上市板块", "is": "=", "value": words})
            )
        case "裁员率":
            zero: Node = {"fact": "layoff_rate", "period": "last_year", "is": "=", "value": 0}
            return Told({"any": [zero, {"judged": "少裁员"}]}) if "少裁员" in words else Told(zero)
        case "承租国有房产":
            return Told({"fact": "rents_state_premises", "is": "=", "value": True})
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
    if name in JUDGED:
        return Told({"judged": words})
    return Told({"fact": f"open.{name}", "is": "=", "value": words})


def _bounded(condition: Condition, comparison: Comparison, words: str) -> Told:
    figure = comparison.figures[0]
    notes = ("用语自相矛盾：严格比较与“含”并用",) if comparison.contradictory else ()
    test: Node = {"is": comparison.operator, "value": _amount(figure)}
    if comparison.operator == "between":
        test["value"] = [_amount(f) for f in comparison.figures]
    if figure.share:
        for part, fact, whole, of in SHARES:
            if re.search(part, words) and re.search(rf"占.*(?:{whole})|(?:{whole}).*(?:比|占)", words) and comparison.operator != "between":
                share = {"times": [test["value"], {"fact": of, "period": "last_year"}]}
                return Told({"fact": fact, "period": "last_year", "is": comparison.operator, "value": share}, notes)
    if condition.attribute == "成立年限" and (steps := _steps(figure)):
        turned = {">=": "<=", ">": "<", "<=": ">=", "<": ">"}.get(comparison.operator)
        if turned:
            return Told({"fact": "founded_on", "is": turned, "value": {"ago": steps}}, notes)
    known = FIGURES.get(condition.attribute)
    if known and figure.share and known[1] is None and known[0] not in ("layoff_rate",):
        growth = re.search(r"增长|增速|增幅", words)
        known = (known[0], "growth") if growth else None
    if known and known[1] is None and re.search(r"增量|净增|新增|增加额", words) and figure.money:
        known = (known[0], "increase")
    if re.search("美元|港元|港币|欧元|新台币", figure.unit):
        return Told({"judged": words}, ("金额以外币计，须按汇率折算后判断",))
    if known and known[1] == "growth" and "连续" in words:
        return Told({"judged": words}, ("连续数年的增长率须逐年核对",))
    if known:
        fact, take = known
        node: Node = {"fact": fact}
        if fact not in ("registered_capital", "paid_in_capital", "office_area", "voltage"):
            node["period"] = "month-1" if condition.attribute == "月销售额" else _period(words)
        if take:
            node["take"] = take
        if "period" in node and (several := _over(words, take)):
            node |= several
        return Told(node | test, notes)
    if condition.attribute in PROJECT_FIELDS:
        return Told({"some": "project", "where": [{"field": PROJECT_FIELDS[condition.attribute]} | test]}, notes)
    return Told({"fact": open_fact(condition.attribute, "条件")} | test, notes)


def open_fact(words: str, otherwise: str) -> str:
    """The id of a fact that the registry lacks, named by the words that ask for it."""
    return "open." + (re.sub(r"\W", "", words)[:24] or otherwise)


def _over(words: str, take: str | None) -> Node | None:
    """近两年均值, 近三年累计, 连续两年, 近三年平均增长率: the years taken together, and how."""
    years = re.search(r"(?:近|连续|前)([一二两三四五\d])(?:个)?(?:会计)?年度?", words)
    if years is None or (count := int(numeral(years[1]))) < 2:
        return None
    if take == "growth":
        return {"over": count} if re.search("平均|均", words) else None
    how = next(
        (
            how
            for said, how in (("均值|平均|年均", "mean"), ("总额|累计|合计|总和", "sum"), ("连续|均达|每年", "every"))
            if re.search(said, words)
        ),
        None,
    )
    return {"over": count, "take": how} if how else None


def _period(words: str) -> str:
    quarter = _QUARTER.search(words)
    if quarter:
        return f"{quarter[1]}Q{'一二三四'.index(quarter[2]) + 1}"
    year = _YEAR.search(words)
    if year:
        return year[1]
    return "this_year" if re.search(r"当年|本年度?", words) else "last_year"


def _amount(figure: Figure) -> Decimal | int | float:
    base = figure.base
    return plain(base) if base == base.to_integral_value() else base.normalize()


def _steps(figure: Figure) -> dict[str, int] | None:
    count = int(figure.value)
    return {
        "年": {"years": count},
        "会计年度": {"years": count},
        "个月": {"months": count},
        "天": {"days": count},
        "日": {"days": count},
    }.get(figure.unit)


def _any_of(tests: list[Node]) -> Node:
    return tests[0] if len(tests) == 1 else {"any": tests}


def _size(words: str, registry: Registry) -> Told:
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


def _place(name: str, words: str, setting: Setting) -> Told:
    fact = {"注册地": "district", "纳税地": "tax_district", "统计地": "statistics_district"}[name]
    codes = named(setting.registry, "district", words)
    if not codes and re.search(r"本区|我区|全区|区内|辖区", words) and setting.place:
        codes = [setting.place]
    if not codes and re.search(r"本市|我市|全市|市内", words):
        codes = [setting.city]
    if not codes and re.search(r"本省|我省|全省|省内", words):
        codes = [setting.city[:2] + "0000"]
    if codes:
        return Told({"fact": fact, "is": "under", "value": codes})
    return Told({"fact": f"open.{name}", "is": "=", "value": words}, ("地名不在本市行政区划表中",))


def _body(words: str, registry: Registry) -> Told:
    owners = named(registry, "ownership", words)
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
    forms = named(registry, "legal_form", words)
    if forms and not re.search(r"^(?:企业|单位)", words):
        return Told({"fact": "legal_form", "is": "in", "value": forms})
    return Told({"fact": "open.主体类型", "is": "=", "value": words})


_TITLE_VERB = re.compile(
    r"^.*?(?:首次|新)?(?:获评|荣获|获得|取得|被?认定为?|通过|评为|入选|入围|列为|列入|纳入|授予|获批|确认为|评定为|命名为|备案为|进入)(?:了|的|为)?"
)


def _title(words: str) -> str:
    return re.sub(r"^(?:对|为|给|首获|首次)+", "", _TITLE_VERB.sub("", words)).strip("的,、") or words


def _honour(name: str, words: str, registry: Registry) -> Told:
    titles = named(registry, "honours", words)
    notes: tuple[str, ...] = ()
    if not titles and "科技型企业" in words:
        titles, notes = ["高新技术企业", "科技型中小企业"], ("“科技型企业”没有统一的认定，按高新技术企业和科技型中小企业理解，请核对",)
    if "专精特新企业" in _plain_quotes(words):
        titles = [
            t
            for t in ("创新型中小企业", "专精特新中小企业", "专精特新“小巨人”")
            if t in registry.codes.get("honours", {}) and t != "创新型中小企业"
        ] or titles
    first = re.search(r"首次|首获|新认定|新获|新列入|新入选", words)
    if name == "首次认定" and not titles:
        return Told({"fact": "open.首次认定", "is": "=", "value": words})
    if not titles:
        titles = [t for t in re.split(r"、|和|及|或", _title(words)) if len(t) > 1] or [words]
    if first:
        where: list[Node] = [{"field": "name", "is": "in" if len(titles) > 1 else "=", "value": titles if len(titles) > 1 else titles[0]}]
        return Told({"some": "certificate", "where": [*where, {"field": "first", "is": "=", "value": True}]}, notes)
    return Told({"fact": "honours", "is": "has", "value": titles}, notes)


def _above_scale(words: str) -> Told:
    now: Node = {
        "fact": "above_scale",
        "period": "this_year" if re.search("当年|今年|第一季度", words) else "last_year",
        "is": "=",
        "value": True,
    }
    if re.search(r"首次|新|转规上|升规|进规|入规|上规|入统|纳统", words):
        before: Node = {
            "fact": "above_scale",
            "period": "year-2" if now["period"] == "last_year" else "last_year",
            "is": "=",
            "value": False,
        }
        return Told({"all": [now, before]}, ("“首次”按上一年度不在规上（限上）名录理解，请核对",))
    return Told(now)


def _credit(words: str, registry: Registry) -> Told:
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
    since = re.search(r"(?:近|前|最近)?([一二两三四五\d])年(?:内|来)?", words)
    if since and re.search(r"处罚|违法|违规|事故", words):
        kind, day = ("accident", "happened_on") if "事故" in words else ("penalty", "decided_on")
        where: list[Node] = [{"field": day, "is": ">=", "value": {"ago": {"years": int(numeral(since[1]))}}}]
        if kind == "penalty" and re.search("重大|严重", words):
            where.append({"field": "serious", "is": "=", "value": True})
        tests.append({"none": kind, "where": where})
    if not tests:
        return Told({"judged": words})
    return Told(tests[0] if len(tests) == 1 else {"all": tests})
