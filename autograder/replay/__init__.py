"""A notebook run again → what differs from its stored outputs."""
