"""Every value as text, Markdown or JSON. Formats and decides nothing; only `terminal` writes."""
