-- As what somebody closes a case whose labels are being stored, and until when nobody may close it as anything else.
ALTER TABLE cases
    ADD COLUMN closing_as text NOT NULL DEFAULT '',
    ADD COLUMN closing_until timestamptz;
