"""What HTTP itself asks of an edge: validators and conditions, codings, origins, framing and limits."""
