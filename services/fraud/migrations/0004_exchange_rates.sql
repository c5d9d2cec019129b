-- What one unit of a currency is worth in dollars, in which the rules state amounts: each tenant's own table. A rate holds
-- from its day until a later one of the same currency.
CREATE TABLE exchange_rates (
    tenant_id uuid NOT NULL,
    currency text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$' AND currency <> 'USD'),
    since date NOT NULL,
    usd_per_unit double precision NOT NULL CHECK (usd_per_unit > 0 AND usd_per_unit <= 1000000),
    PRIMARY KEY (tenant_id, currency, since)
);
ALTER TABLE exchange_rates ENABLE ROW LEVEL SECURITY;
ALTER TABLE exchange_rates FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON exchange_rates TO {service}
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
GRANT SELECT, INSERT, DELETE ON exchange_rates TO {service};
