"""What a phrase that no wording knows may be about: by its head, by its verb, by the attribute whose name it bears."""
# ruff: noqa: E501 (a table: one wording, one line)

from services.catalog.domain.attributes.measured import MEASURED
from services.catalog.domain.attributes.said import SAID

# What a phrase that no wording knows is about, by the word it ends on; the first that fits.
HEADS: tuple[tuple[str, str], ...] = (
    ("受疫情影响", r"影响$"),
    ("生产经营困难", r"困难$"),
    ("缴税困难", r"(?:不能|无法|无力)[^,。;]*$"),
    ("人员身份", r"(?:院士|教授|专家|教师|名家|研究生|博士|硕士|弟子|带头人|传承人|人员|毕业生|军人|者|职工|农民|青年|人才)$"),
    ("资质认定", r"(?:奖|称号|认证|认定|荣誉|标识|资质|证书)$|^(?:首次|首获|获)"),
    ("招用对象", r"就业$"),
    ("参加展会", r"(?<!发)展(?:会|览)?$"),
    ("投保险种", r"险$"),
    ("贷款类型", r"贷款?$"),
    ("签订合同", r"(?:合同|协议)$"),
    ("证明材料", r"(?:证明|确认|出具|备案)[^,。;]{0,4}$|^(?:经|凭)"),
    ("上市阶段", r"(?:上市|挂牌|发行)$"),
    ("进口产品", r"^进口"),
    ("设备用途", r"(?:设备|仪器|软件)$"),
    ("项目类型", r"(?:会议|赛事|会展|竞赛|论坛|雪道|项目|活动|方案|工程|标准|业务|技术|改造|债券|平台)$"),
    # an enterprise is meant by whose it is or how it stands before it is meant by its trade
    (
        "主体类型",
        r"(?:青年|初创|创业|本土|本地|民营|外资|台资|国有|合资|参保|用人|见习|总部|上市|挂牌|科技型|成员|会员|主导|出租|投资|平台|农户)[^,。;]{0,6}(?:企业|公司|商户)$",
    ),
    ("行业", r"(?:企业|行业|业|社|店|餐厅|酒店|民宿)$"),
    ("主体类型", r"团队$|公司$|(?:机构|单位|方|人|行|会|院|校|所|场|体|司|户|市场|楼宇|园区|区|基地|组织)$"),
    ("产品或业务", r"(?:物资|产品|药品|服务|商品|货物|用品|品|物)$"),
)

# What a phrase that no wording knows asks, by the verb it begins with; the first that fits.
ASKING: tuple[tuple[str, str], ...] = (
    ("评估结果", r"评为[^,]*(?:优秀|合格|良好|优良)|^经[^,]{0,8}考核|^通过复评"),
    ("证明材料", r"^经[^,]{2,}(?:审核|审批|批准|认可|核实|备案|同意|确认)"),
    ("受疫情影响", r"^(?:确?[因受])[^,]*影响"),
    ("成本增加", r"^因[^,]*成本"),
    ("违法记录", r"^(?:无|未|没有|不存在)[^,]*(?:违法|违规|违纪|处罚|受罚|事故|投诉)"),
    ("行业", r"为主[体业]$"),
    ("产业政策符合", r"^符合[^,]*(?:政策|规划|导向|方向|目录|布局)"),
    ("纳统情况", r"^新?(?:增)?(?:并)?(?:纳入|进入)[^,]*统计"),
    ("招用对象", r"^安置"),
    ("成果转化", r"成果转化|(?<!农业)产业化$"),
    ("产品或业务", r"吞吐量|业务量|单量|箱量|货运量|航线|^(?:开展|代理|承接|办理)[^,]*(?:业务|服务|管理|检验|检测|运输|贸易)$"),
    ("资质认定", r"获奖|荣誉|(?:认定|评定|认证|入选|称号|榜单)$|奖次|^(?:被|获(?![^,]*(?:投资|贷款|融资)$)|荣获|首获|认定|评定|评为|通过[^,]*(?:认[定证]|评[审价定估]|审[核查定]|考[核试]|复[核审]|贯标|测试|备案)|取得(?![^,]*(?:投资|贷款|融资|收入|所得)$)|入选|列入|成为|达到[^,]*(?:级|标准))"),
    ("招用对象", r"^(?:新)?(?:招用|吸纳|招聘|安置|录用|聘用)"),
    ("贷款类型", r"^(?:取得|获得|申请)[^,]*贷款$"),
    ("融资方式", r"^(?:取得|获得|引入|通过)[^,]*(?:投资|融资|借款)$"),
    ("入驻载体", r"^(?:入驻|进驻|在[^,]{2,16}(?:内|街|区|园)(?:新)?(?:开设|设立|经营|办公))"),
    ("就业地", r"^(?:在|来|到|赴)[^,]{2,24}(?:就业|工作|实习|见习|从业)(?:$|满|\d)"),
    ("租赁要求", r"^(?:在[^,]{1,10}?)?(?:租|承租|符合租)"),
    ("设备用途", r"^(?:新)?(?:购|采购|引进)[^,]*(?:设备|机器|生产线|系统|软件)"),
    ("投保险种", r"^(?:投保|参保|购买)[^,]*保险"),
    ("参加展会", r"^参[加展与][^,]*展"),
    ("新设或迁入", r"^新(?:设|落户|迁入|引进|注册)"),
    ("产品或业务", r"^(?:新)?(?:从事|生产(?!性|线)|经营(?!性|范围|状况)|提供|销售|研发(?!费|投|经|人|支|机)|研制|开发|供应|向[^,]*(?:出口|销售|供))"),
    ("项目类型", r"^(?:新|投资|在[^,]{1,14}?)*(?:建|改建|扩建|打造|开展|举办|组织|实施|承办|主办|完成|推进|发展|引进|创建|改造|设立|建立|开设|培育|搭建|策划|承接|发行|布局|浇灌|种植|养殖|开办|参与)"),
)  # fmt: skip

# Every attribute there is: a phrase that no wording knows is named by the attribute whose own name it bears.
NAMES: tuple[str, ...] = (
    *dict.fromkeys(row.attribute for row in SAID),
    "项目阶段", "前沿技术", "独立电力户号", "物业管理方", "就业地", "就业状态", "担任股东", "付息情况", "贷款对象", "融资方式", "企业发展阶段", "业务迁回结算",
    "引进劳动力", "申请应急审评审批", "稳增长贡献", "成本增加", "企业所得税优惠条件", "合同签订时间", "认定时间", "入驻时间", "落户时间", "注册时间", "贷款发放时间",
)  # fmt: skip
FIGURE_NAMES: tuple[str, ...] = (
    *dict.fromkeys(row.attribute for row in MEASURED),
    "响应时段最大负荷", "响应时段平均负荷差值", "担保费率", "稳定用工时间", "累计为招商项目融资", "引进企业利润总额",
)  # fmt: skip


def named_after(words: str, names: tuple[str, ...], *, at_least: float = 0.5) -> str | None:
    """The attribute whose name shares most of its pairs of characters with the words; None where fewer than `at_least` are shared."""
    best, most = None, at_least
    for name in names:
        pairs = [name[i : i + 2] for i in range(len(name) - 1)]
        shared = sum(pair in words for pair in pairs) / len(pairs)
        if shared > most or (shared == most and best is None):
            best, most = name, shared
    return best
