"""The one place where rules, decisions and amounts become Chinese sentences."""

from services.policy_match.domain.wording.asked import Line, amount_lines, rule_lines
from services.policy_match.domain.wording.explained import explained

__all__ = ["Line", "amount_lines", "explained", "rule_lines"]
