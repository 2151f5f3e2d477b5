"""Figures are what is counted or measured; dates, names, document numbers and hotlines are none."""

import pytest

from services.ingest.domain.audience import audience_of, benefit_type_of, benefits_enterprises
from services.ingest.domain.figures import figures_of
from services.ingest.domain.text import lines_of


def found(words: str) -> list[str]:
    (line,) = lines_of(words)
    return [f"{f.value}{f.unit}" for f in figures_of(line.text, plan=True)]


@pytest.mark.parametrize(
    ("words", "figures"),
    [
        ("引育技术经理人300名", ["300名"]),
        ("总规模超过100亿元的基金", ["100亿元"]),
        ("累计兑现资金 47.03亿元，惠及企业 35906 家", ["47.03亿元", "35906家"]),
        ("共 12,345 件", ["12345件"]),
        ("总计判决千万余元", ["10000000元"]),
        ("拍卖款 1 亿余元，缴回税款 6000 余万元", ["1亿元", "6000万元"]),
        ("惠及企业 6000 多家次，累计 25 万人次", ["6000家次", "25万人次"]),
        ("累计完成 40 个航次", ["40个航次"]),
        ("同比下降0.56个百分点，节能率达 80%以上", ["0.56个百分点", "80%"]),
        ("减少废水排放 21.5 万吨/年，给予2000 元/辆奖励", ["21.5万吨/年", "2000元/辆"]),
        ("新增供电容量29627kVA", ["29627kVA"]),
        ("由 60 天压缩至 5分钟，3个多月缩短至7个工作日", ["60天", "5分钟", "3个月", "7个工作日"]),
        ("每人每年开展一次帮办，一个工作日内办结", ["1次", "1个工作日"]),
        ("惠及 6.9 万常住人口", ["6.9万人"]),
        ("女性不超过55周岁，住宿2 晚及以上", ["55周岁", "2晚"]),
        ("１００％网上可办", ["100%"]),
    ],
)
def test_a_quantity_has_its_value_and_its_unit(words: str, figures: list[str]) -> None:
    assert found(words) == figures


@pytest.mark.parametrize(
    "words",
    [
        "自2023年1月1日至2023年12月31日，2024 年上半年，截至2025年9月底",
        "（2021—2035年）规划，《三年行动方案（2022－2024）》，力争2022底完成",
        "依托12345平台，示府办〔2025〕38号，第14次常务会议，第 15 名",
        "“135+N”战略，“1+1+1”联盟，建立“1+1+24+48”机制",
        "5G 网络，2.0 版，N95口罩，GB/T 19580",
        "三大便捷，一件事，两个免于，四张清单，一站式",
        "给予一次性奖励",
    ],
)
def test_dates_names_and_numbers_of_documents_are_no_figures(words: str) -> None:
    assert found(words) == []


def test_a_figure_carries_the_date_its_sentence_names() -> None:
    (line,) = lines_of("2024年累计上线80 项。截至2025年9月底，办理8656件。共12家。")
    assert [f.as_of for f in figures_of(line.text, plan=False)] == ["2024", "2025-09", None]


def test_a_figure_is_a_target_a_threshold_or_a_result() -> None:
    (line,) = lines_of("打造规模100亿元的基金群，单家最高给予20万元补助，目前已服务300家。")
    assert [f.role for f in figures_of(line.text, plan=True)] == ["target", "threshold", "result"]


def test_who_gains_is_told_from_the_words() -> None:
    assert benefits_enterprises("优化融资服务", "加大首贷力度。", [])
    assert benefits_enterprises("缩短时间", "企业办事更快。", [])
    assert not benefits_enterprises("开展适老化改造", "为老年人提供大字版。", [])
    assert not benefits_enterprises("统一热线平台", "提升智能化水平，实现民生项目自助查询。", [])
    assert not benefits_enterprises("强化考核", "对牵头企业服务的部门进行评估。", ["三、保障措施"])


def test_the_kind_of_a_benefit_follows_its_title_first() -> None:
    assert benefit_type_of("加大融资支持", "对企业给予奖励。") == "融资信贷"
    assert benefit_type_of("加强知识产权保护", "提供快速预审。") == "知识产权"
    assert benefit_type_of("推动绿化", "种树。") == "其他"
    assert audience_of("支持外贸企业", "对小微企业给予补助。")[0] == "企业"
