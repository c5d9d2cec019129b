"""Evaluates the whole platform on public data: replayed, labelled, trained and scored as in production."""
