"""The officer's page: every form and every refusal over plain HTTP, and the pages as a browser shows them."""

import re
from collections.abc import AsyncIterator
from functools import partial
from urllib.parse import urlsplit

import httpx
import pytest

from services.catalog import sources
from services.catalog.api import asking
from services.catalog.api.html import h
from tests.catalog.desk_room import (
    EDITOR,
    PUBLISHER,
    REVIEWER,
    Matcher,
    Visitor,
    desk_of,
    drafted,
    filled,
    key_of,
    officer,
    path_of,
    published,
)
from tests.catalog.test_catalog_api import DOCUMENT
from tests.running import Running


@pytest.fixture
def matcher(monkeypatch: pytest.MonkeyPatch) -> Matcher:
    matcher = Matcher()
    monkeypatch.setattr(asking, "PolicyMatch", partial(sources.PolicyMatch, transport=httpx.MockTransport(matcher)))
    return matcher


@pytest.fixture
async def catalog(database: str, matcher: Matcher) -> AsyncIterator[Running]:
    async with desk_of(database) as service:
        yield service


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
    assert any("营业收入" in mark and "[" in mark for mark in marks)
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
