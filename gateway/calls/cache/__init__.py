"""Answers that are used again, where a method's policy allows it: within one tenant, until a change or for a while."""
