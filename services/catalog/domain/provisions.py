"""Where in a text benefits stand: stretches that give one target group something of its own, told apart from plans and appeals.

A strand is what one "对…" governs. It is a provision when it names a figure that is given, a charge that is forgone or put off,
or an aid for a group that it describes. Neighbouring strands are one provision when they only continue it: steps of one amount,
its ceiling, its remainder.
"""

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise

from services.catalog.domain.division import DEPARTMENTS, Block, blocks, pieces, sentences, zones
from services.catalog.domain.lexicon import APPLICANTS, HEADING, Lexicon
from services.catalog.domain.passage import Passage, Span
from services.catalog.domain.quantities import NUMERAL, Figure, figures


@dataclass(frozen=True)
class Strand:
    """What one target phrase governs inside a sentence."""

    span: Span
    sentence: Span
    block: Block


@dataclass(frozen=True)
class Provision:
    """One benefit's words: `strands` in order, the figures given, where the giving begins, and earlier words that announced it.

    `ends` tells for each strand where its giving ends: what follows in the sentence conditions nothing.
    `lead` is where the sentence's own introduction begins, when nothing was given before.
    """

    strands: tuple[Strand, ...]
    given: tuple[Figure, ...]
    gives_at: int
    by: str
    ends: tuple[int, ...] = ()
    lead: int | None = None
    intro: tuple[Span, ...] = ()

    @property
    def span(self) -> Span:
        return Span(self.strands[0].span.start, self.strands[-1].span.end)

    @property
    def block(self) -> Block:
        return self.strands[0].block


# No giving word reaches further than this many characters; it keeps a text without stops from costing its square.
_REACH = 300
_SEMICOLON = re.compile(r";")
# 答:, 【政策内容】, 支持标准: what stands before is no part of the benefit, unless it says whom it is for.
_LABEL = re.compile(rf"答:|【[^【】]{{2,10}}】|{HEADING}:")
_WHOM = re.compile(r"(?:对象|条件|范围)[:】]")
_NEW_TARGET = re.compile(
    r"(?:,|(?<=奖励|补助|补贴|资助)、)(?=(?:同时,?|另外,?|此外,?|并)?(?:对(?!接|应|外|标|照|口|(?:企业|单位|其)的|[^,。;]{2,30}(?:费用?|租金|部分|支出|金额)(?:给予|予以|按))|允许|向))"
)


def strands(passage: Passage, block: Block, lexicon: Lexicon) -> list[Strand]:
    """The block's sentences, cut at semicolons and where a new target phrase begins after something was given."""
    text = passage.text
    body = block.span
    hit = DEPARTMENTS.search(text, body.start, body.end)
    parts = [body] if not hit else [Span(body.start, hit.start()), Span(hit.end(), body.end)]
    found: list[Strand] = []
    for piece in parts:
        for sentence in _printed(passage, sentences(text, piece)):
            for part in pieces(text, sentence, _SEMICOLON):
                start = part.start
                for label in _LABEL.finditer(text, part.start, part.end - 2):
                    whom = _WHOM.search(text, part.start, label.start())
                    start = start if whom else label.end()
                for m in _NEW_TARGET.finditer(text, part.start, part.end):
                    if m.end() > start and gift(text, Span(max(start, m.end() - _REACH), m.end()), lexicon):
                        found.append(Strand(Span(start, m.end()), sentence, block))
                        start = m.end()
                found.append(Strand(Span(start, part.end), sentence, block))
    return found


def _printed(passage: Passage, found: list[Span]) -> list[Span]:
    """Sentences cut where a paragraph ends without a stop."""
    out = []
    for span in found:
        cuts = passage.breaks[bisect_right(passage.breaks, span.start) : bisect_left(passage.breaks, span.end)]
        edges = [span.start, *cuts, span.end]
        out += [Span(a, b) for a, b in pairwise(edges)]
    return out


@dataclass(frozen=True)
class Gift:
    """What a strand gives: the figures given, where the giving begins, and where the clause of the last gift ends."""

    figures: tuple[Figure, ...]
    at: int
    by: str
    end: int


_BRACKETS = re.compile(r"\([^()]*\)")
_LIMIT_OF_WHOLE = re.compile(
    r"[,;](?:对?(?:单[个家户项笔]?|每[家户个项笔]?|同一)[^,。;]{0,10}|累计|年度|总额|合计|总计|全年|最高)[^,。;]{0,6}(?:不超过|不高于|上限为?|封顶(?:为)?|最高|控制在)$"
)


def gift(text: str, span: Span, lexicon: Lexicon) -> Gift | None:
    """What the words of `span` give, or None where they only plan, appeal or speak about a policy."""
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
    labelled = bool(_STANDARD.search(text[max(0, span.start - 12) : span.start]))
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
        r"(?:利率|规模|控制在|同比|占比|提升|下降|(?<!最高)(?<!可)达到?|(?<!不)低于|(?<!不)高于|(?<!不)超过?|不满|大于|小于|每(?:新增|增加|增长|满|超过|达到?))$",
        words[comma : figure.span.start],
    ):
        return None
    if figure.share and re.search("资金的?$", words[comma : figure.span.start]) and _PAID_WHEN.match(words, figure.span.end):
        return None
    if figure.share and (_SCHEDULE.search(words[comma : figure.span.start]) or _PAID_OUT.match(words, figure.span.end)):
        return None
    if _BEFORE_RAISE.search(words[comma : figure.span.start]) and _RAISE.match(words, figure.span.end):
        return None
    if _LINE_ASKED.search(words[comma : figure.span.start]) and _ASKS.match(words, figure.span.end):
        return None
    stop = min((i for i in (words.find(c, figure.span.end) for c in ",;。") if i >= 0), default=len(words))
    comma, stop = max(comma, figure.span.start - _REACH), min(stop, figure.span.end + _REACH)
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
    r"(?:的)?(?:税额)?(?:幅度内)?(?:可|准予|允许|予以)?[^,。;]{0,10}(?:扣除|返还|退还|摊销|减征|减免|承担|贴息|抵免)"
)
# 补贴标准: 10000元; 奖励标准: 一等奖20万元, 二等奖15万元.
_STANDARD = re.compile(r"(?:补[助贴]|奖励|资助|奖补|扶持|支持|发放|贴息)(?:标准|额度|金额|内容|方式)[】:]?$")
_UNDER_LABEL = re.compile(
    r"(?:^|[,、;:])(?:每[^,。;\d]{1,8}|[^,。;\d]{0,12}(?:奖|名|类|级|档|的|类型|项目|企业|机构|每家|人才))?(?:最高|不超过|为|:)?$"
)
# 按应奖励额的30%拨付, 立项后拨付40%: when it is paid, not how much.
_SCHEDULE = re.compile(
    r"(?:应(?:奖励|补助|补贴|兑现|拨付)[资金总额补助]*|(?:奖励|补助|补贴|扶持|资助|奖补)(?:资金|金额|额)?(?:总额|总金额)?|核定(?:金额|补助)[^,。;]{0,4})的(?:[\d.]+%[、和及])*$|(?:拨付|兑付|兑现|预拨|支付|发放)(?:剩余|其余|余下)?(?:的)?$"
)
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

_CITATION = re.compile(r"(?:〔20\d\d〕|\(?20\d\d年第?|\[20\d\d\])\d+号\)?[,;]?|》(?=[^的、等中第规和及(,。;)]{6})")


def _without_citation(text: str, strand: Strand, lexicon: Lexicon) -> Strand:
    """Table rows run together begin with their legal basis; the provision begins after it."""
    for m in reversed(list(_CITATION.finditer(text, strand.span.start, strand.span.end))):
        rest = Span(m.end(), strand.span.end)
        got = gift(text, rest, lexicon)
        if len(rest) > 12 and got is not None and got.at > rest.start:
            return Strand(rest, strand.sentence, strand.block)
    return strand


def provisions(passage: Passage, lexicon: Lexicon) -> list[Provision]:
    """Every provision of the text in order."""
    found: list[Provision] = []
    closed = [*zones(passage, lexicon), *_examples(passage.text, lexicon)]
    for block in blocks(passage):
        previous: Provision | None = None
        lead: Strand | None = None  # the first strand of the sentence, as long as nothing was given in it
        for whole in strands(passage, block, lexicon):
            strand = _without_citation(passage.text, whole, lexicon)
            got = gift(passage.text, strand.span, lexicon)
            if got is not None and (any(z.start <= got.at < z.end for z in closed) or _only_tells(passage.text, strand, got)):
                got = None
            if lead is None or lead.sentence != whole.sentence:
                lead = whole if got is None else None
            if got is None:
                if previous and previous.given and strand.sentence != previous.strands[-1].sentence:
                    previous = None
                continue
            if previous is not None and _continues(passage.text, strand, got, previous, lexicon):
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


_OWN_TARGET = re.compile(
    r"(?:在[^,。;]{2,16}基础上,)?(?:同时,?|另外,?|此外,?|并|其中,?)?(?:对(?!接|应|外|标|照|口|单[家个户项笔]|每|同一|其)|允许|鼓励|支持|"
    r"向(?=[^,。;]{0,20}(?:企业|单位|个人|机构|人员)[^,。;]{0,4}(?:发放|提供|给予)))"
)
_GOES_ON = re.compile(
    r"^(?:其中|并|且|再|另|超过部分|超出部分|剩余|第[二三四五]年|次年|对?每[家个户人场次名项]|每年(?!安排|设立|投入|遴选|评选|评定)|对?单[家个户项笔]|对?同一|对?一[家个]|最高|累计|年度|确有|享受|补贴|补助|奖励|资助|从[^,。;]{0,8}(?:经费|资金)中)"
)
# 标准为…, 返还比例…: how much of what was promised before; 补贴期限…: how long.
_SPECIFIES = re.compile(
    r"^(?:具体|定额|缴费)?(?:补贴|补助|奖励|资助|返还|贴息|扣除|扣减|支持|补偿|发放|减免)?(?:的)?(?:标准|比例|额度|金额|限额|上限)(?:统一)?(?:为|是|:|按|最高|不超过)"
)
_PROCEEDS = re.compile(r"公示(?:期|无异议)|申请拨付|由[^,。;]{2,12}另行(?:规定|制定)")
_PAID_LATER = re.compile(r"(?:予以|进行|完成)(?:兑现|拨付)|(?:兑现|拨付)(?:奖励|补助|补贴|资金)*[。;]?$")
_HOW_LONG = re.compile(r"^(?:补贴|补助|资助|贴息|奖励|享受|支持|扶持|政策|缓缴|执行|减免|贷款)?(?:的)?期限")
_ANNOUNCES = re.compile(r"(?:如下|是指|以下[^,。;:]{0,8}):?$")


def _continues(text: str, strand: Strand, got: Gift, previous: Provision, lexicon: Lexicon) -> bool:
    words = text[strand.span.start : strand.span.end]
    last = previous.strands[-1]
    same_sentence = strand.sentence == last.sentence
    staged = lexicon.staged.search(text[previous.span.start : previous.span.end]) is not None
    if words.startswith("允许") and same_sentence and got.by == previous.by == "relief":
        return True
    if _OWN_TARGET.match(words) and not (same_sentence and got.figures and _next_rung(text, words, previous)):
        return same_sentence and staged and not words.startswith(("同时", "另外", "此外"))
    if _SPECIFIES.match(words) and strand.span.start <= last.span.end + 1:
        return True
    another = _of_another(text, strand, got, previous) if same_sentence and not staged and not _GOES_ON.match(words) else False
    if same_sentence and (another or (another is None and _OWN_BODY.match(words))):
        return False
    if not previous.given and got.figures and previous.by == "relief" and words.startswith("其中"):
        return True
    if not previous.given and got.figures:
        return previous.by == "aid" and strand.span.start - last.span.end < 40
    if not previous.given:
        if words.startswith("享受") and strand.span.start <= last.span.end + 1 and got.by == "relief":
            return True
        return same_sentence and got.by == "relief" and previous.by == "relief"
    if strand.span.start > last.span.end + 1:
        return False
    if got.figures and _BY_STANDARD.search(words):
        return True
    if _GOES_ON.match(words) or (got.figures and _BEGINS_WITH_LINE.match(words)):
        return True
    if same_sentence and got.figures:
        return previous.given[-1].unit.lstrip("万亿千百") == got.figures[0].unit.lstrip("万亿千百") or staged
    return False


_SUBJECT = re.compile(rf"[^,;。]{{0,16}}?(?:{'|'.join(APPLICANTS)})")
_GRADED = re.compile(
    r"大型|中型|小型|微型|小微|中小|规[上下]|国家|[省市区县]级|[A-F一二三四五]类|[一二三四五甲乙丙\dA]+级|星级|首次|新增|企业$"
)
_NAMES_TITLE = re.compile(r"(?:新?认定|评定|评为|获评|获得|取得|入选|列入|通过)(?:为)?(?P<o>[^,;。的]{3,24})")
_ACT = re.compile(r"购买|购置|租赁|租用|新建|自建|举办|承办|参加|引进")
_LEVELS = re.compile(r"国家|[省市区县]|级|新|首次|\d+|[一二三四五]")


def _of_another(text: str, strand: Strand, got: Gift, previous: Provision) -> bool | None:
    """零售企业…给予…; 餐饮企业…给予…: another kind of applicant, title or act has a benefit of its own, another grade is a step.

    None where the words tell neither.
    """
    words = text[strand.span.start : got.at]
    last = previous.strands[-1].span
    before = text[last.start : last.end].rpartition(":")[2]
    act, its_act = _ACT.search(words), _ACT.search(before)
    if act and its_act and act.group() != its_act.group() and words[: act.start()] == before[: its_act.start()]:
        return True
    named, earlier = _NAMES_TITLE.search(words), _NAMES_TITLE.search(before)
    if named and earlier:
        one, other = (_LEVELS.sub("", m["o"]) for m in (named, earlier))
        pairs = [one[i : i + 2] for i in range(len(one) - 1)]
        return bool(pairs) and sum(pair in other for pair in pairs) < 0.5 * len(pairs) if one else False
    own, its = _SUBJECT.match(words), _SUBJECT.match(before)
    if own is None or its is None or own.group() == its.group():
        return None
    kind = own.group().removeprefix("对")
    return True if len(kind) > 2 and not _GRADED.match(kind) else None


_BY_STANDARD = re.compile(r",按(?:上述|该|相应)?(?:补助|奖励|补贴|资助)标准")
_BEGINS_WITH_LINE = re.compile(rf"{NUMERAL}[百千万亿]*[元亩人家个台]?(?:[-—~至到]|\(含\))*(?:{NUMERAL}|以[上下])")
_RUNG = re.compile(rf"对(?P<of>[^,;]{{0,30}}?){NUMERAL}[^,;]{{0,8}}(?:以[上下内]|至|不满|超过)[^,;]{{0,20}},")


def _next_rung(text: str, words: str, previous: Provision) -> bool:
    """对面积在500亩以上的, …: the words of the target before, with another line."""
    rung = _RUNG.match(words)
    if rung is None or not previous.given:
        return False
    before = text[previous.span.start : previous.given[-1].span.start]
    pairs = [rung["of"][i : i + 2] for i in range(len(rung["of"]) - 1)]
    return sum(pair in before for pair in pairs) >= 0.7 * len(pairs)


def _only_tells(text: str, strand: Strand, got: Gift) -> bool:
    """Words that announce what follows, or say for how long: nothing is given in them."""
    words = text[strand.span.start : strand.span.end]
    if got.by == "aid" and re.fullmatch(r"[^,。;:]{4,40}", words):
        return True  # a line of its own without a stop: a heading
    clause = max(text.rfind(c, strand.span.start, got.at) for c in ",;。") + 1
    return not got.figures and bool(
        _ANNOUNCES.search(words) or _HOW_LONG.match(words) or _PROCEEDS.search(words) or _PAID_LATER.search(text[clause : got.end])
    )


_OWN_BODY = re.compile(
    rf"^(?!其中)(?:[^,;]{{4,}}?的[^,;的]{{0,16}}(?:{'|'.join(APPLICANTS)})(?:\([^()]*\))?,|(?:{'|'.join(APPLICANTS)})[^,;]{{2,}}的,)"
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
