"""The one place where rules, decisions and amounts become Chinese sentences."""

from services.policy_match.domain.wording.explained import explained
from services.policy_match.domain.wording.lines import Line, amount_lines, rule_lines

__all__ = ["Line", "amount_lines", "explained", "rule_lines"]
