"""What a document says of itself, where GB/T 9704 prints it; and what it does not say stays unknown."""

from typing import Any

import pytest

from services.ingest.domain.marks import number_of
from services.ingest.domain.reading import read, to_json
from services.ingest.domain.units import full_names
from services.ingest.domain.validity import iso_day

LETTER = """示例市科学技术局
示例市财政局 文件

示科规〔２０２６〕１８号

示例市科学技术局 示例市财政局关于印发
示例市科技贷款管理办法的通知

各区科技局、财政局，各有关单位：

现将《示例市科技贷款管理办法》印发给你们，请遵照执行。

附件：示例市科技贷款申请表

示例市科学技术局
示例市财政局
二〇二六年二月十日

（此件依申请公开）

一、支持对象。科技型企业。
二、支持标准。给予50%贴息。
本办法自2026年3月1日起施行，有效期5年。《示例市科技贷款暂行办法》（示科〔2019〕3号）同时废止。

抄送：市委办公厅，市人大常委会办公厅。
示例市科学技术局办公室          2026年2月11日印发
"""


def facts(text: str) -> dict[str, Any]:
    found: dict[str, Any] = to_json(read(text.encode()))["document"]
    return found


def test_a_letter_is_read_from_head_to_foot() -> None:
    document = facts(LETTER)
    assert document["doc_number"] == "示科规〔2026〕18号"
    assert document["issue_date"] == "2026-02-10"
    assert document["printed_date"] == "2026-02-11"
    assert document["addressees"] == "各区科技局、财政局，各有关单位"
    assert document["open_status"] == "依申请公开"
    assert document["attachments"] == ["示例市科技贷款申请表"]
    assert document["enclosed"] == ["示例市科技贷款管理办法"]
    assert document["distribution_groups"] == {"抄送": ["市委办公厅", "市人大常委会办公厅"]}
    assert (document["valid_from"], document["valid_to"]) == ("2026-03-01", "2031-02-28")
    assert document["repeals"] == ["《示例市科技贷款暂行办法》（示科〔2019〕3号）"]
    assert document["title"].endswith("关于印发示例市科技贷款管理办法的通知")
    assert "示例市科学技术局" in document["issuer"]


def test_what_is_not_printed_is_unknown() -> None:
    document = facts(
        "附件 3\n\n创新举措名单\n\n序号 创新举措 单位名称 具体做法\n1\n推行登记\n市市监局\n" + "完善登记制度，便利企业办理。" * 3
    )
    assert (document["title"], document["annex_label"]) == ("创新举措名单", "附件 3")
    for name in ("doc_number", "issuer", "issue_date", "printed_date", "open_status", "valid_from", "valid_to", "addressees"):
        assert document[name] is None, name
    assert document["attachments"] == document["distribution"] == document["enclosed"] == []


SIGNED = "\n示例市人民政府\n2020年2月4日\n"


@pytest.mark.parametrize(
    ("clause", "first", "last"),
    [
        ("本措施自2023年6月20日起施行，有效期5年。", "2023-06-20", "2028-06-19"),
        ("本政策执行期暂定为自政策发布之日起三个月。", "2020-02-04", "2020-05-03"),
        ("本政策执行期暂定为自政策发布之日起至2020年6月30日。", "2020-02-04", "2020-06-30"),
        ("本政策自印发之日起施行，除有明确执行期限的，相关措施有效期截至2020年12月31日。", "2020-02-04", "2020-12-31"),
        ("本办法自2024年2月29日起施行，有效期一年。", "2024-02-29", "2025-02-27"),
        ("本办法自发布之日起施行。", "2020-02-04", None),
        ("本措施实施至疫情解除之日。", None, None),
    ],
)
def test_validity_is_counted_inclusively_and_an_event_is_no_date(clause: str, first: str | None, last: str | None) -> None:
    document = facts(f"示例市人民政府关于支持企业的通知\n\n各区人民政府：\n\n一、减免租金。减免三个月租金。\n\n{clause}\n{SIGNED}")
    assert (document["valid_from"], document["valid_to"]) == (first, last)


def test_the_title_in_a_collection_loses_its_number_and_keeps_its_date() -> None:
    document = facts(
        "3. 示例市人民政府关于印发若干政策\n措施的通知（2023 年2 月24 日）\n示政〔2023〕8 号\n各区人民政府：\n现印发给你们。\n"
    )
    assert document["title"] == "示例市人民政府关于印发若干政策措施的通知"
    assert document["issue_date"] == "2023-02-24"
    assert document["issuer"] == "示例市人民政府"


def test_distribution_names_are_split_outside_brackets_only() -> None:
    document = facts(
        LETTER.replace(
            "抄送：市委办公厅，市人大常委会办公厅。",
            "有关单位:市委组织部、国网示例供电公司，市工信局（市大数据局、数字办）、市中\n级法院。",
        )
    )
    assert document["distribution"] == ["市委组织部", "国网示例供电公司", "市工信局（市大数据局、数字办）", "市中级法院"]


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("2026年3月9日", "2026-03-09"),
        ("２０２２ 年 ５ 月 ３０ 日", "2022-05-30"),
        ("二〇二六年二月十日", "2026-02-10"),
        ("二○二三年十二月三十一日", "2023-12-31"),
        ("2025-11-18", "2025-11-18"),
        ("2023年2月30日", None),
        ("2023年", None),
    ],
)
def test_days_are_read_and_a_day_that_never_was_is_none(words: str, day: str | None) -> None:
    assert iso_day(words) == day


@pytest.mark.parametrize(
    ("words", "number"), [("一", 1), ("十", 10), ("十二", 12), ("二十", 20), ("三十五", 35), ("一百零三", 103), ("28", 28), ("甲", 0)]
)
def test_chinese_numbers(words: str, number: int) -> None:
    assert number_of(words) == number


def test_a_level_printed_once_holds_for_the_names_that_follow() -> None:
    assert full_names(["市市场监管局", "发改委", "市信息中心"]) == ("市市场监管局", "市发改委", "市信息中心")
    assert full_names(["省财政厅", "金融监管局", "各区人民政府"]) == ("省财政厅", "省金融监管局", "各区人民政府")
    assert full_names(["市税务局", "高新区管委会", "园区管委会"], ["、", "，"]) == ("市税务局", "高新区管委会", "园区管委会")
    assert full_names(["国网供电公司", "市建设局"]) == ("国网供电公司", "市建设局")
