"""Which document a new one is the next version of, and which it repeals: told by the names that official documents bear."""

from datetime import date

import pytest

from services.ingest.domain.reading import read
from services.ingest.domain.succession import (
    Known,
    amended_by,
    edition,
    is_meant,
    meant,
    mentioned,
    names_of,
    number_of,
    repeals_of,
    same_number,
)


def document(title: str, number: str = "", closing: str = "", issuer: str = "示例市某局", day: str = "2026年3月1日") -> str:
    body = "各有关单位：\n现印发给你们。\n\n一、支持研发。给予奖励20万元。\n二、支持用工。给予补贴。"
    return f"{title}\n{number}\n\n{body}\n{closing}\n\n{issuer}\n{day}\n"


def known(text: str, name: str = "doc-1") -> Known:
    found = read(text.encode(), name="x.txt").document
    day = date.fromisoformat(found.issue_date[0]) if found.issue_date else None
    return Known(name, names_of(found, fallback="x.txt"), day, True, 2)


OLD = known(document("示例市某局关于印发《支持企业若干措施》的通知", "示某规〔2023〕64号", day="2023年5月1日"))


@pytest.mark.parametrize("words", ["示某规〔2023〕64号", "示某规[2023]64 号", "示某规（２０２３）第064号", "示某规【2023】64号"])
def test_a_number_is_the_same_whatever_its_brackets_blanks_and_digits(words: str) -> None:
    assert number_of(words) == "示某规2023-64"
    assert number_of("示某规〔2023〕65号") != "示某规2023-64"


def test_the_same_number_and_issuer_are_the_next_version_and_another_issuer_is_not() -> None:
    again = known(document("示例市某局关于印发《支持企业若干措施》的通知", "示某规〔2023〕 64 号"), "doc-2")
    assert same_number(again.names, [OLD]) == OLD
    other = known(document("关于另一件事情的通知", "示某规〔2023〕64号", issuer="另一市某局"), "doc-3")
    assert same_number(other.names, [OLD]) is None
    about = known(document("《支持企业若干措施》政策解读", "示某规〔2023〕64号"), "doc-4")
    assert same_number(about.names, [OLD]) is None


@pytest.mark.parametrize(
    ("title", "is_edition"),
    [
        ("示例市某局关于印发《支持企业若干措施（2026年修订）》的通知", True),
        ("示例市某局关于重新印发《支持企业若干措施》的通知", True),
        ("示例市某局关于修订印发《支持企业若干措施》的通知", True),
        ("示例市某局关于更正示某规〔2023〕64号文件的通知", True),
        ("示例市某局关于更正《支持企业若干措施》的公告", True),
        ("示例市某局关于印发《支持企业若干措施》的通知", False),
        ("示例市某局关于印发《支持外贸企业的若干措施（2026年修订）》的通知", False),
        ("示例市某局关于更正示某规〔2023〕65号文件的通知", False),
    ],
)
def test_a_correction_or_a_new_edition_says_so_and_names_what_it_replaces(title: str, is_edition: bool) -> None:
    found = read(document(title, "示某规〔2026〕2号").encode(), name="x.txt").document
    names = names_of(found, fallback="x.txt")
    replaced = edition(names, amended_by(found), [OLD], issued=date(2026, 3, 1))
    assert (replaced == OLD) is is_edition
    assert edition(names, amended_by(found), [OLD], issued=date(2020, 1, 1)) is None


@pytest.mark.parametrize(
    ("closing", "repealed", "on"),
    [
        ("本通知自2026年4月1日起施行。《支持企业若干措施》（示某规〔2023〕64号）同时废止。", True, date(2026, 4, 1)),
        ("本通知自2026年4月1日起施行，示某规〔2023〕64号文同时废止。", True, date(2026, 4, 1)),
        ("《另一件事情的管理办法》（示某〔2020〕1号）、《支持企业若干措施》（示某规〔2023〕64号）同时废止。", True, date(2026, 3, 1)),
        ("经研究，决定废止《支持企业若干措施》（示某规〔2023〕64号）。", True, date(2026, 3, 1)),
        ("原《支持企业若干措施》自2026年7月1日起废止。", True, date(2026, 7, 1)),
        ("《支持企业若干措施》（示某规〔2023〕64号）第三条同时废止。", False, None),
        ("《支持企业若干措施》（示某规〔2023〕65号）同时废止。", False, None),
        ("《另一件事情的管理办法》同时废止，《支持企业若干措施》继续有效。", False, None),
    ],
)
def test_words_of_repeal_name_the_document_and_its_day(closing: str, repealed: bool, on: date | None) -> None:
    found = read(document("示例市某局关于支持企业的意见", "示某规〔2026〕2号", closing).encode(), name="x.txt").document
    [*named] = [repeal for repeal in repeals_of(found) if meant(repeal.mention, [OLD])]
    assert [repeal.on for repeal in named] == ([on] if repealed else [])


def test_words_before_a_number_are_no_part_of_it_and_letters_of_another_authority_are() -> None:
    assert is_meant(mentioned("关于更正示某规〔2023〕64号"), OLD.names)
    assert is_meant(mentioned("原示某规〔2023〕64号"), OLD.names)
    assert not is_meant(mentioned("南示某规〔2023〕64号"), OLD.names)


def test_a_name_that_many_bear_is_no_name() -> None:
    twin = Known("doc-9", OLD.names, OLD.issued, True, 2)
    assert meant(mentioned("《支持企业若干措施》"), [OLD]) == OLD
    assert meant(mentioned("《支持企业若干措施》"), [OLD, twin]) is None
    short = known(document("若干措施"))
    assert not is_meant(mentioned("《若干措施》"), short.names)
