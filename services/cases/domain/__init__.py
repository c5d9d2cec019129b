"""Pure rules and entities: the standard library only."""
