"""The real wordings that the field was searched for: each comes out as a rule, an amount, a term or a person's judgement.

Many are fragments with their middle left out, and some ask for facts that no register holds. What comes out otherwise than the
maintainers wrote it is not lost: it stands as an `open.` fact or as `judged`, with its words. The numbers may only rise.
"""

from collections import Counter
from pathlib import Path

import pytest

from contracts.rules import dumps, loads, parse_benefit
from tests.wordings import read, verdicts, wordings

pytestmark = pytest.mark.shared


def test_every_wording_comes_out(shared: Path) -> None:
    lost = {wording.number: wording.words for wording, verdict, _ in verdicts(shared) if verdict == "nothing"}
    assert lost == {}


def test_most_name_what_the_maintainers_way_names(shared: Path) -> None:
    counts = Counter(verdict for _, verdict, _ in verdicts(shared))
    otherwise = [wording.number for wording, verdict, _ in verdicts(shared) if verdict == "otherwise"]
    assert counts["all"] >= 45, (counts, otherwise)
    assert counts["all"] + counts["some"] >= 92, (counts, otherwise)


def test_every_draft_of_a_wording_is_of_the_language(shared: Path) -> None:
    for wording in wordings(shared):
        for one in read(wording.words):
            parse_benefit(loads(dumps(one.benefit)))
