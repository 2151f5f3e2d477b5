"""Who the enterprise is: its size, place, trade, form and owners, and whether it is above scale."""

import re

from contracts.rules import Registry
from services.catalog.domain.condition import Condition
from services.catalog.domain.naming import Node, Setting, Told, all_of, any_of, named, named_at

EXPORTERS = re.compile(r"出口(?:型)?(?:生产|加工)?(?:企业|商|单位|主体)")
IMPORTERS = re.compile(r"进口(?:型)?(?:企业|商|单位|主体)")


def trade(condition: Condition, words: str, text: str, setting: Setting) -> Told:
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


def size(words: str, registry: Registry) -> Told:
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
    return Told(any_of(tests)) if tests else Told({"judged": words})


_PLACES = (("注册地", "district", "注册"), ("纳税地", "tax_district", "纳税|税务|税收"), ("统计地", "statistics_district", "统计|纳统"))


def place(name: str, words: str, setting: Setting) -> Told:
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
        return Told(all_of([{"fact": fact, "is": "under", "value": codes} for fact in facts]))
    return Told({"fact": f"open.{name}", "is": "=", "value": words}, ("地名不在本市行政区划表中",))


# 民法典 第七十六条, 第八十七条, 第一百条: legal persons that are enterprises, and the others; a partnership or a branch is none.
_ENTERPRISES = ("company", "cooperative")
_OTHER_LEGAL_PERSONS = ("institution", "association", "foundation", "social_service")


def body(words: str, registry: Registry) -> Told:
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
        return Told(any_of(tests))
    if re.search(r"法人(?:资格|地位)|独立法人|企业法人", words):
        return Told({"fact": "legal_form", "is": "in", "value": [*_ENTERPRISES, *(() if "企业" in words else _OTHER_LEGAL_PERSONS)]})
    forms = named(registry, "legal_form", words)
    if forms and not re.search(r"^(?:企业|单位)", words):
        return Told({"fact": "legal_form", "is": "in", "value": forms})
    return Told({"fact": "open.主体类型", "is": "=", "value": words})


_ABOVE_SCALE_IN = (("software_above_scale", r"软件"),)


def above_scale(words: str, around: str, registry: Registry) -> Told:
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
