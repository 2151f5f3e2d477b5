"""policy_match: who qualifies, why and for how much; later, claims from offer to payment.

In: benefits.v1, facts.v1, sweeps.v1, answers.v1. Out: sweeps.v1, matches.v1, claims.v1.
"""
