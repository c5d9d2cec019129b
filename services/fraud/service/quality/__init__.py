"""Reports of quality: what decisions were worth, by what was known at a time."""
