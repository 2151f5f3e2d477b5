"""read(): bytes of one document to its facts and measures, each string with its place in the raw text."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from .audience import audience_of, benefit_type_of, benefits_enterprises
from .cards import cards_of, clauses_of_cards, facts_of_cards
from .decoding import NotADocument, decode
from .facts import Facts, Segment, facts_of
from .figures import figures_of
from .outline import clauses_of, flat, unfold
from .result import Document, Excerpt, Measure, Quantity, Reading, Remark, to_json
from .tables import head_of, rows_of, run_together_rows
from .text import Line, Text, join, lines_of, tidy
from .units import full_names
from .values import Clause, Figure, Passage

__all__ = ["Document", "Excerpt", "Measure", "NotADocument", "Quantity", "Reading", "Remark", "read", "to_json"]

LIMIT = 20 * 1024 * 1024  # bytes


def read(data: bytes, *, name: str = "", limit: int = LIMIT) -> Reading:
    """Read one document: UTF-8, UTF-16 or GB18030 text, Markdown or HTML of at most ``limit`` bytes.

    Raises NotADocument where there is no text to read; anything else is read, if only as a document without measures.
    """
    raw = decode(data, limit=limit)
    lines = lines_of(raw)
    if not lines:
        raise NotADocument("not-a-document", "去掉标记与页码之后没有文字。", "请检查文件内容。")
    clauses, passages, facts = _divided(lines)
    paths = _paths(clauses)
    measures = tuple(_measure(clause, path, raw) for clause, path in zip(clauses, paths, strict=True))
    remarks = tuple(Remark(p.kind, tuple(_excerpt(s) for s in p.section), _excerpt(p.text)) for p in passages)
    return Reading(
        name=name,
        raw=raw,
        forms=tuple(dict.fromkeys(clause.form for clause in clauses)),
        document=_document(facts),
        measures=measures,
        goals=tuple(r for r in remarks if r.kind == "goal"),
        remarks=tuple(r for r in remarks if r.kind != "goal"),
    )


def _divided(lines: list[Line]) -> tuple[list[Clause], list[Passage], Facts]:
    cards = cards_of(lines)
    if cards:
        return clauses_of_cards(cards), [], facts_of_cards(cards)
    if flat(lines):
        tables = [table for line in lines if (table := run_together_rows(line.text, section=()))]
        if tables:
            before, rows = tables[0]
            facts, segments = facts_of(unfold([Line(before)]))
            words = [tidy(join(line.text for line in segment.lines)) for segment in segments]
            return rows, [Passage("remark", (), text) for text in words if text], facts
        lines = unfold(lines)
    facts, segments = facts_of(lines)
    found: list[Clause] = []
    passages: list[Passage] = []
    for segment in segments:
        clauses, rest = _segment(segment, facts)
        found += clauses
        passages += rest
    return found, passages, facts


def _segment(segment: Segment, facts: Facts) -> tuple[list[Clause], list[Passage]]:
    """The measures of one part: its tables' rows, and the points of the outline around them."""
    lines = list(segment.lines)
    found: list[Clause] = []
    passages: list[Passage] = []
    above: tuple[Text, ...] = (segment.label,) if segment.label else ()
    rest = lines
    i = 0
    while i < len(lines):
        head = head_of(lines, i)
        if head is None:
            i += 1
            continue
        columns, start = head
        title = tidy(join(line.text for line in _title_above(lines[:i])))
        if segment.label and not facts.title:
            facts.title = title
        section = (*above, title) if title else above
        rows, rest = rows_of(lines[start:], columns, annex=segment.annex, section=section)
        if rows:
            found += rows
            passages += [Passage("remark", section, tidy(join(line.text for line in rest)))] if rest else []
            before = lines[: i - len(_title_above(lines[:i]))]
            clauses, more = clauses_of(before, annex=segment.annex, above=above)
            return clauses + found, more + passages
        break
    if segment.label:
        title_lines = _annex_title(lines)
        title = tidy(join(line.text for line in title_lines))
        if title:
            above = (*above, title)
            lines = lines[len(title_lines) :]
            if not facts.title:
                facts.title = title
    return clauses_of(lines, annex=segment.annex, above=above)


def _title_above(lines: Sequence[Line]) -> list[Line]:
    """The lines right above a table that are its title: short, without a full stop."""
    taken: list[Line] = []
    for line in reversed(lines):
        if re.search(r"[。；：:]", line.s) or len(line.s) > 60 or len(taken) == 3:
            break
        taken.insert(0, line)
        if line.gap and len(taken) > 1 and len(line.s) > 24:
            break
    return taken


def _annex_title(lines: Sequence[Line]) -> list[Line]:
    taken: list[Line] = []
    for line in lines[:4]:
        if (
            re.search(r"[。；：:]", line.s)
            or len(line.s) > 60
            or re.match(r"\s*(?:[一二三四五六七八九十]+、|第.{1,3}[章条]|[（(]?\d+[）).、．])", line.s)
        ):
            break
        taken.append(line)
    return taken


def _paths(clauses: Sequence[Clause]) -> list[str]:
    """Stable ids from printed numbers: 01 in one series, 3-1 and 4.2-4 below headings, A1-02 in an annex, C5-1 on a card.

    As many headings are named as it takes to tell the points of one shape apart, and at least one where a text has several shapes.
    """
    shapes: dict[tuple[str, int], list[Clause]] = {}
    for clause in clauses:
        shapes.setdefault((clause.annex, len(clause.trail)), []).append(clause)
    depth: dict[tuple[str, int], int] = {}
    for shape, members in shapes.items():
        size = shape[1]
        several = sum(1 for annex, _ in shapes if annex == shape[0]) > 1
        depth[shape] = next(
            (d for d in range(min(2 if several else 1, size), size + 1) if len({c.trail[-d:] for c in members}) == len(members)), size
        )
    found: list[str] = []
    seen: Counter[str] = Counter()
    for clause in clauses:
        if clause.form == "cards":
            path = "C" + "-".join(map(str, clause.trail))
        else:
            trail = clause.trail[-depth[(clause.annex, len(clause.trail))] :]
            own = str(trail[-1]) if len(trail) > 1 else f"{trail[-1]:02d}"
            path = "-".join(p for p in (clause.annex, ".".join(map(str, trail[:-1])), own) if p)
        seen[path] += 1
        found.append(path if seen[path] == 1 else f"{path}~{seen[path]}")
    return found


def _measure(clause: Clause, path: str, raw: str) -> Measure:
    end = clause.body.s.rfind(clause.units_note.s) if clause.units_note else len(clause.body)
    words = clause.body.part(0, end)  # what the clause says, without the note that names the units
    title, body = clause.title.s, words.s
    return Measure(
        path=path,
        form=clause.form,
        number=_excerpt(clause.number),
        title=_excerpt(clause.title),
        section=tuple(_excerpt(s) for s in clause.section),
        units=tuple(_excerpt(u) for u in clause.units),
        units_full=full_names([u.s for u in clause.units], [raw[a.to[-1] : b.at[0]] for a, b in pairwise(clause.units)]),
        units_note=_excerpt(clause.units_note) if clause.units_note else None,
        body=_excerpt(clause.body),
        figures=tuple(_quantity(f) for f in figures_of(words, plan=clause.form != "table")),
        audience=audience_of(title, body),
        enterprise_benefit=benefits_enterprises(title, body, [s.s for s in clause.section]),
        benefit_type=benefit_type_of(title, body),
        context=tuple((label.s, _excerpt(text)) for label, text in clause.context),
    )


def _excerpt(text: Text) -> Excerpt:
    return Excerpt(text.s, text.span, text.runs())


def _maybe(text: Text) -> Excerpt | None:
    return _excerpt(text) if text else None


def _dated(found: tuple[str, Text] | None) -> tuple[str, Excerpt] | None:
    return (found[0], _excerpt(found[1])) if found and found[0] else None


def _quantity(figure: Figure) -> Quantity:
    return Quantity(format(figure.value, "f"), figure.unit, _excerpt(figure.raw), figure.as_of, figure.role)


def _document(facts: Facts) -> Document:
    return Document(
        title=_maybe(facts.title),
        doc_number=_maybe(facts.doc_number),
        issuer=_maybe(facts.issuer),
        issue_date=_dated(facts.issue_date),
        printed_date=_dated(facts.printed_date),
        addressees=_maybe(facts.addressees),
        open_status=_maybe(facts.open_status),
        annex_label=_maybe(facts.annex_label),
        attachments=tuple(_excerpt(t) for t in facts.attachments),
        enclosed=tuple(_excerpt(t) for t in facts.enclosed),
        distribution=tuple((label.s, tuple(_excerpt(n) for n in names)) for label, names in facts.distribution),
        valid_from=_dated(facts.valid_from),
        valid_to=_dated(facts.valid_to),
        repeals=tuple((_excerpt(words), _dated(on)) for words, on in facts.repeals),
        amends=tuple(_excerpt(t) for t in facts.amends),
    )
