"""How much of the maintainers' benefit documents is found, with and without the words that stand in one document only."""

import re
from pathlib import Path
from types import ModuleType

import pytest

from services.catalog.domain.drafts import Document
from services.catalog.domain.listing import benefits
from tests.benefit_scores import scored, scorer_of, texts

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def scorer(shared: Path) -> ModuleType:
    return scorer_of(shared)


def test_the_development_set_is_read(scorer: ModuleType, shared: Path) -> None:
    rates = scored(scorer, shared / "benefits", leave_out=False)
    assert rates["text_not_in_document"] == 0
    assert rates["benefits"]["f1"] >= 0.94, rates
    assert rates["amount_right"] >= 0.95, rates
    assert rates["conditions_quoted"]["f1"] >= 0.86, rates
    assert rates["conditions"]["f1"] >= 0.82, rates


def test_it_does_not_live_on_the_words_of_one_document(scorer: ModuleType, shared: Path) -> None:
    rates = scored(scorer, shared / "benefits", leave_out=True)
    assert rates["benefits"]["f1"] >= 0.92, rates
    assert rates["amount_right"] >= 0.90, rates
    assert rates["conditions_quoted"]["f1"] >= 0.80, rates
    assert rates["conditions"]["f1"] >= 0.70, rates


def test_every_quoted_word_stands_in_its_document(shared: Path) -> None:
    for text in texts(shared / "benefits").values():
        squeezed = re.sub(r"\s", "", text)
        for benefit in benefits(text, Document("文件"))["benefits"]:
            quoted = [benefit["text"], benefit["amount"]["raw"], *benefit["exclusions"], *benefit["deadlines"]]
            for words in [*quoted, *(c["evidence"] for c in benefit["conditions"])]:
                assert re.sub(r"\s", "", words) in squeezed
