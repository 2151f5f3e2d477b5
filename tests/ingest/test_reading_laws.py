"""Laws of reading, for any text: spans are true, nothing of a body is lost, nothing but the typed refusal is raised, and it is quick."""

import contextlib
import dataclasses
import html
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.ingest.domain.reading import Excerpt, NotADocument, Reading, read, to_json
from services.ingest.domain.text import lines_of, plain, squeeze

ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")
SAMPLES = sorted((Path(__file__).parents[2] / "deploy" / "samples").glob("*.txt"))


def excerpts(value: Any) -> Iterator[Excerpt]:
    """Every string of a reading that was taken from the document."""
    if isinstance(value, Excerpt):
        yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from excerpts(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from excerpts(item)


def assert_spans_true(reading: Reading) -> None:
    """Each string is what stands at its runs, in order, and its span holds them all."""
    for excerpt in excerpts(reading):
        stood = "".join(reading.raw[start:end] for _, _, start, end in excerpt.runs)
        # twice: a blank that goes may leave a letter before an accent that NFKC would have put on it
        assert squeeze(squeeze(ENTITY.sub(lambda m: html.unescape(m[0]), stood))) == squeeze(squeeze(excerpt.text))
        if excerpt.runs:
            assert excerpt.span == (excerpt.runs[0][2], max(end for *_, end in excerpt.runs))


def assert_bodies_stand_in_order(reading: Reading) -> None:
    """A body holds only what is printed between its first and its last character, in that order."""
    for measure in reading.measures:
        between = squeeze(ENTITY.sub(lambda m: html.unescape(m[0]), reading.raw[slice(*measure.body.span)]))
        rest = iter(between)
        assert all(c in rest for c in squeeze(measure.body.text)), measure.path


FURNITURE = re.compile(
    r"[，、,;；：:。.·（）()《》\d\s—-]|.*文件$|附件?|[此本]件|印发|抄送|有关单位|答：|序号?|号|(?:创新举措|责任单位|主要做法和成效)+|.{2,20}(?:办公厅|办公室|政府)"
)


def left_over(reading: Reading) -> list[str]:
    """What is printed and in no string of the reading, line by line, without the labels and signs between the strings."""
    taken = bytearray(len(reading.raw))
    for excerpt in excerpts(reading):
        for _, _, start, end in excerpt.runs:
            taken[start:end] = b"\1" * (end - start)
    lost = []
    for line in lines_of(reading.raw):
        rest = "".join(c for c, at in zip(line.s, line.text.at, strict=True) if not taken[at])
        if words := FURNITURE.sub("", rest):
            lost.append(words)
    return lost


SIGNS = list("一二三四五六七八九十、（）()〔〕[]【】《》«»“”.．。，,；;：:？?！0123456789０１２％%\t\n\n\n \u3000*#<>/&—-|")
WORDS = (
    "支持企业 市财政局 各区人民政府 责任单位： 附件 附则 第一条 第二条 问： 答： 序号 名称 内容 单位 2026年3月9日 关于印发 的通知 本办法自 "
    "起施行 有效期 万元 示府〔2026〕3号 抄送： 印发 —３— <p> <b> </td> &nbsp; <script> 依据文件 服务内容 条件要求 "
    "服务流程 行动目标 截至2025年9月底 累计 余 亿元 "
)
texts = st.lists(st.one_of(st.sampled_from(SIGNS), st.sampled_from([*WORDS.split(), "# Page 2:"])), max_size=80).map("".join)


@settings(max_examples=150, deadline=None)
@given(texts)
@example("1.\n一、（一）(1)\n１．\n2.3、")
@example("序号\t名称\t内容\n1\t\t\n\t\t")
@example("序\n号\n创新举措 单位名称 具体做法\n1\n2\n")
@example("附件：\n附件 1\n附件 2\n2026年3月9日")
@example("依据文件\n服务内容\n条件要求\n服务流程\n依据文件")
def test_any_text_is_read_and_every_string_is_found_at_its_place(text: str) -> None:
    try:
        reading = read(text.encode())
    except NotADocument:
        assert not plain(text)
        return
    assert_spans_true(reading)
    assert_bodies_stand_in_order(reading)
    to_json(reading)
    assert len({m.path for m in reading.measures}) == len(reading.measures)


@settings(max_examples=100, deadline=None)
@example("Å´".encode())
@example("!¼".encode())
@given(st.one_of(st.binary(max_size=400), st.text(max_size=200).map(lambda s: s.encode("utf-8", "surrogatepass"))))
def test_any_bytes_are_read_or_refused_by_the_typed_refusal(data: bytes) -> None:
    outcome: Reading | NotADocument
    try:
        outcome = read(data)
    except NotADocument as refusal:
        outcome = refusal
    if isinstance(outcome, NotADocument):
        assert outcome.code in ("not-a-document", "too-large", "unreadable")
        assert outcome.detail
        assert outcome.hint
    else:
        assert_spans_true(outcome)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.text("加强支持企业创新服务和平台建设，、“”AI", min_size=3, max_size=90), min_size=1, max_size=9),
    st.integers(12, 40),
    st.booleans(),
)
def test_folding_the_lines_of_a_list_of_points_changes_no_measure(points: list[str], size: int, blank: bool) -> None:
    paragraphs = [f"{n}.推进第{n}项。{words}完毕。" for n, words in enumerate(points, 1)]
    folded = [re.sub(r"^\d{1,3}[.、]", lambda m: m[0], p[i : i + size]) for p in paragraphs for i in range(0, len(p), size)]
    text = "一、主要任务\n" + ("\n\n" if blank else "\n").join(folded)
    flat = read(("一、主要任务\n" + "\n".join(paragraphs)).encode())
    reading = read(text.encode())
    assert [squeeze(m.body.text) for m in reading.measures] == [squeeze(m.body.text) for m in flat.measures]
    assert [m.title.text for m in reading.measures] == [f"推进第{n}项" for n in range(1, len(points) + 1)]


def test_the_sample_documents_obey_the_laws() -> None:
    assert SAMPLES
    for path in SAMPLES:
        reading = read(path.read_bytes(), name=path.name)
        assert_spans_true(reading)
        assert_bodies_stand_in_order(reading)
        assert reading.measures


def test_nothing_printed_in_a_sample_document_is_lost() -> None:
    for path in SAMPLES:
        assert left_over(read(path.read_bytes(), name=path.name)) == [], path.name


def test_a_lost_clause_would_be_seen() -> None:
    reading = read("一、总则\n1.支持企业。给予奖励。\n2.减免租金。减免三个月。\n".encode())
    assert left_over(reading) == []
    assert left_over(dataclasses.replace(reading, measures=reading.measures[:1])) == ["减免租金减免三个月"]


def test_a_hundred_pages_are_read_to_the_last_point() -> None:
    rng = random.Random(7)
    lines = ["示例市人民政府关于印发示例方案的通知", "", "各区人民政府：", "", "为支持企业，制定本方案。", ""]
    for n in range(1, 501):
        words = "".join(rng.choice(["支持企业创新，", "完善服务体系，", "压缩办理时间，", "加强要素保障，"]) for _ in range(16))
        lines += [f"{n}. 推进第{n}项工作。{words}给予每家{n}万元奖励。（责任单位：市工信局、财政局）", ""]
    text = "\n".join(lines)
    assert len(text) > 70_000
    assert len(read(text.encode()).measures) == 500


@pytest.mark.timeout(60)  # a pattern that backtracks would take hours
def test_text_that_is_all_signs_does_not_trap_the_reader() -> None:
    for piece in (
        "<",
        "《",
        "（",
        "1",
        "a+",
        "一、",
        "附件：1.",
        "序\n",
        "序号 ",
        "责任单位：",
        "<!--",
        "<script>",
        "**",
        "（责任单位：",
        "依据文件 服务内容 ",
    ):
        with contextlib.suppress(NotADocument):
            read((piece * (8_000 // len(piece))).encode())
    assert not lines_of(" \n\t\n")
