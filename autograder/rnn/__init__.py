"""This course's own part: the oracle, its hidden tests' assertions, its sample class. No other room imports it."""
