"""The one format that crosses the trust line: `encoder`, `decoder`, `refusals`, and `display` for people."""
