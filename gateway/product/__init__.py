"""Holds what is Rampart's own at the edge; nothing else in the gateway knows a word of it."""
