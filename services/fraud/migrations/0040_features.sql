-- Features that tenants declare.

-- Sets never change: nobody has a right to. Decisions name the one that they were computed with.
CREATE TABLE feature_sets (
    tenant_id uuid NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    -- Which features of those that every tenant has are in it.
    base text NOT NULL,
    -- The features in the order in which they were declared, as objects (see adapters/feature_rows.py).
    features jsonb NOT NULL,
    -- Kind of key → number of the set since which its logs are written as they are now.
    since jsonb NOT NULL,
    PRIMARY KEY (tenant_id, number)
);
ALTER TABLE feature_sets ENABLE ROW LEVEL SECURITY;
ALTER TABLE feature_sets FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON feature_sets TO {service}
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
GRANT SELECT, INSERT ON feature_sets TO {service};

-- The sets that decisions go by; 0 is what every tenant has before it declares anything.
CREATE TABLE feature_heads (
    tenant_id uuid PRIMARY KEY,
    -- What is computed as far as the logs have it.
    current integer NOT NULL,
    -- What the logs have all of.
    ready integer NOT NULL,
    -- What was ready before, as long as a process may go by it.
    former integer,
    moved_at timestamptz NOT NULL
);
ALTER TABLE feature_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE feature_heads FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON feature_heads TO {service}
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
GRANT SELECT, INSERT, UPDATE ON feature_heads TO {service};
-- Whoever fills logs finds the tenants for whom there is something to do.
CREATE POLICY relay ON feature_heads FOR SELECT TO {relay} USING (true);
GRANT SELECT ON feature_heads TO {relay};
