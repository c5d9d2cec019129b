"""The response cache: answers of cacheable methods, within one tenant, until a change or for a while."""
