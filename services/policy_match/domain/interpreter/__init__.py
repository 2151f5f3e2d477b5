"""The definition of what a rule means, read beside rules.md section by section. Slow and obvious; the oracle of all that is faster.

Kleene's three values throughout: a missing fact is unknown, never zero and never false. What would settle an unknown
answer travels with it, and is dropped as soon as a node above is decided without it.

Each room is a section of rules.md: `rules` (2), `operators` and `facts` (TEST), `expressions` (E), `records` (RECORD_TEST), `ranks`
(POPULATION_TEST); amounts (3) stand beside this package. A function tells by its decorator of which node it is the meaning.
"""

from services.policy_match.domain.interpreter import expressions as expressions  # its nodes have their meaning by being loaded
from services.policy_match.domain.interpreter.facts import stated, window
from services.policy_match.domain.interpreter.operators import bounds, compared, ends
from services.policy_match.domain.interpreter.ranks import place_of, ranked_figure, ranking_of
from services.policy_match.domain.interpreter.records import existing_rows, matching, row_answer, stated_field
from services.policy_match.domain.interpreter.rules import judgement_of
from services.policy_match.domain.interpreter.scope import Ranked, Ranking, Scope, answer, value

__all__ = [
    "Ranked",
    "Ranking",
    "Scope",
    "answer",
    "bounds",
    "compared",
    "ends",
    "existing_rows",
    "judgement_of",
    "matching",
    "place_of",
    "ranked_figure",
    "ranking_of",
    "row_answer",
    "stated",
    "stated_field",
    "value",
    "window",
]
