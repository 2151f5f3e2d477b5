"""Printed quantities of a clause: number, unit, words, as-of date and role; dates, numbers of documents and names are none."""

import re
from decimal import Decimal

from .marks import number_of
from .text import Text, squeeze, tidy
from .values import Figure

# Measure words and units, longest first where one begins another (GB 3100 units, and the classifiers of official writing).
_UNITS = (
    "个百分点 百分点 个工作日 工作日 个小时 小时 分钟 秒钟 秒 个月 个航次 航次 个批次 批次 个季度 个年度 个日历日 人民币 美元 "
    "港元 欧元 日元 元 人次 家次 户次 件次 辆次 架次 车次 场次 班次 笔次 台次 点次 人天 人月 千瓦时 兆瓦时 千瓦 兆瓦 千伏安 "
    "千伏 立方米 平方米 平方公里 公里 千米 毫米 厘米 公顷 公斤 千克 毫克 标箱 吨 克 亩 米 升 度 周岁 晚 方面 领域 环节 "
    "大类 门类 大 家 户 个 件 项 名 人 位 次 笔 起 条 台 辆 艘 架 批 份 套 处 天 周 倍 类 种 门 届 场 轮 款 只 "
    "支 页 篇 座 所 间 层 部 宗 幅 班 卷 例 区 街 列 株 头 枚 张 本 块 对 片 栋 幢 组 步 级 样 桩 单 kVA "
    "MVA kWh MWh GWh kW MW GW TB PB GB TEU PFlops EFlops BP bp P "
)
_UNIT = "|".join(sorted(map(re.escape, _UNITS.split()), key=len, reverse=True))
_SCALE = "万亿|千亿|百亿|十亿|千万|百万|十万|万|亿|千|百"
_MORE = "[余多来]"
_PER = r"(?:\s*(?:CO2e?|标准煤|标煤|二氧化碳))?(?:\s*/\s*(?:年|月|日|天|人|辆|台|家|户|次|场|吨|亩|平方米|件|千瓦时|小时|人年|季度))?"
_FIGURE = re.compile(
    rf"(?P<lead>超过|不超过|不低于|不少于|最高|最低|至少|超|近|约|逾|达到|达|满)?\s*"
    rf"(?<![0-9A-Za-z.+/〔\[])(?P<number>\d{{1,3}}(?:[,，]\d{{3}})+(?![\d])|\d+(?:\.\d+)?)\s*"
    rf"(?:(?P<percent>[%‰]|％)|(?P<more>{_MORE})?\s*(?P<scale>{_SCALE})?\s*(?:{_MORE})?\s*"
    rf"(?P<unit>(?:个(?:{_MORE})月|年(?![度期底初末间、]|\s*\d)|日(?!报)|{_UNIT}){_PER})"
    rf"|(?P<bare>{_SCALE})(?P<people>[\u4e00-\u9fff]{{0,6}}?(?:人口|群体|参保人|居民|群众|用户|职工|学生|农民)))"
    rf"(?P<tail>以上|以下|以内|之内|左右|内)?"
)
_ROUND = re.compile(
    r"(?:超|近|逾|上|约|达|总计\S{0,4}?|合计)?(?P<scale>千万|百万|十万|千亿|百亿|十亿|万亿|亿|万|千|百)(?P<more>余|多)(?P<unit>元|家|户|人次|人|件|项|笔)"
)
_CHINESE = re.compile(
    r"每[^，。；、]{0,10}?(?P<times>[一两二三四五六七八九十]{1,2})(?P<t>次)(?!性)"
    r"|(?P<days>[一两二三四五六七八九十]{1,3})(?P<d>个工作日|个月|小时)(?=内|以内|之内|前|后|办结|完成)"
    r"|(?:累计|不超过|最长|期限为?|为期|有效期|不少于|满)(?P<years>[一两二三四五六七八九十]{1,3})(?P<y>年|个月)"
)
_NOT_FIGURES = re.compile(
    r"《[^《》]{0,200}》|«[^«»]{0,200}»|[〔\[（(]\s*(?:19|20)\d{2}\s*[〕\]）)]\s*第?\s*\d+\s*号"
    r"|(?:19|20)\d{2}\s*(?:年)?\s*[—–\-－~至]\s*(?:19|20)\d{2}\s*年?(?:度)?"
    r"|(?:19|20)\d{2}\s*年(?:度)?(?:\s*\d{1,2}\s*(?:月(?:份)?|季度)(?:\s*\d{1,2}\s*日)?)?(?:\s*(?:至|到|[—–\-－])\s*(?:\d{1,2}\s*月(?:份)?(?:\s*\d{1,2}\s*日)?|\d{1,2}\s*日))?"
    r"|(?:19|20)\d{2}\s*(?=[底初末])|(?<![\d个])\d{1,2}\s*月(?:份)?\s*\d{1,2}\s*日|(?<![\d.])\d{1,2}\s*月(?=份|底|初|末|中旬|上旬|下旬|至|以来|起|前|后)"
    r"|第\s*\d+|(?:GB|DB|ISO|YY)(?:/T)?\s*[\d.—-]+|(?<![\d.])\d+(?:\.\d+){2,}|(?<![\d.])\d+(?:\.\d+)?\s*版|\d{1,2}[:：]\d{2}"
    r"|(?<![\dA-Za-z])[\dA-Za-z]+(?:\+[\dA-Za-z]+)+|https?://\S{1,500}"
)
_DATED = re.compile(r"(?:截至|截止|至|到|自|从)?\s*((?:19|20)\d{2})\s*年(?:度)?(?:\s*(?:\d{1,2}\s*月\s*至\s*)?(\d{1,2})\s*月)?")
_RESULT = re.compile(r"累计|截至|截止|已|目前|共计|惠及|完成|实现|同比|下降|增长|压缩|缩短|节约|上线以来|服务|覆盖|位列|达成|推出")
_TARGET = re.compile(r"力争|争取|预计|目标|到\s*(?:19|20)\d{2}\s*年|打造|引育|建成|新增|培育|达到")
_THRESHOLD = re.compile(r"不超过|不低于|不少于|最高|最低|至少|以上|以下|以内|之内|内|满|上限|下限|限额|给予|奖励|补助|补贴|资助|按照")
_VALUE = {"百": 100, "千": 1000, "万": 10**4, "十万": 10**5, "百万": 10**6, "千万": 10**7, "亿": 10**8}
_VALUE |= {"十亿": 10**9, "百亿": 10**10, "千亿": 10**11, "万亿": 10**12}


def figures_of(body: Text, *, plan: bool) -> tuple[Figure, ...]:
    """The quantities of a clause in printed order. ``plan``: the clause is of a plan or a policy, not a report of results."""
    masked = _NOT_FIGURES.sub(lambda m: "\x00" * len(m[0]), body.s)
    found: list[tuple[int, int, Decimal, str]] = []
    for m in _FIGURE.finditer(masked):
        unit = _unit(m)
        if unit and not _part_of_a_name(masked, m):
            found.append((m.start(), m.end(), Decimal(re.sub(r"[,，]", "", m["number"])), unit))
    for m in _ROUND.finditer(masked):
        if not re.search(r"[\d.]\s*$", masked[: m.start("scale")]):
            found.append((m.start(), m.end(), Decimal(_VALUE[m["scale"]]), m["unit"]))
    for m in _CHINESE.finditer(masked):
        for number, unit in (("times", "t"), ("days", "d"), ("years", "y")):
            if m[number]:
                found.append((m.start(number), m.end(unit), Decimal(number_of(m[number])), m[unit]))
    found.sort()
    figures: list[Figure] = []
    end = 0
    for start, stop, value, unit in found:
        if start >= end:
            figures.append(Figure(value, unit, tidy(body.part(start, stop)), _as_of(body.s, start), _role(body.s, start, stop, plan)))
            end = stop
    return tuple(figures)


def _unit(m: re.Match[str]) -> str:
    if m["percent"]:
        return "%" if m["percent"] == "％" else m["percent"]
    if m["bare"]:
        return m["bare"] + "人"
    unit = re.sub(rf"^个(?:{_MORE})月", "个月", re.sub(r"\s", "", m["unit"]))
    return (m["scale"] or "") + unit


def _part_of_a_name(s: str, m: re.Match[str]) -> bool:
    """5G, 12345 热线, 3 级 of a grade's name, (2) as a mark: digits that count nothing."""
    after = s[m.end() : m.end() + 1]
    if m["unit"] in ("P", "GB", "TB", "PB") and after.isascii() and after.isalnum():
        return True
    return bool(
        m["unit"] in ("级", "度", "区", "本", "对", "单", "组", "部", "班", "街", "样")
        and not m["scale"]
        and re.match(r"[\u4e00-\u9fff]", after)
        and m["unit"] in "区街本单样"
    )


def _as_of(s: str, at: int) -> str | None:
    """The year or month the sentence names before the figure."""
    start = max(s.rfind("。", 0, at), s.rfind("；", 0, at)) + 1
    dates = list(_DATED.finditer(s, start, at))
    if not dates:
        return None
    year, month = dates[-1][1], dates[-1][2]
    return f"{year}-{int(month):02d}" if month and 1 <= int(month) <= 12 else year


def _role(s: str, start: int, stop: int, plan: bool) -> str:
    head = max(s.rfind(c, 0, start) for c in "。；，,") + 1
    near = squeeze(s[head : stop + 4])
    if not plan:
        given = re.search(r"不超过|最高|最长|不低于|上限|给予|奖励|补助|补贴|征收率|减按|(?:日|年|月|天)内", near)
        return "threshold" if given and not re.search(r"累计|已|截至|缩短|压缩", near) else "result"
    if re.search(r"截至|累计|目前|已(?!经)", near):
        return "result"
    if _THRESHOLD.search(near) and not re.search(r"规模|力争|争取", near):
        return "threshold"
    return "target"
