"""How a batch of checks is decided: inputs, judgement, commit."""
