"""How good decisions were, by what became known of their transactions."""
