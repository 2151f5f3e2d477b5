"""From a condition in words to a test on facts.

Registry ids where the registry has the fact, `open.` ids where it has not, `judged` where only a person decides.

No condition is dropped. Every node bears the words it comes from; what the mapping had to take for granted is told as a note.
"""

import re
from dataclasses import replace

from contracts.rules import Registry
from services.catalog.domain.bounds import bounded, rank
from services.catalog.domain.condition import Condition
from services.catalog.domain.conduct import credit, record_of_conduct
from services.catalog.domain.events import changed_form, market_step, moved_or_founded
from services.catalog.domain.naming import Node, Setting, Told, all_of, named, named_at, open_fact
from services.catalog.domain.passage import Span
from services.catalog.domain.phrases import phrase_of
from services.catalog.domain.rows import staffed
from services.catalog.domain.subjects import above_scale, body, place, size, trade
from services.catalog.domain.titles import honour, listed
from services.catalog.domain.vocabulary import state

# Attributes that name a state only a person can see.
JUDGED = frozenset(
    {
        "受疫情影响", "生产经营困难", "缴税困难", "示范效应", "产业政策符合", "财务管理制度", "风险可控", "证明材料", "评估结果",
        "验收结果", "其他条件", "成果转化", "经营项目", "接待要求", "资金用途", "房产用途", "设备用途", "参加展会", "签订合同",
        "产品或业务", "兼并重组", "租赁要求", "定损核赔", "贷款风险发生", "项目类型", "项目状态", "标准制定", "知识产权",
    }
)  # fmt: skip


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
        return bounded(condition, condition.comparison, words, text, setting)
    if condition.window is not None:
        return _dated(condition)
    if condition.operator == "contains" and name in ("行业", "主体类型") and not named(registry, "industry", words):
        return _phrase(words, registry)  # kept as it stands, under the word it ends on
    match name:
        case "企业规模":
            grown = text[max(0, condition.span.start - 1) : condition.span.start] in ("扩", "加")  # 扩大|中小微企业
            return size(words[1:] if grown and words.startswith("大") else words, registry)
        case "注册地" | "纳税地" | "统计地":
            return place(name, around if re.search("均|都", around) else words, setting)
        case "行业":
            return trade(condition, words, text, setting)
        case "主体类型":
            if re.search(r"(?:单位|企业)(?:和|及|、|或)$", text[max(0, condition.span.start - 4) : condition.span.start]):
                return Told(
                    {"fact": "legal_form", "is": "in", "value": list(registry.codes["legal_form"])}
                )  # 单位和个体工商户: of any form
            return body(words, registry)
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
            return moved_or_founded(words, around)
        case "纳统情况":
            return above_scale(words, around, registry)
        case "信用状况" | "违法记录":
            return credit(words, around, registry)
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
        case "经营状况" if re.search(r"(?:无法|不能|未能|难以|未)", text[phrase.start : condition.span.start]):
            return Told({"judged": around})
        case "经营状况":
            return Told({"fact": "status", "is": "=", "value": "存续"})
        case "入驻载体" | "园区":
            codes = named(registry, "park", words)
            return (
                Told({"fact": "park", "is": "in", "value": codes}) if codes else Told({"fact": "open.入驻载体", "is": "=", "value": words})
            )
        case "产品或业务" if re.match("从事|经营", words):
            answer = trade(condition, words, text, setting)
            return answer if "open." not in str(answer.node) else Told({"judged": words})
        case "投保险种" if "出口信用" in words:
            return Told({"fact": "export_insured", "period": "this_year", "is": "=", "value": True})
        case "实际到资" if "条件" in words:
            return Told({"judged": words})
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
        return Told(all_of(records))
    if node := state(words, registry):
        return Told({"not": node} if re.search("未|无|没有|不", words) else node)
    return Told({"judged": words})


def _dated(condition: Condition) -> Told:
    """A day of the enterprise's own (成立, 认定) or one that the registry does not have."""
    value = condition.value
    test: Node = {"is": "between" if isinstance(value, list) else condition.operator, "value": value}
    if condition.attribute == "注册时间":
        return Told({"fact": "founded_on"} | test)
    return Told({"fact": f"open.{condition.attribute}"} | test)


def _first(condition: Condition, text: str, registry: Registry) -> Told:
    """首次 without an attribute of its own beside it: of a title, of the statistics' lists, else a fact that the registry lacks."""
    titles, _ = named_at(registry, "honours", text, condition.span)
    if titles:
        return honour(text, condition.span, registry)
    words = text[condition.span.start : condition.span.end]
    if re.search(r"规上|上规|规模以上|限额以上|限上|入统|纳统|升规|入规", words):
        return above_scale(words, words, registry)
    return Told({"fact": open_fact(words, "首次"), "is": "=", "value": True})
