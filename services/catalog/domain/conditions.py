"""Who may have it: the conditions that govern a provision, each with its words, an attribute, an operator and a value.

A condition is looked for in the provision's own words before and around what is given, in the words that announced it, in a date that
opens its sentence, and in the items of a separate list of conditions that speak of the same matter.
What no wording names is kept as it stands, under the attribute "其他条件": a condition is never dropped.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from services.catalog.domain.attributes import NAMES, Wordings, named_after
from services.catalog.domain.condition import Condition, inside_another
from services.catalog.domain.dated import is_deadline
from services.catalog.domain.division import zones
from services.catalog.domain.lexicon import Lexicon
from services.catalog.domain.passage import Passage, Span
from services.catalog.domain.quantities import windows
from services.catalog.domain.recognition import recognised
from services.catalog.domain.regions import ANAPHOR, ANNOUNCES, own_begin, regions, sentence_before, targets
from services.catalog.domain.requirements import Requirement, says_whom
from services.catalog.domain.strands import Provision
from services.catalog.domain.targets import atoms

# May stand several times in one provision; of any other attribute the words nearest to the giving count.
REPEATED = frozenset({"资质认定", "违法记录", "注册地", "年龄", "采购项目金额", "榜单排名", "其他条件", "知识产权", "首次认定"})
# What may stand behind the giving verb: who receives it.
RECIPIENTS = frozenset({"主体类型", "企业规模", "资质认定", "人员身份", "行业", "榜单排名"})
# The base of the amount and a condition at once: what did not grow gets nothing.
GROWTH = frozenset({"产量增量", "研发费用增量"})
_BASE = re.compile(r"按照?(?!规定|期|时)|参照|比照")
_GOES_ON = re.compile(r"(?:每(?!年)|具体|企业|单位|个人|补贴标准|奖励标准)")


def conditions(
    passage: Passage, provision: Provision, items: Sequence[Requirement] = (), *, wordings: Wordings | None = None
) -> list[Condition]:
    """All conditions of a provision in the order of their words; `items` are the entries of a separate list that govern it."""
    wordings = wordings or Wordings()
    text = passage.text
    found: list[Condition] = []
    for region in regions(passage, provision):
        found += recognised(text, region, provision.given, wordings)
    first = provision.strands[0]
    before = sentence_before(text, first)
    if (
        not _kept(text, found, provision)
        and _GOES_ON.match(text, first.span.start)
        and not ANNOUNCES.search(text[before.start : before.end])
    ):
        found = recognised(text, before, provision.given, wordings)  # the sentence before says for whom
    own = _nearest([replace(c, excepted=denied(text, c)) for c in _kept(text, found, provision)], provision)
    own += _unnamed(text, provision, own, wordings)
    listed = _listed(text, provision, items, own, wordings)
    if any(c.attribute == "主体类型" for c in listed):  # "担保机构应…" says better who it is than "给予担保机构"
        own = [c for c in own if c.attribute != "主体类型"]
    own = [c if c.span.start >= own_begin(provision) else _told_apart(text, provision, c) for c in own]
    return _settled([*own, *(_told_apart(text, provision, c) for c in listed)])


_IDLE = re.compile(
    r"^(?:(?:可|应|须|要|允许|由|按|依|根据|采取|予以|给予|实行|在此基础上|在[^,]{2,14}基础上|(?:符合|满足|具备)(?:条件|规定|要求|上述|下列|以下)|其|分|并|同时|鼓励|支持|引导|推动|落实|执行|继续|持续|充分|加|大力|优化|完善|参照|比照|享受|自|每)|.*(?:规定|条件|批准|申请|原则|标准|方式|基础上|政策|办法|形式|程序|流程|力度|需求|以下|上述)$)"
)
# Of these a noun says who is meant; what is asked of them says nothing of that.
_MEANT = frozenset({"主体类型", "行业", "企业规模", "纳税人类型", "人员身份", "项目类型", "产品或业务", "招用对象", "贷款类型", "基金类型"})


def _unnamed(text: str, provision: Provision, known: Sequence[Condition], wordings: Wordings) -> list[Condition]:
    """Pieces of the target phrase that no wording knows: named by their verb or noun, else kept as they stand (其他条件)."""
    found: list[Condition] = []
    for region, sure in targets(text, provision):
        for atom in atoms(text, region, wordings):
            if not sure and (atom.attribute is None or (atom.head and text[atom.span.start - 1 : atom.span.start] != "的")):
                continue
            words = text[atom.span.start : atom.span.end]
            clause = max(text.rfind(stop, 0, atom.span.start) for stop in ",;。:") + 1
            if (
                _BASE.match(text, clause)
                or (provision.by == "relief" and _GRANTED.match(text, clause))
                or _gives(text, atom.span, str(atom.attribute))
            ):
                continue
            if not 2 <= len(words) <= 90 or (not atom.head and len(words) < 4) or _IDLE.match(words):
                continue
            over = [c for c in known if not atom.head or "的" in words or c.attribute in _MEANT or c.span.start >= atom.span.start - 2]
            if any(words in text[c.span.start : c.span.end] for c in known if c.attribute in _MEANT):
                continue  # said before in the same words
            covered = sum(max(0, min(atom.span.end, c.span.end) - max(atom.span.start, c.span.start)) for c in over)
            if covered * 2 >= len(words):
                continue
            attribute = atom.attribute or named_after(words, NAMES) or "其他条件"
            if atom.head and attribute == "其他条件":
                continue
            if any(c.attribute == attribute and c.span.within(atom.span) for c in known):
                continue
            if any(c.attribute == attribute for c in (*known, *found)) and attribute not in (*REPEATED, "项目类型"):
                continue
            condition = Condition(attribute, "contains", words, None, atom.span)
            found.append(replace(condition, excepted=denied(text, condition)))
    return found


def _told_apart(text: str, provision: Provision, condition: Condition) -> Condition:
    """Words that stand earlier too are quoted with their phrase, so that the quote says which place is meant."""
    start, end = condition.span.start, condition.span.end
    for _ in range(3):
        words = text[start:end]
        behind = text.find(words, provision.span.start)
        if start == (behind if behind >= 0 else text.find(words)):
            break
        start = max(text.rfind(c, 0, start) for c in ",;。:") + 1
        end = min((i + 1 for i in (text.find(c, end) for c in ",;。:") if i >= 0), default=end)
    return replace(condition, span=Span(start, end)) if end - start < 80 else condition


def general(passage: Passage, lexicon: Lexicon, wordings: Wordings | None = None) -> list[Condition]:
    """Conditions under a heading that says for whom the whole document is (服务对象, 适用范围); of several like stretches the first."""
    wordings = wordings or Wordings()
    zone = next((z for z in zones(passage, lexicon) if says_whom(passage, z)), None)
    if zone is None:
        return []
    found = recognised(passage.text, zone, (), wordings)
    return _settled([c for c in found if not inside_another(c, found)])


_SUBJECT = re.compile(
    r"(?:^|[)。;])(?P<v>[^,。;:()]{2,30}?(?:机构|出资方|转让方|管理人|银行|单位|载体|资本|资金)等?(?:[^,。;:()]{0,6}方)?)(?=(?:\([^()]*\))?(?:应|需|须))"
)


def _listed(text: str, provision: Provision, items: Sequence[Requirement], own: list[Condition], wordings: Wordings) -> list[Condition]:
    """Conditions from a separate list: of one attribute those nearest in words to the provision, none that it says itself."""
    about = text[provision.span.start : provision.span.end]
    found: list[Condition] = []
    for item in items:
        region = Span(item.span.start, item.span.end)
        several = recognised(text, region, (), wordings)
        for m in _SUBJECT.finditer(text, region.start, region.end):
            several.insert(0, Condition("主体类型", "=", m["v"], None, Span(m.start("v"), m.end("v"))))
        several = [c for c in several if not inside_another(c, several)]
        found += several or _kept_whole(text, region, several, wordings)
    out: list[Condition] = []
    for c in sorted(
        found,
        key=lambda c: -_likeness(about, text[max(0, c.span.start - 20) : c.span.end]) if c.attribute in ("上市阶段", "上市板块") else 0,
    ):
        if (
            any(o.attribute == c.attribute for o in own)
            and c.attribute not in REPEATED
            and not (c.attribute == "主体类型" and c.operator == "=")
        ):
            continue
        if not any(o.attribute == c.attribute and (c.attribute not in REPEATED or o.span.meets(c.span)) for o in out):
            out.append(c)
    return out


def _kept_whole(text: str, region: Span, known: Sequence[Condition], wordings: Wordings) -> list[Condition]:
    """Pieces of an item that no wording knows."""
    found = []
    for atom in atoms(text, region, wordings):
        words = text[atom.span.start : atom.span.end]
        covered = sum(max(0, min(atom.span.end, c.span.end) - max(atom.span.start, c.span.start)) for c in known)
        if 4 <= len(words) <= 80 and not _IDLE.match(words) and covered * 3 < len(words) and not (atom.head and atom.attribute is None):
            condition = Condition(atom.attribute or named_after(words, NAMES) or "其他条件", "contains", words, None, atom.span)
            found.append(replace(condition, excepted=denied(text, condition)))
    return found


def _likeness(a: str, b: str) -> int:
    return len({a[i : i + 3] for i in range(len(a) - 2)} & {b[i : i + 3] for i in range(len(b) - 2)})


def deadlines(passage: Passage, provision: Provision) -> list[Span]:
    """Words that say by when: dates and spans of time that bound the act, not the enterprise."""
    text, found = passage.text, []
    for strand in provision.strands:
        for window in windows(text[strand.span.start : strand.span.end]):
            span = window.span.moved(strand.span.start)
            if is_deadline(text, window, span):
                left = max((text.rfind(c, strand.span.start, span.start) for c in ",;。"), default=-1) + 1
                right = min((i for i in (text.find(c, span.end, strand.span.end) for c in ",;。") if i >= 0), default=strand.span.end)
                found.append(Span(max(left, strand.span.start), right))
    return found


def _kept(text: str, found: list[Condition], provision: Provision) -> list[Condition]:
    """Without what belongs to the amount, to the giver, or to a fuller condition around it."""
    given = [f.span for f in provision.given]
    out = []
    for c in found:
        if any(c.span.meets(g) for g in given) or c.span.start < provision.gives_at < c.span.end - 1:
            continue
        if c.attribute in GROWTH:
            out.append(c)
            continue
        if (
            c.span.start >= provision.gives_at
            and (c.attribute not in RECIPIENTS or (provision.by == "relief" and c.attribute == "人员身份"))
            and c.span.start < provision.ends[0]
        ):
            continue
        if (
            c.span.start >= provision.ends[0]
            and c.attribute not in RECIPIENTS
            and c.span.start < provision.span.end
            and len(provision.given) > 1
        ):
            continue
        clause = max(text.rfind(stop, 0, c.span.start) for stop in ",;。:") + 1
        if c.span.start < provision.gives_at and _BASE.match(text, clause) and not re.search("[,;。]", text[clause : provision.gives_at]):
            continue  # 按其为职工缴纳的社会保险费给予…: what is paid on, not what is asked
        if c.span.start < provision.gives_at and _GRANTED.match(text, clause) and provision.by == "relief":
            continue  # 允许其缓缴…: what is given
        if _gives(text, c.span, c.attribute):
            continue
        if c.attribute == "主体类型" and re.match(r"(?:免|对|要|应(?!在)|与|加大|为企业)", text[c.span.end : c.span.end + 3]):
            continue
        if not inside_another(c, found):
            out.append(c)
    if any(c.attribute == "受疫情影响" for c in out):
        out = [c for c in out if c.attribute != "生产经营困难"]
    return out


_GRANTED = re.compile(r"允许其|准予|可以?(?!持续)|延长|延期|顺延|暂缓")
_THEIR_GIFT = re.compile(r"(?:等)?(?:免收|减收|免费|提供)|(?:和|及|、|与)[^,。;对的]{0,8}(?:政府|财政|部门)(?:给予|予以)")


def _gives(text: str, span: Span, attribute: str) -> bool:
    """True of who gives (政府性融资担保机构免收…), not of who is given to."""
    return (
        attribute in ("主体类型", "行业")
        and bool(_THEIR_GIFT.match(text, span.end))
        and text[span.start - 1 : span.start] not in "对为向给"
    )


def _nearest(found: list[Condition], provision: Provision) -> list[Condition]:
    """One condition of an attribute: the first before the giving, else the first behind it; "上述…" points to fuller words elsewhere."""
    out: list[Condition] = []
    for c in sorted(
        found,
        key=lambda c: (
            bool(ANAPHOR.search(str(c.value))),
            any(c.span.within(i) for i in provision.intro) or c.span.end <= own_begin(provision),
            c.span.start >= provision.gives_at,
            c.span.start,
            -len(c.span),
        ),
    ):
        same = [o for o in out if o.attribute == c.attribute and o.excepted == c.excepted and _of_shares(o) == _of_shares(c)]
        if not any(c.attribute not in REPEATED or o.span.meets(c.span) for o in same):
            out.append(c)
    return out


def _of_shares(condition: Condition) -> bool:
    """A sum and a share of it are two conditions (研发费用100万元以上且占营业收入3%)."""
    return condition.comparison is not None and condition.comparison.figures[0].share


_DENIED = re.compile(r"(?:未曾?|不在|不属于?|不是|不含|不包括|(?<!除)非|没有|不得)(?:被|获得?|享受过?|列入)?$")
_MEMBERSHIPS = frozenset({"资质认定", "名单入选", "项目入库", "上市板块", "行业", "主体类型", "企业规模"})


def denied(text: str, condition: Condition) -> bool:
    """True where the words stand under 除…外, …除外, 不含…, or behind 未, 不属于."""
    before = text[max(0, condition.span.start - 40) : condition.span.start]
    after = text[condition.span.end : condition.span.end + 40]
    bracket = before.rpartition("(")[2] if "(" in before and ")" not in before.rpartition("(")[2] else None
    if bracket is not None and (re.match(r"(?:不含|不包括|除)", bracket) or re.match(r"[^()。;]{0,30}除外", after)):
        return True
    if re.search(r"除[^。;,]{0,20}$", before) and re.match(r"[^。;,]{0,20}(?:以外|之外|外)", after):
        return True
    return condition.attribute in _MEMBERSHIPS and bool(_DENIED.search(before))


def _settled(found: list[Condition]) -> list[Condition]:
    return sorted(found, key=lambda c: (c.span.start, c.span.end))
