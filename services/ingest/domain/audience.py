"""Whom a measure is for, whether an enterprise gains by it and how: first guesses from its words, for a person to confirm."""

import re
from collections.abc import Sequence

# 经营主体 is the Company Law's and the statistics' word for all who trade; the others name them by tax, register or size.
ENTERPRISE = re.compile(
    r"企业|经营主体|市场主体|商事主体|创新主体|个体工商户|个体户|纳税人|缴费人|商户|厂商|公司(?!法)|合作社|旅行社|发行人|投资者|投资机构|担保机构|"
    r"承办单位|举办方|出租方|借款人|用人单位|申报单位|经营者|外商|台商|涉企|惠企|便企|助企|台企|小店|店铺"
)
_SERVED = re.compile(
    r"融资|贷款|信贷|贴息|营商环境领域|免于(?:填写|提交|填报)|免提交|免填报|自动审批|基金|股权|综合许可|首违不罚|包容审慎|海运出口|审批(?:服务质效|时限|时间|环节|流程)|审批模式|营业执照|不动产权证|招标|投标|市场准入|知识产权|专利|商标|职业资格|职称|人才(?:引|认定|政策)|"
    r"数据(?:流通|交易|产权)|通关|口岸查验|进出口|外贸|破产|重整|商事|减免|免征|退税|奖励|补助|补贴|资助|用地|用房|厂房|租金|账款|数据(?:开放|授权)"
)
_INTERNAL = re.compile(r"保障措施|组织保障|组织领导|组织实施|附则|工作要求|监督考核")
_INTERNAL_TITLE = re.compile(r"绩效|考核|督查|督导|组织实施|组织领导|统筹协调|归集|数据质量|基础设施建设(?!.*企业)")

_AUDIENCE: tuple[tuple[str, str], ...] = (
    ("专精特新企业", r"专精特新|小巨人"),
    ("科技型企业", r"科技型企业|高新技术企业|科技企业|研发投入|科创|技术创新|硬科技|创新型企业"),
    ("中小微企业", r"中小微企业|小微企业|中小企业|小型企业|微型企业"),
    ("个体工商户", r"个体工商户|个体户"),
    ("外贸企业", r"外贸|进出口|出口|通关|跨境电商|口岸"),
    ("外资企业", r"外商投资|外资企业|外国投资者"),
    ("台企台胞", r"台企|台胞|台商|台湾"),
    ("金融机构", r"金融机构|银行|担保机构|保险机构|投资机构|私募|基金管理"),
    ("人才", r"人才|职业资格|职称|毕业生|博士|专家"),
    ("建设项目业主", r"建设项目|工程建设|建设单位|用地|不动产|报装|竣工"),
    ("劳动者", r"劳动者|职工|就业人员|失业人员|参保人|网约"),
    ("个人", r"群众|个人|公众|居民|自然人|市民|老年人|申请人|消费者|新生儿|参保"),
    ("司法", r"法院|审判|审理|诉讼|仲裁|司法|破产"),
    ("政府部门", r"各级各部门|各部门|跨部门|监管|政务|审批|数据共享|主管部门|行政机关|责任单位"),
)

_TYPES: tuple[tuple[str, str], ...] = (
    ("融资信贷", r"融资|贷款|信贷|信用贷|首贷|续贷|担保|贴息|利率|基金|上市|债券|保单|股权投资|风险补偿|授信|获贷"),
    ("税费", r"税|缴费|社保费|社会保险费|费用减免|工会经费|保证金|租金|房租|减免|免收|免征"),
    ("资金补助", r"补助|奖励|补贴|资助|奖补|免申即享|兑现|扶持资金|给予.{0,12}支持|专项资金|政策工具|投入.{0,6}政策"),
    ("知识产权", r"知识产权|专利|商标|知产|版权"),
    ("人才", r"人才|职业资格|职称|技能等级|毕业生|招聘|用工|就业|博士"),
    ("数据", r"数据(?:流通|产权|交易|要素|空间|资源|共享|归集|质量|治理)|算力|数源"),
    ("司法保护", r"法院|诉讼|仲裁|审判|执行案|破产|调解|司法|执法|纠纷|合规|保全|行政争议|立法|清欠"),
    ("通关贸易", r"通关|口岸|进出口|出口|外贸|国际贸易|海运|跨境|海关|原产地|出海|商务旅行"),
    ("场地要素", r"用地|土地|厂房|不动产权|用林|用海|供电|用电|用水|用气|绿电|报装|选址|能耗|环评|站房"),
    ("咨询服务", r"咨询|热线|客服|帮办|政策(?:汇集|查询|匹配|推送|解读)|辅导|培训|服务中心|问答|线上人工|政策信息|政策服务|政策清单"),
    ("信用", r"信用(?!卡|贷|证|保险|代码)|信易|诚信|失信|守信"),
    ("办事便利", r"一网通办|一件事|办事|审批|登记|证照|政务服务|网办|通办|免提交|窗口|无证明|办理|套餐|亮证|智能审查"),
)


def benefits_enterprises(title: str, body: str, section: Sequence[str]) -> bool:
    """Whether an enterprise has something of the measure: it is named as the one served, or the service is one enterprises use."""
    if any(_INTERNAL.search(s) for s in section) and not re.search(r"给予|奖励|补助|补贴|资助", body):
        return False
    if _INTERNAL_TITLE.search(title):
        return False
    return bool(ENTERPRISE.search(title + "。" + body) or _SERVED.search(title + "。" + body))


def audience_of(title: str, body: str) -> tuple[str, ...]:
    """Groups the measure speaks of: 企业 first where enterprises are named, then narrower groups and others."""
    text = title + "。" + body
    found = [
        name for name, words in _AUDIENCE if len(re.findall(words, text)) >= (1 if name not in ("政府部门", "司法", "金融机构") else 2)
    ]
    if ENTERPRISE.search(text):
        found.insert(0, "企业")
    return tuple(found)


def benefit_type_of(title: str, body: str) -> str:
    """One of the thirteen kinds of a benefit; the title's words count four times, 其他 where none speaks."""
    best, most = "其他", 0
    for name, words in _TYPES:
        score = 4 * len(re.findall(words, title)) + len(re.findall(words, body))
        if score > most:
            best, most = name, score
    return best if most else "其他"
