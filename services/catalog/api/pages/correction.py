"""Conditions as forms: one test corrected, given to a person or taken out, and one more put into a group; never JSON."""

from collections.abc import Mapping
from typing import Any

from contracts.rules import Entry, Registry
from services.catalog.api.html import Child, Html, h
from services.catalog.api.pages.frame import Filled, field, form, page
from services.catalog.api.sessions import Seat
from services.catalog.domain.correcting.conditions import OPERATORS, QUANTIFIERS, TAKES
from services.catalog.domain.correcting.figures import printed, written_figure
from services.catalog.domain.correcting.paths import record_of
from services.catalog.domain.correcting.values import PERIODS, written
from services.catalog.handlers import Kept
from services.chassis.problems import Problem


def back(kept: Kept) -> Html:
    """The way back to the benefit."""
    return h("p", h("a", "← 返回事项（不保存）", href=f"/desk/benefits/{kept.id}"))


def correction(
    seat: Seat,
    kept: Kept,
    title: str,
    path: str,
    node: Mapping[str, Any],
    filled: Filled,
    registry: Registry,
    *,
    kind: str | None,
    wrong: Problem | None = None,
) -> str:
    """Correct one test by its fields; what the form cannot show is kept, or given to a person to decide, or taken out."""
    hidden = [h("input", type="hidden", name="path", value=path), filled.version(kept.version)]
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
        correct = [h("h2", "改正"), form(seat, to, *hidden, *condition_fields(filled, registry, kind, bare=False), filled.why(), save)]
    elif isinstance(where, list):
        correct = [h("h2", "改正"), h("p", "这一项是对记录的条件，请逐条改正："), h("ul", *rows)]
    elif "judged" in node:
        fields = condition_fields(filled, registry, None, bare=False)
        correct = [h("h2", "改为可比对的条件"), form(seat, to, *hidden, *fields, filled.why(), save)]
    more = "在这类记录里增加一项条件" if isinstance(where, list) else "在这一项旁边增加一项条件"
    return page(
        f"改正规则：{title or '（无名称）'}",
        seat,
        back(kept),
        h("blockquote", node["quote"], class_="clause") if node.get("quote") else h("p", "这一项没有原文依据。", class_="bad"),
        correct,
        h("p", h("a", more, href=f"/desk/benefits/{kept.id}/more?path={path}")) if kind is None else None,
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


WAYS = {"fact": "对企业的一项事实", "record": "对记录（证书、处罚、项目等）", "judge": "只能由人认定的"}
"""The ways of a new condition."""


def addition(
    seat: Seat,
    kept: Kept,
    title: str,
    path: str,
    node: Mapping[str, Any],
    filled: Filled,
    registry: Registry,
    *,
    how: str,
    clause: str,
    wrong: Problem | None = None,
) -> str:
    """One more condition: on a fact, on records, or for a person to decide; its words are taken from the clause."""
    kind = record_of(node)
    lone = kind is None and not any(isinstance(node.get(key), list) for key in ("all", "any", "of"))
    ways = [
        h("li", words if name == how else h("a", words, href=f"/desk/benefits/{kept.id}/more?path={path}&how={name}"))
        for name, words in WAYS.items()
    ]
    fields: list[Child]
    if how == "fact":
        fields = [*condition_fields(filled, registry, kind, bare=True)]
    elif how == "record":
        fields = [
            filled.choice("哪一类记录", "kind", {"": "（请选择）", **{name: rows.name for name, rows in registry.kinds.items()}}),
            filled.choice("要求", "quantifier", QUANTIFIERS, hint="保存后，可在这一项里逐条增加记录须符合的条件"),
            filled.text("不少于几条（仅在按条数时填写）", "at_least", inputmode="numeric"),
        ]
    else:
        fields = [filled.text("由人认定的内容（留空用原话）", "words")]
    return page(
        f"增加条件：{title or '（无名称）'}",
        seat,
        back(kept),
        h("h2", "条文"),
        h("p", clause, class_="clause"),
        h("h2", f"增加：{WAYS[how] if kind is None else '对这类记录的一个字段'}"),
        h("ul", *ways, class_="ways") if kind is None else None,
        form(
            seat,
            f"/desk/benefits/{kept.id}/more",
            h("input", type="hidden", name="path", value=path),
            filled.version(kept.version),
            filled.text("所依据的原话（从上面的条文中摘录）", "quote", required=True, hint="没有原文依据的条件不能加入"),
            *fields,
            filled.choice("与现有这一项的关系", "either", {"": "同时符合", "1": "符合其一即可"}) if lone else None,
            filled.why("增加的理由"),
            h("p", h("button", "增加这一条件", name="how", value=how)),
        ),
        wrong=wrong,
    )


def condition_fields(filled: Filled, registry: Registry, kind: str | None, *, bare: bool) -> list[Html]:
    """The fields of one test; `bare`: nothing stands there yet that could stay."""
    hint = "如 2000万元、3%、2025年6月30日、1年前、小型、微型、3% × 上年度营业收入；几个值用顿号隔开" + ("" if bare else "；留空则不改")
    value = filled.text("值", "value", hint=hint)
    if kind is not None:
        names = {name: entry.name for name, entry in registry.kinds[kind].fields.items()}
        return [filled.choice("字段", "attribute", names), filled.choice("比较", "operator", OPERATORS), value]
    names = {name: f"{fact.name}（{name}）" for name, fact in sorted(registry.facts.items(), key=lambda item: item[1].name)}
    given = filled.values.get("period", "")
    periods = PERIODS if given in PERIODS else {**PERIODS, given: printed(given)}
    return [
        filled.choice("属性", "attribute", {"": "（见“其他属性”）", **names}),
        filled.text("其他属性（登记表里没有的，写名称）", "other"),
        filled.choice("取什么数", "take", TAKES),
        filled.choice("期间", "period", periods),
        filled.text("或写明期间", "printed", hint="如 2025年、2025年第1季度、2025年3月；填了就用这里的"),
        filled.choice("比较", "operator", OPERATORS),
        value,
    ]


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
        shown = printed(str(value))
    elif isinstance(value, Mapping) and value.keys() != {"ago"}:
        shown = written_figure(value, entry.type if entry else "number", registry, kind=kind)
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
