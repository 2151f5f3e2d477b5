"""The officer's page: every form and every refusal over plain HTTP, and the pages as a browser shows them."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Mapping
from datetime import date
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from PIL import Image
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from selectolax.lexbor import LexborNode as Node

from contracts import rules
from contracts.registry import load_registry
from services.catalog import sources
from services.catalog.api import ROUTERS, asking
from services.catalog.api.html import h
from services.catalog.domain.drafts import drafts
from services.catalog.handlers import documents
from services.catalog.main import SUBSCRIPTIONS
from services.catalog.store import Store
from services.chassis.app import create_app
from services.chassis.auth import Principal, new_key, store_key
from services.policy_match.domain.wording import amount_lines, rule_lines
from tests.catalog.test_catalog_api import BODY, DOCUMENT, measure, read
from tests.running import SECRET, Running, running, settings

ALL = ("benefits:read", "benefits:edit", "benefits:review", "benefits:publish", "documents:read")
EDITOR, REVIEWER, PUBLISHER = ("甲", "editor"), ("乙", "reviewer"), ("丙", "publisher")


class Matcher:
    """policy_match as catalog sees it: the words of the rule are its own, the rest is what a test says."""

    def __init__(self) -> None:
        self.away = False
        self.said: dict[str, Any] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            raise httpx.ConnectError("nobody listens", request=request)
        benefit = rules.parse_benefit(rules.loads(request.content)["benefit"])
        reach = {"eligible": 3, "ineligible": 5, "undetermined": 2, "amount": {"low": "600000.00", "high": "600000.00"}}
        told = {
            "findings": [],
            "cases": [{"name": case.name, "passed": True, "why": None} for case in benefit.cases or ()],
            "reach": reach if request.url.params["reach"] == "true" else None,
            "rule": [line._asdict() for line in rule_lines(benefit.rule, load_registry())],
            "amount": [line._asdict() for line in amount_lines(benefit.amount, load_registry())],
        }
        return httpx.Response(200, json=told | self.said)


@pytest.fixture
def matcher(monkeypatch: pytest.MonkeyPatch) -> Matcher:
    matcher = Matcher()
    monkeypatch.setattr(asking, "PolicyMatch", partial(sources.PolicyMatch, transport=httpx.MockTransport(matcher)))
    return matcher


@pytest.fixture
async def catalog(database: str, matcher: Matcher) -> AsyncIterator[Running]:
    draft = partial(drafts, registry=load_registry(), city="350200")
    subscriptions = {
        **SUBSCRIPTIONS,
        type(read()): partial(documents.on_documents_read, drafting=draft),
        type(measure()): partial(documents.on_measures_read, drafting=draft),
    }
    app = create_app("catalog", store=Store, subscriptions=subscriptions, routers=ROUTERS, settings=settings(database))
    async with running(app) as service:
        yield service


class Visitor:
    """A browser without scripts: it keeps cookies, follows redirects and fills in the forms that it finds on the page."""

    def __init__(self, catalog: Running) -> None:
        self.catalog = catalog
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(catalog.app), base_url="http://test", follow_redirects=True)
        catalog.clients.append(self.client)
        self.page: HTMLParser
        self.status = 0

    async def go(self, path: str) -> str:
        return self._shown(await self.client.get(path))

    async def press(self, button: str, **fields: str) -> str:
        """Fill in the fields of the form that has this button, and press it."""
        for form in self.page.css("form"):
            for one in form.css("button"):
                if one.text(strip=True) == button:
                    values = filled(form) | fields
                    if one.attributes.get("name"):
                        values[str(one.attributes["name"])] = str(one.attributes.get("value"))
                    return await self.send(str(form.attributes["action"]), values)
        raise AssertionError(f"no button {button!r} on the page: {[b.text(strip=True) for b in self.page.css('button')]}")

    async def send(self, action: str, values: Mapping[str, str]) -> str:
        return self._shown(await self.client.post(action, data=dict(values)))

    def _shown(self, response: httpx.Response) -> str:
        self.status, self.response = response.status_code, response
        self.page = HTMLParser(response.text)
        return unescape(self.page.body.text(separator=" ")) if self.page.body else response.text

    def buttons(self) -> list[str]:
        main = self.page.css_first("main")
        return [button.text(strip=True) for button in main.css("button")] if main else []


def filled(form: Node) -> dict[str, str]:
    """What a form sends when nothing is typed."""
    values = {str(one.attributes["name"]): one.attributes.get("value") or "" for one in form.css("input") if one.attributes.get("name")}
    values |= {str(one.attributes["name"]): one.text() for one in form.css("textarea")}
    for one in form.css("select"):
        chosen = one.css_first("option[selected]") or one.css_first("option")
        values[str(one.attributes["name"])] = (chosen.attributes.get("value") or "") if chosen else ""
    return values


async def key_of(catalog: Running, name: str, *roles: str, kind: str = "officer", scopes: tuple[str, ...] = ALL) -> str:
    key = new_key()
    department = "市工业和信息化局" if kind == "officer" else ""
    async with catalog.runtime.pool.acquire() as connection:
        await store_key(connection, key, Principal(kind, name, frozenset(scopes), department, "", frozenset(roles)), secret=SECRET)  # type: ignore[arg-type]
    return key


async def officer(catalog: Running, name: str, *roles: str, scopes: tuple[str, ...] = ALL) -> Visitor:
    """An officer who has signed in."""
    visitor = Visitor(catalog)
    await visitor.go("/desk/login")
    await visitor.press("登录", key=await key_of(catalog, name, *roles, scopes=scopes))
    assert visitor.status == 200
    assert urlsplit(str(visitor.response.url)).path == "/desk"
    return visitor


async def drafted(catalog: Running, body: str = BODY) -> str:
    await catalog.hear(read(valid_to=date(2030, 12, 31)))
    await catalog.hear(measure(body=body))
    [row] = await catalog.rows("SELECT id FROM benefits")
    return f"/desk/benefits/{row['id']}"


async def published(catalog: Running) -> str:
    path = await drafted(catalog)
    for (name, role), button in ((EDITOR, "提交审核"), (REVIEWER, "通过"), (PUBLISHER, "发布")):
        visitor = await officer(catalog, name, role)
        await visitor.go(path)
        assert "已" in await visitor.press(button, why="核对无误")
        assert visitor.status == 200
    return path


# ----------------------------------------------------------------------------------------------------------- in and out


async def test_only_an_officers_key_opens_the_desk_and_a_revoked_key_closes_it(catalog: Running) -> None:
    visitor = Visitor(catalog)
    assert "登录" in await visitor.go("/desk")
    assert urlsplit(str(visitor.response.url)).path == "/desk/login"
    assert "密钥不存在" in await visitor.press("登录", key="zq_nothing")
    assert visitor.status == 401
    assert "人员" in await visitor.press("登录", key=await key_of(catalog, "portal", kind="platform"))
    assert visitor.status == 403
    key = await key_of(catalog, "甲", "editor")
    assert "市工业和信息化局 甲（经办）" in await visitor.press("登录", key=key)
    assert key not in str(visitor.client.cookies) + visitor.response.text
    await catalog.runtime.pool.execute("UPDATE api_keys SET revoked_at = now()")
    catalog.runtime.keys._known.clear()  # as after five seconds
    await visitor.go("/desk")
    assert urlsplit(str(visitor.response.url)).path == "/desk/login"


async def test_leaving_closes_the_session_for_every_copy_of_the_cookie(catalog: Running) -> None:
    visitor, copy = await officer(catalog, "甲", "editor"), Visitor(catalog)
    copy.client.cookies = httpx.Cookies(visitor.client.cookies)
    await copy.go("/desk")
    assert urlsplit(str(copy.response.url)).path == "/desk"
    await visitor.press("退出")
    await copy.go("/desk")
    assert urlsplit(str(copy.response.url)).path == "/desk/login"


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites_and_the_database_keeps_no_key(catalog: Running) -> None:
    visitor = Visitor(catalog)
    await visitor.go("/desk/login")
    key = await key_of(catalog, "甲", "editor")
    values = filled(next(form for form in visitor.page.css("form") if form.attributes["action"] == "/desk/login")) | {"key": key}
    reply = await visitor.client.post("/desk/login", data=values, follow_redirects=False)
    [cookie] = [one for one in reply.headers.get_list("set-cookie") if one.startswith("zhaoqi_desk=")]
    for part in ("HttpOnly", "SameSite=strict", "Path=/desk"):
        assert part in cookie
    [row] = await catalog.rows("SELECT * FROM sessions")
    assert key.encode() not in row["key"] + row["cookie"]
    assert cookie.split("=")[1].split(";")[0].encode() not in row["cookie"]


@pytest.mark.parametrize("path", ["/desk/login", "/desk", "/desk/benefits/ben-none", "/desk/style.css"])
async def test_no_page_runs_a_script_sits_in_a_frame_or_is_kept(catalog: Running, path: str) -> None:
    visitor = await officer(catalog, "甲", "editor")
    await visitor.go(path)
    policy = visitor.response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy
    assert visitor.response.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=", visitor.response.text)
    if path != "/desk/style.css":
        assert visitor.response.headers["cache-control"] == "no-store"


async def test_every_form_carries_the_token_and_one_without_it_changes_nothing(catalog: Running) -> None:
    path = await drafted(catalog)
    visitor = await officer(catalog, "甲", "editor", "reviewer", "publisher")
    for where in ("/desk", path, f"{path}/test?path=rule/all/0"):
        await visitor.go(where)
        forms = [form for form in visitor.page.css("form") if form.attributes.get("method") == "post"]
        assert forms
        assert all(form.css_first("input[name=token]") is not None for form in forms)
    posts = ("submit", "send-back", "approve", "publish", "amend", "suspend", "resume", "withdraw", "test", "cases")
    targets = [*(f"{path}/{step}" for step in posts), "/desk/leave", "/desk/text", "/desk/awaiting/x", "/desk/login"]
    for target in targets:
        for token in ("", "x" * 32):
            assert "没有作任何改动" in await visitor.send(target, {"token": token, "why": "理由", "version": "1", "key": "k"})
            assert visitor.status == 403
    [row] = await catalog.rows("SELECT count(*) AS lines FROM history")
    assert row["lines"] == 1
    await visitor.go(path)
    assert visitor.status == 200


async def test_the_size_of_the_text_is_remembered(catalog: Running) -> None:
    visitor = Visitor(catalog)
    await visitor.go("/desk/login")
    await visitor.press("调整字号", size="larger")
    assert visitor.page.css_first("html").attributes["class"] == "larger"
    await visitor.press("登录", key=await key_of(catalog, "甲"))
    assert visitor.page.css_first("html").attributes["class"] == "larger"


# -------------------------------------------------------------------------------------------------------------- the desk


async def test_the_desk_tells_what_awaits_me_what_awaits_others_and_what_is_late(catalog: Running) -> None:
    await drafted(catalog)
    await catalog.runtime.pool.execute("UPDATE documents SET heard_at = heard_at - interval '40 days'")
    editor, reviewer = await officer(catalog, *EDITOR), await officer(catalog, *REVIEWER)
    mine = await editor.go("/desk")
    assert "等我处理（1）" in mine
    assert re.search(r"已逾期 \d+ 个工作日", mine)
    assert "7个工作日" in mine
    assert "等我处理（0）" in await reviewer.go("/desk")
    assert "等他人处理（1）" in await reviewer.go("/desk")
    assert "等他人处理（0）" in await reviewer.go("/desk?department=渔业局")
    assert "查找“高新技术”（1）" in await reviewer.go("/desk?q=高新技术")
    await catalog.runtime.pool.execute("UPDATE listed SET departments = '{}'")
    assert "等他人处理（1）" in await reviewer.go("/desk?department=渔业局"), "what names no department waits on every desk"


async def test_what_a_document_changed_waits_on_the_desk_until_somebody_says_it_stands(catalog: Running) -> None:
    await published(catalog)
    [row] = await catalog.rows("SELECT id FROM benefits")
    await catalog.runtime.pool.execute(
        "INSERT INTO awaiting (id, benefit, kind, role, words, document, since)"
        " VALUES ('wait-1', $1, 'repealed', 'publisher', '来源文件废止', $2, now())",
        row["id"],
        DOCUMENT,
    )
    editor = await officer(catalog, *EDITOR)
    assert "来源文件废止" in await editor.go("/desk")
    assert "请填写理由" in await editor.press("维持不变", why=" ")
    assert editor.status == 422
    await editor.go("/desk")
    assert "文件有变，等人核对（0）" in await editor.press("维持不变", why="过渡期内继续有效")
    [settled] = await catalog.rows("SELECT settled_by, settled_why FROM awaiting")
    assert tuple(settled) == ("officer:甲", "过渡期内继续有效")
    reader = await officer(catalog, "丁", scopes=("benefits:read",))
    token = str(reader.page.css_first("input[name=token]").attributes["value"])
    await reader.send("/desk/awaiting/wait-1", {"token": token, "why": "理由"})
    assert reader.status == 403


async def test_the_list_is_downloaded_from_the_desk(catalog: Running) -> None:
    await published(catalog)
    visitor = await officer(catalog, "丁")
    assert "事项编号" in (await visitor.client.get("/desk/list.csv")).text
    assert (await visitor.client.get("/desk/list.xlsx")).content[:2] == b"PK"
    assert (await visitor.client.get("/desk/list.doc")).status_code == 404


# ------------------------------------------------------------------------------------------------------------ a benefit


async def test_a_benefit_shows_the_clause_marked_beside_its_rule_in_chinese(catalog: Running) -> None:
    path = await drafted(catalog)
    visitor = await officer(catalog, *EDITOR)
    shown = await visitor.go(path)
    marks = [mark.text(strip=True) for mark in visitor.page.css("mark")]
    assert any("营业收入" in mark and "［" in mark for mark in marks)
    assert "上年度营业收入不低于2000万元" in shown
    assert "20万元" in shown
    for heading in ("条文", "规则", "没有读懂的原文", "检查", "用例", "覆盖面", "下一步", "历史"):
        assert heading in [one.text(strip=True) for one in visitor.page.css("h2")]
    assert "免申即享成熟度" in shown
    assert "符合 3 家" in re.sub(r"\s+", " ", await visitor.go(f"{path}?reach=1"))


async def test_without_the_matcher_the_page_stands_and_says_so(catalog: Running, matcher: Matcher) -> None:
    path = await drafted(catalog)
    matcher.away = True
    visitor = await officer(catalog, *EDITOR)
    assert "匹配服务没有应答" in await visitor.go(path)
    assert visitor.status == 200
    assert visitor.page.css("mark")


async def test_words_of_a_document_are_never_taken_for_html(catalog: Running) -> None:
    path = await drafted(catalog, body="对“<script>alert(1)</script>”企业中上年度营业收入2000万元以上的，给予一次性奖励20万元。")
    visitor = await officer(catalog, *EDITOR)
    await visitor.go(path)
    assert "&lt;script&gt;" in visitor.response.text
    assert "<script" not in visitor.response.text
    assert h("p", '<b>"', title='"><b>') == '<p title="&quot;&gt;&lt;b&gt;">&lt;b&gt;&quot;</p>'


STEPS = [  # button, what was done before, the role it takes
    ("提交审核", (), "editor"),
    ("通过", ("提交审核",), "reviewer"),
    ("退回", ("提交审核",), "reviewer"),
    ("发布", ("提交审核", "通过"), "publisher"),
    ("暂停", ("提交审核", "通过", "发布"), "publisher"),
    ("恢复", ("提交审核", "通过", "发布", "暂停"), "publisher"),
    ("开始修订", ("提交审核", "通过", "发布"), "editor"),
    ("撤回", ("提交审核", "通过", "发布"), "publisher"),
]
ROLE_OF = {button: role for button, _, role in STEPS}
ACTION_OF = {
    "提交审核": "submit", "通过": "approve", "退回": "send-back", "发布": "publish", "暂停": "suspend", "恢复": "resume",
    "开始修订": "amend", "撤回": "withdraw",
}  # fmt: skip


@pytest.mark.parametrize(("button", "before", "role"), STEPS)
async def test_a_step_is_offered_to_its_role_and_refused_to_others_who_send_it_anyway(
    catalog: Running, button: str, before: tuple[str, ...], role: str
) -> None:
    path = await drafted(catalog)
    people = {name: await officer(catalog, f"{name}-人", name) for name in ("editor", "reviewer", "publisher")}
    for earlier in before:
        await people[ROLE_OF[earlier]].go(path)
        await people[ROLE_OF[earlier]].press(earlier, why="核对无误")
    action = f"{path}/{ACTION_OF[button]}"
    for other in people.keys() - {role}:
        await people[other].go(path)
        assert button not in people[other].buttons()
        token = str(people[other].page.css_first("input[name=token]").attributes["value"])
        assert "没有权限" in await people[other].send(action, {"token": token, "why": "硬来", "version": "1"})
        assert people[other].status == 403
    scopeless = await officer(catalog, "无权", role, scopes=("benefits:read",))
    await scopeless.go(path)
    token = str(scopeless.page.css_first("input[name=token]").attributes["value"])
    await scopeless.send(action, {"token": token, "why": "硬来", "version": "1"})
    assert scopeless.status == 403
    own = people[role]
    await own.go(path)
    assert "请填写理由" in await own.press(button, why="")
    assert own.status == 422
    await own.go(path)
    assert "版本已变化" in await own.press(button, why="核对无误", version="7")
    assert own.status == 412
    await own.go(path)
    done = await own.press(button, why="核对无误")
    assert own.status == 200
    assert "核对无误" in done
    token = str(own.page.css_first("input[name=token]").attributes["value"])
    assert "当前状态不允许" in await own.send(action, {"token": token, "why": "再来", "version": "1"})
    assert own.status == 409


async def test_nobody_approves_their_own_and_the_page_says_why(catalog: Running) -> None:
    path = await drafted(catalog)
    both = await officer(catalog, "甲", "editor", "reviewer")
    await both.go(path)
    await both.press("提交审核", why="请审")
    assert "不能审核自己" in await both.press("通过", why="自己通过")
    assert both.status == 403


async def test_what_its_checks_hold_back_is_not_published_from_the_page_either(catalog: Running, matcher: Matcher) -> None:
    path = await drafted(catalog)
    for (name, role), button in ((EDITOR, "提交审核"), (REVIEWER, "通过")):
        visitor = await officer(catalog, name, role)
        await visitor.go(path)
        await visitor.press(button, why="核对无误")
    publisher = await officer(catalog, *PUBLISHER)
    matcher.said = {"cases": [{"name": "刚满一年", "passed": False, "why": "应为符合"}]}
    await publisher.go(path)
    refused = await publisher.press("发布", why="发布")
    assert publisher.status == 422
    assert "用例未通过" in refused
    assert "刚满一年" in refused
    assert await catalog.said() == []
    matcher.said = {}
    await publisher.go(path)
    await publisher.press("发布", why="发布")
    assert [event for event, _ in await catalog.said()] == ["BenefitPublished"]


# ------------------------------------------------------------------------------------------------------------- one test


def path_of(visitor: Visitor, words: str) -> str:
    """The link by which the test with these words is corrected."""
    [line] = [one for one in visitor.page.css("ol.rule li") if words in one.text()]
    return str(line.css_first("a").attributes["href"])


async def test_a_test_is_corrected_by_its_fields_and_keeps_its_words(catalog: Running) -> None:
    path = await drafted(catalog)
    editor = await officer(catalog, *EDITOR)
    await editor.go(path)
    form = path_of(editor, "营业收入")
    await editor.go(form)
    shown = {one.attributes["name"]: one.attributes.get("value") for one in editor.page.css("main input[type=text]")}
    assert shown["value"] == "2000万元"
    wrong = await editor.press("保存改正", value="很多", why="原文是三千万元")
    assert editor.status == 422
    assert "不是数值" in wrong
    assert "请填写理由" in await editor.press("保存改正", value="3000万元", why="")
    await editor.go(form)
    done = await editor.press("保存改正", value="3000万元", period="this_year", operator=">", why="原文是三千万元")
    assert editor.status == 200
    assert "本年度营业收入高于3000万元" in done
    assert "原文是三千万元" in done
    assert "第 2 版" in done
    assert any("营业收入" in mark.text() for mark in editor.page.css("mark"))
    await editor.go(form)
    assert "2025年营业收入" in await editor.press("保存改正", printed="2025年", why="写明年度")
    await editor.go(form)
    assert "展会天数（尚未登记）" in await editor.press("保存改正", attribute="", other="展会天数", period="", value="3", why="登记表没有")


async def test_a_test_is_given_to_a_person_or_taken_out(catalog: Running) -> None:
    path = await drafted(catalog)
    editor = await officer(catalog, *EDITOR)
    await editor.go(path)
    await editor.go(path_of(editor, "营业收入"))
    done = await editor.press("改为由人认定", words="经营状况良好", **{"why-judged": "没有口径"})
    assert "由人认定：经营状况良好" in done
    await editor.go(path_of(editor, "经营状况良好"))
    assert "经营状况良好" not in re.sub(r"历史.*", "", await editor.press("删除这一项", **{"why-remove": "条文没有这一条件"}), flags=re.S)
    assert editor.status == 200


async def test_a_condition_on_records_is_corrected_field_by_field(catalog: Running) -> None:
    path = await drafted(catalog)
    [row] = await catalog.rows("SELECT id, body FROM benefits")
    rule = {"none": "penalty", "where": [{"field": "amount", "is": ">=", "value": 100000}], "quote": "无重大处罚"}
    client = await catalog.client("officer", "甲", *ALL, department="市工信局", roles=["editor"])
    body = rules.dumps(rules.loads(row["body"]) | {"rule": rule})
    assert (await client.put(f"/v1/benefits/{row['id']}", content=body, headers={"If-Match": '"1"'})).status_code == 200
    editor = await officer(catalog, *EDITOR)
    await editor.go(path)
    await editor.go(path_of(editor, "行政处罚"))
    [link] = [str(one.attributes["href"]) for one in editor.page.css("main a") if "改正所含条件" in one.text()]
    await editor.go(link)
    assert "罚款金额不低于5万元" in await editor.press("保存改正", value="5万元", why="以条文为准")


async def test_cases_guard_the_rule_until_an_editor_says_why_they_should_not(catalog: Running) -> None:
    path = await drafted(catalog)

    async def kept() -> list[dict[str, Any]]:
        [row] = await catalog.rows("SELECT body FROM benefits")
        cases: list[dict[str, Any]] = rules.loads(row["body"]).get("cases") or []
        return cases

    before = await kept()
    editor, reviewer = await officer(catalog, *EDITOR), await officer(catalog, *REVIEWER)
    await editor.go(path)
    await editor.go(path_of(editor, "营业收入"))
    await editor.press("保存改正", value="3000万元", why="原文是三千万元")
    assert await kept() == before
    assert "请填写理由" in await editor.press("重新生成自动用例", why="")
    await editor.go(path)
    await editor.press("重新生成自动用例", why="标准改正了")
    again = await kept()
    assert "20000000" in rules.dumps(before)
    assert "30000000" in rules.dumps(again)
    await editor.press("删除用例", case="0", why="重复")
    assert await kept() == again[1:]
    stale = filled(next(form for form in editor.page.css("form") if str(form.attributes["action"]).endswith("/cases")))
    await editor.send(f"{path}/cases", stale | {"how": "remove", "case": "9", "why": "没有"})
    assert editor.status == 422
    await reviewer.go(path)
    assert "删除用例" not in reviewer.buttons()
    token = str(reviewer.page.css_first("input[name=token]").attributes["value"])
    await reviewer.send(f"{path}/cases", {"token": token, "how": "remove", "case": "0", "why": "硬来", "version": stale["version"]})
    assert reviewer.status == 403
    assert await kept() == again[1:]


async def test_a_correction_is_refused_to_others_on_stale_pages_and_outside_drafts(catalog: Running) -> None:
    path = await drafted(catalog)
    editor, reviewer = await officer(catalog, *EDITOR), await officer(catalog, *REVIEWER)
    await editor.go(path)
    form = path_of(editor, "营业收入")
    await reviewer.go(form)
    assert "没有权限" in await reviewer.press("保存改正", value="1万元", why="试试")
    assert reviewer.status == 403
    late = await officer(catalog, "戊", "editor")
    await late.go(form)
    await editor.go(form)
    await editor.press("保存改正", value="1万元", why="改正")
    assert "版本已变化" in await late.press("保存改正", value="2万元", why="改正")
    assert late.status == 412
    await editor.go(path)
    await editor.press("提交审核", why="请审")
    await late.go(form)
    assert "当前状态不允许" in await late.press("保存改正", value="2万元", why="改正")
    assert late.status == 409
    for nowhere in (f"{path}/test?path=rule/all/99", f"{path}/test?path=amount", "/desk/benefits/ben-none/test?path=rule"):
        await late.go(nowhere)
        assert late.status == 404


async def test_an_amendment_stands_beside_what_is_on_offer(catalog: Running, matcher: Matcher) -> None:
    path = await published(catalog)
    editor = await officer(catalog, *EDITOR)
    await editor.go(f"{path}/amendment")
    await editor.go(path)
    await editor.press("开始修订", why="标准提高")
    await editor.go(path_of(editor, "营业收入"))
    await editor.press("保存改正", value="3000万元", why="标准提高")
    await editor.go(f"{path}/amendment")
    assert [one.text() for one in editor.page.css("main ol del")] == ["上年度营业收入不低于2000万元"]
    assert [one.text() for one in editor.page.css("main ol ins")] == ["上年度营业收入不低于3000万元"]
    matcher.away = True
    assert "匹配服务没有应答" in await editor.go(f"{path}/amendment")


async def test_every_control_has_a_label_and_every_page_a_title_and_a_language(catalog: Running) -> None:
    path = await drafted(catalog)
    editor = await officer(catalog, "甲", "editor", "publisher")
    await editor.go(path)
    form = path_of(editor, "营业收入")
    for where in ("/desk", path, form, "/desk/login"):
        await editor.go(where)
        assert editor.page.css_first("html").attributes["lang"] == "zh-CN"
        assert editor.page.css_first("title").text()
        assert editor.page.css_first("a.skip").attributes["href"] == "#content"
        assert len(editor.page.css("h1")) == 1
        assert "&lt;a" not in editor.response.text
        labelled = {one.attributes.get("for") for one in editor.page.css("label")}
        for control in editor.page.css("input, select, textarea"):
            if control.attributes.get("type") != "hidden":
                assert control.attributes.get("aria-label") or control.attributes.get("id") in labelled, control.html
        ids = [one.attributes["id"] for one in editor.page.css("[id]")]
        assert len(ids) == len(set(ids)), where


# -------------------------------------------------------------------------------------------------------------- a browser


@pytest.mark.slow
async def test_the_pages_in_a_real_browser(catalog: Running, tmp_path: Path) -> None:
    """Screenshots of headless Chromium: each page is drawn, not blank, and its style sheet is let through by the policy."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    path = await published(catalog)
    visitor = await officer(catalog, "甲", "editor", "publisher")
    await visitor.go(path)
    await visitor.press("开始修订", why="标准提高")
    form = path_of(visitor, "营业收入")
    await visitor.go(form)
    await visitor.press("保存改正", value="3000万元", why="标准提高")
    cookie = f"zhaoqi_desk={visitor.client.cookies['zhaoqi_desk']}".encode()

    async def signed_in(scope: Any, receive: Any, send: Any) -> None:
        """The service, for a browser that has the officer's cookie."""
        await catalog.app({**scope, "headers": [*scope.get("headers", ()), (b"cookie", cookie)]}, receive, send)

    server = uvicorn.Server(uvicorn.Config(signed_in, port=0, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(20):
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event to wait for
            await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        for name, where in (
            ("login", "/desk/login"),
            ("desk", "/desk"),
            ("benefit", path),
            ("test", form),
            ("amendment", f"{path}/amendment"),
        ):
            shot = tmp_path / f"{name}.png"
            await screenshot(browser, f"http://127.0.0.1:{port}{where}", shot, tmp_path)
            assert styled(shot), name
    finally:
        server.should_exit = True
        await serving


def styled(shot: Path) -> bool:
    """Whether a screenshot has the blue of the head line (the style sheet came through) and much that is not white (the text did)."""
    with Image.open(shot) as image:
        colours = {colour: count for count, colour in image.convert("RGB").getcolors(maxcolors=1 << 24) or []}
        return colours.get((11, 74, 143), 0) > 10_000 and sum(colours.values()) - colours[(255, 255, 255)] > 30_000


async def screenshot(browser: str, address: str, to: Path, scratch: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
        "--window-size=1360,1800", f"--user-data-dir={scratch / 'profile'}", f"--screenshot={to}", address,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
