"""What happened to the enterprise: founded or moved in, changed in form, a step to the stock market taken."""

import re

from contracts.rules import Registry
from services.catalog.domain.naming import Node, Told, any_of, named, open_fact
from services.catalog.domain.times import happened

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


def moved_or_founded(words: str, phrase: str) -> Told:
    """Newly set up or moved in (新设立或新迁入) within the time that the words say; without one it stays open when that was."""
    ways: list[Node] = []
    founded, moved = happened("founded_on", phrase), happened("changed_on", phrase)
    if founded is None or moved is None:
        return Told({"fact": open_fact(words, "新设或迁入"), "is": "=", "value": True}, ("没有写明何时新设或迁入",))
    if re.search(r"设立|成立|注册|新设|组建", words):
        ways.append({"fact": "founded_on"} | {k: v for k, v in founded.items() if k != "field"})
    if re.search(r"迁入|引进|落户", words):
        ways.append({"some": "change", "where": [{"field": "kind", "is": "=", "value": "迁入"}, moved]})
    return Told(any_of(ways)) if ways else Told({"judged": words})


def changed_form(words: str) -> Told | None:
    """From one form of business to another (个转企): a row of the register's changes."""
    turn = re.search(r"由(?P<from>[^,。;]*?)(?:转型|转变|转换|变更|升级)?(?:登记|注册|转)?(?:为|成)(?P<to>[^,。;]*)", words)
    before = [f for f in _FORMS if turn and f in turn["from"]]
    after = [f for f in _FORMS if turn and f in turn["to"]]
    if not before or not after:
        return None
    where: list[Node] = [{"field": "kind", "is": "=", "value": "组织形式"}, {"field": "from", "is": "in", "value": before}]
    return Told({"some": "change", "where": [*where, {"field": "to", "is": "in", "value": after}]})
