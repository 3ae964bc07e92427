"""The one format that crosses the trust line: `encoder`, `decoder`, and `display` for people."""
