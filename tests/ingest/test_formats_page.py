"""Web pages and text: the document comes through whole, what the site puts around it does not."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.reading import NotADocument, read
from services.ingest.sandbox.formats import to_text
from services.ingest.sandbox.page import links_of, text_of
from tests.ingest.documents import SENTENCE

ARTICLE = f"""
<div class="crumb">当前位置：<a href="/">首页</a> &gt; <a href="/zwgk/">政务公开</a></div>
<table class="entry"><tr><td>索引号：</td><td>XM001</td><td>发文字号：</td><td>厦府规〔2024〕5号</td></tr>
<tr><td>发布机构：</td><td>厦门市人民政府</td><td>成文日期：</td><td>2024年3月1日</td></tr></table>
<h1>关于支持企业的若干措施</h1>
<div class="info">发布时间：2024-03-05 <a href="javascript:print()">打印</a></div>
<div id="content"><p>各区人民政府：</p><p>一、{SENTENCE}</p><p>二、{SENTENCE}<script>alert(1)</script></p>
<p style="display:none">隐藏的字</p><p>厦门市人民政府</p><p>2024年3月1日</p></div>
<div class="files"><a href="/a/fujian1.docx">附件1：申报表</a></div>
<div class="share">分享到：<a href="javascript:;">微信</a></div>
"""
SITE = """<!doctype html><html><head><meta name="ArticleTitle" content="关于支持企业的若干措施"><title>若干措施-某市</title></head><body>
<div class="top"><ul><li><a href="/1">首页</a></li><li><a href="/2">新闻</a></li><li><a href="/3">服务</a></li></ul></div>%s
<div class="hot"><ul><li><a href="/n/1.html">市长调研民营企业，强调要优化环境。</a></li>
<li><a href="/n/2.html">本市召开会议</a></li></ul></div>
<div class="foot"><p>主办：某市人民政府办公厅。</p><p>网站标识码：3502000001</p><p>闽ICP备05000000号</p></div></body></html>"""


def lines(html: str) -> list[str]:
    return [line for line in text_of(html).split("\n") if line.strip()]


def test_a_document_is_taken_out_of_its_page() -> None:
    assert lines(SITE % ARTICLE) == [
        "索引号：\tXM001\t发文字号：\t厦府规〔2024〕5号",
        "发布机构：\t厦门市人民政府\t成文日期：\t2024年3月1日",
        "关于支持企业的若干措施",
        "发布时间：2024-03-05",
        "各区人民政府：",
        f"一、{SENTENCE}",
        f"二、{SENTENCE}",
        "厦门市人民政府",
        "2024年3月1日",
        "附件1：申报表",
    ]


def test_a_short_notice_keeps_its_signature_and_date() -> None:
    notice = f"<h1>关于支持企业的若干措施</h1><div><div class='c'><p>{SENTENCE}</p><p>厦门市人民政府</p><p>2024年3月1日</p></div></div>"
    assert lines(SITE % notice)[1:] == [SENTENCE, "厦门市人民政府", "2024年3月1日"]


def test_a_page_laid_out_in_tables_is_read_as_text() -> None:
    inner = "".join(f"<p>{mark}、{SENTENCE}</p>" for mark in "一二三四五六七八九十")
    layout = f"<table><tr><td><a href='/'>首页</a></td><td><h1>关于支持企业的若干措施</h1>{inner}</td></tr></table>"
    assert lines(SITE % layout) == ["关于支持企业的若干措施", *[f"{mark}、{SENTENCE}" for mark in "一二三四五六七八九十"]]


def test_a_table_of_a_document_is_rows_with_tabs_and_spanning_cells_say_their_words_in_each_row() -> None:
    table = """<h1>关于支持企业的若干措施</h1><table>
    <thead><tr><th>序号</th><th>政策名称</th><th>奖补标准</th><th>责任单位</th></tr></thead>
    <tr><td>1</td><td>奖励</td><td>最高50万元。<br>分两次给予。</td><td rowspan="2">市工信局</td></tr>
    <tr><td>2</td><td colspan="2">贴息</td></tr><tr><td>3</td><td>补贴</td><td></td><td>市人社局</td></tr></table>"""
    assert lines(SITE % table)[1:] == [
        "序号\t政策名称\t奖补标准\t责任单位",
        "1\t奖励\t最高50万元。 分两次给予。\t市工信局",
        "2\t贴息\t\t市工信局",
        "3\t补贴\t\t市人社局",
    ]


def test_numbers_that_the_browser_would_print_are_printed() -> None:
    page = (
        "<body><ol style='list-style-type:cjk-ideographic'><li>总则。</li><li>细则。</li></ol>"
        "<ol start='3'><li>其他。</li><li>4.已有号。</li></ol>"
        "<ol style='list-style:none'><li>无号。</li></ol></body>"
    )
    assert lines(page) == ["一、总则。", "二、细则。", "3. 其他。", "4.已有号。", "无号。"]


def test_a_page_without_prose_keeps_what_is_no_navigation() -> None:
    menu = "".join(f"<li><a href='/{i}'>栏目名称</a></li>" for i in range(3))
    page = f"<body><ul>{menu}</ul><div>公示名单</div></body>"
    assert lines(page) == ["公示名单"]


def test_deep_nesting_does_not_break_the_reader() -> None:
    page = "<body>" + "<div>" * 5_000 + SENTENCE + "</div>" * 5_000 + "</body>"
    assert lines(page) == [SENTENCE]


PIECES = (
    "<p>", "</p>", "<table>", "<tr>", "<td rowspan=3>", "</table>", "<li>", "<ol>", "<div hidden>", "</div>", "<a href=x>",
    "<h1>", "附件", "一、支持企业。", "<br>", "<!--", "-->", "<select>", "&lt;", "\x00", "网站标识码",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_no_markup_however_broken_stops_the_reader(pieces: list[str]) -> None:
    text_of("".join(pieces))


@given(st.lists(st.text("支持企业，融资用工", min_size=12, max_size=40), min_size=1, max_size=12))
def test_no_paragraph_of_a_document_is_lost(paragraphs: list[str]) -> None:
    body = "".join(f"<p>{text}。</p>" for text in paragraphs)
    assert lines(SITE % f"<h1>关于支持企业的若干措施</h1><div>{body}</div>")[1:] == [f"{text}。" for text in paragraphs]


def test_links_are_absolute_and_carry_their_full_titles() -> None:
    page = "<body><a href='../a/1.html#x' title='关于支持企业的若干措施'>关于支持企…</a><a href='#top'>顶部</a><a href='http://['>坏</a></body>"
    (link,) = links_of(page, "https://www.example.gov.cn/zc/list/")
    assert (link.url, link.title) == ("https://www.example.gov.cn/zc/a/1.html", "关于支持企业的若干措施")


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a", "a.dat", "a.html"])
def test_text_passes_through_unchanged(name: str) -> None:
    text = f"关于支持企业的若干措施\r\n\r\n　　一、{SENTENCE}\n"
    for encoding in ("utf-8", "gb18030"):
        assert to_text(text.encode(encoding), name).text == text


def test_a_page_saved_as_html_without_markup_keeps_its_lines() -> None:
    assert to_text("一、总则。\n二、细则。\n".encode(), "a.html").text == "一、总则。\n二、细则。\n"


def test_binary_noise_is_no_document() -> None:
    with pytest.raises(NotADocument):
        to_text(bytes(range(256)) * 10, "a.txt")


def test_the_page_reads_as_the_text_that_was_copied_from_it(shared: Path) -> None:
    page = to_text((shared / "benefits/raw/24.html").read_bytes(), "24.html")
    copied = read(next((shared / "benefits/documents").glob("24_*")).read_bytes())
    found = read(page.text.encode())
    assert found.document.title is not None
    assert found.document.title.text == "创业担保贷款常见问题"
    assert [m.title.text for m in found.measures] == [m.title.text for m in copied.measures]
    assert [m.body.text for m in found.measures[:-1]] == [m.body.text for m in copied.measures[:-1]]
    assert "版权所有" not in page.text
    assert "回到顶部" not in page.text


def test_the_pdf_reads_as_the_text_that_was_copied_from_it(shared: Path) -> None:
    made = to_text((shared / "benefits/raw/29.pdf").read_bytes(), "29.pdf")
    copied = next((shared / "benefits/documents").glob("29_*")).read_text("utf-8")
    assert made.pages == 11
    assert not made.needs_ocr
    assert made.notes == ()
    words = "".join(line for line in copied.splitlines() if not line.startswith("# Page"))
    assert "".join(made.text.split()) == "".join(words.split())
    found, typed = read(made.text.encode()).measures, read(copied.encode()).measures
    assert [(m.title.text, m.body.text) for m in found] == [(m.title.text, m.body.text) for m in typed]
