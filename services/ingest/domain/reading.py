"""read(): bytes of one document to its facts and measures, each string with its place in the raw text."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .cards import basis_of, cards_of, clauses_of_cards
from .facts import Facts, Segment, facts_of
from .figures import figures_of
from .outline import clauses_of, flat, unfold
from .tables import head_of, rows_of, run_together_rows
from .text import Line, NotADocument, Span, Text, decode, join, lines_of, tidy
from .units import full_names
from .values import Clause, Figure, Passage

__all__ = ["Document", "Excerpt", "Measure", "NotADocument", "Quantity", "Reading", "read", "to_json"]

LIMIT = 20 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Words of the document. ``span`` is [from, to) in the raw text; ``runs`` are (text from, text to, raw from, raw to).

    Two spans that are not joined by one run had markup, a page mark or a line end between them.
    """

    text: str
    span: Span
    runs: tuple[tuple[int, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A printed figure of a measure; value as printed, in decimal digits, in ``unit`` (47.03 亿元)."""

    value: str
    unit: str
    raw: Excerpt
    as_of: str | None
    role: str


@dataclass(frozen=True, slots=True)
class Document:
    """The document's facts. Dates are (ISO day, words); None and empty mean the document does not say."""

    title: Excerpt | None
    doc_number: Excerpt | None
    issuer: Excerpt | None
    issue_date: tuple[str, Excerpt] | None
    printed_date: tuple[str, Excerpt] | None
    addressees: Excerpt | None
    open_status: Excerpt | None
    annex_label: Excerpt | None
    attachments: tuple[Excerpt, ...]
    enclosed: tuple[Excerpt, ...]
    distribution: tuple[tuple[str, tuple[Excerpt, ...]], ...]
    valid_from: tuple[str, Excerpt] | None
    valid_to: tuple[str, Excerpt] | None
    repeals: tuple[Excerpt, ...]
    amends: tuple[Excerpt, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """One numbered point. ``path`` is its id within the document (01, A1-02, 4.2-4)."""

    path: str
    form: str
    number: Excerpt
    title: Excerpt
    section: tuple[Excerpt, ...]
    units: tuple[Excerpt, ...]
    units_full: tuple[str, ...]
    units_note: Excerpt | None
    body: Excerpt
    figures: tuple[Quantity, ...]
    audience: tuple[str, ...]
    enterprise_benefit: bool
    benefit_type: str
    context: tuple[tuple[str, Excerpt], ...]


@dataclass(frozen=True, slots=True)
class Remark:
    """Words that are no measure: ``kind`` is goal, principle or remark (introductions and closing paragraphs)."""

    kind: str
    section: tuple[Excerpt, ...]
    text: Excerpt


@dataclass(frozen=True, slots=True)
class Reading:
    """One document as read; ``raw`` is the text all spans count in."""

    name: str
    raw: str
    forms: tuple[str, ...]
    document: Document
    measures: tuple[Measure, ...]
    goals: tuple[Remark, ...]
    remarks: tuple[Remark, ...]


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
    measures = tuple(_measure(clause, path) for clause, path in zip(clauses, paths, strict=True))
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
        clauses = clauses_of_cards(cards)
        name, number = basis_of(cards)
        facts, _ = facts_of([])
        labelled, _ = facts_of(lines)
        facts = labelled
        facts.title, facts.doc_number = name or labelled.title, number or labelled.doc_number
        return clauses, [], facts
    if flat(lines):
        table = next((found for line in lines if (found := run_together_rows(line.text, section=())) is not None), None)
        if table:
            before, rows = table
            facts, _ = facts_of(unfold([Line(before)]))
            return rows, [], facts
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
    """Stable ids from printed numbers: 01 in one series, 3-1 and 4.2-4 below headings, A1-02 in an annex.

    As many headings are named as it takes to tell the points of one shape apart, and at least one where a text has several shapes.
    """
    shapes: dict[tuple[str, int], list[Clause]] = {}
    for clause in clauses:
        shapes.setdefault((clause.annex, len(clause.trail)), []).append(clause)
    depth: dict[tuple[str, int], int] = {}
    for shape, members in shapes.items():
        size = shape[1]
        several = sum(1 for annex, _ in shapes if annex == shape[0]) > 1
        start = 2 if several or shape[0] == "C" else 1
        depth[shape] = next((d for d in range(min(start, size), size + 1) if len({c.trail[-d:] for c in members}) == len(members)), size)
    found: list[str] = []
    seen: Counter[str] = Counter()
    for clause in clauses:
        trail = clause.trail[-depth[(clause.annex, len(clause.trail))] :]
        own = str(trail[-1]) if len(trail) > 1 else f"{trail[-1]:02d}"
        path = "-".join(p for p in (clause.annex, ".".join(map(str, trail[:-1])), own) if p)
        seen[path] += 1
        found.append(path if seen[path] == 1 else f"{path}~{seen[path]}")
    return found


def _measure(clause: Clause, path: str) -> Measure:
    figures = figures_of(clause.body, plan=clause.form == "outline")
    return Measure(
        path=path,
        form=clause.form,
        number=_excerpt(clause.number),
        title=_excerpt(clause.title),
        section=tuple(_excerpt(s) for s in clause.section),
        units=tuple(_excerpt(u) for u in clause.units),
        units_full=full_names([u.s for u in clause.units]),
        units_note=_excerpt(clause.units_note) if clause.units_note else None,
        body=_excerpt(clause.body),
        figures=tuple(_quantity(f) for f in figures),
        audience=(),
        enterprise_benefit=True,
        benefit_type="其他",
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
        repeals=tuple(_excerpt(t) for t in facts.repeals),
        amends=tuple(_excerpt(t) for t in facts.amends),
    )


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_json(reading: Reading) -> dict[str, Any]:
    """One object per document, as `zhaoqi read FILE --json` prints it: document, goals, measures, remarks, spans as [from, to]."""
    d = reading.document
    return {
        "document": {
            "file": reading.name,
            "forms": list(reading.forms),
            "title": _words(d.title),
            "doc_number": _words(d.doc_number),
            "issuer": _words(d.issuer),
            "issue_date": d.issue_date[0] if d.issue_date else None,
            "printed_date": d.printed_date[0] if d.printed_date else None,
            "addressees": _words(d.addressees),
            "open_status": _words(d.open_status),
            "annex_label": _words(d.annex_label),
            "attachments": [e.text for e in d.attachments],
            "enclosed": [e.text for e in d.enclosed],
            "policy_title": d.enclosed[0].text if d.enclosed else _words(d.title),
            "distribution": [e.text for _, group in d.distribution for e in group],
            "distribution_groups": {label: [e.text for e in group] for label, group in d.distribution},
            "valid_from": d.valid_from[0] if d.valid_from else None,
            "valid_to": d.valid_to[0] if d.valid_to else None,
            "repeals": [e.text for e in d.repeals],
            "amends": [e.text for e in d.amends],
            "spans": {
                "title": _span(d.title),
                "doc_number": _span(d.doc_number),
                "issuer": _span(d.issuer),
                "issue_date": _span(d.issue_date[1] if d.issue_date else None),
                "printed_date": _span(d.printed_date[1] if d.printed_date else None),
                "addressees": _span(d.addressees),
                "open_status": _span(d.open_status),
                "valid_from": _span(d.valid_from[1] if d.valid_from else None),
                "valid_to": _span(d.valid_to[1] if d.valid_to else None),
                "attachments": [list(e.span) for e in d.attachments],
                "enclosed": [list(e.span) for e in d.enclosed],
            },
        },
        "goals": [{"section": [s.text for s in g.section], "text": g.text.text, "span": list(g.text.span)} for g in reading.goals],
        "measures": [_measure_json(m) for m in reading.measures],
        "remarks": [
            {"kind": r.kind, "section": [s.text for s in r.section], "text": r.text.text, "span": list(r.text.span)}
            for r in reading.remarks
        ],
    }


def _measure_json(m: Measure) -> dict[str, Any]:
    return {
        "id": m.path,
        "form": m.form,
        "section": [s.text for s in m.section],
        "number": m.number.text,
        "title": m.title.text,
        "units": [u.text for u in m.units],
        "units_full": list(m.units_full),
        "body": m.body.text,
        "figures": [
            {
                "value": float(f.value) if "." in f.value else int(f.value),
                "unit": f.unit,
                "raw": f.raw.text,
                "as_of": f.as_of,
                "role": f.role,
                "span": list(f.raw.span),
            }
            for f in m.figures
        ],
        "audience": list(m.audience),
        "enterprise_benefit": m.enterprise_benefit,
        "benefit_type": m.benefit_type,
        "context": [{"label": label, "text": e.text, "span": list(e.span)} for label, e in m.context],
        "spans": {
            "title": list(m.title.span),
            "number": list(m.number.span),
            "body": list(m.body.span),
            "body_runs": [list(r) for r in m.body.runs],
            "units": [list(u.span) for u in m.units],
            "section": [list(s.span) for s in m.section],
        },
    }


def _words(excerpt: Excerpt | None) -> str | None:
    return excerpt.text if excerpt else None


def _span(excerpt: Excerpt | None) -> list[int] | None:
    return list(excerpt.span) if excerpt else None
