"""Conditions on what happened to the enterprise: certificates, lists, loans, contracts, hires, moves, steps to the stock market, penalties.

Each becomes a test on rows of a record kind. What several conditions ask of one and the same row (a loan of a kind, drawn in a time)
is one test; an amount that counts or adds up the same rows uses the same filter.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from contracts.rules import Registry
from services.catalog.domain.naming import Node, Setting, Told, named, named_at, open_fact, plain_quotes
from services.catalog.domain.passage import Span
from services.catalog.domain.quantities import NUMERAL, Figure, numeral, plain
from services.catalog.domain.recognition import Condition
from services.catalog.domain.times import LOOK_BACK, WHEN, happened

_FIRST = re.compile(r"首次|首获|首评|初次|(?<!重)新(?:认定|获评?|列入|入选|评|通过|增)")
_AGAIN = re.compile(r"重新认定|复审|复核通过|再次认定")
_RECOGNISED = r"首次|首获|新(?:认定|获|列入|入选|评)|被?认定|获评|获得|取得|通过|评为|评定|入选|列入|纳入|授予|荣获|获"
_WHEN_RECOGNISED = re.compile(rf"(?P<w>{WHEN})(?:以来|内|度|中|期间|,)?[^,。;的]{{0,4}}?(?:{_RECOGNISED})")
_LEVEL = re.compile(r"(国家级|省级|市级|区级|县级)[和、或及]?$")
_VERB = re.compile(
    r"^.*?(?:首次|新)?(?:获评|荣获|获得|取得|被?认定(?:的|为)?|通过|评为|入选|入围|列为|列入|纳入|授予|获批|确认为|评定为|命名为|备案为|进入|属于)(?:了|的|为)?"
)
_LIST_WORD = re.compile(r"(?:公告|公示)?(?:名单|名录|目录|清单|年报库|数据库|项目库|后备库|储备库|库)(?:的?企业)?$")


_ASIDE = re.compile(r"\([^()]{1,60}\)")  # what stands in brackets ends no phrase around it
_LESSER = re.compile("提名|后备|培育|候选|入围")


def phrase_of(text: str, span: Span) -> Span:
    """The unbroken words around a condition: from the stop or the 对 before it to the stop behind it."""
    left, right = max(0, span.start - 160), min(len(text), span.end + 160)
    plain_text = _ASIDE.sub(lambda m: m.group() if m.end() > span.start - left > m.start() else "·" * len(m.group()), text[left:right])
    start = left + max(plain_text.rfind(c, 0, span.start - left) for c in ",。;:(") + 1
    target = text.rfind("对", start, span.start + 1)
    ends = [left + i for i in (plain_text.find(c, span.end - left) for c in ",。;:)") if i >= 0]
    return Span(target + 1 if target >= 0 else start, min(ends, default=len(text)))


def title(words: str) -> str:
    """What is held, without the verb before it: 获得绿色工厂称号 → 绿色工厂称号."""
    return re.sub(r"^(?:对|为|给|首获|首次)+", "", _VERB.sub("", words)).strip("的,、") or words


_ROW = re.compile(r"(?:[、和及或](?:以及)?[^,。;:、和及或的对给予]{2,24}?(?:奖|称号|荣誉|认证|品牌))+")
_ONE = re.compile(r"[^、和及或]{2,}")


def honour(text: str, span: Span, registry: Registry) -> Told:
    """One of the titles named in a row (获评甲奖、乙奖的单位): any of them, each asked for as it is worded."""
    row = _ROW.match(text, span.end)
    own = one_honour(text, span, registry)
    if row is None:
        return own
    others = [one_honour(text, Span(row.start() + m.start(), row.start() + m.end()), registry) for m in _ONE.finditer(row.group())]
    ways: list[Node] = []
    for way in (own, *others):
        if way.node not in ways:
            ways.append(way.node)
    return Told(ways[0] if len(ways) == 1 else {"any": ways}, own.notes)


def one_honour(text: str, span: Span, registry: Registry) -> Told:
    """A title held: in the set of honours where it only has to stand, a certificate where it says first, when or of which level.

    A title that the registry does not know is an open fact: nobody is known to lack it.
    """
    words = text[span.start : span.end]
    if named(registry, "lists", words) and (_LIST_WORD.search(words) or re.search("后备|培育", words)):
        return listed(text, span, registry)
    titles, places = named_at(registry, "honours", text, span)
    notes: tuple[str, ...] = ()
    lesser = [p for p in places if _LESSER.match(text, p.end)]
    if lesser:  # 中国质量奖提名奖 is not 中国质量奖
        full = [p for p in places if p not in lesser]
        other: Node = {"fact": open_fact(text[lesser[0].start : lesser[0].end] + "提名或培育", "资质"), "is": "=", "value": True}
        if not full:
            return Told(other)
        return Told({"any": [one_honour(text, full[0], registry).node, other]})
    if not titles and "科技型企业" in words:
        titles, notes = ["高新技术企业", "科技型中小企业"], ("“科技型企业”没有统一的认定，按高新技术企业和科技型中小企业理解，请核对",)
    if "专精特新企业" in plain_quotes(words):
        known = registry.codes.get("honours", {})
        titles = [t for t in ("专精特新中小企业", "专精特新“小巨人”") if t in known] or titles
    if not titles:
        return Told({"fact": open_fact(title(words), "资质"), "is": "=", "value": True}, notes)
    begin, end = (places[0].start, max(p.end for p in places)) if places else (span.start, span.end)
    phrase = phrase_of(text, Span(begin, end))
    before, after = text[phrase.start : begin], text[end : min(phrase.end, end + 8)]
    where: list[Node] = [{"field": "name"} | ({"is": "=", "value": titles[0]} if len(titles) == 1 else {"is": "in", "value": titles})]
    level = _LEVEL.search(before)
    if level and not any(level[1] in w for t in titles for w in registry.codes["honours"][t]):
        where.append({"field": "level", "is": "=", "value": level[1]})
    firsts = [m for m in _FIRST.finditer(before) if not re.search("规上|上规|规模以上|入统|达到|突破", before[m.end() :])]
    first = bool(firsts) or bool(_FIRST.match(after)) or bool(_FIRST.search(text, span.start, span.end))
    again = bool(_AGAIN.search(before[-16:] + text[begin:end] + after))
    when = _WHEN_RECOGNISED.search(text[phrase.start : min(phrase.end, end + 12)])
    day = happened("awarded_on", when["w"]) if when else None
    if first != again:
        where.append({"field": "first", "is": "=", "value": first})
    if day:
        where.append(day)
    elif first == again:
        if len(where) == 1 and not first:
            return Told({"fact": "honours", "is": "has", "value": titles}, notes)
        where.append({"field": "expires_on", "is": ">=", "value": {"ago": {"days": 0}}})
    return Told({"some": "certificate", "where": where}, notes)


def listed(text: str, span: Span, registry: Registry) -> Told:
    """On a named list or in a store of candidates: a member of `lists`, or the honour the list records; otherwise an open fact."""
    words = text[span.start : span.end]
    codes, _ = named_at(registry, "lists", text, span)
    if codes:
        return Told({"fact": "lists", "is": "has", "value": codes})
    titles, _ = named_at(registry, "honours", text, span)
    if titles and not re.search("后备|培育|储备", words):
        return honour(text, span, registry)
    if re.search(r"规模以上|规上|限额以上|限上", words):
        return Told({"fact": "above_scale", "period": "last_year", "is": "=", "value": True})
    return Told({"fact": open_fact(title(words), "名单"), "is": "=", "value": True})


# The steps to the stock market, in the order in which they are taken.
STEPS = (
    ("辅导备案", r"辅导备案|辅导验收"),
    ("受理", r"受理"),
    ("过会", r"过会|审核通过"),
    ("注册", r"注册(?=生效|批文)"),
    ("发行", r"成功发行|首次公开发行"),
    ("上市", r"上市"),
    ("挂牌", r"挂牌"),
)


def market_step(words: str, registry: Registry) -> Told:
    """A step to the stock market that was taken; being listed on a board is a fact of its own."""
    boards = named(registry, "stock_listing", words)
    if re.search("协议|签署|签订", words):
        return Told({"judged": words})
    step = next((name for name, said in STEPS if re.search(said, words)), None)
    if step in ("上市", "挂牌") and boards:
        return Told({"fact": "stock_listing", "is": "in", "value": boards})
    if step is None:
        return Told({"judged": words})
    where: list[Node] = [{"field": "step", "is": "=", "value": step}]
    if boards:
        where.append({"field": "board", "is": "in", "value": boards})
    return Told({"some": "ipo_step", "where": where})


_FORMS = ("个体工商户", "个人独资企业", "合伙企业", "有限责任公司", "股份有限公司")


def moved_or_founded(words: str, phrase: str, setting: Setting) -> Told:
    """Newly set up or moved in (新设立或新迁入) within the time that the words say; without one it stays open when that was."""
    ways: list[Node] = []
    founded, moved = happened("founded_on", phrase), happened("changed_on", phrase)
    if founded is None or moved is None:
        return Told({"fact": open_fact(words, "新设或迁入"), "is": "=", "value": True}, ("没有写明何时新设或迁入",))
    if re.search(r"设立|成立|注册|新设|组建", words):
        ways.append({"fact": "founded_on"} | {k: v for k, v in founded.items() if k != "field"})
    if re.search(r"迁入|引进|落户", words):
        ways.append({"some": "change", "where": [{"field": "kind", "is": "=", "value": "迁入"}, moved]})
    return Told(ways[0] if len(ways) == 1 else {"any": ways}) if ways else Told({"judged": words})


def changed_form(words: str) -> Told | None:
    """From one form of business to another (个转企): a row of the register's changes."""
    turn = re.search(r"由(?P<from>[^,。;]*?)(?:转型|转变|转换|变更|升级)?(?:登记|注册|转)?(?:为|成)(?P<to>[^,。;]*)", words)
    before = [f for f in _FORMS if turn and f in turn["from"]]
    after = [f for f in _FORMS if turn and f in turn["to"]]
    if not before or not after:
        return None
    where: list[Node] = [{"field": "kind", "is": "=", "value": "组织形式"}, {"field": "from", "is": "in", "value": before}]
    return Told({"some": "change", "where": [*where, {"field": "to", "is": "in", "value": after}]})


def looked_back(text: str, span: Span) -> str:
    """近三年 … said earlier in the sentence than the words that look back on it."""
    start = max(text.rfind(c, 0, span.start) for c in "。;") + 1
    phrase = phrase_of(text, span)
    back = re.search(LOOK_BACK, text[start : phrase.start])
    return back.group() if back and not re.search(LOOK_BACK, text[phrase.start : span.end]) else ""


_FIELDS = (
    "安全生产",
    "环境保护",
    "生态环境",
    "人力资源",
    "市场监管",
    "消防",
    "社保",
    "统计",
    "财税",
    "税务",
    "海关",
    "通关",
    "外汇",
    "质量",
)
_FINE = re.compile(rf"(?P<n>{NUMERAL})(?P<u>[百千万亿]*元)(?:\(含\))?以上")


def record_of_conduct(words: str) -> list[Node]:
    """No penalty, no accident: none of the rows that the words describe, by field, weight, sum and look-back."""
    found: list[Node] = []
    if not re.search(r"处罚|违法|违规|违纪|事故|罚款|受罚", words):
        return found
    since = re.search(LOOK_BACK, words)
    for part in re.split(r"[;,](?=[^,;]*(?:年内|年度内|近.年))|且(?=[一二三])|(?<=事故)或", words):
        if since and not re.search(LOOK_BACK, part):
            part = since.group() + part
        accident = bool(re.search("事故", part)) and not re.search(r"处罚|罚款", part)
        day = happened("happened_on" if accident else "decided_on", part)
        where: list[Node] = [day] if day else []
        if day is None and "年度内" in part:  # the year applied for: the last or this one
            field = "happened_on" if accident else "decided_on"
            where.append({"any": [{"field": field, "is": "during", "value": year} for year in ("last_year", "this_year")]})
        fields = [name for name in _FIELDS if name in part] or (["环境保护"] if "环境" in part else [])
        if accident:
            kinds = [k for k in ("生产安全", "安全", "质量") if k in part.replace("安全生产", "生产安全")][:2]
            where += [{"field": "kind", "is": "in", "value": kinds}] if kinds else []
            if re.search("重大", part):
                where.append({"field": "severity", "is": "in", "value": ["重大", "特别重大"]})
        else:
            where += [{"field": "field", "is": "in", "value": fields}] if fields else []
            fine = _FINE.search(part)
            if fine:
                where.append({"field": "amount", "is": ">=", "value": plain(Figure(numeral(fine["n"]), fine["u"], Span(0, 0)).base)})
            elif re.search("重大|严重", part):
                where.append({"field": "serious", "is": "=", "value": True})
        if where and re.search(r"处罚|违法|违规|违纪|事故|罚款|受罚", part):
            found.append({"none": "accident" if accident else "penalty", "where": where})
    return found


# rows that several conditions describe together ------------------------------------------------------------------------

LENT = r"流动资金贷款|信用贷款|知识产权质押贷款|固定资产贷款|中长期贷款|技改贷款|设备更新贷款|设备购置与更新改造贷款|并购贷款|项目贷款|首贷"
LENDERS = re.compile(r"银行|金融机构|担保|保险公司|保险机构|小额贷款公司|租赁公司|基金|放贷")
# Whom a hire is asked to be, as the rows of insured persons say it.
HIRED: tuple[tuple[str, Node], ...] = (
    (r"登记失业", {"field": "status", "is": "=", "value": "登记失业"}),
    (r"就业困难", {"field": "status", "is": "=", "value": "就业困难人员"}),
    (r"退役军人", {"field": "status", "is": "=", "value": "退役军人"}),
    (r"毕业年度(?:内)?(?:的)?(?:高校)?毕业生|毕业年度", {"field": "status", "is": "=", "value": "毕业年度高校毕业生"}),
    (r"离校(?:[两二2]年内?)?未就业", {"field": "status", "is": "=", "value": "离校未就业"}),
)  # fmt: skip
CONTRACTS = ("技术开发", "技术转让", "技术许可", "技术咨询", "技术服务", "政府采购", "配套采购")


@dataclass(frozen=True)
class Rows:
    """Rows of one record kind that a provision describes: by which conditions (their places in the list), and the test they make."""

    kind: str
    where: tuple[Node, ...]
    conditions: tuple[int, ...]
    node: Node
    notes: tuple[str, ...] = ()


def rows(text: str, target: Span, governed: Sequence[Condition]) -> list[Rows]:
    """The rows that the words of a provision's target describe: loans taken, contracts made, persons hired."""
    found = (_loans(text, target, governed), _contracts(text, target, governed), _hires(text, target, governed))
    return [r for r in found if r is not None]


def _inside(governed: Sequence[Condition], *attributes: str) -> list[int]:
    return [i for i, c in enumerate(governed) if c.attribute in attributes and not c.excepted]


def _loans(text: str, target: Span, governed: Sequence[Condition]) -> Rows | None:
    """…取得流动资金贷款的企业: a loan of the enterprise. What a lender lends is no loan of its own."""
    words = text[target.start : target.end]
    taken = re.search(rf"(?:取得|获得|获|申请|办理|新增|发生|签订)[^,。;]{{0,12}}?(?P<k>{LENT}|(?:银行)?贷款)", words)
    if taken is None or any(LENDERS.search(str(c.value)) for c in governed if c.attribute == "主体类型"):
        return None
    kind = taken["k"] if re.fullmatch(LENT, taken["k"]) else None
    where: list[Node] = [{"field": "kind", "is": "=", "value": kind}] if kind else []
    places = [i for i in _inside(governed, "贷款类型", "贷款发放时间") if governed[i].comparison is None]
    dated = [i for i, c in enumerate(governed) if c.window is not None and 0 <= taken.start() + target.start - c.span.end < 12]
    phrase = phrase_of(text, Span(target.start + taken.start(), target.start + taken.end()))
    day = happened("drawn_on", text[phrase.start : target.start + taken.end()])
    if day:
        where.append(day)
    due = [i for i in _inside(governed, "贷款到期时间") if governed[i].window is not None]
    for i in due:
        value = governed[i].value
        where.append({"field": "due_on", "is": "between" if isinstance(value, list) else governed[i].operator, "value": value})
    chosen = tuple(dict.fromkeys((*places, *dated, *due)))
    if not chosen:
        return None
    return Rows("loan", tuple(where), chosen, {"some": "loan", "where": where})


def _contracts(text: str, target: Span, governed: Sequence[Condition]) -> Rows | None:
    """…技术合同成交额合计达到50万元: the contracts' sum."""
    words = text[target.start : target.end]
    spoken = re.search(r"合同[^,。;]{0,6}(?:成交)?(?:额|金额|总额)|采购(?:额|金额|总额)|采购[^,。;]{0,20}(?=\d)", words)
    if spoken is None:
        return None
    kinds = [k for k in CONTRACTS if k in words]
    if not kinds and re.search(r"配套产品|配套", words):
        kinds = ["配套采购"]
    where: list[Node] = [{"field": "kind", "is": "in", "value": kinds}] if kinds else []
    day = happened("signed_on", words)
    if day:
        where.append(day)
    if re.search(r"无关联|非关联", words):
        where.append({"field": "related", "is": "=", "value": False})
    sums = [
        i
        for i, c in enumerate(governed)
        if c.comparison is not None and c.comparison.figures[0].money and re.search("合同|成交|采购", text[c.span.start : c.span.end])
    ]
    others = [i for i in _inside(governed, "项目类型", "签订合同", "关联关系") if governed[i].span.within(target)]
    if not sums or not where:
        return None
    bound = governed[sums[0]].comparison
    assert bound is not None
    value = bound.figures[0].base
    test: Node = {"is": bound.operator, "value": plain(value) if value == value.to_integral_value() else value}
    return Rows("contract", tuple(where), tuple(sorted({*sums, *others})), {"sum": "contract", "field": "amount", "where": where} | test)


_STAFF = re.compile(
    rf"(?P<n>{NUMERAL})(?:名|人)(?:及)?以上(?:的)?(?:工作人员|员工|职工|人员)?[^,。;]{{0,8}}?(?:缴纳|参加|缴交)(?:社会保险费?|社保)(?P<m>半|{NUMERAL})(?P<u>年|个月)(?:及)?以上"
)


def staffed(text: str, span: Span) -> Told | None:
    """5名以上工作人员缴纳社保半年以上: so many persons insured for so long."""
    said = _STAFF.search(text, max(0, span.start - 20), min(len(text), span.end + 30))
    if said is None or not Span(said.start(), said.end()).meets(span):
        return None
    months = 6 if said["m"] == "半" else int(numeral(said["m"])) * (12 if said["u"] == "年" else 1)
    where = [{"field": "months", "is": ">=", "value": months}]
    return Told({"count": "insured_person", "where": where, "is": ">=", "value": int(numeral(said["n"]))})


def _hires(text: str, target: Span, governed: Sequence[Condition]) -> Rows | None:
    """招用登记失业人员…并缴纳社会保险费6个月以上: persons hired, who they are, how long insured, how many."""
    chosen = _inside(governed, "招用对象")
    if not chosen:
        return None
    words = "".join(text[governed[i].span.start : governed[i].span.end] for i in chosen)
    whom = [dict(test) for said, test in HIRED if re.search(said, words)]
    where: list[Node] = [whom[0] if len(whom) == 1 else {"any": whom}] if whom else [{"judged": words}]
    lasting = re.search(rf"失业(?:满)?(?:半年|{NUMERAL}(?:年|个月))以上", words)
    if lasting:
        where.append({"judged": lasting.group()})
    for i in _inside(governed, "社保缴纳", "劳动合同期限", "就业年限"):
        bound = governed[i].comparison
        if bound is None and governed[i].attribute == "社保缴纳":
            where.append({"field": "insured_now", "is": "=", "value": True})
            chosen.append(i)
        if bound is None or bound.figures[0].unit not in ("个月", "年"):
            continue
        months = plain(bound.figures[0].value * (12 if bound.figures[0].unit == "年" else 1))
        field = "contract_months" if governed[i].attribute == "劳动合同期限" else "months"
        where.append({"field": field, "is": bound.operator, "value": months})
        chosen.append(i)
    several: Node | None = None
    for i in _inside(governed, "招用人数"):
        bound = governed[i].comparison
        if bound is not None and bound.operator != "between":
            several = {"count": "insured_person", "where": where, "is": bound.operator, "value": plain(bound.figures[0].value)}
            chosen.append(i)
    chosen += [i for i in _inside(governed, "人员身份") if any(re.search(said, str(governed[i].value)) for said, _ in HIRED)]
    return Rows("insured_person", tuple(where), tuple(sorted(set(chosen))), several or {"some": "insured_person", "where": where})


def added_up(described: Sequence[Rows], words: str) -> Node | None:
    """The figure that the words of an amount name, taken over the rows described: 实际支付利息, 合同成交额, 贷款本金."""
    for kind, said, field in (
        ("loan", r"利息", "interest"),
        ("loan", r"贷款(?:额|金额|本金|总额)|本金", "principal"),
        ("contract", r"合同|成交额|采购额|采购金额", "amount"),
    ):
        of = next((r for r in described if r.kind == kind), None)
        if of is not None and re.search(said, words):
            return {"sum": kind, "field": field, "where": list(of.where)}
    return None


def counted(described: Sequence[Rows], unit: str) -> Any | None:
    """How many rows an amount per unit pays for: 每人 counts the persons hired."""
    of = next((r for r in described if r.kind == "insured_person"), None)
    return {"count": "insured_person", "where": list(of.where)} if of is not None and re.search("人|名", unit) else None
