"""Bytes become text, markup and page furniture go, and every character still knows where it was printed."""

import pytest

from services.ingest.domain.decoding import NotADocument, decode
from services.ingest.domain.reading import read
from services.ingest.domain.text import join, lines_of, plain, squeeze, tidy

NOTICE = "一、加大支持力度。对首次升规的企业给予10万元奖励。"


@pytest.mark.parametrize(
    "data",
    [
        NOTICE.encode(),
        b"\xef\xbb\xbf" + NOTICE.encode(),
        NOTICE.encode("gb18030"),
        b"\xff\xfe" + NOTICE.encode("utf-16-le"),
        b"\xfe\xff" + NOTICE.encode("utf-16-be"),
    ],
    ids=["utf-8", "utf-8 with mark", "gb18030", "utf-16 little", "utf-16 big"],
)
def test_the_same_words_are_read_from_every_encoding(data: bytes) -> None:
    assert decode(data, limit=1000) == NOTICE
    assert read(data).measures[0].body.text == NOTICE.removeprefix("一、")


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (b"", "not-a-document", "空"),
        (b" \n\t\r\n", "not-a-document", "空"),
        (b"<p></p><!-- -->", "not-a-document", "没有文字"),
        (b"%PDF-1.7 ...", "not-a-document", "PDF"),
        (b"PK\x03\x04....", "not-a-document", "压缩包"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not-a-document", "二进制"),
        (bytes(range(1, 32)) * 20, "not-a-document", "二进制"),
        (NOTICE.encode()[:-1], "unreadable", "截断"),
        (b"\xff\xfe\x00\xd8", "unreadable", "UTF-16"),
        (b"abc \xff\xff\xff\xfe\x81 " * 9, "unreadable", "第 5 字节"),
        (NOTICE.encode() + b"\xa3\xff\x80" + NOTICE.encode("gb18030"), "unreadable", "字节起"),
        (b"x" * 1001, "too-large", "1001"),
    ],
)
def test_what_is_no_document_is_refused_with_the_reason_and_what_to_do(data: bytes, code: str, says: str) -> None:
    with pytest.raises(NotADocument) as refused:
        read(data, limit=1000)
    assert refused.value.code == code
    assert says in refused.value.detail
    assert refused.value.hint.startswith("请")


def test_chinese_read_in_the_wrong_encoding_is_refused_not_guessed() -> None:
    mojibake = "關於應對疫情支持企業發展的若干措施，請各單位認真組織實施。".encode("big5")
    with pytest.raises(NotADocument, match="unreadable"):
        read(mojibake)


def test_full_width_digits_and_letters_become_half_width_and_chinese_punctuation_stays() -> None:
    (line,) = lines_of("示府〔２０２６〕３号，ＡＰＰ（试行）｡")
    assert line.s == "示府〔2026〕3号，APP（试行）。"


def test_tags_entities_and_markdown_marks_go_and_the_words_keep_their_place() -> None:
    raw = "## **一是**加快&nbsp;办理<br>二<b>是</b>减少 <5% 的环节<script>var 三是 = 1</script>"
    lines = lines_of(raw)
    assert [line.s for line in lines] == ["一是加快 办理", "二是减少 <5% 的环节"]
    start = lines[1].text.span[0]
    assert raw[start] == "二"
    assert "".join(raw[a:b] for _, _, a, b in lines[1].text.runs()) == "二是减少 <5% 的环节"


@pytest.mark.parametrize("mark", ["— 1 —", "—０１—", "- 12 -", "# Page 7:", "第 3 页", "第3页 共10页", "---"])
def test_page_marks_are_no_text(mark: str) -> None:
    assert plain(f"促进优质项目、\n{mark}\n\n技术和资本的汇聚。") == "促进优质项目、技术和资本的汇聚。"


def test_a_printed_page_number_goes_but_a_row_number_stays() -> None:
    pages = "# Page 117:\n107\n依据文件\n# Page 118:\n108\n条件要求\n"
    assert [line.s for line in lines_of(pages)] == ["依据文件", "条件要求"]
    rows = "# Page 1:\n5\n金蓝领\n# Page 2:\n9\n免证办\n"
    assert [line.s for line in lines_of(rows)] == ["5", "金蓝领", "9", "免证办"]


def test_lines_broken_inside_a_word_are_joined_and_justified_blanks_go() -> None:
    text = tidy(join(line.text for line in lines_of("南 城 区 政\n\n府，市 AI\nAPP 开发\u3000中心 3 个")))
    assert text.s == "南城区政府，市 AI APP 开发中心 3 个"


def test_a_string_with_markup_inside_is_found_again_piece_by_piece() -> None:
    raw = "一、推行<b>免申</b>即享。对符合条件的企\n— 3 —\n业自动兑付。"
    body = read(raw.encode()).measures[0].body
    assert body.text == "推行免申即享。对符合条件的企业自动兑付。"
    assert squeeze("".join(raw[a:b] for _, _, a, b in body.runs)) == body.text
    assert plain(raw[slice(*body.span)]) == body.text
