"""One test of a rule as a form: attribute, operator, value and period as officers write them, never JSON."""

from collections.abc import Mapping
from typing import Any

from contracts.rules import Entry, Registry
from services.catalog.api.html import Child, Html, h
from services.catalog.api.pages.frame import choice, field, form, page
from services.catalog.api.sessions import Seat
from services.catalog.domain.correcting import OPERATORS, PERIODS, TAKES, written
from services.catalog.handlers import Kept
from services.chassis.problems import Problem


def correction(
    seat: Seat,
    kept: Kept,
    title: str,
    path: str,
    node: Mapping[str, Any],
    given: Mapping[str, str],
    registry: Registry,
    *,
    kind: str | None,
    wrong: Problem | None = None,
) -> str:
    """Correct one test by its fields; what the form cannot show is kept, or given to a person to decide, or taken out."""
    heading = [
        h("p", h("a", "返回事项", href=f"/desk/benefits/{kept.id}")),
        h("blockquote", node["quote"], class_="clause") if node.get("quote") else h("p", "这一项没有原文依据。", class_="bad"),
    ]
    hidden = [h("input", type="hidden", name="path", value=path), h("input", type="hidden", name="version", value=kept.version)]
    why = field("改正的理由", "why", given.get("why", ""), area=True, required=True, maxlength=2000)
    where = node.get("where")
    rows = [
        h("li", h("a", f"改正所含条件 {n + 1}", href=f"/desk/benefits/{kept.id}/test?path={path}/where/{n}"))
        for n, one in enumerate(where if isinstance(where, list) else [])
        if "field" in one or "fact" in one
    ]
    to = f"/desk/benefits/{kept.id}/test"
    save = h("p", h("button", "保存改正", name="how", value="correct"))
    correct: Child = None
    if "fact" in node or "field" in node:
        correct = [
            h("h2", "改正"),
            form(seat, to, *hidden, *_fields(given, registry, kind), why, save),
        ]
    elif rows:
        correct = [h("h2", "改正"), h("p", "这一项是对记录的条件，请逐条改正："), h("ul", *rows)]
    elif "judged" in node:
        correct = [
            h("h2", "改为可比对的条件"),
            form(seat, to, *hidden, *_fields(given, registry, None), why, save),
        ]
    return page(
        f"改正规则：{title or '（无名称）'}",
        seat,
        *heading,
        correct,
        h("h2", "不能比对的"),
        form(
            seat,
            to,
            *hidden,
            field("由人认定的内容（留空用原文）", "words"),
            field("理由", "why-judged", area=True, required=True, maxlength=2000),
            h("p", h("button", "改为由人认定", name="how", value="judge", class_="second")),
        ),
        h("h2", "不该有的"),
        form(
            seat,
            to,
            *hidden,
            field("理由", "why-remove", area=True, required=True, maxlength=2000),
            h("p", h("button", "删除这一项", name="how", value="remove", class_="second")),
        ),
        wrong=wrong,
    )


def _fields(given: Mapping[str, str], registry: Registry, kind: str | None) -> list[Html]:
    if kind is not None:
        names = {name: entry.name for name, entry in registry.kinds[kind].fields.items()}
        return [
            choice("字段", "attribute", names, given["attribute"]),
            choice("比较", "operator", OPERATORS, given["operator"]),
            _value(given),
        ]
    names = {name: f"{fact.name}（{name}）" for name, fact in sorted(registry.facts.items(), key=lambda item: item[1].name)}
    periods = PERIODS if given["period"] in PERIODS else {**PERIODS, given["period"]: given["period"]}
    return [
        choice("属性", "attribute", {"": "（见“其他属性”）", **names}, given["attribute"]),
        field("其他属性（登记表里没有的，写名称）", "other", given["other"]),
        choice("取什么数", "take", TAKES, given["take"]),
        choice("期间", "period", periods, given["period"]),
        field("或写明期间", "printed", given.get("printed", ""), hint="如 2025年、2025年第1季度、2025年3月；填了就用这里的"),
        choice("比较", "operator", OPERATORS, given["operator"]),
        _value(given),
    ]


def _value(given: Mapping[str, str]) -> Html:
    hint = "如 2000万元、3%、2025年6月30日、1年前、小型、微型；几个值用顿号隔开；留空则不改"
    return field("值", "value", given["value"], hint=hint)


def fields_of(node: Mapping[str, Any], registry: Registry, kind: str | None) -> dict[str, str]:
    """What the form shows of a test."""
    attribute = str(node.get("field" if kind else "fact") or "")
    rows = registry.kinds.get(kind or "")
    entry: Entry | None = rows.fields.get(attribute) if rows else registry.facts.get(attribute)
    if node.get("take") == "growth":
        entry = Entry(name="", type="ratio")
    value = node.get("value")
    if node.get("is") == "between" and isinstance(value, list):
        shown = "至".join(written(end, entry, registry) for end in value)
    elif node.get("is") == "during":
        shown = PERIODS.get(str(value), str(value))
    else:
        shown = written(value, entry, registry)
    known = attribute in registry.facts or kind is not None
    return {
        "attribute": attribute if known else "",
        "other": "" if known else attribute.removeprefix("open."),
        "operator": str(node.get("is") or ">="),
        "value": shown,
        "period": str(node.get("period") or ""),
        "take": str(node["take"]) if node.get("take") in TAKES else "",
    }
