"""What a rule means: the plain interpreter, amounts, decisions with their reasons, and the check of a benefit.

Pure: a rule, an enterprise, a day, the registry and the public figures go in; a value comes out, the same every time.
The interpreter is the definition; whatever decides faster must agree with it.
"""

from services.policy_match.domain.amount import AmountInterval
from services.policy_match.domain.check import Report, check
from services.policy_match.domain.decision import decide, outcome
from services.policy_match.domain.enterprise import Enterprise, FactError, enterprise_of, parse_enterprise, type_problems
from services.policy_match.domain.language import CheckFinding, language_problems
from services.policy_match.domain.population import Population, rank_population
from services.policy_match.domain.values import TypeMismatch

__all__ = [
    "AmountInterval",
    "CheckFinding",
    "Enterprise",
    "FactError",
    "Population",
    "Report",
    "TypeMismatch",
    "check",
    "decide",
    "enterprise_of",
    "language_problems",
    "outcome",
    "parse_enterprise",
    "rank_population",
    "type_problems",
]
