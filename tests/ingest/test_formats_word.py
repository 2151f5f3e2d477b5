"""DOCX: every printed word comes through, in order, with the numbers that Word counts itself."""

import pytest

from services.ingest.domain.reading import NotADocument, read
from services.ingest.sandbox.formats import to_text
from services.ingest.sandbox.numbering import chinese, written
from tests.ingest.documents import Document, docx_of, number, numbered_docx, parse_xml, png, with_parts

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
OUTLINE = [("chineseCounting", "%1、"), ("chineseCounting", "（%2）"), ("decimal", "%3."), ("decimalEnclosedCircle", "%4")]


def lines(data: bytes) -> list[str]:
    return [line for line in to_text(data, "文件.docx").text.split("\n") if line.strip()]


def test_automatic_numbers_are_part_of_the_text() -> None:
    data = numbered_docx(
        OUTLINE,
        [(0, "总体要求"), (0, "重点任务"), (1, "支持融资"), (2, "贴息"), (2, "担保"), (1, "支持用工"), (2, "补贴"), (0, "组织保障")],
    )
    assert lines(data) == ["一、总体要求", "二、重点任务", "（一）支持融资", "1.贴息", "2.担保", "（二）支持用工", "1.补贴", "三、组织保障"]


def test_articles_numbered_by_word_are_articles() -> None:
    data = numbered_docx([("chineseCountingThousand", "第%1条")], [(0, f"本办法第{i}点。") for i in range(1, 13)])
    assert lines(data)[0] == "第一条 本办法第1点。"
    assert [line.split(" ")[0] for line in lines(data)][9:] == ["第十条", "第十一条", "第十二条"]


def test_a_paragraph_between_items_does_not_restart_the_list() -> None:
    data = numbered_docx(OUTLINE, [(0, "甲"), (None, "说明文字"), (0, "乙")])
    assert lines(data) == ["一、甲", "说明文字", "二、乙"]


def test_a_list_that_starts_over_starts_over() -> None:
    document = Document()
    root = document.part.numbering_part.element
    level = '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>'
    root.insert(0, parse_xml(f'<w:abstractNum {W} w:abstractNumId="91">{level}</w:abstractNum>'))
    root.append(parse_xml(f'<w:num {W} w:numId="91"><w:abstractNumId w:val="91"/></w:num>'))
    root.append(
        parse_xml(
            f'<w:num {W} w:numId="92"><w:abstractNumId w:val="91"/>'
            '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>'
        )
    )
    for identity, words in ((91, "甲"), (91, "乙"), (92, "丙"), (92, "丁")):
        number(document.add_paragraph(words), identity, 0)
    assert lines(docx_of(document)) == ["1.甲", "2.乙", "1.丙", "2.丁"]


def test_numbers_that_a_style_brings_are_counted_too() -> None:
    document = Document()
    root = document.part.numbering_part.element
    level = (
        '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="chineseCounting"/><w:pStyle w:val="Heading1"/>'
        '<w:lvlText w:val="%1、"/></w:lvl>'
    )
    root.insert(0, parse_xml(f'<w:abstractNum {W} w:abstractNumId="93">{level}</w:abstractNum>'))
    root.append(parse_xml(f'<w:num {W} w:numId="93"><w:abstractNumId w:val="93"/></w:num>'))
    style = document.styles["Heading 1"].element
    style.get_or_add_pPr().append(parse_xml(f'<w:numPr {W}><w:numId w:val="93"/></w:numPr>'))
    document.add_heading("总则", 1)
    document.add_paragraph("正文。")
    document.add_heading("附则", 1)
    assert lines(docx_of(document)) == ["一、总则", "正文。", "二、附则"]


def test_an_arabic_number_never_runs_into_the_figure_behind_it() -> None:
    data = numbered_docx([("decimal", "%1."), ("decimal", "%1.%2")], [(0, "2024年目标"), (1, "5G应用")])
    assert lines(data) == ["1. 2024年目标", "1.1 5G应用"]


def test_tables_stand_where_they_are_printed_as_rows_with_tabs() -> None:
    document = Document()
    document.add_paragraph("附件1")
    table = document.add_table(rows=3, cols=3)
    for row, words in zip(
        table.rows, (("序号", "事项", "责任单位"), ("1", "一次性奖励", "市工信局"), ("2", "贷款\n贴息", "")), strict=True
    ):
        for cell, text in zip(row.cells, words, strict=True):
            cell.text = text
    table.cell(1, 2).merge(table.cell(2, 2))
    document.add_paragraph("注：以上由各部门解释。")
    assert lines(docx_of(document)) == [
        "附件1",
        "序号\t事项\t责任单位",
        "1\t一次性奖励\t市工信局",
        "2\t贷款 贴息\t市工信局",
        "注：以上由各部门解释。",
    ]


def test_insertions_controls_links_and_text_boxes_are_printed_deleted_and_hidden_words_are_not() -> None:
    document = Document()
    body = document.element.body
    box = (
        '<w:r><w:pict><v:shape xmlns:v="urn:schemas-microsoft-com:vml"><v:textbox>'
        "<w:txbxContent><w:p><w:r><w:t>厦门市人民政府文件</w:t></w:r></w:p>"
        "</w:txbxContent></v:textbox></v:shape></w:pict></w:r>"
    )
    for xml in (
        f"<w:p {W}>{box}<w:r><w:t>厦府规〔2024〕5号</w:t></w:r></w:p>",
        f'<w:p {W}><w:ins w:id="1" w:author="a"><w:r><w:t>新增</w:t></w:r></w:ins>'
        f'<w:del w:id="2" w:author="a"><w:r><w:delText>删去</w:delText></w:r></w:del>'
        f"<w:r><w:t>条款</w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>隐藏</w:t></w:r></w:p>",
        f"<w:sdt {W}><w:sdtContent><w:p><w:hyperlink><w:r><w:t>控件里的链接</w:t></w:r></w:hyperlink></w:p></w:sdtContent></w:sdt>",
        f'<w:p {W}><w:r><w:fldChar w:fldCharType="begin"/><w:instrText> PAGE </w:instrText>'
        f'<w:fldChar w:fldCharType="separate"/><w:t>3</w:t></w:r>'
        f'<w:r><w:t>第</w:t><w:noBreakHyphen/><w:sym w:font="Wingdings" w:char="F0FE"/></w:r></w:p>',
    ):
        body.insert(len(body) - 1, parse_xml(xml))
    assert lines(docx_of(document)) == ["厦门市人民政府文件", "厦府规〔2024〕5号", "新增条款", "控件里的链接", "3第-☑"]


def test_a_word_file_of_pictures_awaits_a_person() -> None:
    import io

    document = Document()
    document.add_picture(io.BytesIO(png(20, 20)))
    found = to_text(docx_of(document), "扫描.docx")
    assert found.needs_ocr
    assert found.text == ""


def test_a_word_file_reads_as_its_text_does() -> None:
    paragraphs = [
        (None, "关于支持企业发展的若干措施"),
        (0, "支持融资。对小微企业贷款给予2%的贴息。（责任单位：市财政局）"),
        (0, "支持用工。给予每人1000元补贴。（责任单位：市人社局）"),
    ]
    text = to_text(numbered_docx([("chineseCounting", "%1、")], paragraphs), "措施.docx").text
    typed = "\n".join(("" if level is None else "一二"[i - 1] + "、") + words for i, (level, words) in enumerate(paragraphs))
    assert [m.body.text for m in read(text.encode()).measures] == [m.body.text for m in read(typed.encode()).measures]
    assert len(read(text.encode()).measures) == 2


@pytest.mark.parametrize(
    ("part", "data", "code", "says"),
    [
        ("word/vbaProject.bin", b"\xd0\xcf\x11\xe0", "not-a-document", "宏"),
        ("word/embeddings/表.xlsx", b"PK\x03\x04", "unreadable", "内嵌"),
        ("../../etc/passwd", b"x", "unreadable", "外部路径"),
        (
            "word/document.xml",
            b'<!DOCTYPE a [<!ENTITY b "bb">]><w:document xmlns:w="x"><w:body>&b;</w:body></w:document>',
            "unreadable",
            "实体",
        ),
        ("word/document.xml", b"<w:document", "unreadable", "已损坏"),
        ("word/media/big.bin", bytes(30 * 1024 * 1024), "too-large", "倍"),
    ],
)
def test_a_package_with_what_no_document_needs_is_refused(part: str, data: bytes, code: str, says: str) -> None:
    with pytest.raises(NotADocument) as refusal:
        to_text(with_parts(docx_of(Document()), {part: data}), "文件.docx")
    assert refusal.value.code == code
    assert says in refusal.value.detail
    assert refusal.value.hint


def test_too_many_parts_are_refused_before_one_is_opened() -> None:
    with pytest.raises(NotADocument, match="too-large") as refusal:
        to_text(with_parts(docx_of(Document()), {f"word/media/{i}.txt": b"" for i in range(2001)}), "文件.docx")
    assert "部件" in refusal.value.detail


def test_a_truncated_word_file_is_unreadable() -> None:
    data = docx_of(Document())
    with pytest.raises(NotADocument, match="unreadable"):
        to_text(data[: len(data) // 2], "文件.docx")


@pytest.mark.parametrize(
    ("value", "form", "printed"),
    [(11, "chineseCounting", "十一"), (20, "chineseCounting", "二十"),
     (105, "chineseCountingThousand", "一百零五"), (3, "upperRoman", "III"),
     (28, "lowerLetter", "bb"), (4, "decimalEnclosedCircle", "④"), (12, "ideographTraditional", "乙"), (7, "decimalFullWidth", "７"),
     (3, "chineseLegalSimplified", "叁"), (5, "decimalZero", "05"), (2, "bahtText", "2")],
)  # fmt: skip
def test_numbers_are_written_as_the_list_says(value: int, form: str, printed: str) -> None:
    assert written(value, form) == printed


def test_every_number_has_its_own_chinese_words() -> None:
    assert len({chinese(n) for n in range(1, 10_000)}) == 9_999
