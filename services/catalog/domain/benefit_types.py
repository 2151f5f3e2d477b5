"""benefit_type: one of six by what is given, and only then by whom it is given to. It is decided apart from the 13 kinds."""
# ruff: noqa: E501 (lists of words)

import re

_CASH = r"奖励|补助|补贴|资助|奖补|资金支持|配套|奖金|津贴"
_CHARGES = (
    r"税|社会保险费|养老保险|失业保险|公积金|租金|房租|工会经费|保证金|保障金|[水电气]费|电价|分摊|滞纳金|亏损|申报|费率|加计|研发费用"
)
_FORGONE = r"免[征收缴交税除租予]|减[征免半缴收]|缓[缴征交]|补缴|暂[缓退]|延[期长]|顺延|退税|退还|返还|留抵|抵减|扣除|税率|征收率|费率|先征后|不承担|不[予再]?计|欠费|优先|优惠|滞纳金|降低"
_LENT = (
    r"贷款|贴息|担保|风险补[偿贴]|(?<!投)融资|债券|(?<!创业)基金|金融机构|金融组织|创投|私募|股权投资|保费|信用保险|续贷|授信|避险|转贷|利率|"
    r"(?<!社会)(?<!养老)(?<!失业)(?<!工伤)(?<!医疗)(?<!伤害)保险(?:费|产品)"
)
_HOSTS = (
    r"(?:载体|平台|(?<![种养]植)(?<!养殖)(?<!花卉)(?<!生产)基地|园区|孵化器|众创空间|示范区|特色村|示范村|小镇|乡镇|会议|赛事|会展|竞赛|论坛|展会)(?:建设|运营|管理|承办)*(?:单位|机构|方)?(?:的)?,|"
    r"举办(?!地)|主办|承办|楼宇|税收楼|商协会|服务平台|创[新业]平台|机场|服务中心|第三方服务机构|社区建设|(?:组织|开展)[^,。;]{0,12}(?:赛事|展会|活动)(?!的)|"
    r"(?:认定|评)为[^。;]{0,30}(?:载体|平台|(?<!植)(?<!殖)基地|园区|孵化器|众创空间|示范区)|孵化服务|(?:给予|奖励)[^,。;\d]{0,8}(?:载体|平台|园区|孵化器)"
)
_PEOPLE = r"安家|津贴|专家|技师|教师|职务人员|高级管理|员工个人|海员|求职|三支一扶|创业团队|创新团队|万人计划|就业|招用|吸纳|稳岗|毕业生|裁员|社保补贴|社会保险补贴|创业补贴|创业资助|培训|技能|人才|职称|返乡|实习|见习|青年,|博士|每人每月|证(?:书)?的?人员"
# The first type whose words occur and whose second words do not: what is given comes before whom it is given to.
TYPES: tuple[tuple[str, str, str], ...] = (
    ("人才", r"稳岗|裁员", r"(?!)"),
    ("税费", rf"(?:{_FORGONE})[^。;]*(?:{_CHARGES})|(?:{_CHARGES})[^。;]*(?:{_FORGONE})", rf"{_LENT}|{_CASH}"),
    ("税费", r"就业保障金", r"(?!)"),
    ("税费", r"先征后[补返退]", r"(?!)"),
    (
        "税费",
        r"租金(?!减免的)|房租|租房补|租赁补|场租|仓储补贴|占道费|租用[^,。;]{0,8}(?:用房|仓库)",
        r"孵化(?:器|载体)[^,。;]{0,20}(?:运营|给予)",
    ),
    ("平台载体", r"(?:对|给予)(?:举办|主办|承办)(?:单位|方|机构)", r"(?!)"),
    ("融资", _LENT, r"(?!)"),
    ("平台载体", _HOSTS, r"(?!)"),
    ("人才", _PEOPLE, r"(?!)"),
    ("税费", _CHARGES, _CASH),
    ("其他", r"采购|用地|土地|证明|手续|审批|通关|场地使用费", _CASH),
)


def benefit_type(words: str, announced: str) -> str:
    """One of the six types; where the words say none and only specify (补贴标准: 10000元), by those that announce them."""
    for said in (words, announced):
        kind = next((name for name, pattern, other in TYPES if re.search(pattern, said) and not re.search(other, said)), None)
        if kind is not None:
            return kind
    return "资金补助"
