"""The use cases of lists of values: keeping them, importing into them, answering from memory."""
