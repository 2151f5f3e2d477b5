"""The rule language read a second time: rules.md on plain JSON, sharing no line of code with the services."""
