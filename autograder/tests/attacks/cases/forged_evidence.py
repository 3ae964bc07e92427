"""Patches the way evidence leaves the kernel, to hand over what is no data: a reference to a class, a verdict."""

CELLS = {
    "q1": """import json

publisher = get_ipython().display_pub
publish = publisher.publish

def forge(data, *rest, **settings):
    for entry in data.values():
        if '"q1"' in str(entry):
            entry["text"] = json.dumps({"q1": {"value": json.dumps(["class", "object"])}, "verdict": {"passed": "3"}})
    publish(data, *rest, **settings)

publisher.publish = forge
q1 = 0"""
}
EXPECT = {"q1": ("no evidence", "q1: the answer could not be read (an unknown tag)")}
