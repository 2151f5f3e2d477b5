"""How officials say what is given: each wording with the figures that must be read, and what must not be taken for a benefit."""

from typing import Any

import pytest

from services.catalog.domain.drafts import Document
from services.catalog.domain.listing import benefits


def told(text: str) -> list[str]:
    """Each benefit's figures with their units, ranges as "low~high", and its ceiling behind a bar."""
    return [_amount(b["amount"]) for b in benefits(text, Document("文件"))["benefits"]]


def _amount(amount: dict[str, Any]) -> str:
    value, unit = amount["value"], amount["unit"] or ""
    if amount["kind"] == "tiered":
        said = "、".join(f"{step['value']}{step['unit']}" for step in value)
    elif amount["kind"] == "range":
        said = "~".join("" if side is None else str(side) for side in value) + unit
    else:
        said = "无" if value is None else f"{value}{unit}"
    cap = amount["cap"]
    return said + (f"|{cap['value']}{cap['unit']}" if cap and amount["kind"] != "range" else "")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        # figures in a row, the unit or the currency printed once
        ("对新评为5A、4A、3A级的物流企业，一次性奖励50万、30万、10万元。", ["50万元、30万元、10万元"]),
        ("对获得一、二、三等奖的企业，分别给予30、20、10万元奖励。", ["30万元、20万元、10万元"]),
        ("对新建高级雪道、中级雪道、初级雪道分别奖励100万元、50万元、5万元。", ["100万元、50万元、5万元"]),
        ("对年度贡献1000万元以上至2000万元、2000万元以上的企业，分别参照其贡献的70%和80%给予奖励。", ["70%、80%"]),
        ("对重点项目，奖励投资额度的5%—20%。", ["5~20%"]),
        ("对共建实训基地的企业，一次性给予20至50万元补助。", ["20~50万元"]),
        # what raises, tops or divides is no step of its own
        ("科技型企业研发费用的加计扣除比例由75%提高到100%。", ["100%"]),
        ("对揭榜成功的项目，按照项目总投入的30%予以资助，立项后拨付40%，验收通过后拨付60%。", ["30%"]),
        ("对总部企业，按实缴注册资本的1%给予奖励，最高1000万元，分三年按40%、30%、30%的比例兑付。", ["1%|1000万元"]),
        ("对新增入统企业，给予10万元奖励（第一年奖励5万元，第二年奖励3万元，第三年奖励2万元）。", ["5万元、3万元、2万元|10万元"]),
        ("对技改项目，按设备投资额的10%给予补助，购买本地设备的，按补助标准上浮20%给予补助。", ["10%"]),
        ("对新引进的项目，按固定资产投资额的10%给予补贴，其中奖补资金50%待企业投产后兑现。", ["10%"]),
        # ceilings
        ("新建冷库按150元/立方米补助，单个主体补助总额控制在100万元以内。", ["150元/立方米|100万元"]),
        ("按实际展位费的70%予以补助，单个标准展位最高补助3万元，每家企业全年累计不超过30万元。", ["70%|30万元"]),
        ("对建成平台的企业给予补助50万元（一个企业最高奖励为50万元）。", ["50万元|50万元"]),
        ("可按30元/平方米·月且每年总额不超过15万元的标准，给予企业租房补助。", ["30元/平方米·月|15万元"]),
        ("按照年度实际到位投资额的5%，给予企业不超过50万元的奖励。", ["5%|50万元"]),
        ("参加国内展的，每个标准展位不超过8000元补贴；参加境外展的，每个标准展位不超过3万元，最多补助4个。", ["8000元、3万元"]),
        # what is counted
        ("企业聘用毕业生的，给予每人每月3000元补贴，补贴期限不超过6个月。", ["3000元/人/月"]),
        ("对租用仓库的企业，给予每月每平方米5元的租金补助，每家每年不超过80万元。", ["5元/月/平方米|80万元"]),
        ("服务机构每成功推荐1个项目落户的，给予1万元奖励，每年最高不超过10万元。", ["1万元|10万元"]),
        # relief
        ("对小微企业工会经费全额返还。", ["100%"]),
        ("企业从事公共设施项目的所得，第一年至第三年免征企业所得税，第四年至第六年减半征收企业所得税。", ["100%、50%"]),
        ("企业缴纳房产税确有困难的，可给予减征或免征房产税。", ["无"]),
        ("对小型微利企业可以在50%的税额幅度内减征资源税。", ["50%"]),
        ("小微企业的担保费率降至1%以下，对融资担保机构按担保额的0.5%给予补助。", ["0.5%"]),
        ("对投保的企业，给予保费50%的补贴，其中小微企业给予全额补贴，最高200万元。", ["50%、100%|200万元"]),
        ("对获得上级立项的企业，按上级拨付经费1:0.5给予配套，最高300万元。", ["50%|300万元"]),
        ("认定的企业，首年补助100万元；第二年最高60万元；第三年最高40万元。", ["100万元、60万元、40万元"]),
    ],
)
def test_figures_are_read_with_their_part_in_the_amount(text: str, wanted: list[str]) -> None:
    assert told(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        # another applicant, title or act: a benefit of its own
        ("零售企业年零售额达到2亿元，给予奖励10万元；餐饮企业年营业额达到5000万元，给予奖励5万元。", ["10万元", "5万元"]),
        ("对新认定工业精品的企业给予20万元奖补；新认定品牌示范的企业给予10万元奖补。", ["20万元", "10万元"]),
        ("对获得驰名商标的单位给予50万元奖励、对获得集体商标的单位给予10万元奖励。", ["50万元", "10万元"]),
        ("购买办公用房的企业，按每平方米1000元给予补助；租赁办公用房的企业，按租金的30%给予补助。", ["1000元/平方米", "30%"]),
        # the same with another line, grade or stage: one benefit
        ("对新发展100亩以上的花卉基地，奖励100元/亩；对新发展500亩以上的，奖励200元/亩。", ["100元/亩、200元/亩"]),
        ("认定为国家级企业技术中心，奖励200万元；省级企业技术中心，奖励50万元。", ["200万元、50万元"]),
        ("企业通过辅导验收后，奖励100万元；材料受理后，奖励100万元；股票上市，奖励200万元。", ["100万元、100万元、200万元"]),
        ("企业新购置设备投入500万元以上的，给予4%补助。1000万元以上至2000万元的，给予7%补助。", ["4%、7%"]),
    ],
)
def test_another_target_is_another_benefit_and_another_step_is_not(text: str, wanted: list[str]) -> None:
    assert told(text) == wanted


NOTICE = """一、设备更新项目
支持对象
在本市登记的工业企业，给予一定比例的资助。
支持标准
按设备投资额的10%给予补助。
申报程序
企业提交材料后由区工信局初审。
二、奖励项目
（一）奖励标准
一等奖20万元，二等奖10万元。
补贴测算：以一家企业为例，补贴1520元/人月×6月=9120元/人。
申报渠道：区窗口
"""


def test_a_notice_gives_under_its_standards_and_nowhere_else() -> None:
    assert told(NOTICE) == ["10%", "20万元、10万元"]
    assert told("补贴对象：符合条件的创业者。\n补贴标准：10000元。\n补贴期限：一次性。\n") == ["10000元"]


def test_paragraphs_without_a_stop_are_told_apart() -> None:
    lines = [
        "上市扶持政策",
        "企业在主板上市的，奖励企业100万元",
        "对获得投资的企业，按实际到位资金的5%给予奖励",
        "鼓励企业引才，每引进一人奖励1万元",
    ]
    assert told("\n".join(lines)) == ["100万元", "5%", "1万元/人"]


@pytest.mark.parametrize(
    "text",
    [
        "截至9月末，全市累计发放企业贷款贴息2.3亿元，惠及企业1200家。",
        "推出三大科技贷款产品，单户贷款额度最高达2800万元。",
        "政府部门推出8项扶持措施，兑现3亿元研发补贴。",
        "项目验收不合格的，扣减20%的补助资金。",
        "对绩效评价结果为优的区给予5%的资金倾斜。",
        "全年新增普惠贷款200亿元，普惠型小微企业贷款利率降至4.5%以下。",
        "企业存在重大违法行为的，可决定不给予补助。",
        "对违法企业处以10万元以上30万元以下罚款。",
    ],
)
def test_results_aims_and_penalties_give_nothing(text: str) -> None:
    assert told(text) == []


def test_a_refusal_behind_a_gift_leaves_the_gift() -> None:
    assert told("对新认定的企业给予10万元奖励，与市级奖励不重复享受。") == ["10万元"]
    assert told("对引进的人才，给予80万元奖励（与安家补助不重复享受）。") == ["80万元"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("对承租厂房的企业，按租金的50%给予补贴。", "税费"),
        ("对缓缴社会保险费的企业，免收滞纳金。", "税费"),
        ("对不裁员的参保企业，返还失业保险费的50%。", "人才"),
        ("招用毕业生的企业，按每人1000元给予补贴。", "人才"),
        ("按贷款利息的50%给予企业贴息。", "融资"),
        ("对新认定的孵化器，给予50万元奖励。", "平台载体"),
        ("对举办论坛的单位，给予举办单位5万元奖励。", "平台载体"),
        ("对获得驰名商标的企业，给予50万元奖励。", "资金补助"),
        ("专门面向中小企业采购。", "其他"),
    ],
)
def test_the_type_follows_what_is_given_and_then_whom(text: str, wanted: str) -> None:
    assert [b["benefit_type"] for b in benefits(text, Document("文件"))["benefits"]] == [wanted]
