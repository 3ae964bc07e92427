"""Send answers across the trust line in one format: `encoder`, `decoder`, `refusals`, and `display` for messages."""
