"""What a stretch of words gives: figures that are given and not asked for, a charge forgone, an aid.

A figure may also be a line that somebody keeps, an aim, a result, or the day's part of a payment: none of these is given.
"""

import re
from dataclasses import dataclass

from services.catalog.domain.lexicon import Lexicon
from services.catalog.domain.passage import Span
from services.catalog.domain.quantities import NUMERAL, Figure, figures

# No giving word reaches further than this many characters; it keeps a text without stops from costing its square.
REACH = 300


@dataclass(frozen=True)
class Gift:
    """What a strand gives: the figures given, where the giving begins, and where the clause of the last gift ends."""

    figures: tuple[Figure, ...]
    at: int
    by: str
    end: int


_BRACKETS = re.compile(r"\([^()]*\)")
_LIMIT_OF_WHOLE = re.compile(
    r"[,;](?:最高)?(?:不超过|不高于|以[^,。;]{0,3}为限)$|[,;](?:对?(?:单[个家户项笔]?|每[家户个项笔]?|同一)[^,。;]{0,10}|累计|年度|总额|合计|总计|全年|最高)[^,。;]{0,6}(?:不超过|不高于|上限为?|封顶(?:为)?|最高|控制在)$"
)


def gift(text: str, span: Span, lexicon: Lexicon, sentence: int | None = None) -> Gift | None:
    """What the words of `span` give, or None where they only plan, appeal or speak about a policy.

    A label (补贴标准:) counts for the whole sentence, which begins at `sentence`.
    """
    words = text[span.start : span.end]
    if lexicon.reported.search(words):
        return None
    refused = lexicon.not_given.search(_BRACKETS.sub(lambda m: "·" * len(m.group()), words))
    if refused:  # …给予10万元奖励, 与其他政策不重复享受: what is said before the refusal is given all the same
        words = words[: max(words.rfind(c, 0, refused.start()) for c in ",;。:") + 1]
        if not any(_given_at(words, f, lexicon) is not None for f in figures(words)):
            return None
    given: list[Figure] = []
    at: int | None = None
    opened: int | None = None
    labelled = STANDARD.search(text[max(0, (span.start if sentence is None else sentence) - 12) : span.start]) is not None
    for f in figures(words):
        place = _given_at(words, f, lexicon)
        if place is None and labelled and f.money and _UNDER_LABEL.search(words[: f.span.start]):
            place = f.span.start
        if place is None and given and f.money and _LIMIT_OF_WHOLE.search(words[: f.span.start]):
            place = f.span.start
        if _UP_TO_NEXT.match(words, f.span.end):
            opened = place  # 5%—20%: one figure, named by its upper end
            continue
        if place is None and opened is not None and f.span.start < len(words):
            place = opened
        opened = None
        if place is not None:
            given.append(Figure(f.value, f.unit, Span(f.span.start + span.start, f.span.end + span.start)))
            at = place if at is None else min(at, place)
    if given and at is not None:
        return Gift(tuple(given), span.start + at, "figure", _clause_end(text, given[-1].span.end, span.end))
    for relief in lexicon.relief.finditer(words):
        left = max((words.rfind(c, 0, relief.start()) for c in ",;。"), default=-1) + 1
        right = min((i for i in (words.find(c, relief.end()) for c in ",;。") if i >= 0), default=len(words))
        told_of = lexicon.modifies.search(words[relief.end() : right])  # "减免租金的出租方": whom, not what
        if not lexicon.policy_talk.search(words[left:right]) and not told_of:
            return Gift((), span.start + relief.start(), "relief", span.start + right)
    aid = lexicon.aid.search(words)
    if aid and len(words) - aid.end() < 60:
        return Gift((), span.start + aid.start("give"), "aid", _clause_end(text, span.start + aid.end(), span.end))
    return None


def _clause_end(text: str, at: int, end: int) -> int:
    return min((i for i in (text.find(c, at, end) for c in ",;。") if i >= 0), default=end)


def _given_at(words: str, figure: Figure, lexicon: Lexicon) -> int | None:
    """Where the words begin that give this figure, or None where the figure is a condition, a date or a result."""
    if not (figure.money or figure.share):
        return None
    comma = max((words.rfind(c, 0, figure.span.start) for c in ",;。:"), default=-1) + 1
    if re.search(
        r"(?:利率|规模|控制在|同比|占比|提升|下降|(?<!最高)(?<!可)达到?|(?<!不)低于|(?<!不)高于|(?<!不)超过?|不满|大于|小于|每(?:新增|增加|增长|满|超过|达到?|出口|进口|完成|实现|销售))$",
        words[comma : figure.span.start],
    ):
        return None
    if figure.share and _OF_THE_SUM.search(words[comma : figure.span.start]) and _PAID_WHEN.match(words, figure.span.end):
        return None
    if figure.share and (_SCHEDULE.search(words[comma : figure.span.start]) or _PAID_OUT.match(words, figure.span.end)):
        return None
    if _BEFORE_RAISE.search(words[comma : figure.span.start]) and _RAISE.match(words, figure.span.end):
        return None
    if re.match("的(?:法定|规定|适用)税率", words[figure.span.end : figure.span.end + 8]):
        return None
    if _LINE_ASKED.search(words[comma : figure.span.start]) and _ASKS.match(words, figure.span.end):
        return None
    stop = min((i for i in (words.find(c, figure.span.end) for c in ",;。") if i >= 0), default=len(words))
    comma, stop = max(comma, figure.span.start - REACH), min(stop, figure.span.end + REACH)
    before, after = _ROW_BEFORE.sub("", words[comma : figure.span.start]), _beyond_the_row(words, figure, stop)
    bound = re.match(r"(?:\(不?含(?:本数)?\))?(?:[及或]?以[上下内])(?:\(不?含\))?", after)
    lead = lexicon.giving_before.search(before)
    named_aid = lead is not None and lexicon.aid_noun.match(lead.group())  # 配套产品5000万元以上: a noun, nothing given
    if bound and not (lead and len(before) - lead.end() < 8 and lead.group() not in ("给",) and not named_aid):
        rest = after[bound.end() :]
        if not re.match(r"(?:的)?(?:给予|予以|奖励|补助|补贴)", rest):
            return None
    if figure.share and _TOPPED.match(before) and _AIDED.search(words[:comma]):
        return comma
    if figure.money and _OF_A_YEAR.search(before):
        return comma
    if lead and not _falls(lead.group(), words[comma:stop]):
        return comma + lead.start()
    if _EACH_UP_TO.match(before) and lexicon.aid_noun.search(words[stop:]):
        return comma
    by = lexicon.measured.search(before)
    if lexicon.giving_after.match(after) or (figure.share and _FORGONE_AFTER.match(after)):
        return comma + by.start() if by else figure.span.start
    if by and (
        lexicon.given_or_charged.search(words[comma:stop])
        or ((figure.share or words.endswith("标准", 0, stop)) and _GIVEN_NEXT.match(words, stop))
    ):
        return comma + by.start()
    return None


# 100%可在当年税前扣除, 在50%的税额幅度内减征.
_FORGONE_AFTER = re.compile(
    r"(?:的)?(?:税额)?(?:幅度内)?(?:可|准予|允许|予以)?[^,。;]{0,16}(?:扣除|返还|退还|摊销|减征|减免|承担|贴息|抵免)"
)
# 补贴标准: 10000元; 奖励标准: 一等奖20万元, 二等奖15万元.
STANDARD = re.compile(r"(?:补[助贴]|奖励|资助|奖补|扶持|支持|发放|贴息)(?:标准|额度|金额|内容|方式)(?:[】:][^。]*|)$")
_UNDER_LABEL = re.compile(
    r"(?:^|[,、;:])(?:每[^,。;\d]{1,8}|[^,。;\d]{0,12}(?:奖|名|类|级|档|的|类型|项目|企业|机构|每家|人才))?(?:最高|不超过|为|:)?$"
)
# 按应奖励额的30%拨付, 立项后拨付40%: when it is paid, not how much.
_SCHEDULE = re.compile(
    r"(?:应(?:奖励|补助|补贴|兑现|拨付)[资金总额补助]*|核定(?:金额|补助)[^,。;]{0,4})的(?:[\d.]+%[、和及])*$|"
    r"(?:拨付|兑付|兑现|预拨|支付|发放)(?:剩余|其余|余下)?(?:的)?$"
)
_OF_THE_SUM = re.compile(r"(?:奖励|补助|补贴|扶持|资助|奖补)(?:资金|金额|额)?(?:总额|总金额)?的?(?:[\d.]+%[、和及])*$")
_PAID_OUT = re.compile(
    r"(?:[、:和][\d.]+%?)*(?:的?比例)?(?:分[两二三四五\d][年期次]|分期|分批|逐年)?(?:进行)?(?:兑付|拨付|兑现|(?<=比例)发放|(?<=[年期次批])发放)"
)
_OF_A_YEAR = re.compile(r"(?:^|[、(])(?:首年|次年|第[一二三四五]年度?)(?:最高|不超过|给予|为)?$")
_GIVEN_NEXT = re.compile(r",(?:可|对[^,。;]{1,8}|每家)?(?:给予|予以|奖励|补助|补贴|资助|最高(?:给予|不超过|奖励|补))")
_PAID_WHEN = re.compile(r"[^,。;]{0,24}(?:兑现|拨付|兑付)")
_TOPPED = re.compile(r"(?:最[高多])?(?:不超过|不高于)[^,。;\d]{2,24}的$")
_AIDED = re.compile(r"(?:奖励|补助|补贴|资助|奖补),$")
_EACH_UP_TO = re.compile(r"^(?:每[^,。;\d]{1,10}|单[^,。;\d]{1,8})(?:不超过|最高|限额)$")
_ROW_BEFORE = re.compile(rf"(?:{NUMERAL}(?:[百千万亿]*元|%|‰)?(?:、|和|及|或|以及))+$")
_UP_TO_NEXT = re.compile(rf"[-—~至到]+{NUMERAL}(?:[百千万亿]*元|%|‰)")


def _beyond_the_row(words: str, figure: Figure, stop: int) -> str:
    """The words behind a figure; behind figures in a row (70%、80%和90%) those after the last one."""
    row = re.compile(rf"(?:(?:、|和|及|或|以及){NUMERAL}{re.escape(figure.unit)})+").match(words, figure.span.end)
    return words[row.end() if row else figure.span.end : stop]


def _falls(word: str, clause: str) -> bool:
    """贷款利率降至4.5%: an aim, unless the clause says for whom or that it is to be applied."""
    return bool(re.search("降|下调", word)) and not re.search("对|按|阶段性|可|执行|减息|为", clause)


# 由75%提高到100%: what is given is the latter.
_BEFORE_RAISE = re.compile(r"[由从](?:现行的?|原来?的?)?$")
_RAISE = re.compile(r"(?:最高)?(?:提|上调|上浮|调整|增|降|下调|调)")
# 担保费率不超过1%的, …: a line that somebody keeps, not what he is given.
_LINE_ASKED = re.compile(r"(?:不超过|不高于|不低于|不少于|率为?|占比为?)$")
_ASKS = re.compile(r"(?:\(不?含(?:本数)?\))?的(?:[,;]|[^,。;]{0,10}(?:企业|单位|机构|贷款|项目)(?![^,。;]{0,6}(?:奖励|补助|补贴)))")
