"""A new version of a document: its measures keep their ids, and every word that changed is found."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.versions import Point, align, differences, in_raw, paths, words

SUBJECTS = (
    "研发投入",
    "新增就业",
    "融资担保",
    "出口信保",
    "技术改造",
    "数字转型",
    "绿色制造",
    "人才引进",
    "展会参展",
    "知识产权",
    "上市培育",
    "品牌建设",
)


def clause(n: int, number: int | None = None, amount: int = 20) -> Point:
    """A point about one subject, with one printed amount."""
    subject = SUBJECTS[n % len(SUBJECTS)]
    body = f"支持企业{subject}。对上年度{subject}支出达到{n + 1}00万元的企业，按照{subject}的实际情况给予一次性奖励{amount}万元。"
    at = n + 1 if number is None else number
    return Point(f"{at:02d}", f"{at}.", f"支持企业{subject}", body, ("支持措施",), ("市工信局",))


def renumbered(points: list[Point]) -> list[Point]:
    """The points as a reading numbers them in their order."""
    return [replace(point, path=f"{n:02d}", number=f"{n}.") for n, point in enumerate(points, 1)]


bodies = st.lists(
    st.text("企业奖励补贴研发用工融资万元市区局支持0123456789，。", min_size=6, max_size=60), min_size=1, max_size=12, unique=True
)


@st.composite
def versions(draw: st.DrawFn) -> tuple[list[Point], list[Point]]:
    """A version, and one with points taken out, put in, moved and renumbered, whose words stayed."""
    old = renumbered([Point("", "", f"第{n}件事", body) for n, body in enumerate(draw(bodies))])
    kept = [point for point in old if draw(st.booleans())]
    new = [replace(point) for point in kept] + [
        Point("", "", f"新的第{n}件事", body) for n, body in enumerate(draw(bodies)) if body not in {point.body for point in old}
    ]
    return old, renumbered(draw(st.permutations(new)))


@given(versions())
def test_ids_stay_under_renumbering_insertion_deletion_and_reordering_and_nothing_is_lost(given: tuple[list[Point], list[Point]]) -> None:
    old, new = given
    ids, aligned = paths(old, new, taken=())
    assert len(set(ids)) == len(ids) == len(new)
    gone_on = [i for i in aligned if i is not None]
    assert len(set(gone_on)) == len(gone_on)
    by_words = {(point.title, point.body): point.path for point in old}
    for path, point, i in zip(ids, new, aligned, strict=True):
        if (point.title, point.body) in by_words:
            assert path == by_words[point.title, point.body]
        if i is None:
            assert path not in {former.path for former in old}
    told = differences(old, [replace(point, path=path) for path, point in zip(ids, new, strict=True)])
    assert sorted(d.before.path for d in told if d.before) == sorted(point.path for point in old)
    assert sorted(d.after.path for d in told if d.after) == sorted(ids)


@given(versions())
def test_an_id_that_any_version_ever_had_is_never_given_to_another_point(given: tuple[list[Point], list[Point]]) -> None:
    old, new = given
    retired = [point.path for point in new] + ["01~2"]
    ids, aligned = paths(old, new, taken=retired)
    assert all(path not in retired for path, i in zip(ids, aligned, strict=True) if i is None)
    assert len(set(ids)) == len(ids)


@given(bodies)
def test_a_version_goes_on_with_itself_point_by_point(given: list[str]) -> None:
    points = renumbered([Point("", "", "", body) for body in given])
    assert align(points, points) == list(range(len(points)))
    assert {d.kind for d in differences(points, points)} == {"unchanged"}


@given(st.text(max_size=80), st.text(max_size=80))
def test_the_pieces_make_up_both_texts_and_stand_where_they_say(before: str, after: str) -> None:
    pieces = words(before, after)
    assert "".join(p.text for p in pieces if p.kind != "added") == before
    assert "".join(p.text for p in pieces if p.kind != "removed") == after
    for piece in pieces:
        if piece.before:
            assert before[slice(*piece.before)] == piece.text
        if piece.after:
            assert after[slice(*piece.after)] == piece.text
    if before == after:
        assert all(p.kind == "same" for p in pieces)


def test_a_measure_with_a_new_amount_keeps_its_id_though_its_number_moved() -> None:
    old = [clause(n) for n in range(6)]
    new = renumbered([clause(7), clause(3, amount=35), clause(0), clause(5, amount=50), clause(1)])
    ids, _ = paths(old, new, taken=())
    assert ids == ["01~2", "04", "01", "06", "02"]
    kinds = {d.path: d.kind for d in differences(old, [replace(p, path=path) for path, p in zip(ids, new, strict=True)])}
    assert kinds == {
        "01~2": "added", "04": "changed", "01": "unchanged", "06": "changed", "02": "unchanged", "03": "removed", "05": "removed"
    }  # fmt: skip


def test_equal_clauses_under_different_headings_stay_under_their_headings() -> None:
    body = "由各区人民政府组织实施。"
    old = [Point("1-1", "1.", "组织实施", body, ("甲",)), Point("2-1", "1.", "组织实施", body, ("乙",))]
    new = [replace(old[1], path="1-1"), replace(old[0], path="2-1")]
    assert paths(old, new, taken=())[0] == ["2-1", "1-1"]


def test_a_clause_with_its_title_and_number_goes_on_with_new_words() -> None:
    old = [Point("01", "1.", "申报程序", "企业向所在区提交纸质材料，逐级审核。"), clause(4)]
    new = [Point("01", "1.", "申报程序", "平台自动比对，直接兑付。"), clause(4)]
    assert align(old, new) == [0, 1]
    other = [Point("01", "1.", "监督检查", "平台自动比对，直接兑付。"), clause(4)]
    assert align(old, other) == [None, 1]


def test_the_words_that_changed_are_whole_numbers_with_their_units() -> None:
    pieces = words("给予一次性奖励20万元，有效期3年。", "给予一次性奖励30万元，有效期5年。")
    assert [(p.kind, p.text) for p in pieces if p.kind != "same"] == [
        ("removed", "20万元"), ("added", "30万元"), ("removed", "3年"), ("added", "5年")
    ]  # fmt: skip


def test_blanks_and_full_width_digits_are_no_change_and_another_unit_in_charge_is_one() -> None:
    one = clause(1)
    same = replace(one, body=one.body.replace("200", "２００").replace("，", "， \n"), number="7.", section=("另一节",))
    other = replace(one, units=("市科技局",))
    assert [d.kind for d in differences([one], [same])] == ["unchanged"]
    assert [d.kind for d in differences([one], [other])] == ["changed"]


def test_a_thousand_rewritten_rows_are_compared_and_a_text_of_a_hundred_thousand_characters_too() -> None:
    old = [clause(n) for n in range(400)]
    new = renumbered([clause(n, amount=33) for n in range(400)])
    assert align(old, new) == list(range(400))
    long = "".join(f"第{n}项支出按规定列支。" for n in range(9_000))
    changed = [p for p in words(long, long.replace("第500项", "第五百项")) if p.kind != "same"]
    assert [p.text for p in changed] == ["第500项支出按规定列支。", "第五百项支出按规定列支。"]


def test_a_span_in_words_is_placed_in_the_raw_text_across_line_ends() -> None:
    raw, body = "一、对企业\n  给予奖励", "对企业给予奖励"
    runs = [(0, 3, 2, 5), (3, 7, 8, 12)]
    assert raw[slice(*in_raw((1, 5), runs) or (0, 0))] == "企业\n  给予"
    assert in_raw((0, len(body)), runs) == (2, 12)
    assert in_raw((3, 3), []) is None
