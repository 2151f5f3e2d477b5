"""The sample documents are ours, labelled, and what expected.json says of them is in them."""

import json
import os
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).parents[2] / "deploy" / "samples"
EXPECTED: dict[str, dict[str, Any]] = json.loads((SAMPLES / "expected.json").read_text("utf-8"))
SHARED = Path(os.environ.get("ZHAOQI_SHARED", Path(__file__).parents[2] / ".." / "shared"))


def squeezed(text: str) -> str:
    """Without page marks, blanks and width, so that folded text can be searched."""
    return re.sub(r"\s", "", re.sub(r"—\d+—", "", re.sub(r"[ \t\r\n]", "", unicodedata.normalize("NFKC", text))))


def text_of(name: str) -> str:
    return (SAMPLES / name).read_text(EXPECTED[name]["encoding"])


def test_expected_speaks_of_every_sample_and_of_no_other_file() -> None:
    assert set(EXPECTED) == {path.name for path in SAMPLES.glob("*.txt")}


def test_the_samples_hold_thirty_to_sixty_measures_in_two_encodings() -> None:
    assert 30 <= sum(entry["measures"] for entry in EXPECTED.values()) <= 60
    assert {entry["encoding"] for entry in EXPECTED.values()} == {"utf-8", "gb18030"}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_sample_is_labelled_and_holds_its_measures_in_order(name: str) -> None:
    entry, text = EXPECTED[name], squeezed(text_of(name))
    assert "(示例)" in text
    assert "虚构文本" in text
    assert squeezed(entry["doc_number"]) in text
    assert len(entry["titles"]) == len(entry["numbers"]) == entry["measures"]
    at = 0
    for number, title in zip(entry["numbers"], entry["titles"], strict=True):
        found = text.find(squeezed(number + title), at)
        assert found >= 0, title
        at = found + 1


def test_the_gb18030_sample_is_no_utf8() -> None:
    with pytest.raises(UnicodeDecodeError):
        (SAMPLES / "05_notice_gb18030.txt").read_text("utf-8")


@pytest.mark.shared
def test_no_clause_was_copied_from_the_maintainers_documents() -> None:
    if not SHARED.is_dir() and os.environ.get("ZHAOQI_REQUIRE_SHARED") != "1":
        pytest.skip(f"the maintainers' documents are not at {SHARED}")
    documents = [*SHARED.glob("documents/*.txt"), *SHARED.glob("benefits/documents/*.txt")]
    assert documents, f"no document under {SHARED}"
    theirs = squeezed("".join(path.read_text("utf-8") for path in documents))
    long = 16  # characters: longer than any stock phrase of these forms, shorter than any clause
    for name, entry in EXPECTED.items():
        ours = squeezed(text_of(name))
        body = ours[ours.find(squeezed(entry["titles"][0])) :]
        copied = {body[i : i + long] for i in range(len(body) - long)}
        assert not {words for words in copied if words in theirs}, name
