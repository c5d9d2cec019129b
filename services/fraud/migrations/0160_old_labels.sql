-- Labels whose transactions never came are deleted in slices, the oldest first.
CREATE INDEX labels_pending_by_age ON labels (create_time) WHERE decision_id IS NULL;
GRANT SELECT (number) ON labels TO {cleaner};
