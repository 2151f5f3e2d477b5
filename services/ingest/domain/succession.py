"""Succession: which known document a new one is the next version of, and which it repeals (废止), by the names official documents bear."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from .result import Document
from .versions import folded

NAMED = 8
"""Characters of a name that is enough to know a document by; a shorter one (若干措施) is borne by many."""

_NUMBER = re.compile(r"([\u4e00-\u9fff]{1,14})[(〔\[【]((?:19|20)\d{2})[)〕\]】]第?0*(\d{1,5})号")
_BEFORE_NUMBER = re.compile(r".*(?:更正|勘误|修订|修改|修正|废止|关于|印发|原|以及|及|和|与|对|将)")
_QUOTED = re.compile(r"[《«](.+?)[》»](?![》»])")
_EDITION = re.compile(
    r"[(（](?:\d{4}年?)?(?:第[一二三四五六七八九十\d]+次)?(?:修订|修正|修改|更正|更新|重印)?(?:版|稿|本)?[)）]"
    r"|(?<=印发)(?:修订|修改|更正|更新)后?的?|(?:重新|更正|修订|修改)(?=印发|公布|发布)|[(（](?:试行|暂行)[)）]"
)
_CORRECTS = re.compile(r"更正|勘误|修订|修正|修改|重新(?:印发|公布|发布)|[(（]\d{4}年?版[)）]")
_ABOUT = re.compile(r"解读|问答|图解|一图|答记者问|征求意见|起草说明|公开征集")


@dataclass(frozen=True, slots=True)
class Names:
    """What a document is known by, folded for comparison. ``works``: its names without the marks of an edition (2026年修订)."""

    title: str
    number: str | None
    issuer: str | None
    names: tuple[str, ...]
    works: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """The newest version of a document that is kept."""

    document: str
    names: Names
    issued: date | None
    read: bool  # False: it awaits OCR
    measures: int


@dataclass(frozen=True, slots=True)
class Mention:
    """A document as another one names it: by its name, its 字号, or both. ``words`` are those of the text."""

    name: str | None
    number: str | None
    words: str


@dataclass(frozen=True, slots=True)
class Repeal:
    """A document that another one deprives of its force, and since when; None where no day is known."""

    mention: Mention
    on: date | None


def number_of(words: str) -> str | None:
    """A 发文字号 in one form (厦府办2023-64), whatever its brackets and blanks; None where there is none.

    In running text words may lead to it without a break (关于更正厦府办〔2023〕64号); `is_meant` allows for them.
    """
    found = _NUMBER.search(_signs(words))
    return f"{found[1]}{found[2]}-{found[3]}" if found else None


def names_of(document: Document, *, fallback: str) -> Names:
    """The names of a document as read; ``fallback`` stands in for a title it does not say."""
    title = document.title.text if document.title else fallback
    names = tuple(dict.fromkeys(name for words in (title, *(e.text for e in document.enclosed)) if (name := _name(words))))
    return Names(
        title=_name(title),
        number=number_of(document.doc_number.text) if document.doc_number else None,
        issuer=folded(document.issuer.text) if document.issuer else None,
        names=names,
        works=tuple(dict.fromkeys(_work(name) for name in names)),
    )


def mentioned(words: str) -> Mention:
    """The document that words name: 《…》（厦府办〔2023〕64号), one of the two, or a bare title."""
    quoted = _QUOTED.search(words)
    return Mention(_name(quoted[1]) if quoted else None, number_of(words), words.strip())


def is_meant(mention: Mention, names: Names) -> bool:
    """Whether a mention means a document: the 字号 decides where both have one, else the name, if it is one to know a document by."""
    if mention.number and names.number:
        lead = mention.number.removesuffix(names.number)
        return mention.number == names.number or (lead != mention.number and _BEFORE_NUMBER.fullmatch(lead) is not None)
    return bool(mention.name) and len(mention.name or "") >= NAMED and mention.name in names.names


def repeals_of(document: Document) -> list[Repeal]:
    """What a document repeals. It ends on the day its text names, else when the new one begins to hold, else when it was issued."""
    began = document.valid_from or document.issue_date or document.printed_date
    own = number_of(document.doc_number.text) if document.doc_number else None
    found = []
    for excerpt, named in document.repeals:
        day = named or began
        found.append(Repeal(mentioned(excerpt.text), date.fromisoformat(day[0]) if day else None))
    return [repeal for repeal in found if (repeal.mention.name or repeal.mention.number) and (own is None or repeal.mention.number != own)]


def amended_by(document: Document) -> list[Mention]:
    """The documents that one says it corrects or amends: 对《…》作如下修改, 关于更正…〔2024〕5号文件的通知."""
    title = document.title.text if document.title else ""
    words = [excerpt.text for excerpt in document.amends]
    if _CORRECTS.search(folded(title)):
        words.append(title)
        words += [found[0] for found in _QUOTED.finditer(title)]
    return [mention for mention in map(mentioned, words) if mention.name or mention.number]


def same_number(names: Names, known: Sequence[Known]) -> Known | None:
    """The document of which one with these names is the next version because it has its 字号 and its issuer; None for none."""
    return _only(
        [
            one
            for one in known
            if names.number is not None
            and one.names.number == names.number
            and (one.names.issuer == names.issuer if one.names.issuer and names.issuer else bool(set(one.names.works) & set(names.works)))
            and _same_genre(names, one)
        ]
    )


def edition(names: Names, amends: Sequence[Mention], known: Sequence[Known], *, issued: date | None) -> Known | None:
    """The document of which one may be a correction or a new edition: it says so, and names it or bears its name; None for none or many.

    Whether it is printed anew or only some words of it are is for its measures to tell.
    """
    earlier = [one for one in known if _same_genre(names, one) and not (one.issued and issued and one.issued > issued)]
    named = [one for one in earlier if any(is_meant(mention, one.names) for mention in amends)]
    if not named and _CORRECTS.search(names.title + "".join(names.names)):
        works = {work for work in names.works if len(work) >= NAMED}
        named = [one for one in earlier if one.names.issuer == names.issuer is not None and works & set(one.names.works)]
    return _only(named)


def meant(mention: Mention, known: Sequence[Known]) -> Known | None:
    """The one known document that a mention means; None for none or many."""
    return _only([one for one in known if is_meant(mention, one.names)])


def _only(found: Sequence[Known]) -> Known | None:
    return found[0] if len(found) == 1 else None


def _same_genre(names: Names, known: Known) -> bool:
    """A 解读 of a document bears its 字号 and is no version of it."""
    return bool(_ABOUT.search(names.title)) == bool(_ABOUT.search(known.names.title))


def _signs(words: str) -> str:
    """Words with one kind of brackets and no blanks."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", words))


def _name(words: str) -> str:
    """A name without blanks, book-title marks and other quotation marks, and without the 字号 that may follow it."""
    return re.sub(r"[《》«»〈〉“”\"'‘’]", "", re.sub(rf"[(（]{_NUMBER.pattern}[)）]$", "", _signs(words)))


def _work(name: str) -> str:
    return _EDITION.sub("", name)
