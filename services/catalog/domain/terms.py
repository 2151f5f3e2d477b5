"""The terms beside rule and amount: kind, mode, validity, window, stacking, obligations; each only where words say so."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from services.catalog.domain.condition import Condition
from services.catalog.domain.naming import Setting
from services.catalog.domain.passage import Passage, Span
from services.catalog.domain.quantities import NUMERAL, Figure, numeral, plain, windows
from services.catalog.domain.strands import Provision
from services.catalog.domain.vocabulary import fact_said

KINDS = (
    "资金补助", "融资信贷", "税费", "办事便利", "知识产权", "人才", "数据", "司法保护", "通关贸易", "场地要素", "咨询服务", "信用", "其他",
)  # fmt: skip
# The first kind whose words occur; the order is from the particular to the general.
KIND_WORDS: tuple[tuple[str, str], ...] = (
    ("知识产权", r"知识产权(?!质押)|专利(?!类案件)|商标"),
    (
        "融资信贷",
        r"贷款|融资|信贷|担保|贴息|(?<!会)保费|(?<!社会)(?<!失业)(?<!养老)(?<!医疗)(?<!工伤)(?<!伤害)保险|基金|上市(?!场)|挂牌|债券",
    ),
    ("税费", r"免征|减征|税收|纳税|办税|税费|缴费|滞纳金|租金|电价|社会保险费|工会经费"),
    ("通关贸易", r"通关|口岸|进出口|出口|跨境|海关|报关|外贸|关税"),
    ("人才", r"人才|就业|招用|毕业生|职称|技能|培训|稳岗|裁员|社保补贴|社会保险补贴|见习"),
    ("司法保护", r"法院|仲裁|司法|破产|诉讼|保全|合规"),
    ("数据", r"数据(?:要素|资产|共享|流通|产权)|公共数据"),
    ("信用", r"信用"),
    ("场地要素", r"租金|房租|用地|用房|厂房|用电|供电|水电气|不动产"),
    ("咨询服务", r"咨询|辅导|帮办|热线|对接会"),
    ("资金补助", r"补助|补贴|奖励|资助|奖补"),
    ("办事便利", r"审批|登记|办理|窗口|一件事|免证|政务服务"),
)


def kind(text: str, stated: str | None, pays: str | None, *, money: bool = False) -> str:
    """One of the 13 kinds: what ingest said of the measure, else the first whose words occur. Money paid out is no tax relief."""
    if stated in KINDS and stated != "其他" and not (stated == "税费" and money and pays is None):
        return str(stated)
    if pays == "relief":
        return "税费"
    plain = re.sub(r"\s", "", text)
    fits = (name for name, words in KIND_WORDS if re.search(words, plain) and not (name == "税费" and money))
    return next(fits, "其他")


def mode(text: str, money: bool) -> str:
    """How the enterprise comes to it, as far as words say: 免申即享, 确认, 即申即享 or 申报; otherwise only told."""
    if re.search(r"免申即享|直达兑付|无需申[请报]|自动兑[付现]", text):
        return "confirm" if re.search(r"确认", text) else "direct"
    if money and re.search(r"申请|申报|即申即", text):
        return "apply"
    return "inform"


def opens(passage: Passage, condition: Condition) -> bool:
    """True for a window that opens the sentence or is called an execution period: it bounds the validity, not the enterprise."""
    if condition.window is None:
        return False
    before = passage.text[max(0, condition.span.start - 8) : condition.span.start]
    begins = passage.text[condition.span.start : condition.span.start + 1] in "自从" and re.match(
        r"[,]", passage.text[condition.span.end : condition.span.end + 1]
    )
    return bool(begins) or bool(re.search(r"(?:执行|施行|有效|期限)(?:期限|期)?(?:至|到|延续到)?(?:自|从)?$", before))


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def valid(start: date | None, end: date | None, passage: Passage | None, provision: Provision | None) -> dict[str, Any] | None:
    """The benefit's own period where the clause prints one, else the document's. "自…至…" sets both ends, "执行至…" the last day."""
    if passage is not None and provision is not None:
        for printed in windows(passage.text[provision.span.start : provision.span.end]):
            span = Span(printed.span.start + provision.span.start, printed.span.end + provision.span.start)
            if opens(passage, Condition("业务发生期间", "within_period", None, None, span, window=printed)):
                end = printed.end or end
                start = printed.start if passage.text[span.start] in "自从" else start
    return {"from": _iso(start), "to": _iso(end)} if start or end else None


_CLAIM = re.compile(r"(?:申报|申请|提交|受理|填报)(?:时间|期限|截止)?[^,。;]{0,10}$|^[^,。;]{0,6}(?:申报|提交|前申请)")


def window(passage: Passage) -> dict[str, Any] | None:
    """When it can be claimed, where the clause says so."""
    for w in windows(passage.text):
        before, after = passage.text[max(0, w.span.start - 16) : w.span.start], passage.text[w.span.end : w.span.end + 16]
        if _CLAIM.search(before) or re.match(
            r"[^,。;]{0,6}(?:申报|提交申请|提出申请)|[^。;]{0,12}(?:企业|申报单位)?确认(?:兑现|申领)", after
        ):
            return {"from": _iso(w.start), "to": _iso(w.end)}
    return None


_CLAIM_TIME = re.compile(
    r"自[^,。;]{2,20}之日起[^,。;]{0,4}\d+个?(?:月|日|天|年|工作日)内[^,。;]{0,10}(?:申[报请领]|提交|提出|办理)|"
    r"[^,。;]{2,14}后\d+个?(?:工作日|日|天|月)内[^,。;]{0,6}(?:申[报请领]|提交|提出)|每年(?:\d+月|第?[一二三四]季度)[^,。;]{0,16}(?:申[报请领]|受理)"
)


def claim_times(passage: Passage) -> list[str]:
    """Times for claiming that hang on an event or come every year, and so are no window of their own."""
    return [f"申报时限写在条文中，未换算为申报期：{m.group()}" for m in _CLAIM_TIME.finditer(passage.text)]


_PAIR = re.compile(r"(?:与|和)(?P<a>[^,。;与和]{4,30}?)(?:政策)?(?:等)?,?不(?:得|能|可|再)?(?:重复|同时|叠加)(?:享受|申[请报]|支持)?")
_WIDE = re.compile(r"就高不(?:就低|重复)|不(?:得|能|再|予)?重复(?:享受|支持|奖励|资助|申[请报])|从高|从优")
_JOINT = re.compile(
    r"(?:单个|单家|每家|同一|每个)(?:企业|单位)[^,。;]{0,24}?(?:累计|合计|总额|全年|可叠加|叠加后|最高)[^。;]{0,24}?"
    rf"(?:不(?:得)?超过|最高(?:可享|不超过)?|可享)(?P<n>{NUMERAL})(?P<u>[万亿]*元)"
)


_BY_FACT = re.compile(r"(?:补助|补贴|奖励|资金|累计|合计)[^。;]{0,16}?不(?:得)?超过(?P<what>[^。;]{4,40})")


def stacking(
    passage: Passage, provision: Provision, policy: str, article: str, wide: Sequence[str], *, setting: Setting
) -> dict[str, Any] | None:
    """Once-only words of the provision or of a document-wide clause; groups from 不重复, 就高; caps that several benefits share."""
    own = passage.text[provision.span.start : provision.span.end]
    clauses = [re.sub(r"\s", "", clause) for clause in wide]
    found: dict[str, Any] = {}
    groups = []
    if re.search(r"本条[^,。;]{0,10}不(?:重复|重叠|叠加)|本条[^,。;]{0,10}就高", passage.text):
        groups.append(f"{policy} {article}")
    if _WIDE.search(_without_pairs(passage.text)) and not groups:
        groups.append(policy)
    for words in (passage.text, *clauses):
        groups += [f"与{m['a']}不重复享受" for m in _PAIR.finditer(words) if not re.search("本条|上述", m["a"])]
    if any(_WIDE.search(words) for words in clauses):
        groups.append(policy)
    if groups:
        found["groups"] = list(dict.fromkeys(groups))
    caps = [m for words in clauses for m in _JOINT.finditer(words)]
    if caps:
        at = Figure(numeral(caps[0]["n"]), caps[0]["u"], Span(0, 0)).base
        found["caps"] = [{"name": f"{policy} 合计", "at": plain(at), "per": "year"}]
    for m in (m for words in clauses for m in _BY_FACT.finditer(words)):
        fact = fact_said(m["what"], setting.registry)
        if fact and "caps" not in found:
            when = "this_year" if "当年" in m["what"] else "last_year"
            found["caps"] = [{"name": f"{policy} 合计", "at": {"fact": fact, "period": when}, "per": "year"}]
    once = _once(own) or next((said for words in clauses if (said := _once_in_life(words))), None)
    if once:
        found["once"] = once
    return found or None


def _without_pairs(words: str) -> str:
    """The words without what is not to be had beside something named (与…不重复享受)."""
    return _PAIR.sub("", words)


def _once(own: str) -> str | None:
    if re.search(r"每季度?(?:奖励|补助|给予)|单季度", own):
        return "quarter"
    if re.search(r"每人|每[招吸]|(?:单|每)个项目|每张|每笔|单笔|每场|每件", own):
        return "item"
    if re.search(r"每年|年度(?:累计|补|奖)|每家企业年度", own):
        return "year"
    if re.search(r"一次性(?!计入|扣除|告知|办)", own):
        return "life"
    return _once_in_life(own)


def _once_in_life(words: str) -> str | None:
    return "life" if re.search(r"(?:只|仅)(?:能|可)?(?:享受|支持|奖励|补助|申报)一次", words) else None


_FUNDING = re.compile(
    r"由?(?P<who>(?:省|市|区|县){2,3})(?:级)?(?:财政)?(?:各)?按?(?:照)?(?P<a>\d)[:∶](?P<b>\d)(?:的)?(?:比例)?(?:承担|分担|负担)"
)
_APPROVED = re.compile(
    rf"(?P<from>{NUMERAL})(?:[-—至](?P<to>{NUMERAL}))?万元(?P<side>以内|以下|以上)?的?[^;。]{{0,4}}?,?(?P<how>(?:审核后|报)[^;。]{{2,14}})"
)


def procedure(words: Sequence[str]) -> dict[str, Any] | None:
    """Who pays which part (由市县按5:5比例承担) and who approves which sums, where the clauses say so."""
    found: dict[str, Any] = {}
    for text in words:
        shared = _FUNDING.search(text)
        if shared and len(shared["who"]) == 2:
            parts = [int(shared["a"]), int(shared["b"])]
            shares = [Decimal(p) / sum(parts) for p in parts]
            found["funding"] = [{"level": level, "share": share} for level, share in zip(shared["who"], shares, strict=True)]
        lines = list(_APPROVED.finditer(text)) if "审批" in text or "审核" in text else []
        if len(lines) > 1:
            steps: list[list[Any]] = []
            for m in lines:
                above = m["to"] is not None or m["side"] == "以上"
                steps.append([plain(numeral(m["from"]) * 10000 + Decimal("0.01")) if above else 0, m["how"]])
            found["approval"] = steps
    return found or None


_POOL = re.compile(
    r"(?:本项目|本专项|专项资金|本政策|本措施)[^,。;]{0,8}?(?P<year>每年|年度)?[^,。;]{0,6}(?:资助|支持|奖励|补助|资金)?总(?:额|量|规模)"
    rf"(?:不超过|控制在|为)(?P<n>{NUMERAL})(?P<u>[万亿]*元)"
)


def budget(words: Sequence[str], policy: str) -> dict[str, Any] | None:
    """The pool that all payments come from, where the clauses print its size."""
    for text in words:
        said = _POOL.search(text)
        if said:
            total = Figure(numeral(said["n"]), said["u"], Span(0, 0)).base
            order = {"order": "first_come"} if re.search("先到先得|先报先得|即申即享", text) else {}
            return {"pool": policy, "total": plain(total)} | ({"per": "year"} if said["year"] else {}) | order
    return None


_DUTY = re.compile(
    r"(?P<n>\d+|[一二三四五六七八九十])年内不(?:得)?(?:迁离|迁出|外迁|转让|减资|注销)[^,。;]{0,12}|(?:承诺|须|应)[^,。;]{0,12}(?P<m>\d+|[一二三四五六七八九十])年内?不[^,。;]{2,16}"
)


def obligations(passage: Passage) -> list[dict[str, Any]] | None:
    """Duties after payment, such as 5年内不迁离."""
    found: list[dict[str, Any]] = []
    for m in _DUTY.finditer(passage.text):
        printed = m["n"] or m["m"]
        years = int(printed) if printed.isdigit() else "零一二三四五六七八九十".index(printed)
        found.append({"quote": passage.quote(Span(m.start(), m.end())), "until": {"years": years}})
    return found or None
