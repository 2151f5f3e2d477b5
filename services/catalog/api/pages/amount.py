"""An amount as a form: its parts in words, another way to reckon it, taken out; what is too rich for a field has a page of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.rules import Registry
from services.catalog.api.html import Child, Html, h, text_of
from services.catalog.api.pages.correction import back, condition_fields
from services.catalog.api.pages.frame import Filled, form, page, tick
from services.catalog.api.sessions import Seat
from services.catalog.domain.correcting.amounts import EDGES, FORMS, SPARE, Form, Slot, form_of, is_amount
from services.catalog.handlers import Kept
from services.chassis.problems import Problem

UNSHOWN = "这一部分较复杂，留空则保持不变"


def amount(
    seat: Seat,
    kept: Kept,
    title: str,
    path: str,
    chosen: str,
    node: Mapping[str, Any] | None,
    filled: Filled,
    lines: Sequence[Mapping[str, Any]],
    registry: Registry,
    *,
    kind: str | None,
    clause: str,
    wrong: Problem | None = None,
) -> str:
    """One form of an amount; `chosen` is the form that is filled in, `lines` are the matcher's words for what stands there."""
    to = f"/desk/benefits/{kept.id}/amount"
    shape = FORMS[chosen]
    same = node is not None and form_of(node) == chosen
    words = {str(line["path"]): str(line["words"]) for line in lines}
    hidden = [h("input", type="hidden", name="path", value=path), filled.version(kept.version)]
    now = words.get(path) or (FORMS[form_of(node)].name if node is not None else "没有可以计算的金额")
    moves = (node is not None and not same and any(slot.main for slot in shape.slots)) or (not same and shape.holds == "parts")
    within = str(node["each"]) if node is not None and same and chosen == "each" else kind
    return page(
        f"改正金额：{title or '（无名称）'}",
        seat,
        back(kept),
        h("h2", "条文"),
        h("p", clause, class_="clause"),
        h("p", h("strong", "现在是：" if path == "amount" else "这一部分现在是："), now),
        h("p", h("a", "↑ 上一层金额", href=f"{to}?path={_above(path)}")) if path != "amount" else None,
        h("h2", f"{'改正' if same else '改为'}：{shape.name}"),
        h("p", "现在的金额会放进新的算法里面（留空的那一项）。", class_="quiet") if moves and node is not None else None,
        form(
            seat,
            to,
            *hidden,
            h("input", type="hidden", name="form", value=chosen),
            *(_slot(slot, node if same else None, path, filled, kept, words) for slot in shape.slots),
            *_special(chosen, node if same else None, path, filled, kept, registry),
            *_list(shape, chosen, node if same else None, path, filled, kept, words, registry),
            filled.text("所依据的原话（从条文中摘录）", "quote", hint="留空则沿用现有的原文依据") if path == "amount" else None,
            filled.why(),
            h("p", h("button", "保存金额", name="how", value="correct")),
        ),
        h("p", f"字段名可用：{_fields(within, registry)}", class_="quiet") if within else None,
        h("h2", "换一种算法"),
        h(
            "form",
            h("input", type="hidden", name="path", value=path),
            h("label", "算法", for_="other-form"),
            h(
                "select",
                *(h("option", one.name, value=name, selected=name == chosen) for name, one in FORMS.items()),
                id="other-form",
                name="form",
            ),
            " ",
            h("button", "换成这一种", class_="second"),
            method="get",
            action=to,
        ),
        _take_out(seat, to, hidden, path, node),
        wrong=wrong,
    )


def _above(path: str) -> str:
    """The place of the amount that holds this one."""
    steps = path.split("/")[:-1]
    while (len(steps) > 1 and steps[-1] in FORMS) or (len(steps) > 1 and steps[-1].isdecimal()):
        steps.pop()
    return "/".join(steps)


def _slot(slot: Slot, node: Mapping[str, Any] | None, path: str, filled: Filled, kept: Kept, words: Mapping[str, str]) -> Html:
    part = node.get(slot.key) if node is not None else None
    return text_of([_field(slot.label, slot.key, slot.hint, part, filled), _within(part, f"{path}/{slot.key}", kept, words)])


def _field(label: str, name: str, hint: str, part: Any, filled: Filled) -> Html:
    unshown = part is not None and not filled.values.get(name)
    return filled.text(label, name, hint="；".join(one for one in (UNSHOWN if unshown else "", hint) if one) or None)


def _within(part: Any, path: str, kept: Kept, words: Mapping[str, str]) -> Child:
    """The way to a part that is an amount of its own."""
    if not is_amount(part):
        return None
    told = words.get(path) or FORMS[form_of(part)].name
    return h("p", f"现为：{told}　", h("a", "改这一部分", href=f"/desk/benefits/{kept.id}/amount?path={path}"), class_="quiet")


def _special(chosen: str, node: Mapping[str, Any] | None, path: str, filled: Filled, kept: Kept, registry: Registry) -> list[Child]:
    if chosen == "judged":
        return [filled.text("由人确定的内容", "words", required=True, hint="如 一次性15—20万元，视贡献大小确定")]
    if chosen == "each":
        kinds = {"": "（请选择）", **{name: rows.name for name, rows in registry.kinds.items()}}
        where = node.get("where") if node is not None else None
        links = [
            h("li", h("a", f"改正所含条件 {n + 1}", href=f"/desk/benefits/{kept.id}/test?path={path}/where/{n}"))
            for n in range(len(where or ()))
        ]
        more = h("li", h("a", "增加一项条件", href=f"/desk/benefits/{kept.id}/more?path={path}"))
        return [
            filled.choice("逐项计算的是哪一类记录", "each", kinds),
            [h("p", "只算符合下列条件的记录：", class_="quiet"), h("ul", *links, more)] if node is not None else None,
        ]
    if chosen == "tiers":
        return [
            filled.choice("恰为分界数的", "edge", EDGES),
            tick("累进（各段分别按各段的比例）", "marginal", bool(filled.values.get("marginal"))),
        ]
    return []


def _list(
    shape: Form,
    chosen: str,
    node: Mapping[str, Any] | None,
    path: str,
    filled: Filled,
    kept: Kept,
    words: Mapping[str, str],
    registry: Registry,
) -> list[Child]:
    if shape.holds is None:
        return []
    key = chosen if shape.holds == "parts" else shape.holds
    items: Sequence[Any] = (node or {}).get(key) or ()
    found: list[Child] = []
    for at in range(len(items) + (0 if shape.holds == "case" else SPARE)):
        item = items[at] if at < len(items) else None
        place = f"{path}/{key}/{at}"
        drop = (
            tick(f"去掉第 {at + 1} {'档' if shape.holds == 'tiers' else '项'}", f"drop.{at}", bool(filled.values.get(f"drop.{at}")))
            if item is not None
            else None
        )
        if shape.holds == "parts":
            label = f"第 {at + 1} 项" + ("" if item is not None else "（可不填）")
            hint = "如 1.2、120%、20万元、上年度研发费用的5%" if chosen == "times" else "如 20万元、上年度研发费用的5%"
            found.append([_field(label, f"parts.{at}", hint, item, filled), _within(item, place, kept, words), drop])
            continue
        pay = item[1] if item is not None else None
        given = [
            _field(
                "给多少",
                f"pay.{at}",
                "如 20万元、上年度研发费用的5%" + ("；累进时写比例，如 5%" if shape.holds == "tiers" else ""),
                pay,
                filled,
            ),
            _within(pay, f"{place}/1", kept, words),
            drop,
        ]
        if shape.holds == "tiers":
            line = _field("起点", f"line.{at}", "如 0、2000万元", item[0] if item is not None else None, filled)
            found.append(h("fieldset", h("legend", f"第 {at + 1} 档" + ("" if item is not None else "（可不填）")), line, *given))
        else:
            links = [
                h("a", f"改正条件 {number}", href=f"/desk/benefits/{kept.id}/test?path={at_path}")
                for number, at_path in enumerate(_tests(item[0] if item is not None else None, f"{place}/0"), 1)
            ]
            told = h("p", words.get(f"{place}/0", "条件"), "　", *[part for link in links for part in (link, " ")])
            found.append(h("fieldset", h("legend", f"情形 {at + 1}"), told, *given))
    if shape.holds == "case":
        new = [
            *condition_fields(filled, registry, None, bare=True),
            filled.text("这种情形给多少", "pay.new", hint="如 20万元；不增加则留空"),
        ]
        found.append(h("details", h("summary", "增加一种情形"), *new, open=not items or bool(filled.values.get("pay.new"))))
    return found


def _tests(rule: Any, path: str) -> list[str]:
    """The places of the tests of a branch."""
    if not isinstance(rule, Mapping):
        return []
    for key in ("all", "any", "of"):
        if isinstance(rule.get(key), list):
            return [one for at, limb in enumerate(rule[key]) for one in _tests(limb, f"{path}/{key}/{at}")]
    return _tests(rule["not"], f"{path}/not") if "not" in rule else [path]


def _fields(kind: str, registry: Registry) -> str:
    return "、".join(entry.name for entry in registry.kinds[kind].fields.values() if entry.type in ("money", "number", "ratio"))


def _take_out(seat: Seat, to: str, hidden: Sequence[Child], path: str, node: Mapping[str, Any] | None) -> Child:
    if node is None:
        return None
    reason = Filled({}).text("理由", "why", key="why-remove", area=True, required=True, maxlength=2000)
    wraps = [slot for slot in FORMS[form_of(node)].slots if slot.main and is_amount(node.get(slot.key))]
    inner = h("button", f"只保留里面的“{wraps[0].label}”", name="how", value="unwrap", class_="second") if wraps else None
    whole = h("button", "删除金额（事项没有可以计算的金额）", name="how", value="remove", class_="second") if path == "amount" else None
    if inner is None and whole is None:
        return None
    return [h("h2", "不该有的"), form(seat, to, *hidden, reason, h("p", inner, " ", whole))]
