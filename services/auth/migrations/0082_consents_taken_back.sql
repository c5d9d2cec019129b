-- When a consent was first given; NULL for one from before this column, of which only the last time is known.
ALTER TABLE consents ADD COLUMN created_at timestamptz;

-- A device that somebody has let in and that has not asked since goes with what he takes back, found by its member.
CREATE INDEX device_authorizations_by_member ON device_authorizations (tenant_id, member_id) WHERE member_id IS NOT NULL;
CREATE POLICY own ON device_authorizations USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
