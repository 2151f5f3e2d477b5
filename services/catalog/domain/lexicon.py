"""The words by which provisions are recognised: data, nothing that names a document, a place or an issuer."""
# ruff: noqa: E501 (lists of words)

import re
from dataclasses import dataclass
from functools import cached_property


def _any(words: tuple[str, ...]) -> str:
    return "(?:" + "|".join(sorted(words, key=len, reverse=True)) + ")" if words else r"(?!)"


GIVING = ("给予", "予以", "发放", "拨付", "提供", "兑现", "返还", "退还", "给")
AIDS = (
    "奖励", "补助", "补贴", "资助", "奖补", "扶持", "支持", "贴息", "补偿", "津贴", "奖金", "预付款", "贴费", "配套", "返还", "退还", "退付", "补足", "经费",
)  # fmt: skip
CEILINGS = ("最高", "封顶", "额度", "最多", "至多")
LIMITS = ("不超过", "不高于", "上限", "不低于", "不少于")
BY = ("按照", "按", "依照", "按比例", "参照", "比照")
CHARGES = ("征收", "缴纳", "预缴", "抵减", "抵扣", "计征", "扣除", "摊销", "计入", "执行", "收取", "核定", "计收", "让利")
# 降低失业保险费率至1%: the charge stands inside.
LOWERED = r"降低[^,。;]{2,14}(?:费率|税率|利率|收费标准)(?:至|到)$"
REDUCED = ("减按", "加计", "下浮", "减收", "降低至", "降至", "下调至", "降为", "减息", "让利", "下调")
RAISED = ("提高到", "提高至", "提至", "上调至", "上调到", "上浮至", "调整为", "增至", "增加到", "增加至")
STANDARDS = (
    "补贴标准", "补助标准", "奖励标准", "资助标准", "返还标准", "奖补标准", "扶持标准", "发放标准", "定额标准", "津贴标准", "贴息标准", "支持标准", "补贴比例",
    "补助比例", "返还比例", "奖励比例", "资助比例", "支持比例", "贴息比例", "扣除比例", "补偿比例", "奖励额度", "补助额度", "补贴额度", "资助额度", "贷款额度", "补贴", "补助", "奖励", "资助",
)  # fmt: skip
# What is forgone or put off, by its making: 免征, 减缴, 缓交, 不予加收, 延期申报, 税前扣除 …
RELIEF_SHAPES = (
    r"[免减缓豁](?:征|收|缴|交|除|免|半|税|纳|予)", r"免[\u4e00-\u9fa5]{1,6}费(?!用)", r"免租", r"全免", r"即征即退", r"先征后[退返补]", r"暂[免缓停]", r"[退返]税", r"不(?:予|再|得|需|必|加)?(?:计|征|加?收取?|承担|缴|支付)(?!划|算机|单)",
    r"(?:税前|加计|全额|准予|允许|依法)[^,。;]{0,24}扣除", r"全额[^,。;]{0,4}(?:返|退|支持|补|免|承担|奖|产业奖)", r"全部(?:补|返|免|由[^,。;]{0,8}承担)", r"延期(?:缴|申|还|纳|交纳)", r"(?:准予|依法|可(?!能)|允许)[^,。;]{0,4}(?:延|缓|减|免)",
    r"定额(?:依次)?扣减", r"减征", r"减半", r"退还", r"延长[^,。;]{0,8}(?:至|到|为|期限)", r"顺延", r"免费(?!享受|开放)", r"优先(?:予以|给予|支持)", r"(?:给予|予以)[^,。;]{0,6}(?:优惠|减免)",
)  # fmt: skip
RELIEFS = ("续贷", "续保", "专门面向", "租金减免", "抵减")
AUTHORITIES = (
    "各地",
    "地市",
    "设区市",
    "县(市、区)",
    "县(市)",
    "市县",
    "当地财政",
    "各区",
    "各县",
    "乡镇",
    "街道",
    "各级政府",
    "镇街",
    "县区",
)
# Benefits of natural persons are no benefits of enterprises.
PERSONS = ("灵活就业", "城乡居民")
CONSUMERS = ("购房", "购车", "消费者", "居民家庭", "车辆购置税", "消费券")
BODIES = (
    "企业", "单位", "机构", "个人", "人员", "纳税人", "个体工商户", "公司", "商户", "用户", "项目", "机场", "旅行社", "组织", "主体", "平台", "基地", "园区",
    "毕业生", "农户", "合作社", "载体", "协会", "高校", "院所", "市场", "楼宇", "银行", "法人", "行业", "出租方", "承办方", "举办方", "申请人", "创业者", "贷款",
)  # fmt: skip
APPLICANTS = (
    "企业", "单位", "机构", "纳税人", "个体工商户", "公司", "商户", "载体", "园区", "基地", "平台", "协会", "旅行社", "合作社", "银行", "组织", "农户", "孵化器",
)  # fmt: skip
CONDITION_HEADINGS = (
    "条件要求", "申请条件", "申报条件", "支持条件", "认定条件", "资格条件", "补贴条件", "享受条件", "基本条件", "申请对象", "适用对象", "适用范围", "支持对象", "服务对象", "扶持对象", "奖励条件",
)  # fmt: skip
PROCEDURE_HEADINGS = (
    "服务流程", "办理流程", "申报流程", "申请流程", "办理程序", "申报材料", "申请材料", "所需材料", "受理部门", "联系方式", "联络方式", "服务内容", "政策内容", "支持内容", "支持标准", "补贴标准",
    "奖励标准", "申请渠道", "时间/频度", "依据文件", "发文机构", "政策依据",
)  # fmt: skip

# Headings of a notice, by their making: 扶持标准, 奖励方式, 兑现流程 …
HEADING = "(?:扶持|支持|奖励|补助|补贴|资助|奖补|贴息|申报|申领|兑现|发放|享受|减免|优惠|政策|办理)(?:标准|方式|内容|额度|金额|措施|办法|比例|时间|程序|流程|材料|渠道|期限|依据)"


@dataclass(frozen=True)
class Lexicon:
    """The word lists as one value, so that a test can take entries out and look what still stands."""

    giving: tuple[str, ...] = GIVING
    aids: tuple[str, ...] = AIDS
    ceilings: tuple[str, ...] = CEILINGS
    limits: tuple[str, ...] = LIMITS
    by: tuple[str, ...] = BY
    charges: tuple[str, ...] = CHARGES
    reduced: tuple[str, ...] = REDUCED
    reliefs: tuple[str, ...] = RELIEFS
    relief_shapes: tuple[str, ...] = RELIEF_SHAPES
    authorities: tuple[str, ...] = AUTHORITIES
    consumers: tuple[str, ...] = CONSUMERS
    persons: tuple[str, ...] = PERSONS
    bodies: tuple[str, ...] = BODIES
    condition_headings: tuple[str, ...] = CONDITION_HEADINGS
    procedure_headings: tuple[str, ...] = PROCEDURE_HEADINGS

    @cached_property
    def giving_before(self) -> re.Pattern[str]:
        """Words before a figure that say it is given: a verb anywhere in the clause, an aid or a ceiling close by."""
        return re.compile(
            f"{_any(self.giving)}|(?:{_any(STANDARDS)}|^(?:具体)?(?:标准|比例|额度)(?=为|是|:|提|统一|由))(?:的?上限|最高)?(?:为|是|:|由[^,。;]{{1,12}}|最高|可|统一)*(?:{_any(RAISED)}|为|是|:)[^,。;]{{0,40}}$|{_any(self.aids)}[^,。;]{{2,20}}的$|{LOWERED}|(?:即征即退|先征后[返退]|返还|退还)$|{_any(self.reduced)}|[上下]浮|减[按征收]|加计|{_any(self.ceilings)}[^,的]{{0,8}}$|{_any(self.aids)}[^,的]{{0,10}}$|{_any(self.aids)}[^,]*?{_any(self.limits)}"
        )

    @cached_property
    def giving_after(self) -> re.Pattern[str]:
        """Words after a figure that say it is given."""
        return re.compile(rf"(?:\(含\))?(?:的|(?:的)?标准|(?:的)?比例)?(?:{_any(self.giving)}|[^,。;:]{{0,8}}{_any(self.aids)})")

    @cached_property
    def measured(self) -> re.Pattern[str]:
        """按…: the figure is a rate where the clause goes on to give or to charge."""
        return re.compile(_any(self.by))

    @cached_property
    def given_or_charged(self) -> re.Pattern[str]:
        return re.compile(f"{_any(self.giving)}|{_any(self.aids)}|{_any(self.charges)}")

    @cached_property
    def relief(self) -> re.Pattern[str]:
        return re.compile(
            rf"(?:{_any(self.reliefs)}|{'|'.join(self.relief_shapes)})(?!凭证|备案|申报事项|期间)|可(?:依法|依规|申请|相应|适当)?(?:顺延|延期|延长|延缓)|可(?:在[^,。;]{{2,14}}前(?:完成|缴纳|补缴|支付))|由\d+年延长"
        )

    @cached_property
    def modifies(self) -> re.Pattern[str]:
        """A relief that only describes somebody: …减免租金的出租方."""
        return re.compile(
            rf"^[^,。;的]{{0,16}}的[^,。;]{{0,40}}{_any(self.bodies)}(?:等)?(?:出租方|企业|单位)?$|^[^,。;的]{{0,16}}的[^,。;的]{{0,12}}期限$"
        )

    @cached_property
    def aid(self) -> re.Pattern[str]:
        said = rf"(?:给予|予以|提供|发放|可申请|可享受)[^,。;]{{0,24}}?{_any(self.aids)}"
        computed = r"(?:返还|补贴|补助|奖励|补偿)标准可?按[^,。;]{2,40}(?:确定|执行|核定)"
        return re.compile(f"(?P<give>{said}|{computed}|享受第[^,。;]{{1,4}}[条款][^,。;]{{0,4}}政策)")

    @cached_property
    def aid_noun(self) -> re.Pattern[str]:
        return re.compile(_any(self.aids))

    @cached_property
    def plain_aid(self) -> re.Pattern[str]:
        """What is left of "给予企业贴息支持" without the words that any aid bears: 贴息."""
        return re.compile(r"给予|予以|提供|发放|可申请|可享受|支持|资金|企业|其|一定|补贴|补助|奖励|扶持|资助|相应|专项|适当|单位")

    @cached_property
    def not_given(self) -> re.Pattern[str]:
        return re.compile(
            r"不得(?:减征|免征|减免|享受)|(?:扣减|核减|扣回|收回|追缴|罚款)[^,。;]{0,12}\d|不(?:给予|予)(?:补助|奖励|支持|资助|补贴)|不再重复|不得重复|不重复|负责解释|暂停|不予(?:支持|受理|奖励|补助|资助|兑现)|违反|追回|同时享受|等方面(?:给予|予以)|协商解决|争取[^,。;]{0,20}(?:资金|额度)"
        )

    @cached_property
    def reported(self) -> re.Pattern[str]:
        """Results that a sentence reports: no promise to anybody."""
        return re.compile(
            r"截[至止]目前|自[^,。;]{0,8}以来|(?:推出|成立)[^。;]{0,44}?(?:产品|工具|措施|公司),|兑现\d|已[^,。;]{0,4}提供[^,。;]{0,12}\d|截[至止][^,。;()]{2,14},[^。]{0,30}(?:累计|共|已|全[省市区县])|(?:累计|共|已)(?:为[^,。;]{2,20})?(?:发放|兑现|拨付|减免|办理|投放|惠及|落实)[^,。;]{0,20}\d|惠及[^,。;]{0,8}\d"
        )

    @cached_property
    def example(self) -> re.Pattern[str]:
        """Headings under which a sum is worked out for an imagined case."""
        return re.compile(r"(?:补贴|标准|政策|金额|奖励)?(?:测算|举例|示例)(?:说明)?:")

    @cached_property
    def staged(self) -> re.Pattern[str]:
        """Words that announce several amounts of one benefit."""
        return re.compile(r"分阶段|分档|分级|分层|其中")

    @cached_property
    def to_authority(self) -> re.Pattern[str]:
        return re.compile(
            rf"的(?:区|县|市|镇|街道|地区|部门)(?:,|给予|予以|$)|"
            rf"(?:对|支持|鼓励|引导|推动)[^,。;]{{0,24}}{_any(self.authorities)}(?![^,。;]{{0,8}}(?:企业|机构|公司|单位))|"
            rf"{_any(self.authorities)}[^,。;]{{0,8}}(?:给予|支持)|{_any(self.consumers)}|{_any(self.persons)}"
        )

    @cached_property
    def addressed(self) -> re.Pattern[str]:
        """A group that is described, not just named: 对…的企业, …企业可…, 为…企业…"""
        return re.compile(
            rf"(?:对|向|为|允许)[^。;]{{1,120}}(?:{_any(self.bodies)}|的,|收入|部分|费用)|{_any(self.bodies)}[^。;]{{0,40}}(?:,|可|按)|的,|凭|准予|部分,|下列[^,。;]{2, 16}可以"
        )

    @cached_property
    def appeal(self) -> re.Pattern[str]:
        return re.compile(r"^(?:鼓励|推动|引导|探索|完善|加快|加强|健全|争取|积极|加大|优化)")

    @cached_property
    def policy_talk(self) -> re.Pattern[str]:
        """A clause that speaks about a policy instead of giving it."""
        return re.compile(
            r"(?:落实|执行|用好|宣传|辅导|做好|享受(?!第))[^,。;]{0,60}(?:政策(?!过程)|申报)|政策(?:落实|宣传|辅导|到期)|优惠政策$"
        )

    @cached_property
    def condition_zone(self) -> re.Pattern[str]:
        listed = rf"{_any(self.condition_headings)}(?=\d|\(|:|企业|[一二三四五六七八九十]、|$)"
        said = r"(?:需|应|须)?(?:要|当)?(?:同时)?(?:符合|满足|具备)(?:以下|下列)(?:基本|全部)?条件(?:之一)?(?:的)?[,:]?"
        return re.compile(rf"{listed}|{said}|[\u4e00-\u9fa5]{{0,6}}条件(?:为)?:")

    @cached_property
    def condition_heading(self) -> re.Pattern[str]:
        return re.compile(_any(self.condition_headings))

    @cached_property
    def notice_heading(self) -> re.Pattern[str]:
        """A heading of a notice: 支持标准, 申报程序, 支持对象 …"""
        return re.compile(f"{HEADING}|{_any(self.condition_headings)}|{_any(self.procedure_headings)}")

    @cached_property
    def other_zone(self) -> re.Pattern[str]:
        printed = rf"(?<=[。;】).、]){HEADING}|{HEADING}(?=[:】])"
        return re.compile(f"{_any(self.procedure_headings)}|{printed}")
