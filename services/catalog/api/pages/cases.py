"""The cases of a benefit: what became of each and why, and what an editor can do about it."""

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.rules import Registry
from services.catalog.api.html import Child, Html, h, text_of
from services.catalog.api.pages.frame import choice, field, form, good, row, table
from services.catalog.api.sessions import Seat
from services.catalog.domain.correcting.cases import EXPECTED, outdated
from services.catalog.handlers import Checks, Kept


def cases(seat: Seat, kept: Kept, said: Mapping[str, Any], checks: Checks, registry: Registry, *, matcher: bool, mine: bool) -> list[Child]:
    """Every case with what became of it, why it failed, and what an editor can do about it."""
    given = said.get("cases") or ()
    told = checks.cases if matcher and len(checks.cases) == len(given) else [None] * len(given)
    lines, stale, to = [], False, f"/desk/benefits/{kept.id}"
    sound = all(finding.severity != "error" for finding in checks.findings)  # else no case was run
    for position, (case, result) in enumerate(zip(given, told, strict=True)):
        failed = result is not None and not result["passed"]
        old = outdated(said, case, registry) if failed and sound else []
        stale = stale or bool(old)
        why: list[Child] = [h("div", _reason(case["name"], result["why"])) if failed and result is not None else None]
        why += [h("div", "规则或日期后来改动，这一自动生成的用例没有跟着改：", h("ul", *(h("li", one) for one in old)))] if old else []
        lines.append(
            row(
                case["name"],
                [str(case["as_of"]), "，应", EXPECTED[case["expect"]].partition("（")[0]],
                h("span", "未检查", class_="quiet") if result is None else good("未通过" if failed else "通过", not failed),
                why,
                h(
                    "a",
                    "改用例",
                    class_="nowrap",
                    href=f"{to}/case?case={position}",
                    aria_label=f"改用例：{case['name']}",
                )
                if mine
                else None,
            )
        )
    none = h("p", "没有用例。建议至少附一个符合的和一个不符合的企业。", class_="quiet")
    found: list[Child] = [table(("用例", "日期与预期", "结果", "原因", ""), lines) if lines else none]
    if mine:
        found += [_again(seat, kept) if stale else None, _case_forms(seat, kept, given, stale=stale)]
    return found


def _reason(name: str, why: str | None) -> str:
    """Why a case failed, without its name, which stands beside it."""
    return (why or "结果与预期不符").removeprefix(f"用例“{name}”不通过：")


def _again(seat: Seat, kept: Kept) -> Html:
    """One press makes the generated cases anew; the reason is that the rule has changed."""
    return form(
        seat,
        f"/desk/benefits/{kept.id}/cases",
        h("input", type="hidden", name="version", value=kept.version),
        h("input", type="hidden", name="why", value=f"按第 {kept.version} 版规则重新生成用例"),
        h("p", "如规则改得对，自动生成的用例可以按现行规则重新生成；人写的用例不受影响。"),
        h("button", "按现行规则重新生成", name="how", value="again"),
    )


def _case_forms(seat: Seat, kept: Kept, given: Sequence[Mapping[str, Any]], *, stale: bool) -> Html:
    to = f"/desk/benefits/{kept.id}/cases"
    version = h("input", type="hidden", name="version", value=kept.version)
    names = {str(position): case["name"] for position, case in enumerate(given)}
    again = form(
        seat,
        to,
        version,
        field("重新生成的理由", "why", key="why-again", area=True, required=True, maxlength=2000),
        h("button", "重新生成自动用例", name="how", value="again", class_="second"),
    )
    remove = form(
        seat,
        to,
        version,
        choice("用例", "case", names, ""),
        field("删除的理由", "why", key="why-case", area=True, required=True, maxlength=2000),
        h("button", "删除用例", name="how", value="remove", class_="second"),
    )
    more = h("details", h("summary", "重新生成或删除用例"), h("div", None if stale else again, remove if names else None, class_="steps"))
    return text_of([h("p", h("a", "＋ 增加一个用例", href=f"/desk/benefits/{kept.id}/case")), more])
