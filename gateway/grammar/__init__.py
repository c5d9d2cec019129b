"""The grammars of HTTP, each read in one place: forms and queries, structured fields, media types, qualities."""
