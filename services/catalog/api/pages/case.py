"""One case of a draft as a form: the enterprise's facts and records in words with units, and what should come of them."""

from contracts.rules import Registry
from services.catalog.api.html import Child, Html, h
from services.catalog.api.pages.correction import back
from services.catalog.api.pages.frame import Filled, form, page, row, table
from services.catalog.api.sessions import Seat
from services.catalog.domain.correcting.case_form import KNOWN, fact_count, kinds_on, row_count
from services.catalog.domain.correcting.cases import EXPECTED
from services.catalog.handlers import Kept
from services.chassis.problems import Problem


def case(seat: Seat, kept: Kept, title: str, position: str, filled: Filled, registry: Registry, *, wrong: Problem | None = None) -> str:
    """One case; `position` is its place, or new."""
    facts = {"": "（请选择）", **{name: fact.name for name, fact in sorted(registry.facts.items(), key=lambda item: item[1].name)}}
    others = {"": "（不增加）", **{name: rows.name for name, rows in registry.kinds.items() if name not in kinds_on(filled.values)}}
    return page(
        f"{'新用例' if position == 'new' else '改用例'}：{title or '（无名称）'}",
        seat,
        back(kept),
        h("p", "写一个企业的情况，和按规则应得的结果；保存后立即检验。没有填写的事实按“未知”处理，不当作零或否。"),
        form(
            seat,
            f"/desk/benefits/{kept.id}/case",
            h("input", type="hidden", name="case", value=position),
            filled.version(kept.version),
            filled.text("用例名称", "name", required=True, maxlength=100, hint="如 恰好达到营业收入标准的企业"),
            filled.text("判断的日期", "as_of", required=True, hint="如 2026-06-30"),
            filled.choice("应得的结果", "expect", EXPECTED),
            filled.text("应得金额（可不填）", "amount", hint="如 20万元；填写则金额也须相符"),
            h("h2", "事实"),
            table(
                ("属性", "期间（不分期间的留空）", "值（留空为未知）"),
                [_fact(at, filled, facts, registry) for at in range(fact_count(filled.values))],
            ),
            h("h2", "记录"),
            *(_records(kind, filled, registry) for kind in kinds_on(filled.values)),
            filled.choice("再填一类记录", "more", others),
            filled.why("理由"),
            h(
                "p",
                h("button", "保存用例", name="how", value="save"),
                " ",
                h("button", "再给几行空行（不保存）", name="how", value="more", class_="second", formnovalidate=True),
            ),
        ),
        wrong=wrong,
    )


def _fact(at: int, filled: Filled, facts: dict[str, str], registry: Registry) -> Html:
    name = f"fact.{at}"
    entry = registry.facts.get(filled.values.get(name, ""))
    example = {"bool": "是 或 否", "money": "如 2000万元", "ratio": "如 3%", "date": "如 2025-06-30", "set": "几个用顿号隔开；没有写“无”"}
    return row(
        filled.choice(f"属性 {at + 1}", name, facts),
        filled.text(
            f"期间 {at + 1}", f"{name}.period", placeholder="如 2025年" if entry is None or entry.periods else None, class_="short"
        ),
        filled.text(f"值 {at + 1}", f"{name}.value", placeholder=example.get(entry.type) if entry else None, class_="short"),
    )


def _records(kind: str, filled: Filled, registry: Registry) -> Html:
    rows = registry.kinds[kind]
    lines: list[Child] = []
    for at in range(row_count(filled.values, kind)):
        fields = [filled.text(entry.name, f"row.{kind}.{at}.{name}", class_="short") for name, entry in rows.fields.items()]
        lines.append(h("fieldset", h("legend", f"第 {at + 1} 条"), h("div", *(h("div", one) for one in fields), class_="steps")))
    return h("fieldset", h("legend", f"{rows.name}记录"), filled.choice("情况", f"known.{kind}", KNOWN), *lines)
