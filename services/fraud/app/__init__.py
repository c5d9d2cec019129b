"""The composition roots of the fraud service, one for each of its processes: only they know its adapters."""
