"""What a reading gives: the document, its measures and all else it says, each string with its place; and the same as JSON."""

from dataclasses import dataclass
from typing import Any

from .text import Span


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
    """The document's facts. Dates are (ISO day, words); None and empty mean the document does not say.

    ``repeals`` are the documents it repeals, each with the day from which, where the sentence names one.
    """

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
    repeals: tuple[tuple[Excerpt, tuple[str, Excerpt] | None], ...]
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


@dataclass(frozen=True, slots=True)
class Read:
    """A document of any format that was read: all spans of ``reading`` count in ``reading.raw``, the text that was taken from it.

    ``format`` is text, markdown, html, docx, xlsx or pdf. ``needs_ocr`` says that pages are only pictures: then the reading has no
    measures, for nothing half-read is ever published, and ``notes`` (Chinese sentences for a person) say which pages.
    """

    reading: Reading
    format: str
    pages: int | None
    needs_ocr: bool
    notes: tuple[str, ...]


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
            "repeals": [e.text for e, _ in d.repeals],
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
