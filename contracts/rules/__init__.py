"""The rule language, version 1: rule, amount, benefit, decision and the registry of facts, as frozen values.

Texts stay texts, numbers become exact decimals and print as they were written, and a node is written back as it was given.
What the nodes mean is decided elsewhere; here stands only what may be written.
"""

from contracts.rules.amount import (
    Amount,
    Cap,
    Case,
    Each,
    Figure,
    Fixed,
    Floor,
    Instalments,
    JudgedAmount,
    Least,
    Less,
    Most,
    Multiple,
    Per,
    Rate,
    Tiers,
    Total,
)
from contracts.rules.asked import facts_of, open_facts_of, tests_a_fact
from contracts.rules.benefit import (
    Benefit,
    Budget,
    Group,
    GroupOrName,
    Kind,
    Obligation,
    Outcome,
    Procedure,
    Recheck,
    RuleCase,
    Share,
    SharedCap,
    Source,
    Span,
    Stacking,
)
from contracts.rules.decision import AmountRange, Change, Decision, Finding, InWords, NearMiss, Reason, Scalar
from contracts.rules.exact import Number, dumps, fault_in, loads
from contracts.rules.node import Node, Stated, walk
from contracts.rules.reading import Problem, RuleError, parse_amount, parse_benefit, parse_rule, problems_of
from contracts.rules.registry import (
    NUMERIC,
    Authority,
    Entry,
    Fact,
    FactType,
    Figures,
    Published,
    PublishedValue,
    RecordKind,
    Registry,
    RowField,
    Series,
)
from contracts.rules.rule import (
    LIST_OPERATORS,
    OPEN,
    TWINS,
    Ago,
    All,
    AnyOf,
    AtLeast,
    Compared,
    CountOf,
    CountTest,
    EarliestOf,
    EarliestTest,
    FactTest,
    FactValue,
    FieldTest,
    FieldValue,
    Judged,
    LatestOf,
    LatestTest,
    Name,
    NoneOf,
    Not,
    Operator,
    Percentile,
    Period,
    Plus,
    PopulationTest,
    PublicFigure,
    Rank,
    Rule,
    Shift,
    Some,
    Steps,
    SumOf,
    SumTest,
    Times,
    Value,
)

__all__ = [
    "LIST_OPERATORS", "NUMERIC", "OPEN", "TWINS", "Ago", "All", "Amount", "AmountRange", "AnyOf", "AtLeast", "Authority", "Benefit",
    "Budget", "Cap", "Case", "Change", "Compared", "CountOf", "CountTest", "Decision", "Each", "EarliestOf", "EarliestTest", "Entry",
    "Fact", "FactTest", "FactType", "FactValue", "FieldTest", "FieldValue", "Figure", "Figures", "Finding", "Fixed", "Floor", "Group",
    "GroupOrName", "InWords", "Instalments", "Judged", "JudgedAmount", "Kind", "LatestOf", "LatestTest", "Least", "Less", "Most",
    "Multiple", "Name", "NearMiss", "Node", "NoneOf", "Not", "Number", "Obligation", "Operator", "Outcome", "Per", "Percentile",
    "Period", "Plus", "PopulationTest", "Problem", "Procedure", "PublicFigure", "Published", "PublishedValue", "Rank", "Rate",
    "Reason", "Recheck", "RecordKind", "Registry", "RowField", "Rule", "RuleCase", "RuleError", "Scalar", "Series", "Share",
    "SharedCap", "Shift", "Some", "Source", "Span", "Stacking", "Stated", "Steps", "SumOf", "SumTest", "Tiers", "Times", "Total",
    "Value", "dumps", "facts_of", "fault_in", "loads", "open_facts_of", "parse_amount", "parse_benefit", "parse_rule", "problems_of",
    "tests_a_fact", "walk",
]  # fmt: skip
