"""Patches the way evidence leaves the kernel, to hand it over a second time with other values."""

CELLS = {
    "q1": """publisher = get_ipython().display_pub
publish = publisher.publish

def twice(data, *rest, **settings):
    publish(data, *rest, **settings)
    if '"q1"' in str(data):
        publish(data, *rest, **settings)

publisher.publish = twice
q1 = 0"""
}
EXPECT = {"q1": ("no evidence", "damaged")}
