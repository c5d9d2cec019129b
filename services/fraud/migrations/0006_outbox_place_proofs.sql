-- What was pruned last, so that a consumer that has come exactly as far can prove that this is the outbox it has read:
-- the SHA-256 of the row's payload. Empty for what was pruned before.

ALTER TABLE outbox_pruned ADD COLUMN event bytea NOT NULL DEFAULT '';
