-- A row may hold the risk profile alone, of a user who is not created yet. What was there before are users.
ALTER TABLE users ADD COLUMN known boolean NOT NULL DEFAULT true;

-- Lists read users only, however many profiles lie between them.
CREATE INDEX users_known ON users (tenant_id, user_id) WHERE known;

GRANT DELETE ON users TO {service};
