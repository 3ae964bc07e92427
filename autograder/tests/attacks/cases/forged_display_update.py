"""Displays while evidence is taken, then changes that display from another cell, where it does not exist."""

CELLS = {
    "q1": """publisher = get_ipython().display_pub
publish = publisher.publish

def labelled(data, *rest, **settings):
    publish(data, *rest, **{**settings, "transient": {"display_id": "x"}})

publisher.publish = labelled
q1 = 0""",
    "q2": """publisher.publish = publish
publish({"text/plain": "y"}, transient={"display_id": "x"}, update=True)
q2 = 0""",
}
EXPECT = {"q1": ("failed", "q1: count the numbers in data."), "q2": ("no evidence", "")}
HONEST = ()  # what it has patched stays patched in the kernel that takes over
