-- When a case was last reopened: since then it waits, and is to be closed in its time again. Empty if it never was.
ALTER TABLE cases ADD COLUMN reopened_at timestamptz;
