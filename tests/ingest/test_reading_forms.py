"""The form of a document is recognised, never configured: outlines, articles, tables, questions, cards, lost line breaks."""

from services.ingest.domain.reading import Reading, read, to_json

LETTER = """示例市人民政府办公厅文件

示府办〔2026〕9号

示例市人民政府办公厅关于印发《示例市扶持企业
若干措施》的通知

各区人民政府，市直各委、办、局，各有关单
位：

《示例市扶持企业若干措施》已经市政府研究同意，现印发给你们，请认真组织实施。

附件：1.任务清单
2.责任名单

示例市人民政府办公厅
2026年3月9日

（此件主动公开）

"""


def told(reading: Reading) -> list[tuple[str, str, str]]:
    return [(m.path, m.number.text, m.title.text) for m in reading.measures]


def test_an_outline_gives_one_measure_for_each_point_with_its_section_and_units() -> None:
    reading = read(
        (
            LETTER
            + """# 示例市扶持企业若干措施

为扶持企业，制定本措施。

## 一、强化要素配置

1. 加力引育人才。面向全球引育技术经理人300名。（责任单位：市人社局、教育局）

2. 优化金融服务。加大首贷力度。（牵头单位：市金融办；配合单位：各区人民政府）

## 二、优化环境

3. 便利退出。即时出具清税文书，3.5万户企业受益。

各有关单位要加强统筹，形成合力。
"""
        ).encode()
    )
    assert told(reading) == [("01", "1.", "加力引育人才"), ("02", "2.", "优化金融服务"), ("03", "3.", "便利退出")]
    first, second, third = reading.measures
    assert [s.text for s in first.section] == ["一、强化要素配置"]
    assert [u.text for u in first.units] == ["市人社局", "教育局"]
    assert first.units_full == ("市人社局", "市教育局")
    assert [u.text for u in second.units] == ["市金融办", "各区人民政府"]
    assert third.body.text == "便利退出。即时出具清税文书，3.5万户企业受益。"
    assert [r.text.text for r in reading.remarks if "统筹" in r.text.text] == ["各有关单位要加强统筹，形成合力。"]


def test_goals_are_kept_apart_and_headings_may_be_broken_over_lines() -> None:
    reading = read(
        """二、重点任务

(一)深化“一网通办”改革,构建全方位政务服务新体系专项

行动

１．行动目标

以更高效为目标,推动改革从政务服务领域向公共服务领域拓展,实

现覆盖.重点推进“高效办成一件事”.

２．行动要点

(１)统一热线平台.发挥热线作用,打造便捷的总客服,迭代更新知

识库,年服务２.５万人次.

(２)完善政策服务.加强政策汇集.
(二)完善帮办制度专项行动

１．行动目标

提升便捷度.

２．行动要点

(１)构建帮办制度.完善线上帮办模式.

三、保障措施

(一)强化人才保障.加大政策扶持,培养复合型人才.
""".encode()
    )
    assert told(reading) == [
        ("1.2-1", "(1)", "统一热线平台"),
        ("1.2-2", "(2)", "完善政策服务"),
        ("2.2-1", "(1)", "构建帮办制度"),
        ("3-1", "(一)", "强化人才保障"),
    ]
    assert [s.text for s in reading.measures[0].section] == [
        "二、重点任务",
        "(一)深化“一网通办”改革,构建全方位政务服务新体系专项行动",
        "2．行动要点",
    ]
    assert [g.text.text[:9] for g in reading.goals] == ["以更高效为目标,推", "提升便捷度."]


def test_articles_keep_their_items_and_a_chapter_is_their_section() -> None:
    reading = read(
        """示例市促进中小企业发展办法

第一章  总则

第一条  为改善经营环境，制定本办法。

第二章 扶持措施

第二条 【创业补贴】对首次创办小微企业的，给予5000元补贴：
（一）正常经营1年以上；
（二）带动就业3人以上。
依照第一条规定办理。
第三条 对企业减免租金。

附则

本办法自2024年3月1日起施行，有效期三年。
""".encode()
    )
    assert [(m.number.text, m.section[0].text) for m in reading.measures] == [
        ("第一条", "第一章总则"),
        ("第二条", "第二章扶持措施"),
        ("第三条", "第二章扶持措施"),
    ]
    assert reading.measures[1].title.text == "创业补贴"
    assert reading.measures[1].body.text.endswith("带动就业3人以上。依照第一条规定办理。")
    assert reading.measures[2].body.text == "对企业减免租金。"
    document = to_json(reading)["document"]
    assert (document["valid_from"], document["valid_to"]) == ("2024-03-01", "2027-02-28")


def test_a_table_with_tabs_goes_on_over_paragraphs_and_repeated_heads() -> None:
    reading = read(
        (
            LETTER
            + """附件 1

示例市创新举措名单

序号\t创新举措\t单位名称\t具体做法及成效
1\t打造绿电服务\t供电公司，市发改委\t<p>为满足需求，成立服务站。</p>

<p><b>一是</b>研判需求。</p>

序号\t创新举措\t单位名称\t具体做法及成效
2\t创新机制\t市税务局\t完善机制。截至2025年9月底，服务企业3.18万家。

(备注：以上名单排名不分先后。)

附件 2

示例市区级举措名单

序号\t创新举措\t单位名称\t具体做法及成效
1\t探索协作\t东城区政府\t建立制度。
"""
        ).encode()
    )
    assert told(reading) == [("A1-01", "1", "打造绿电服务"), ("A1-02", "2", "创新机制"), ("A2-01", "1", "探索协作")]
    assert reading.measures[0].body.text == "为满足需求，成立服务站。一是研判需求。"
    assert [s.text for s in reading.measures[1].section] == ["附件 1", "示例市创新举措名单"]
    assert [u.text for u in reading.measures[0].units] == ["供电公司", "市发改委"]
    assert "备注" not in reading.measures[1].body.text


def test_pdf_columns_folded_into_lines_are_put_together_again() -> None:
    rows = """附件 1

示例年度创新举措名单
序

号
创新举措 单位名称 具体做法及成效

1

创新企业

公共信用

评价机制

市市场监

管局、发

改委，市

信息中心

一是完善制度建设。出台评价机制和分级分类管理办法，明确

评价频次，对全市超 45 万家经营主体开展评价，在 7个领域

投入使用。
— 2 —
序

号
创新举措 单位名称 具体做法及成效

2

提升企业

创新实力

市 科 技

局、工信

局

印发支持专精特新企业高质量发展的若干措施，包含夯基础、

强创新等方面，鼓励企业改造升级。

（备注：排名不分先后）
"""
    first, second = read(rows.encode()).measures
    assert (first.title.text, [u.text for u in first.units]) == ("创新企业公共信用评价机制", ["市市场监管局", "发改委", "市信息中心"])
    assert (second.title.text, [u.text for u in second.units]) == ("提升企业创新实力", ["市科技局", "工信局"])
    assert first.body.text.endswith("在 7个领域投入使用。")
    assert second.body.text.endswith("鼓励企业改造升级。")


def test_markdown_and_html_tables_are_tables() -> None:
    markdown = "惠企清单\n\n| 序号 | 政策名称 | 兑现内容 | 责任单位 |\n|---|---|---|---|\n| 1 | 升规奖励 | 给予10万元奖励 | 市工信局 |\n"
    page = (
        "<html><head><title>惠企清单-示例市人民政府网</title></head><body><table><tr><th>序号</th><th>事项名称</th><th>支持标准</th>"
        "<th>责任部门</th></tr><tr><td>1</td><td><p>升规奖励</p></td><td><p>给予10万</p><p>元奖励</p></td><td>市工信局</td></tr></table></body></html>"
    )
    for text in (markdown, page):
        reading = read(text.encode())
        (measure,) = reading.measures
        assert (measure.title.text, squeezed(measure.body.text), measure.units[0].text) == ("升规奖励", "给予10万元奖励", "市工信局")
        assert reading.document.title is not None
        assert reading.document.title.text == "惠企清单"


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_questions_are_titles_and_answers_are_bodies() -> None:
    numbered = (
        "创业贷款常见问题-示例市人力资源和社会保障局网站\n首页\n一、贷款最高多少额度？\n答：最高30万元。\n二、有哪些条件？\n答：申请条件：\n"
        "（一）登记失业人员：\n1.不超过55周岁；\n2.有经营项目；\n（二）其他人员。\n浏览次数：\n版权所有：示例市人力资源和社会保障局\n"
    )
    reading = read(numbered.encode())
    assert told(reading) == [("01", "一、", "贷款最高多少额度？"), ("02", "二、", "有哪些条件？")]
    assert reading.measures[1].body.text == "申请条件：（一）登记失业人员：1.不超过55周岁；2.有经营项目；（二）其他人员。"
    assert reading.document.title is not None
    assert reading.document.title.text == "创业贷款常见问题"
    plain = read("政策问答\n\n问：哪些企业可以申请？\n答：小微企业。\n问：补贴多少？\n答：最高10万元。\n".encode())
    assert [(m.title.text, m.body.text) for m in plain.measures] == [("哪些企业可以申请？", "小微企业。"), ("补贴多少？", "最高10万元。")]


def test_cards_of_a_digest_give_the_points_of_what_is_given_with_the_other_fields_as_context() -> None:
    card = """{n}. 示例市{name}补贴
{name}企业补贴
依据文件
《示例市促进办法（试
行）》
发文机构 示例市科学技术局
发文字号 示科发〔2022〕6 号
发布日期 2022-06-16
工具分类 资金支持 服务对象
高新技术企业
服务内容
1．支持长期资本投资
按照出资额给予不超过500 万元资金支持。
2．支持份额转让
按照费用的 40%给予补贴。
条件要求
1．在本市注册。
联络方式 示例市科学技术局：1234567
"""
    reading = read((card.format(n=5, name="投资机构") + card.format(n=6, name="融资租赁")).encode())
    assert told(reading) == [
        ("C5-1", "1．", "支持长期资本投资"),
        ("C5-2", "2．", "支持份额转让"),
        ("C6-1", "1．", "支持长期资本投资"),
        ("C6-2", "2．", "支持份额转让"),
    ]
    context = dict(reading.measures[0].context)
    assert context["服务对象"].text == "高新技术企业"
    assert context["条件要求"].text == "1.在本市注册。" or context["条件要求"].text == "1．在本市注册。"
    document = to_json(reading)["document"]
    assert (document["title"], document["issue_date"]) == ("示例市促进办法（试行）", "2022-06-16")
    assert squeezed(document["doc_number"]) == "示科发〔2022〕6号"


def test_a_text_with_all_line_breaks_lost_is_read_with_blanks_and_without() -> None:
    text = (
        "示例市人民政府关于支持企业发展的若干措施{b}各区人民政府，市直各单位：{b}为支持企业发展，制定以下措施。{b}一、加大金融支持{b}1.完善融资服务。各银行要加大支持，"
        "给予50%贴息。{b}责任单位：市金融办{b}2.降低成本。减免租金3个月。{b}二、稳定岗位{b}3.发放补贴。给予稳岗补贴。{b}示例市人民政府{b}2024年2月4日{b}（此件公开发布）"
    )
    for blank in (" ", ""):
        reading = read(text.format(b=blank).encode())
        assert told(reading) == [("01", "1.", "完善融资服务"), ("02", "2.", "降低成本"), ("03", "3.", "发放补贴")], repr(blank)
        document = to_json(reading)["document"]
        assert document["title"] == "示例市人民政府关于支持企业发展的若干措施"
        assert (document["issuer"], document["issue_date"], document["open_status"]) == ("示例市人民政府", "2024-02-04", "公开发布")


def test_rows_run_together_in_one_line_are_found_by_their_numbers() -> None:
    rows = "".join(
        f"{n}财税〔2019〕{n}号对第{'一二三四'[n - 1]}类企业免征增值税。办理纳税申报时直接享受留存备查各区税务局 " for n in range(1, 5)
    )
    text = "办税指南 序号政策依据政策内容办理流程申报材料责任部门 一、支持防控 " + rows + "后记" * 700
    reading = read(text.encode())
    assert [m.number.text for m in reading.measures] == ["1", "2", "3", "4"]
    assert reading.measures[1].body.text == "对第二类企业免征增值税。"
    assert reading.measures[1].section[0].text == "一、支持防控"


def test_a_number_out_of_series_at_the_start_of_a_line_is_text() -> None:
    body = (
        "1.支持设备更新。对投资额超过\n3.5 亿元的项目，以及\n（三）类企业给予补助，总额不超过\n8、9两年的平均数。\n2.支持上市。给予奖励。\n"
    )
    reading = read(("一、扶持措施\n" + body).encode())
    assert [m.number.text for m in reading.measures] == ["1.", "2."]
    assert "（三）类企业" in reading.measures[0].body.text


def test_a_head_of_columns_without_folded_rows_below_loses_no_words() -> None:
    rows = ["1 厂房租金 对租用标准厂房的企业减半收取租金。 市国资委", "2 工会经费 对小微企业的工会经费全额返还。 市总工会"]
    reading = read("\n".join(["惠企政策汇编", "序号 政策名称 政策内容 责任单位", *rows]).encode())
    kept = "".join([*(m.body.text for m in reading.measures), *(p.text.text for p in reading.remarks)])
    assert "减半收取租金" in kept
    assert "全额返还" in kept
