"""Answers with the numbers of other requests, and answers before it is asked."""

NOTEBOOK = "functions"
CELLS = {
    "squares": """def squares(n):
    import json
    for number in range(30):
        message = {"n": str(number), "heap": [], "refs": {}, "printed": "", "value": [n]}
        get_ipython().kernel.raw_input(json.dumps(message))
    return [i * i for i in range(1, n + 1)]"""
}
EXPECT = {"squares": ("no evidence", "")}
