"""What an enterprise reads: a match, a decision and a clause in plain Chinese, without jargon and without a guess."""
