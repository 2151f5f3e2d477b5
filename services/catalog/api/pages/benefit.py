"""A benefit: the clause with its words marked beside the rule in Chinese, what was not read, doubts, cases, reach, steps, history."""

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.rules import Registry
from services.catalog.api.html import Child, Html, h, text_of
from services.catalog.api.pages.frame import bullets, choice, field, form, good, moment, page, row, stands, table
from services.catalog.api.pages.proposals import proposals
from services.catalog.api.sessions import Seat
from services.catalog.domain.correcting.cases import EXPECTED, outdated
from services.catalog.domain.correcting.particulars import MODES
from services.catalog.domain.marking import marked
from services.catalog.domain.review import ROLES, STEPS, WORDS
from services.catalog.handlers import Checks, Entry, Finding, Kept
from services.catalog.handlers.proposals import Proposed
from services.chassis.problems import Problem

PAYS = {"money": "资金", "relief": "减免", "credit": "信贷"}
STEP_ORDER = ("submit", "send-back", "approve", "publish", "amend", "suspend", "resume", "withdraw")


def benefit(
    seat: Seat,
    kept: Kept,
    said: Mapping[str, Any],
    clause: str,
    checks: Checks,
    history: Sequence[Entry],
    registry: Registry,
    proposed: Sequence[Proposed],
    *,
    matcher: bool,
    wrong: Problem | None = None,
    done: str | None = None,
) -> str:
    """The clause with its words marked, the rule beside it, what was not read, doubts, cases, reach, history, and the next steps."""
    mine = kept.standing.pending == "draft" and seat.officer is not None and "editor" in seat.officer.roles
    tests = [line for line in checks.rule if not _is_group(line)]
    numbers = {line["path"]: number for number, line in enumerate(tests, 1)}
    quotes = [_quote(line, checks.rule) for line in tests] if matcher else quotes_of(said.get("rule"))
    paid = [str(quote)] if (quote := (said.get("amount") or {}).get("quote")) else []
    pieces, elsewhere = marked(clause, [*quotes, *paid])
    amended = kept.offered is not None and kept.standing.pending is not None
    return page(
        said.get("title") or "（无名称）",
        seat,
        h("p", stands(kept.standing), f"第 {kept.version} 版，", moment(kept.changed_at), class_="quiet"),
        h("p", h("a", "与现行版本对照", href=f"/desk/benefits/{kept.id}/amendment")) if amended else None,
        _contents(kept, checks, matcher=matcher),
        h("dl", *_facts(said), class_="facts"),
        h("p", h("a", "改正基本信息（名称、部门、日期等）", href=f"/desk/benefits/{kept.id}/particulars")) if mine else None,
        h(
            "div",
            h(
                "section",
                h("h2", "条文", id="clause"),
                h("p", *(_piece(piece.words, piece.tests, len(quotes)) for piece in pieces), class_="clause"),
                aria_label="条文",
                class_="beside",
            ),
            h(
                "section",
                h("h2", "规则", id="rule"),
                _rule(kept.id, checks.rule, numbers, elsewhere, editable=mine) if matcher else no_matcher(),
                h("h3", "金额"),
                h("p", checks.amount[0]["words"] if checks.amount else "没有可以计算的金额" if matcher else "（暂不能显示）"),
                h("div", "没有原文依据", class_="bad") if said.get("amount") and not paid else None,
                h("p", h("a", "改正金额", href=f"/desk/benefits/{kept.id}/amount")) if mine else None,
                aria_label="规则",
            ),
            class_="sides",
        ),
        h("h2", "没有读懂的原文", id="unread"),
        bullets(kept.unread, "没有。"),
        *proposals(seat, kept, proposed),
        h("h3", "自动提取时的提示"),
        bullets(kept.findings, "没有。"),
        h("h2", "检查", id="checks"),
        _findings(checks.findings),
        _readiness(checks),
        h("h2", "用例", id="cases"),
        _cases(seat, kept, said, checks, registry, matcher=matcher, mine=mine),
        h("h2", "覆盖面"),
        _reach(kept.id, checks),
        h("h2", "下一步", id="steps"),
        _steps(seat, kept),
        h("h2", "历史", id="history"),
        table(("时间", "人员", "操作", "理由"), [_entry(entry) for entry in reversed(history)]),
        wrong=wrong,
        done=done,
    )


def quotes_of(node: Any) -> list[str]:
    """The quotations of a rule as plain data, in its order."""
    if isinstance(node, Mapping):
        below = [quote for key, one in node.items() if key != "quote" for quote in quotes_of(one)]
        return ([str(node["quote"])] if node.get("quote") else []) + below
    return [quote for one in node for quote in quotes_of(one)] if isinstance(node, list) else []


def _is_group(line: Mapping[str, Any]) -> bool:
    return str(line["words"]).endswith("：")


def _facts(said: Mapping[str, Any]) -> list[Html]:
    valid, window = said.get("valid") or {}, said.get("window") or {}
    shown = {
        "政策": said.get("policy"),
        "条款": said.get("article"),
        "责任部门": said.get("department"),
        "联系方式": said.get("contact"),
        "类别": said.get("kind"),
        "兑现方式": MODES.get(str(said.get("mode") or "")),
        "给付": PAYS.get(said.get("pays") or ("money" if said.get("amount") else "")),
        "有效期": span_of(valid),
        "申报期": span_of(window),
    }
    return [part for name, words in shown.items() if words for part in (h("dt", name), h("dd", str(words)))]


def span_of(span: Mapping[str, Any]) -> str:
    """A stretch of days in words."""
    ends = [end if isinstance(end, str) else "以文件所述事件为准" if end else "不限" for end in (span.get("from"), span.get("to"))]
    return "至".join(ends) if span else ""


def _contents(kept: Kept, checks: Checks, *, matcher: bool) -> Html:
    """What the page holds, with how it stands, as links."""
    errors = sum(finding.severity == "error" for finding in checks.findings)
    failed = sum(not case["passed"] for case in checks.cases)
    told = {
        "clause": ("条文与规则", None),
        "unread": (f"没有读懂 {len(kept.unread)} 处", bool(kept.unread)),
        "checks": (f"检查：错误 {errors}、提醒 {len(checks.findings) - errors}", errors > 0),
        "cases": (f"用例：{len(checks.cases)} 个，未通过 {failed}" if matcher else "用例：未检查", failed > 0),
        "steps": ("下一步", None),
        "history": ("历史", None),
    }
    links = [h("li", h("a", words, href=f"#{name}", class_="bad" if bad else None)) for name, (words, bad) in told.items()]
    return h("nav", h("ul", *links), aria_label="本页内容", class_="contents")


def _quote(line: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> str | None:
    """The words behind a test: its own, else those of the nearest group that holds it."""
    above = [one for one in lines if line["path"] == one["path"] or str(line["path"]).startswith(f"{one['path']}/")]
    return next((one["quote"] for one in reversed(above) if one["quote"]), None)


def _piece(words: str, tests: Sequence[int], rule: int) -> Child:
    """Marked words with the numbers of their tests; those after the rule's are the amount's."""
    if not tests:
        return words
    numbers = "、".join("金额" if number > rule else str(number) for number in tests)
    told = "、".join("对应金额" if number > rule else f"对应规则第 {number} 项" for number in tests)
    return h("mark", words, h("sup", f"[{numbers}]", aria_label=told), class_="paid" if all(number > rule for number in tests) else None)


def _rule(
    benefit: str, lines: Sequence[Mapping[str, Any]], numbers: Mapping[str, int], elsewhere: Sequence[int], *, editable: bool
) -> Html:
    items = []
    for line in lines:
        number = numbers.get(line["path"])
        quote = _quote(line, lines)
        link = f"/desk/benefits/{benefit}/test?path={line['path']}"
        items.append(
            h(
                "li",
                h("span", f"[{number}] ", class_="number") if number else None,
                line["words"],
                h("div", f"原文（在条文之外）：“{quote}”", class_="quiet") if number in elsewhere and quote else None,
                h("div", "没有原文依据", class_="bad") if number and not quote else None,
                h("div", h("a", f"改正第 {number} 项", href=link)) if number and editable else None,
                h("div", h("a", "在这一组里增加", href=f"/desk/benefits/{benefit}/more?path={line['path']}"))
                if editable and number is None and line["depth"]
                else None,
                class_=f"d{min(line['depth'], 4)}",
            )
        )
    more = h("p", h("a", "＋ 增加一项条件", href=f"/desk/benefits/{benefit}/more")) if editable else None
    return text_of([h("ol", *items, class_="rule"), more])


def no_matcher() -> Html:
    """What is said where the matcher does not answer."""
    return h("p", "匹配服务没有应答，规则暂不能以中文显示，用例与覆盖面也未检查；请稍后刷新。", class_="bad", role="alert")


def _findings(findings: Sequence[Finding]) -> Html:
    if not findings:
        return h("p", "没有发现问题。", class_="good")
    ordered = sorted(findings, key=lambda one: one.severity)  # errors first
    lines = [row(good("错误", False) if one.severity == "error" else "提醒", one.problem, one.hint) for one in ordered]
    return table(("程度", "问题", "怎么办"), lines)


def _readiness(checks: Checks) -> Child:
    if checks.readiness is None:
        return None
    lines = [row(one.name, good("具备" if one.met else "尚缺", one.met), "；".join(one.missing)) for one in checks.readiness.criteria]
    return [h("h3", f"免申即享成熟度：{checks.readiness.grade}"), table(("标准", "是否具备", "缺什么"), lines)]


def _cases(
    seat: Seat, kept: Kept, said: Mapping[str, Any], checks: Checks, registry: Registry, *, matcher: bool, mine: bool
) -> list[Child]:
    """Every case with what became of it, why it failed, and what an editor can do about it."""
    given = said.get("cases") or ()
    told = checks.cases if matcher and len(checks.cases) == len(given) else [None] * len(given)
    lines, stale = [], False
    sound = all(finding.severity != "error" for finding in checks.findings)  # else no case was run
    for position, (case, result) in enumerate(zip(given, told, strict=True)):
        failed = result is not None and not result["passed"]
        old = outdated(said, case, registry) if failed and sound else []
        stale = stale or bool(old)
        why: list[Child] = [h("div", result["why"]) if failed and result is not None else None]
        why += [h("div", "规则或日期后来改动，这一自动生成的用例没有跟着改：", h("ul", *(h("li", one) for one in old)))] if old else []
        lines.append(
            row(
                case["name"],
                [str(case["as_of"]), "，应", EXPECTED[case["expect"]][:3].rstrip("（")],
                h("span", "未检查", class_="quiet") if result is None else good("未通过" if failed else "通过", not failed),
                why,
                h("a", "改用例", href=f"/desk/benefits/{kept.id}/case?case={position}", aria_label=f"改用例：{case['name']}")
                if mine
                else None,
            )
        )
    none = h("p", "没有用例。建议至少附一个符合的和一个不符合的企业。", class_="quiet")
    found: list[Child] = [table(("用例", "日期与预期", "结果", "原因", ""), lines) if lines else none]
    if mine:
        found += [_again(seat, kept) if stale else None, _case_forms(seat, kept, given, stale=stale)]
    return found


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


def _reach(benefit: str, checks: Checks) -> Html:
    reach = checks.reach
    if reach is None:
        return h("p", h("a", "对全市企业试算（可能需要一段时间）", href=f"/desk/benefits/{benefit}?reach=1#reach"), id="reach")
    amount = reach.get("amount") or {}
    high = amount.get("high")
    money = f"符合的企业合计 {amount.get('low')} 元" + ("" if high == amount.get("low") else f" 至 {high or '不限'} 元") if amount else ""
    return h(
        "dl",
        *(h("dt", "符合"), h("dd", f"{reach['eligible']} 家")),
        *(h("dt", "不符合"), h("dd", f"{reach['ineligible']} 家")),
        *(h("dt", "待定"), h("dd", f"{reach['undetermined']} 家（缺事实或须由人认定）")),
        *((h("dt", "金额"), h("dd", money)) if money else ()),
        id="reach",
    )


def _steps(seat: Seat, kept: Kept) -> Html:
    standing = kept.standing
    open_now = [STEPS[name] for name in STEP_ORDER if standing.offer in STEPS[name].offers and standing.pending in STEPS[name].pending]
    roles = seat.officer.roles if seat.officer else frozenset()
    forms = [
        form(
            seat,
            f"/desk/benefits/{kept.id}/{step.action}",
            h("input", type="hidden", name="version", value=kept.version),
            h("label", f"{WORDS[step.action]}的理由", for_=f"why-{step.action}"),
            h("textarea", id=f"why-{step.action}", name="why", rows=2, required=True, maxlength=2000),
            h("button", WORDS[step.action], class_="second" if step.action in ("send-back", "withdraw", "suspend") else None),
        )
        for step in open_now
        if step.role in roles
    ]
    others = [f"{WORDS[step.action]}（{ROLES[step.role]}）" for step in open_now if step.role and step.role not in roles]
    return text_of(
        [
            h("div", *forms, class_="steps") if forms else h("p", "您没有可以进行的操作。", class_="quiet"),
            h("p", f"由其他角色进行：{'、'.join(others)}", class_="quiet") if others else None,
        ]
    )


def _entry(entry: Entry) -> Html:
    action = "自动提取" if entry.action == "draft" else WORDS.get(entry.action, entry.action)
    return row(moment(entry.at), entry.by, f"{action}（第 {entry.version} 版）", entry.why)
