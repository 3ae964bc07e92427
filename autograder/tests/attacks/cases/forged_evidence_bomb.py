"""Hands over evidence that takes a parser long, or all its memory: brackets, then 40 MB of characters."""

CELLS = {
    "q1": """publisher = get_ipython().display_pub
publish = publisher.publish
bombs = {'"q1"': "[" * 10**6, '"q2"': '{"q2": {"value": "' + "9" * 40_000_000 + '"}}'}

def swap(data, *rest, **settings):
    for entry in data.values():
        for name, bomb in bombs.items():
            if name in str(entry):
                entry["text"] = bomb
    publish(data, *rest, **settings)

publisher.publish = swap
q1 = 0""",
    "q2": "q2 = []",
}
EXPECT = {"q1": ("no evidence", "damaged"), "q2": ("no evidence", "damaged")}
