-- Labels whose transactions never came are deleted in slices, the oldest first.
GRANT SELECT (number) ON labels TO {cleaner};
