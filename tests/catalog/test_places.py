"""A span in the words of a measure leads to the same words in the raw text."""

from hypothesis import given
from hypothesis import strategies as st

from services.catalog.domain.places import in_raw

PIECES = st.lists(st.tuples(st.text("企业奖励研发", min_size=1, max_size=6), st.text(" \n#", max_size=4)), min_size=1, max_size=6)


@given(PIECES, st.data())
def test_the_raw_text_at_a_span_holds_the_words_and_what_was_left_out_between_them(
    pieces: list[tuple[str, str]], data: st.DataObject
) -> None:
    words, raw, runs = "", "", []
    for kept, left_out in pieces:
        runs.append((len(words), len(words) + len(kept), len(raw), len(raw) + len(kept)))
        words, raw = words + kept, raw + kept + left_out
    start = data.draw(st.integers(0, len(words) - 1))
    end = data.draw(st.integers(start + 1, len(words)))
    placed = in_raw({"all": [{"fact": "size", "span": [start, end]}]}, runs)
    begin, stop = placed["all"][0]["span"]
    assert raw[begin:stop].translate({ord(c): None for c in " \n#"}) == words[start:end]
    assert raw[begin] == words[start]


def test_a_span_that_lies_in_no_run_is_left_out_rather_than_guessed() -> None:
    assert in_raw({"rate": 1, "span": [4, 9], "of": {"fact": "x"}}, [(0, 5, 0, 5)]) == {"rate": 1, "of": {"fact": "x"}}


def test_a_ligature_keeps_its_place_as_a_whole() -> None:
    assert in_raw({"span": [1, 3]}, [(0, 1, 0, 1), (1, 3, 1, 2)]) == {"span": [1, 2]}
