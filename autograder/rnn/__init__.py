"""The RNN course's part: oracle, assertions for hidden tests, sample class. No other package imports it."""
