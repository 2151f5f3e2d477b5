"""How much a provision gives: a sum, a share with or without ceiling, steps, a range, a sum per unit; told with the words that say it.

The figures come from `provisions`; this file says what each is for: the amount, its ceiling, a step, or the whole of its stages.
"""

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from services.catalog.domain.lexicon import Lexicon
from services.catalog.domain.passage import Passage, Span
from services.catalog.domain.quantities import NUMERAL, Figure, numeral
from services.catalog.domain.steps import Share, case_before, chosen, parts, raising, with_ceilings
from services.catalog.domain.strands import Provision

_CEILING = re.compile(r"(?:最高|不超过|不高于|上限|封顶|最多|至多|以内|控制在)[^,。;、万亿\d]{0,12}$")
_FLOOR = re.compile(r"(?:不低于|不少于|至少)[^,。;、\d]{0,14}$")
_CAP_SUBJECT = re.compile(
    r"(?:每年每|一[个家户](?=企业|单位)|单[家个户笔次项]|每[家户个笔次项年]|同一|累计|总额|合计|年度|全年|总金额|最高|上限|封顶|补[助贴]|奖励|资助)"
)
# What a sum is counted by: these become part of the unit; 每家, 每个项目 and the like say who may have it once.
_COUNTED = (
    "TEU|标准箱|辆|人次|人|晚|夜|场次|场|吨|亩|台|套|千瓦时|平方米|立方米|标箱|公里|天|日|小时|学时|课时|架次|班次|班|列|间|床|头|次|千瓦"
)
_SPAN = "年|月|季度|学期|学年"
# 每人每月, 每月每平方米, 每招用1人, 每租满1年: what is counted; 每年 alone only says how often.
_PER_BEFORE = re.compile(
    rf"(?P<chain>(?:每(?:1|一)?(?:{_COUNTED}|{_SPAN}))*每(?:1|一)?(?:{_COUNTED}|月)(?:每(?:{_COUNTED}|{_SPAN}))*|"
    r"每[\u4e00-\u9fa5]{2,8}(?:1|一)(?:人|名))[^,。;每\d]{0,8}$"
)
_PER_AFTER = re.compile(
    r"/(?P<u>[^\d,。;()、的给予]{1,7}?(?:/[^\d,。;()、的给予]{1,3}?)?)(?=给予|奖励|补|的|生产|标准|且|和|及|或|[,。;()、一]|$)"
)
_RANGE_BEFORE = re.compile(rf"({NUMERAL})((?:[十百千万亿]*元?)|%|‰)[-—~至到]+$")


@dataclass(frozen=True)
class Amount:
    """`kind` is one of fixed, rate, rate_capped, tiered, range, none; `words` is where the giving is said.

    `caps` are all ceilings, the most telling first; of a tiered amount some are also the `cap` of a share. `raised` are factors for
    some (上浮20%), `parts` the yearly payments of the sum.
    """

    kind: str
    words: Span
    shares: tuple[Share, ...] = ()
    caps: tuple[Share, ...] = ()
    cap_words: Span | None = None
    base: Span | None = None
    relief: Decimal | None = None
    per: str | None = None
    counted: Figure | None = None
    counted_of: Span | None = None
    raised: tuple[Share, ...] = ()
    parts: tuple[Share, ...] = ()


def _clause(text: str, span: Span, at: int, stops: str = ",;。") -> Span:
    left = max((text.rfind(c, span.start, at) for c in stops), default=-1) + 1
    right = min((i for i in (text.find(c, at, span.end) for c in stops) if i >= 0), default=span.end)
    return Span(max(left, span.start), right)


def _share(text: str, figure: Figure, span: Span) -> Share:
    left = _clause(text, span, figure.span.start, ",;。:").start
    before = text[left : figure.span.start]
    after = text[figure.span.end : figure.span.end + 16]
    unit = figure.unit
    each = ""
    suffix = _PER_AFTER.match(after)
    prefix = _PER_BEFORE.search(before)
    if suffix:
        unit += "/" + suffix["u"]
    elif prefix:
        counted = re.findall(rf"(?:每|(?<=[1一]))(?:1|一)?({_COUNTED}|名|{_SPAN})", prefix["chain"])
        each = "".join("/" + unit for unit in counted)
    low = None
    ranged = _RANGE_BEFORE.search(before)
    if ranged:
        low = numeral(ranged[1])
        before = before[: ranged.start()]
    ceiling = bool(_CEILING.search(before)) or bool(re.match(r"(?:\(含\))?以内", after))
    floor = bool(_FLOOR.search(before)) or bool(re.match(r"(?:\(含\))?[及或]?以上", after))
    return Share(figure, unit, ceiling, floor, low, None, each)


# 按1:0.5配套: a share of what another level paid.
RATIO = re.compile(r"1[:∶](?P<r>\d+(?:\.\d+)?)(?=(?:的)?(?:比例)?(?:给予|予以|进行|,)?[^,。;]{0,4}配套)")
_TOTAL = re.compile(r"(?:总额|合计|累计|总计)[^,。;:]{0,6}$")
_IN_FULL = re.compile(r"全[额部](?=(?:产业)?(?:补[助贴]|奖励|返还|退还|承担|资助))")
_OF_THE_WHOLE = re.compile(r"[,。;][^,。;]{0,12}(?:[补资]助|奖励|补贴|贴息)(?:总?额|资金|金额)?(?:最高)?(?:不超过|不高于)[^,。;]{2,24}$")


def _is_cap(text: str, share: Share, earlier: list[Share], span: Span) -> bool:
    """A ceiling said of a whole after the amount itself: …给予10%补助, 每家最高不超过100万元."""
    if not earlier:
        return False
    last = earlier[-1]
    between = text[last.figure.span.end : share.figure.span.start]
    if share.figure.share and last.figure.money and re.search(r"且[^,。;]{0,8}不超过[^,。;]{2,24}$", between):
        return True
    if share.figure.share:  # 资助额不超过出口额的0.06%
        return last.figure.share and bool(_OF_THE_WHOLE.search(between))
    if not share.ceiling:
        return False
    if not share.figure.money:
        return False
    clause = _clause(text, span, share.figure.span.start, ",;。(")
    own = text[clause.start : share.figure.span.start].rpartition("且")[2]
    if last.figure.share and not share.figure.share:
        return True
    if re.match(r"(?:首年|次年|第[一二三四五]年)", own):
        return False
    if (each := re.search(r"每(?!年)[^,。;\d不最]{1,8}", own)) and each.group() in text[span.start : last.figure.span.start]:
        return False  # the same is counted anew: 每个标准展位不超过8000元; …的, 每个标准展位不超过3万元
    new_case = re.search(r"的,|[;]", between) and not re.match(r"(?:对|且|但)?(?:每|单|同一|累计|总额|年度|全年|补|奖|资)", own)
    return not new_case and bool(_CAP_SUBJECT.search(own)) and bool(re.search("[,;。(]|且|、最高|、不超过", between))


def _cap_order(text: str, share: Share, span: Span) -> tuple[int, int]:
    """The ceiling of an enterprise in a year tells more than that of one deal or of all years."""
    clause = _clause(text, span, share.figure.span.start)
    own = text[clause.start : clause.end]
    rank = 0 if re.search(r"每年|年度|全年|每家|单家|单户|单个企业|同一企业|总额|合计", own) else 1
    if re.search(r"累计(?!补)", own) and not re.search(r"每年|年度|全年", own):
        rank = 2
    if re.search(r"单笔|每笔|每团|人次|单次|每人|单[台套车辆个](?!企业|单位|机构|项目|主体)", own) and rank:
        rank = 3
    return rank, share.figure.span.start


def amount(passage: Passage, provision: Provision, lexicon: Lexicon) -> Amount:
    """The amount of a provision. A charge wholly forgone is a rate of 100 %, one halved of 50 %."""
    text, span = passage.text, provision.span
    shares: list[Share] = []
    caps: list[Share] = []
    for figure in provision.given:
        share = _share(text, figure, span)
        row = caps and re.fullmatch("[、和及或]", text[caps[-1].figure.span.end : figure.span.start])
        if row or _is_cap(text, share, shares, span):
            caps.append(share)
        else:
            shares.append(share)
    if any(s.figure.share for s in shares):  # 全额 beside a share is one of 100 %
        whole_of = (m for strand in provision.strands for m in _IN_FULL.finditer(text, strand.span.start, strand.span.end))
        shares += [Share(Figure(Decimal(100), "%", Span(m.start(), m.end())), "%", False, False, None) for m in whole_of]
        shares.sort(key=lambda s: s.figure.span.start)
    for m in RATIO.finditer(text, span.start, span.end):
        percent = Figure(Decimal(m["r"]) * 100, "%", Span(m.start("r"), m.end("r")))
        shares.append(Share(percent, "%", False, False, None))
    if any(RATIO.finditer(text, span.start, span.end)):
        shares.sort(key=lambda s: s.figure.span.start)
        caps += [s for i, s in enumerate(shares) if i and s.ceiling and s.figure.money]
        shares = [s for s in shares if s not in caps]
    raised = [replace(s, tier=case_before(text, span, s)) for s in raising(text, span, shares)]
    shares = [s for s in shares if all(s.figure != r.figure for r in raised)]
    paid_out = parts(text, shares)
    shares = [s for s in shares if s not in paid_out]
    for i in range(1, len(shares)):  # 每场最高15万元、10万元、5万元: the ceiling and what is counted are said once
        gap = text[shares[i - 1].figure.span.end : shares[i].figure.span.start]
        if gap in ("、", "和", "及", "或"):
            earlier = shares[i - 1]
            each = shares[i].each or (earlier.each if shares[i].figure.money == earlier.figure.money else "")
            shares[i] = replace(shares[i], ceiling=shares[i].ceiling or earlier.ceiling, each=each)
    if not shares:
        return _without_figures(text, provision, lexicon)
    if len(shares) > 1 and shares[0].ceiling and _TOTAL.search(text[span.start : shares[0].figure.span.start]):
        total, *shares = shares  # 年资助总额不超过300万元: 其中…
        caps.append(total)
    words = giving_words(text, span, shares[0])
    staged = re.search(r"(?:分阶段|分档|分期|合计|累计|总计)[^,。;]{0,12}$", text[span.start : shares[0].figure.span.start])
    if staged and len(shares) > 2 and "其中" in text[shares[0].figure.span.end : shares[1].figure.span.start + 1]:
        whole, shares = shares[0], shares[1:]
        caps.insert(0, whole)
    distinct = shares if len({(s.figure.value, s.unit, s.figure.span.start) for s in shares}) > 1 else shares[:1]
    caps.sort(key=lambda c: _cap_order(text, c, span))
    cap_words = _clause(text, span, caps[0].figure.span.start) if caps else None
    base = base_words(text, span, shares[0])
    per = _per(text, span, shares[0])
    if len(distinct) > 1:
        steps, _ = with_ceilings(chosen(text, span, distinct), sorted(caps, key=lambda c: c.figure.span.start), text)
        return Amount("tiered", words, tuple(steps), tuple(caps), cap_words, base, None, per, raised=tuple(raised), parts=tuple(paid_out))
    one = shares[0]
    if one.figure.share:
        kind = "rate_capped" if caps else ("range" if one.floor or one.low is not None else "rate")
    elif one.ceiling or one.floor or one.low is not None:
        kind = "range"
    else:
        kind = "fixed"
    return Amount(kind, words, (one,), tuple(caps), cap_words, base, None, per, raised=tuple(raised), parts=tuple(paid_out))


def giving_words(text: str, span: Span, share: Share) -> Span:
    """The clause that gives a figure; of a long one the words around it."""
    clause = _clause(text, span, share.figure.span.start)
    return (
        clause if len(clause) <= 60 else Span(max(clause.start, share.figure.span.start - 24), min(clause.end, share.figure.span.end + 16))
    )


def base_words(text: str, span: Span, share: Share) -> Span | None:
    """What a share is a share of: 按照…的10%."""
    if not share.figure.share:
        return None
    clause = _clause(text, span, share.figure.span.start)
    figures_before = list(re.finditer(rf"{NUMERAL}(?:%|‰|[万亿]*元)[、和及]?", text[clause.start : share.figure.span.start]))
    if figures_before:  # the words between two figures are said of the second
        clause = Span(clause.start + figures_before[-1].end(), clause.end)
    m = re.search(
        r"(?:按照|按|参照|返还|退还|补偿|支付|给予|补[助贴]|且不超过)(?:不超过|其|实际发生的)?(?P<b>(?![^,。;:]*(?:比例|标准)(?:为|提))[^,。;:]{2,40}?)(?:的|各|最高|不超过|不低于)*$",
        text[clause.start : share.figure.span.start],
    )
    if m is None:  # 以上年度研发费用为基数, 按3%
        sentence = max(text.rfind("。", span.start, share.figure.span.start), text.rfind(";", span.start, share.figure.span.start)) + 1
        m = re.search(r"以(?P<b>[^,。;]{2,40}?)为基[数准]", text[max(span.start, sentence) : share.figure.span.start])
        return Span(max(span.start, sentence) + m.start("b"), max(span.start, sentence) + m.end("b")) if m else None
    return Span(clause.start + m.start("b"), clause.start + m.end("b"))


def _per(text: str, span: Span, share: Share) -> str | None:
    clause = _clause(text, span, share.figure.span.start)
    m = re.search(
        r"(每年每[家个户][^\d,。;给予奖励补最]{0,4}|每[家个户张项件][^\d,。;给予奖励补最不]{0,4}|单[家个户][^\d,。;给予奖励补最不]{0,4})",
        text[clause.start : share.figure.span.end],
    )
    return m[1] if m else None


_FORGONE = re.compile(
    r"(?P<half>减半)|全额(?!抵)|全部(?:补|返|免|由)|免征|免收|免缴|免交|免除|豁免|免税(?!幅度)|免予|免租|全免|税前扣除|准予在|准予扣除|无需缴纳"
)
# 减征或免征: which of them nobody says.
_CHOICE = re.compile(r"减征?(?:、|或者?|和)免|免征?(?:、|或者?|和)减|减免")
_FORGONE_BASE = re.compile(
    r"(?:免征|免收|免缴|免交|免除|豁免|免予|减半(?:征收)?|全额(?:返还|退还|扣除|支持|补[助贴]?|承担)?|免)(?P<b>[^,。;]{2,40})"
)
_DISCOUNT = re.compile(r"(?P<b>[^,。;]{2,16}?)(?:给予|予以|按|享受|实行|打)+(?P<n>\d{1,2}(?:\.\d)?|[一二三四五六七八九])折")
_COUNTED_AID = re.compile(rf"(?P<w>不超过|最高|给予|按)(?P<n>{NUMERAL})(?P<u>个月|倍)(?P<of>[^,。;()]{{2,16}})")


def _without_figures(text: str, provision: Provision, lexicon: Lexicon) -> Amount:
    span = provision.span
    at = provision.gives_at
    found = [
        (m, Decimal(50 if m["half"] else 100))
        for strand in provision.strands
        for m in _FORGONE.finditer(text, strand.span.start, strand.span.end)
        if not _CHOICE.search(text, max(span.start, m.start() - 4), min(span.end, m.end() + 4))
    ]
    if len({share for _, share in found}) > 1:  # 前三年免征, 后三年减半
        shares = [Share(Figure(part, "%", Span(m.start(), m.end())), "%", False, False, None) for m, part in found]
        return Amount("tiered", _clause(text, span, found[0][0].start()), tuple(chosen(text, span, shares)))
    if found:
        first, share = found[0]
        words = _clause(text, span, first.start())
        base = _FORGONE_BASE.match(text, first.start(), words.end)
        return Amount("rate", words, base=Span(base.start("b"), base.end("b")) if base else None, relief=share)
    off = _DISCOUNT.search(text, span.start, span.end)
    if off:  # 8折: 20 % forgone
        left = Decimal(off["n"]) if off["n"].isascii() else numeral(off["n"])
        charged = left if left > 10 else left * 10
        return Amount("rate", _clause(text, span, off.start()), base=Span(off.start("b"), off.end("b")), relief=100 - charged)
    m = _COUNTED_AID.search(text, span.start, span.end)
    if m and lexicon.aid_noun.search(text[span.start : span.end]) and "标准" in m["of"]:
        figure = Figure(numeral(m["n"]), m["u"], Span(m.start("n"), m.end("u")))
        return Amount(
            "range" if m["w"] in ("不超过", "最高") else "fixed",
            Span(m.start(), m.end()),
            counted=figure,
            counted_of=Span(m.start("of"), m.end("of")),
        )
    return Amount("none", _clause(text, span, min(at, span.end - 1)))
