"""Whether a strand goes on with the benefit before it (its steps, ceiling, remainder) or begins one of its own."""

import re

from services.catalog.domain.gifts import STANDARD, Gift
from services.catalog.domain.lexicon import APPLICANTS, Lexicon
from services.catalog.domain.quantities import NUMERAL
from services.catalog.domain.strands import Provision, Strand

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


def goes_on(text: str, strand: Strand, got: Gift, previous: Provision, lexicon: Lexicon) -> bool:
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
    labelled = STANDARD.search(text[max(0, previous.span.start - 12) : previous.span.start])
    if labelled and got.figures and previous.given and _LINE_FIRST.match(words):
        return True  # 补贴标准: 1万元。带动3人以上就业的, …
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


_LINE_FIRST = re.compile(r"[^,。;]{0,12}\d+[^,。;]{0,6}(?:以上|以下)[^,。;]{0,8}的,")
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


_OWN_BODY = re.compile(
    rf"^(?!其中)(?:[^,;]{{4,}}?的[^,;的]{{0,16}}(?:{'|'.join(APPLICANTS)})(?:\([^()]*\))?,|(?:{'|'.join(APPLICANTS)})[^,;]{{2,}}的,)"
)
