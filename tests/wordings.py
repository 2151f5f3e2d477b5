"""The real wordings of `anchors/field.md` (d), each read as a clause would be, and what the maintainers' way to write it names.

python -m tests.wordings ../shared        what comes out of each, and what does not
"""

import json
import re
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from contracts.registry import load_registry
from services.catalog.domain.drafts import Clause, Document, Draft, drafts

TERMS = ("stacking", "window", "obligations", "procedure", "budget", "recheck")
FORMS = ("rate", "per", "tiers", "case", "each", "sum", "min", "max", "cap", "floor", "times", "less", "instalments", "between")
# Wordings that are no condition, amount or term of a benefit: how an applicant is named, whose figure wins.
SILENT = frozenset({15, 138})
PLAIN = "对企业，给予10万元奖励。"


@dataclass(frozen=True)
class Wording:
    """A wording by its number, the words as printed, and the maintainers' way to write it."""

    number: int
    words: str
    wanted: dict[str, Any]


def wordings(shared: Path) -> list[Wording]:
    """All wordings in order. Several quoted stretches of one number are clauses of one sentence."""
    field = (shared / "anchors" / "field.md").read_text("utf-8")
    numbered = re.findall(r"^(\d{1,3})\. (.+)$", field[field.index("## (d)") : field.index("### What this list asks")], re.M)
    lines = dict(numbered)
    wanted = {one["n"]: one for one in json.loads((shared / "examples" / "wordings.json").read_text("utf-8"))}
    found = []
    for number, way in sorted(wanted.items()):
        line = re.split(r" → | — http", lines[str(number)])[0] if number != 27 else lines[str(number)].split(" — ")[0]
        stretches = re.findall(r'"([^"]+)"', lines[str(number)]) or [line]
        found.append(Wording(number, "；".join(stretches), way))
    return found


def read(words: str) -> list[Draft]:
    """The drafts of a wording: as a clause of its own where it gives something, else as the condition of one, else as a closing clause."""
    best: list[Draft] = []
    for body, wide in ((words + "。", ()), (f"对{words}的企业，给予10万元奖励。", ()), (PLAIN, (words + "。",))):
        clause = Clause("d", 1, "d/1", "一", "支持企业发展", body)
        document = Document("措施", issue_date=date(2024, 1, 1), valid_from=date(2024, 1, 1), clauses=wide, read_on=date(2025, 1, 1))
        found = drafts([clause], document, registry=load_registry(), city="350200")
        if sum(len(named(d.benefit)) for d in found) > sum(len(named(d.benefit)) for d in best):
            best = found
    return best


def named(benefit: dict[str, Any]) -> set[str]:
    """What a benefit speaks of: facts of the registry, record kinds, forms of amount, terms, and whether a person decides."""
    found: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                walk(item)
        if not isinstance(node, dict):
            return
        for key, value in node.items():
            if key == "fact" and not str(value).startswith("open."):
                found.add(str(value))
            elif key == "fact":
                found.add("open")
            elif (key in ("some", "none", "count", "latest", "earliest", "each") and isinstance(value, str)) or (
                key == "sum" and isinstance(value, str)
            ):
                found.add(value)
            elif key in ("rank", "percentile"):
                found.update({key, str(value)})
            elif key == "judged":
                found.add("judged")
            if key in FORMS and not isinstance(value, str):
                found.add(f"amount:{key}")
            walk(value)

    walk(benefit.get("rule"))
    walk(benefit.get("amount"))
    for term in TERMS:
        value = benefit.get(term)
        if value:
            found.update(f"{term}:{key}" for key in value if value[key]) if term == "stacking" else found.add(term)
    return found


def wanted(wording: Wording) -> set[str]:
    """What the maintainers' way speaks of, without the industry that only carries a term."""
    said = named(wording.wanted)
    terms = {name for name in said if name.partition(":")[0] in TERMS}
    return said - {"industry"} if terms and not re.search("工业|行业|产业", wording.words) else said


def verdicts(shared: Path) -> list[tuple[Wording, str, set[str]]]:
    """For each wording: does what comes out name all, some or none of what the maintainers' way names, or does nothing come out?"""
    found = []
    for wording in wordings(shared):
        if wording.number in SILENT:
            continue
        said: set[str] = set()
        for one in read(wording.words):
            said |= named(one.benefit)
        aim = wanted(wording)
        found.append((wording, "nothing" if not said else "all" if aim <= said else "some" if aim & said else "otherwise", said))
    return found


def main(shared: Path) -> None:
    """Print a line for each wording."""
    for wording, verdict, said in verdicts(shared):
        print(f"{wording.number:>4} {verdict:<9} {wording.words[:60]} | {sorted(said)} | missing {sorted(wanted(wording) - said)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
