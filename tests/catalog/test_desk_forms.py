"""A draft corrected by forms: conditions, amounts, particulars, cases; what is refused keeps what was typed and says what to do."""

import re
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest

from contracts import rules
from services.catalog import sources
from services.catalog.api import asking
from tests.catalog.desk_room import ALL, EDITOR, REVIEWER, Matcher, Visitor, desk_of, drafted, filled, key_of, officer, path_of
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
        cases: list[dict[str, Any]] = (await body_of(catalog)).get("cases") or []
        return cases

    before = await kept()
    editor, reviewer = await officer(catalog, *EDITOR), await officer(catalog, *REVIEWER)
    await editor.go(path)
    assert "请填写理由" in await editor.press("重新生成自动用例", why="")
    await editor.go(path)
    await editor.go(path_of(editor, "营业收入"))
    await editor.press("保存改正", value="3000万元", why="原文是三千万元")
    assert await kept() == before
    await editor.press("删除用例", case="0", why="重复")
    assert await kept() == before[1:]
    stale = filled(next(form for form in editor.page.css("form") if str(form.attributes["action"]).endswith("/cases")))
    await editor.send(f"{path}/cases", stale | {"how": "remove", "case": "9", "why": "没有"})
    assert editor.status == 422
    await reviewer.go(path)
    assert "删除用例" not in reviewer.buttons()
    token = str(reviewer.page.css_first("input[name=token]").attributes["value"])
    await reviewer.send(f"{path}/cases", {"token": token, "how": "remove", "case": "0", "why": "硬来", "version": stale["version"]})
    assert reviewer.status == 403
    assert await kept() == before[1:]


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


# ------------------------------------------------------------------------------------------------- more than one test


async def body_of(catalog: Running) -> dict[str, Any]:
    [row] = await catalog.rows("SELECT body FROM benefits")
    found: dict[str, Any] = rules.loads(row["body"])
    return found


async def test_a_condition_is_added_only_with_words_of_the_clause(catalog: Running) -> None:
    path = await drafted(catalog)
    editor = await officer(catalog, *EDITOR)
    await editor.go(f"{path}/more")
    fields = {"attribute": "employees", "period": "last_year", "operator": ">=", "value": "50人", "why": "漏读了"}
    refused = await editor.press("增加这一条件", quote="从业人员五十人以上", **fields)
    assert editor.status == 422
    assert "条文里没有“从业人员五十人以上”" in refused
    typed = {one.attributes["name"]: one.attributes.get("value") for one in editor.page.css("main input[type=text]")}
    assert (typed["quote"], typed["value"]) == ("从业人员五十人以上", "50人"), "what was typed stands there still"
    assert editor.page.css_first("#quote").attributes["aria-invalid"] == "true"
    done = await editor.press("增加这一条件", quote="高新技术企业")
    assert editor.status == 200
    assert "上年度从业人数不低于50人" in done
    [new] = [node for node in (await body_of(catalog))["rule"]["all"] if node.get("fact") == "employees"]
    assert new["quote"] == "高新技术企业"
    assert new["span"][1] - new["span"][0] >= len("高新技术企业"), "its place in the raw text"


async def test_a_condition_on_records_is_added_step_by_step(catalog: Running) -> None:
    path = await drafted(catalog)
    editor = await officer(catalog, *EDITOR)
    await editor.go(f"{path}/more?how=record")
    shown = await editor.press("增加这一条件", quote="高新技术企业", kind="penalty", quantifier="none", why="漏读了")
    assert "对这类记录的一个字段" in shown
    done = await editor.press("增加这一条件", quote="高新技术企业", attribute="decided_on", operator=">=", value="3年前", why="三年内")
    assert "没有行政处罚记录（处罚决定日期不早于3年前）" in done
    await editor.go(f"{path}/more?how=judge")
    assert "由人认定：经营良好" in await editor.press("增加这一条件", quote="高新技术企业", words="经营良好", why="须看情况")


async def test_a_lone_condition_gets_an_alternative(catalog: Running) -> None:
    path = await drafted(catalog)
    editor = await officer(catalog, *EDITOR)
    await editor.go(path)
    place = path_of(editor, "营业收入").partition("path=")[2]
    await editor.go(f"{path}/more?path={place}")
    done = await editor.press(
        "增加这一条件",
        quote="高新技术企业",
        attribute="output_value",
        period="last_year",
        operator=">=",
        value="1亿元",
        either="1",
        why="二选一",
    )
    assert "符合下列任一项：" in done
    assert "上年度工业总产值不低于1亿元" in done


async def test_an_amount_is_corrected_and_another_way_to_reckon_it_takes_it_in(catalog: Running) -> None:
    path = await drafted(catalog)
    editor = await officer(catalog, *EDITOR)
    await editor.go(f"{path}/amount")
    assert editor.page.css_first("#fixed").attributes["value"] == "20万元"
    refused = await editor.press("保存金额", fixed="二十万左右", why="核对")
    assert editor.status == 422
    assert "不是数值" in refused or "登记表中没有" in refused
    assert editor.page.css_first("#fixed").attributes["value"] == "二十万左右"
    assert "30万元" in await editor.press("保存金额", fixed="30万元")
    await editor.go(f"{path}/amount?path=amount&form=cap")
    assert "现在的金额会放进新的算法里面" in editor.page.body.text()
    done = await editor.press("保存金额", cap="50万元", why="另有上限")
    assert "30万元，最高不超过50万元" in done
    await editor.go(f"{path}/amount?path=amount/of&form=rate")
    done = await editor.press("保存金额", of="上年度研发费用", rate="5%", why="按比例")
    assert "上年度研发费用的5%，最高不超过50万元" in done
    assert (await body_of(catalog))["amount"]["quote"], "the words of the clause stay"
    await editor.go(f"{path}/amount")
    assert "上年度研发费用的5%" in await editor.press("只保留里面的“原金额”", why="没有上限")
    assert "最高不超过" not in editor.page.css_first("section[aria-label=规则]").text()
    await editor.go(f"{path}/amount")
    await editor.press("删除金额（事项没有可以计算的金额）", why="条文没有写金额")
    assert (await body_of(catalog))["amount"] is None
    await editor.go(f"{path}/amount")
    assert "请从条文中摘录金额所依据的原话" in await editor.press("保存金额", fixed="20万元", why="有金额")
    assert "20万元" in await editor.press("保存金额", quote="给予一次性奖励20万元")
    assert (await body_of(catalog))["amount"]["span"]


async def test_an_amount_by_cases_is_corrected_branch_by_branch(catalog: Running) -> None:
    path = await drafted(catalog)
    editor = await officer(catalog, *EDITOR)
    await editor.go(f"{path}/amount?path=amount&form=case")
    fields = {"attribute": "size", "operator": "=", "value": "小型", "pay.new": "30万元"}
    done = await editor.press("保存金额", **fields, why="小型企业另有标准")
    assert "企业规模为小型的，30万元；其余20万元" in done
    await editor.go(f"{path}/amount")
    [link] = [str(one.attributes["href"]) for one in editor.page.css("main a") if "改正条件 1" in one.text()]
    await editor.go(link)
    assert "企业规模为微型的，30万元" in await editor.press("保存改正", value="微型", why="应为微型")
    for nowhere in ("rule", "amount/case/9/1", "amount/case/0/0", "amount/case"):
        await editor.go(f"{path}/amount?path={nowhere}")
        assert editor.status == 404, nowhere


async def test_particulars_are_corrected_and_a_wrong_day_is_told_beside_its_field(catalog: Running) -> None:
    path = await drafted(catalog)
    editor = await officer(catalog, *EDITOR)
    await editor.go(f"{path}/particulars")
    assert editor.page.css_first("[name='valid.to']").attributes["value"] == "2030-12-31"
    refused = await editor.press("保存基本信息", **{"valid.to": "2020-13-01"}, title="新名称", why="核对")
    assert editor.status == 422
    assert "有效期至" in refused
    assert "不是日期" in refused
    assert editor.page.css_first("[name='valid.to']").attributes["aria-invalid"] == "true"
    assert editor.page.css_first("#title").attributes["value"] == "新名称"
    fields = {"valid.to": "2027年12月31日", "window.from": "2026-09-01", "window.to": "2026-09-30", "department": "市工信局、市财政局"}
    assert "早于 2026-09-01" in await editor.press("保存基本信息", **fields | {"window.to": "2026-08-01"}, why="核对")
    done = await editor.press("保存基本信息", **fields, mode="direct", kind="人才", once="year")
    assert editor.status == 200
    for words in ("新名称", "免申即享，直接兑付", "2027-12-31", "2026-09-01至2026-09-30", "市工信局、市财政局", "人才"):
        assert words in done
    said = await body_of(catalog)
    assert (said["stacking"]["once"], said["window"]) == ("year", {"from": "2026-09-01", "to": "2026-09-30"})
    await editor.go(f"{path}/particulars")
    await editor.press("保存基本信息", **{"valid.to": "不限", "window.from": "", "window.to": ""}, why="没有申报期")
    said = await body_of(catalog)
    assert "window" not in said
    assert said["valid"]["to"] is None


async def test_a_case_is_written_by_form_and_told_in_chinese_why_it_fails(catalog: Running) -> None:
    path = await drafted(catalog)
    editor = await officer(catalog, *EDITOR)
    await editor.go(f"{path}/case")
    fields = {str(one.attributes["name"]): str(one.attributes.get("value") or "") for one in editor.page.css("main input[type=text]")}
    assert [name for name in fields if name.startswith("fact.")], "what the rule asks stands there already"
    at = next(f"fact.{n}" for n in range(9) if chosen(editor, f"fact.{n}") == "revenue")
    filled_in = {"name": "收入不足的企业", f"{at}.value": "1000万元", "known.certificate": "none", "expect": "eligible", "why": "核对下限"}
    assert "请写成" in await editor.press("保存用例", **filled_in | {f"{at}.value": "一千万左右"})
    assert editor.page.css_first(f"[name='{at}.value']").attributes["value"] == "一千万左右"
    done = await editor.press("保存用例", **{f"{at}.value": "1000万元"})
    assert editor.status == 200
    assert "应为“符合”，得到“不符合”" in done
    assert "年营业收入1000万元，要求不低于2000万元，还差1000万元，不符合" in done
    [link] = [
        str(one.attributes["href"]) for one in editor.page.css("main a") if one.attributes.get("aria-label") == "改用例：收入不足的企业"
    ]
    await editor.go(link)
    assert "未通过 0" in await editor.press("保存用例", expect="ineligible", why="本来就不符合")


def chosen(visitor: Visitor, name: str) -> str | None:
    control = visitor.page.css_first(f"select[name='{name}'] option[selected]")
    return control.attributes.get("value") if control else None


async def test_a_case_has_room_for_more_facts_and_records_and_keeps_what_was_typed(catalog: Running) -> None:
    path = await drafted(catalog)
    editor = await officer(catalog, *EDITOR)
    await editor.go(f"{path}/case")
    before = len(editor.page.css("main select[name^='fact.']"))
    await editor.press("再给几行空行（不保存）", name="一个企业", more="project")
    assert editor.page.css_first("#name").attributes["value"] == "一个企业"
    assert len(editor.page.css("main select[name^='fact.']")) == before + 3
    new = f"fact.{before}"
    fields = {
        new: "employees",
        f"{new}.period": "2025年",
        f"{new}.value": "12人",
        "row.project.0.total": "3000万元",
        "known.project": "rows",
    }
    await editor.press("保存用例", **fields, **{"known.project": "rows"}, expect="undetermined", why="补一个")
    assert editor.status == 200
    case = (await body_of(catalog))["cases"][-1]
    assert case["facts"]["employees"] == {"2025": 12}
    assert case["records"]["project"] == [{"id": "1", "total": 30000000}]
    await editor.go(f"{path}/case?case={len((await body_of(catalog))['cases']) - 1}")
    assert editor.page.css_first("[name='row.project.0.total']").attributes["value"] == "3000万元"
    await editor.go(f"{path}/case?case=99")
    assert editor.status == 404


async def test_a_generated_case_that_a_later_edit_broke_is_explained_and_made_anew_by_one_press(catalog: Running) -> None:
    path = await drafted(catalog)
    editor = await officer(catalog, *EDITOR)
    await editor.go(path)
    assert "按现行规则重新生成" not in editor.buttons()
    await editor.go(path_of(editor, "营业收入"))
    broken = await editor.press("保存改正", value="3000万元", why="原文是三千万元")
    assert "规则或日期后来改动，这一自动生成的用例没有跟着改" in broken
    assert re.search(r"年营业收入：原为2000万元，按现在的规则应为3000万元", broken)
    done = await editor.press("按现行规则重新生成")
    assert editor.status == 200
    assert "未通过 0" in done
    assert "按第 2 版规则重新生成用例" in done
    await editor.go(f"{path}/particulars")
    assert "原为" in await editor.press("保存基本信息", **{"valid.from": "2029-01-01"}, why="推迟施行")
    assert "未通过 0" in await editor.press("按现行规则重新生成")


async def test_forms_are_refused_to_reviewers_other_departments_and_on_stale_pages_and_keep_what_was_typed(catalog: Running) -> None:
    path = await drafted(catalog)
    forms = {
        "amount": ("保存金额", {"fixed": "1万元"}),
        "particulars": ("保存基本信息", {"title": "新名称"}),
        "case": ("保存用例", {"name": "甲"}),
        "more": ("增加这一条件", {"quote": "高新技术企业", "value": "1"}),
    }
    editor, reviewer, other = await officer(catalog, *EDITOR), await officer(catalog, *REVIEWER), await other_department(catalog)
    await editor.go(f"{path}/amount")
    for page, (button, fields) in forms.items():
        for who, words, status in ((reviewer, "没有权限", 403), (other, "请由该部门的人员办理", 403)):
            await who.go(f"{path}/{page}")
            more = {"attribute": "employees", "period": "last_year"} if page == "more" else {}
            assert words in await who.press(button, **fields, **more, why="试试")
            assert who.status == status
            name, value = next(iter(fields.items()))
            assert who.page.css_first(f"#{name}").attributes["value"] == value
    late = await officer(catalog, "戊", "editor")
    await late.go(f"{path}/amount")
    await editor.press("保存金额", fixed="25万元", why="改正")
    for _ in range(2):
        assert "版本已变化" in await late.press("保存金额", fixed="26万元", why="改正"), "pressing again does not write over what is new"
        assert late.status == 412
    assert (await body_of(catalog))["amount"]["fixed"] == 250000


async def other_department(catalog: Running) -> Visitor:
    visitor = Visitor(catalog)
    await visitor.go("/desk/login")
    await visitor.press("登录", key=await key_of(catalog, "己", "editor", "reviewer", "publisher", department="市税务局"))
    return visitor
