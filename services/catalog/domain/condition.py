"""One condition as the words say it, and inside which fuller one it says nothing of its own."""

from dataclasses import dataclass

from services.catalog.domain.passage import Span
from services.catalog.domain.quantities import Comparison, Window


@dataclass(frozen=True)
class Condition:
    """`value` is as printed: text, a list of texts, a number, a pair of dates; `unit` the printed unit of a number.

    `excepted` is true where the words make an exception (除…外, 不含, 未…): the rule asks for the contrary.
    """

    attribute: str
    operator: str
    value: object
    unit: str | None
    span: Span
    comparison: Comparison | None = None
    window: Window | None = None
    excepted: bool = False


# A condition of the key's attribute says nothing of its own inside one of these.
INSIDE = {
    "行业": ("资质认定", "贷款对象", "纳统情况", "产业政策符合", "名单入选", "承租国有房产", "项目入库", "行业"),
    "名单入选": ("信用状况",),
    "企业规模": ("资质认定", "贷款对象", "纳统情况", "上市板块", "上市阶段", "名单入选", "项目入库", "创办主体"),
    "主体类型": (
        "企业规模",
        "贷款对象",
        "入驻载体",
        "推荐注册企业数",
        "招用对象",
        "人员身份",
        "签订合同",
        "证明材料",
        "承租国有房产",
        "资质认定",
        "上市阶段",
    ),
    "人员身份": ("招用对象",),
    "社保缴纳": ("缴税困难", "招用对象"),
    "生产经营困难": ("受疫情影响",),
    "缴税困难": ("受疫情影响",),
    "产品或业务": ("行业", "设备用途", "项目类型", "投保险种", "融资租赁标的物", "承租国有房产"),
    "项目类型": (
        "资质认定",
        "参加展会",
        "上市阶段",
        "融资租赁标的物",
        "示范效应",
        "采购项目金额",
        "融资方式",
        "项目阶段",
        "项目状态",
        "评估结果",
    ),
    "设立机构": ("注册地",),
    "项目状态": ("验收结果",),
    "业务发生期间": ("纳统情况", "项目入库", "名单入选", "亏损发生年度", "资质认定", "证明材料"),
    "首次认定": ("贷款类型", "知识产权质押融资", "标准制定"),
    "知识产权": ("知识产权质押融资", "投保险种", "资质认定", "前沿技术"),
    "证明材料": ("注册地",),
    "招用对象": ("引进劳动力",),
    "就业状态": ("就业年限",),
    "资质认定": ("人员资格", "榜单排名", "名单入选", "标准制定"),
    "入驻载体": ("就业地",),
    "纳统情况": ("企业发展阶段",),
    "注册地": ("推荐注册企业数", "业务迁回结算", "就业地", "就业状态"),
    "就业地": ("就业状态", "引进劳动力"),
    "捐赠支出占比": ("利润总额",),
    "兼并重组": ("基金类型", "融资方式"),
    "贷款风险发生": ("受疫情影响",),
    "评估结果": ("验收结果",),
    "验收结果": ("上市阶段",),
    "设备用途": ("项目类型",),
}


def inside_another(c: Condition, found: list[Condition]) -> bool:
    """True where a fuller condition around it already says it."""
    return any(
        o is not c
        and o.attribute in INSIDE.get(c.attribute, ())
        and o.span.meets(c.span)
        and (len(o.span) >= len(c.span) - (3 if c.attribute == "项目类型" else 0) or c.attribute in ("人员身份", "知识产权"))
        for o in found
    )
