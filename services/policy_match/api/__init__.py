"""policy_match's HTTP edge: an enterprise's own file, its matches and decisions, and the trial run of a draft."""
