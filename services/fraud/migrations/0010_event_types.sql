-- What a tenant declares of its events, and how processes learn that a tenant's configuration has changed.

-- Moved by every change of anything that decisions go by, in the transaction of the change.
CREATE TABLE engine_revisions (
    tenant_id uuid PRIMARY KEY,
    revision bigint NOT NULL CHECK (revision > 0)
);
ALTER TABLE engine_revisions ENABLE ROW LEVEL SECURITY;
ALTER TABLE engine_revisions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON engine_revisions TO {service}
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
GRANT SELECT, INSERT, UPDATE ON engine_revisions TO {service};

-- Versions never change: nobody has a right to.
CREATE TABLE event_type_versions (
    tenant_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    version integer NOT NULL CHECK (version > 0),
    description text NOT NULL,
    -- The fields in their order: objects of name, type, required, personal, key, retired and description.
    fields jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, name, version)
);
ALTER TABLE event_type_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_type_versions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON event_type_versions TO {service}
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
GRANT SELECT, INSERT ON event_type_versions TO {service};

-- The version in force.
CREATE TABLE event_types (
    tenant_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, name),
    FOREIGN KEY (tenant_id, name, version) REFERENCES event_type_versions
);
ALTER TABLE event_types ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_types FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON event_types TO {service}
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
GRANT SELECT, INSERT, UPDATE ON event_types TO {service};

-- Requests with a name and what was answered, written in the transaction of their effect.
CREATE TABLE requests (
    tenant_id uuid NOT NULL,
    request_id uuid NOT NULL,
    method text NOT NULL,
    fingerprint bytea NOT NULL,
    response bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, request_id)
);
CREATE INDEX requests_created_at ON requests (created_at);
ALTER TABLE requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE requests FORCE ROW LEVEL SECURITY;
CREATE POLICY own_read ON requests FOR SELECT TO {service} USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own_new ON requests FOR INSERT TO {service}
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own_answer ON requests FOR UPDATE TO {service} USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));

-- Whatever the tenant, what is older than a day may be deleted, by a transaction that says that it cleans up; nothing else
-- may.
CREATE POLICY old_read ON requests FOR SELECT TO {service}
    USING (created_at < now() - interval '24 hours' AND current_setting('rampart.cleaning', true) = 'on');
CREATE POLICY old ON requests FOR DELETE TO {service}
    USING (created_at < now() - interval '24 hours' AND current_setting('rampart.cleaning', true) = 'on');
GRANT SELECT, INSERT, UPDATE, DELETE ON requests TO {service};
