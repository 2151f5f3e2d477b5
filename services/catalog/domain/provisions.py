"""Where in a text benefits stand: stretches that give one target group something of its own, told apart from plans and appeals.

A strand is a provision when it names a figure that is given, a charge that is forgone or put off, or an aid for a group that it
describes. Neighbouring strands are one provision when they only continue it: steps of one amount, its ceiling, its remainder.
"""

import re

from services.catalog.domain.continuing import goes_on
from services.catalog.domain.division import blocks, zones
from services.catalog.domain.gifts import Gift, gift
from services.catalog.domain.lexicon import HEADING, Lexicon
from services.catalog.domain.passage import Passage, Span
from services.catalog.domain.strands import Provision, Strand, strands, without_citation


def provisions(passage: Passage, lexicon: Lexicon) -> list[Provision]:
    """Every provision of the text in order."""
    found: list[Provision] = []
    closed = [*zones(passage, lexicon), *_examples(passage.text, lexicon)]
    for block in blocks(passage):
        previous: Provision | None = None
        lead: Strand | None = None  # the first strand of the sentence, as long as nothing was given in it
        for whole in strands(passage, block, lexicon):
            strand = without_citation(passage.text, whole, lexicon)
            got = gift(passage.text, strand.span, lexicon, strand.sentence.start)
            if got is not None and (any(z.start <= got.at < z.end for z in closed) or _only_tells(passage.text, strand, got)):
                got = None
            if lead is None or lead.sentence != whole.sentence:
                lead = whole if got is None else None
            if got is None:
                if previous and previous.given and strand.sentence != previous.strands[-1].sentence:
                    previous = None
                continue
            if previous is not None and goes_on(passage.text, strand, got, previous, lexicon):
                by = "figure" if got.figures else previous.by
                previous = Provision(
                    (*previous.strands, strand),
                    (*previous.given, *got.figures),
                    previous.gives_at,
                    by,
                    (*previous.ends, got.end),
                    previous.lead,
                )
                found[-1] = previous
            elif _stands_alone(passage.text, strand, got, lexicon):
                start = lead.span.start if lead is not None and lead.sentence == whole.sentence else None
                previous = Provision((strand,), got.figures, got.at, got.by, (got.end,), start)
                lead = None
                found.append(previous)
            else:
                previous = None
    return _announced(passage.text, found, lexicon)


def _examples(text: str, lexicon: Lexicon) -> list[Span]:
    """Stretches that work a sum out for an imagined case, up to the next heading."""
    found = []
    for m in lexicon.example.finditer(text):
        following = _NEXT_LABEL.search(text, m.end())
        found.append(Span(m.start(), following.start() if following else len(text)))
    return found


_NEXT_LABEL = re.compile(rf"(?:申请|申报|办理|受理|服务|领取|咨询)(?:渠道|窗口|部门|方式|流程|对象|条件):|{HEADING}:|文件依据:")


def _announced(text: str, found: list[Provision], lexicon: Lexicon) -> list[Provision]:
    """An aid named without a figure and then with one, a few lines on, is one benefit: the first words are its introduction."""
    out: list[Provision] = []
    intro: dict[int, list[Span]] = {}
    for i, one in enumerate(found):
        if one.by == "aid" and not one.given and not text.startswith("对", one.span.start):
            aid = lexicon.aid.search(text[one.gives_at : one.span.end])
            name = lexicon.plain_aid.sub("", aid.group()) if aid else ""
            later = [
                j
                for j in range(i + 1, len(found))
                if found[j].given
                and found[j].span.start - one.span.end < 800
                and len(name) >= 2
                and name in text[found[j].span.start : found[j].span.end]
            ]
            if later:
                intro.setdefault(later[0], []).append(one.span)
                continue
        out.append(Provision(one.strands, one.given, one.gives_at, one.by, one.ends, one.lead, tuple(intro.get(i, ()))))
    return out


_PROCEEDS = re.compile(r"公示(?:期|无异议)|申请拨付|由[^,。;]{2,12}另行(?:规定|制定)")
_PAID_LATER = re.compile(r"(?:予以|进行|完成)(?:兑现|拨付)|(?:兑现|拨付)(?:奖励|补助|补贴|资金)*[。;]?$")
_HOW_LONG = re.compile(r"^(?:补贴|补助|资助|贴息|奖励|享受|支持|扶持|政策|缓缴|执行|减免|贷款)?(?:的)?期限")
_ANNOUNCES = re.compile(r"(?:如下|是指|以下[^,。;:]{0,8}):?$")


def _only_tells(text: str, strand: Strand, got: Gift) -> bool:
    """Words that announce what follows, or say for how long: nothing is given in them."""
    words = text[strand.span.start : strand.span.end]
    if got.by == "aid" and re.fullmatch(r"[^,。;:]{4,40}", words):
        return True  # a line of its own without a stop: a heading
    clause = max(text.rfind(c, strand.span.start, got.at) for c in ",;。") + 1
    return not got.figures and bool(
        _ANNOUNCES.search(words) or _HOW_LONG.match(words) or _PROCEEDS.search(words) or _PAID_LATER.search(text[clause : got.end])
    )


def _stands_alone(text: str, strand: Strand, got: Gift, lexicon: Lexicon) -> bool:
    words = text[strand.span.start : strand.span.end]
    before = text[strand.span.start : got.at]
    if lexicon.to_authority.search(before) or (got.by != "figure" and lexicon.to_authority.search(words)):
        return False
    if re.search("个人所得税", words) and not re.search("企业|单位|个体工商户", words):
        return False
    if got.by == "figure":
        return True
    left = max((before.rfind(c) for c in ",;。"), default=-1) + 1
    right = min((i for i in (words.find(c, len(before)) for c in ",;。") if i >= 0), default=len(words))
    if got.by == "aid" and (lexicon.appeal.match(words) or lexicon.policy_talk.search(words[left:right])):
        return False
    return bool(lexicon.addressed.search(words))
