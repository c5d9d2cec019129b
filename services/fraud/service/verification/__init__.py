"""Whether what was decided comes out the same again."""
