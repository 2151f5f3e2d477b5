"""The distinct tests of many benefits: each is decided once, however many clauses repeat it.

A rule becomes a tree of gates over atoms. An atom is a test of facts, records or the population, a text only a person can judge,
or a validity that depends on facts. Atoms that ask the same are one; only those a person may settle belong to one benefit.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from contracts.rules import (
    All,
    AnyOf,
    AtLeast,
    Benefit,
    Figures,
    Judged,
    Node,
    Not,
    PopulationTest,
    Registry,
    facts_of,
    walk,
)
from services.policy_match.domain.decision import in_force
from services.policy_match.domain.enterprise import Enterprise
from services.policy_match.domain.interpreter import Scope, answer
from services.policy_match.domain.periods import canonical
from services.policy_match.domain.truth import Answer
from services.policy_match.domain.values import same_text

NOBODY = Enterprise("", "")
"""An enterprise of which nothing is known: what does not depend on facts comes out the same for it as for all."""


class Gate(NamedTuple):
    """`all`, `any`, or `at_least` n of the limbs; `not` of the only one."""

    kind: Literal["all", "any", "not", "at_least"]
    limbs: tuple[Tree, ...]
    n: int = 0


Tree = int | Gate
"""An atom by its number, or a gate over trees."""


@dataclass(frozen=True, slots=True)
class Atom:
    """Something to decide about an enterprise. `benefit` is the one whose judgements may settle it, "" where none may; `names` are
    the facts and record kinds it looks at."""

    node: Node
    benefit: str
    names: frozenset[str]

    def answer(self, scope: Scope) -> Answer:
        """As the interpreter decides it. Raises TypeMismatch."""
        return in_force(self.node, scope) if isinstance(self.node, Benefit) else answer(self.node, scope)


@dataclass(frozen=True, slots=True)
class Clauses:
    """The rules of benefits over their distinct atoms; `dated[b]` is the atom of a validity that depends on facts, or None."""

    benefits: tuple[Benefit, ...]
    atoms: tuple[Atom, ...]
    rules: tuple[Tree, ...]
    dated: tuple[int | None, ...]


def clauses_of(benefits: Iterable[Benefit]) -> Clauses:
    """The benefits' rules over their distinct tests."""
    given = tuple(benefits)
    atoms: list[Atom] = []
    numbers: dict[Hashable, int] = {}

    def number(node: Node, benefit: str, signed: Hashable) -> int:
        if signed not in numbers:
            numbers[signed] = len(atoms)
            names = facts_of((node.valid, node.window) if isinstance(node, Benefit) else node)
            atoms.append(Atom(node, benefit, names | {"judgement"} if benefit else names))
        return numbers[signed]

    def tree(node: Node, benefit: str) -> Tree:
        limbs = tuple(tree(limb, benefit) for limb in limbs_of(node))
        match node:
            case All():
                return Gate("all", _parts("all", limbs))
            case AnyOf():
                return Gate("any", _parts("any", limbs))
            case Not():
                return Gate("not", limbs)
            case AtLeast():
                return Gate("at_least", limbs, node.at_least)
        if isinstance(node, PopulationTest):  # its standing is looked up by the test as it is written
            return number(node, benefit, (benefit, node))
        if by_a_person(node):  # a judgement names the words it judges
            return number(node, benefit, (benefit, signature(node, quoted=True)))
        return number(node, "", signature(node))

    rules = tuple(tree(benefit.rule, benefit.id) for benefit in given)
    dated = tuple(None if constant((b.valid, b.window)) else number(b, b.id, ("dated", b.id)) for b in given)
    return Clauses(given, tuple(atoms), rules, dated)


def limbs_of(node: Node) -> Sequence[Node]:
    """The nodes a gate stands over; none for an atom."""
    match node:
        case All():
            return node.all
        case AnyOf():
            return node.any
        case AtLeast():
            return node.of
        case Not():
            return (node.not_,)
    return ()


def _parts(kind: str, limbs: Iterable[Tree]) -> tuple[Tree, ...]:
    return tuple(part for limb in limbs for part in (limb.limbs if isinstance(limb, Gate) and limb.kind == kind else (limb,)))


def flat(kind: Literal["all", "any"], limbs: Iterable[Tree]) -> Tree:
    """The gate over limbs, of which each stands there once and none is such a gate itself; the only limb alone."""
    parts = tuple(dict.fromkeys(_parts(kind, limbs)))
    return parts[0] if len(parts) == 1 else Gate(kind, parts)


def grown(tree: Tree, atoms: Mapping[int, Tree]) -> Tree:
    """A tree with other trees in the place of its atoms."""
    if isinstance(tree, int):
        return atoms[tree]
    limbs = [grown(limb, atoms) for limb in tree.limbs]
    return flat(tree.kind, limbs) if tree.kind in ("all", "any") else Gate(tree.kind, tuple(limbs), tree.n)


def signature(node: Any, *, quoted: bool = False) -> Hashable:
    """What a node asks, without its quotations unless `quoted`: equal for nodes that always answer the same."""
    if isinstance(node, Node):
        skipped = () if quoted else ("quote", "article", "span")
        given = {k: canonical(v) if k == "period" else signature(v, quoted=quoted) for k, v in node.__dict__.items() if v is not None}
        return (type(node).__name__, *sorted((k, v) for k, v in given.items() if k not in skipped))
    if isinstance(node, tuple):
        return ("", *(signature(item, quoted=quoted) for item in node))
    return (type(node).__name__.lstrip("_"), same_text(node) if isinstance(node, str) else node)


def by_a_person(node: Node) -> bool:
    """Whether a judgement may settle it: a judged text, or a growth that known facts may leave undefined."""
    return any(isinstance(part, Judged) or getattr(part, "take", None) == "growth" for part in walk(node))


_OF_THE_ENTERPRISE = ("fact", "field", "some", "none", "count", "sum", "earliest", "latest", "rank", "percentile", "judged", "each")


def constant(node: Any) -> bool:
    """Whether it is worth the same for every enterprise on one day."""
    if isinstance(node, Decimal | str):
        return True
    return not any(key in part.__dict__ for part in walk(node) for key in _OF_THE_ENTERPRISE)


def atoms_of(tree: Tree) -> Iterator[int]:
    """The atoms of a rule, in its order."""
    if isinstance(tree, int):
        yield tree
    else:
        for limb in tree.limbs:
            yield from atoms_of(limb)


def kleene(tree: Tree, answers: Callable[[int], bool | None]) -> bool | None:
    """The value of a tree from those of its atoms; asks no more of them than it needs."""
    if isinstance(tree, int):
        return answers(tree)
    if tree.kind == "not":
        inner = kleene(tree.limbs[0], answers)
        return None if inner is None else not inner
    if tree.kind == "at_least":
        values = [kleene(limb, answers) for limb in tree.limbs]
        surely, possibly = values.count(True), len(values) - values.count(False)
        return True if surely >= tree.n else None if possibly >= tree.n else False
    decisive = tree.kind == "any"
    result: bool | None = not decisive
    for limb in tree.limbs:
        value = kleene(limb, answers)
        if value is decisive:
            return decisive
        if value is None:
            result = None
    return result


def force_of(benefit: Benefit, as_of: date, registry: Registry, figures: Figures) -> bool | None:
    """Whether a benefit whose validity depends on no fact is in force. Raises TypeMismatch."""
    return in_force(benefit, Scope(NOBODY, as_of, registry, figures, benefit.id)).value
