"""How much of the benefit documents is found, with and without the words that stand in one document only (leave-one-out).

python -m tests.benefit_scores ../shared        the maintainers' figures, and how many of the real wordings come out
"""

import dataclasses
import importlib.util
import json
import re
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from services.catalog.domain.attributes import ASKING, HEADS, MEASURED, SAID, Wordings
from services.catalog.domain.drafts import Document
from services.catalog.domain.lexicon import Lexicon
from services.catalog.domain.listing import benefits
from services.catalog.domain.passage import Passage
from tests.wordings import verdicts

# A literal of a pattern: what stands alone between the bars and brackets of an alternation.
LITERAL = re.compile(r"(?<=[|(:])([\u4e00-\u9fa5A-Za-z“”\"]{2,})(?=[|)])")


def scorer_of(shared: Path) -> ModuleType:
    """The maintainers' scorer, as it is."""
    sys.path.insert(0, str(shared / "score"))
    spec = importlib.util.spec_from_file_location("benefit_scorer", shared / "score" / "benefits.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.remove(str(shared / "score"))
    return module


@cache
def texts(folder: Path) -> dict[str, str]:
    return {path.stem[:2]: path.read_text("utf-8") for path in sorted((folder / "documents").glob("*.txt"))}


def without(number: str, corpus: dict[str, str]) -> tuple[Lexicon, Wordings]:
    """The grammar's words without those that stand in this document and in no other."""
    plain = {name: Passage.of(text).text for name, text in corpus.items()}

    def only_here(word: str) -> bool:
        return word in plain[number] and not any(word in text for name, text in plain.items() if name != number)

    def bereft(pattern: str) -> str:
        return LITERAL.sub(lambda m: "(?!)" if only_here(m[1]) else m[1], pattern)

    full = Lexicon()
    kept = {f.name: tuple(w for w in getattr(full, f.name) if not only_here(w)) for f in dataclasses.fields(full)}
    wordings = Wordings(
        tuple(row._replace(wording=bereft(row.wording)) for row in SAID),
        tuple(row._replace(subject=bereft(f"(?:{row.subject})")) for row in MEASURED),
        tuple((name, bereft(verb)) for name, verb in ASKING),
        tuple((name, bereft(ends)) for name, ends in HEADS),
    )
    return Lexicon(**kept), wordings


def scored(scorer: ModuleType, folder: Path, *, leave_out: bool) -> dict[str, Any]:
    total: dict[str, tuple[int, ...]] = {}
    corpus = texts(folder)
    for number, text in corpus.items():
        lexicon, wordings = without(number, corpus) if leave_out else (None, None)
        found = benefits(text, Document("文件"), lexicon=lexicon, wordings=wordings)
        gold = json.loads((folder / "gold" / f"{number}.json").read_text("utf-8"))
        counts = scorer.score(scorer.squeeze(text), gold, json.loads(json.dumps(found, ensure_ascii=False, default=str)), False)
        total = {k: tuple(a + b for a, b in zip(total.get(k, (0, 0, 0)), v, strict=True)) for k, v in counts.items()}
    rates: dict[str, Any] = scorer.rates(total)
    return rates


def main(shared: Path) -> None:
    """Print the figures as JSON."""
    scorer = scorer_of(shared)
    told = {name: scored(scorer, shared / "benefits", leave_out=out) for name, out in (("all words", False), ("leave-one-out", True))}
    told["wordings"] = dict(Counter(verdict for _, verdict, _ in verdicts(shared)))
    print(json.dumps(told, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
