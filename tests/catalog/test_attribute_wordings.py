"""Every attribute of the benefit vocabulary is brought out by general wordings of it.

The clauses are invented in the manner of official notices (`attribute_wordings.txt`): no document has them. Each marks the words that the
attribute is read from.
"""

import re
from pathlib import Path

import pytest

from services.catalog.domain.conditions import conditions
from services.catalog.domain.lexicon import Lexicon
from services.catalog.domain.passage import Passage, Span
from services.catalog.domain.provisions import provisions

LINES = [
    line.split("\t")
    for line in Path(__file__).with_name("attribute_wordings.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.parametrize(("attribute", "clause"), LINES, ids=[f"{a}-{i}" for i, (a, _) in enumerate(LINES)])
def test_a_general_wording_is_read_as_its_attribute(attribute: str, clause: str) -> None:
    marked = Span(clause.index("⟦"), clause.index("⟧") - 1)
    passage = Passage.of(re.sub("[⟦⟧]", "", clause))
    found = [c for provision in provisions(passage, Lexicon()) for c in conditions(passage, provision)]
    said = [c.span for c in found if c.attribute == attribute]
    shared = [min(marked.end, span.end) - max(marked.start, span.start) for span in said]
    assert any(2 * n >= min(len(span), len(marked)) for n, span in zip(shared, said, strict=True)), found


@pytest.mark.shared
def test_no_attribute_of_the_vocabulary_is_without_a_wording(shared: Path) -> None:
    rows = re.findall(r"^\| (\S+) \| (?!type)", (shared / "benefits" / "VOCAB.md").read_text("utf-8"), re.M)
    assert set(rows) - {"---"} <= {attribute for attribute, _ in LINES}
