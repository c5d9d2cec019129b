-- The ledger of decided transactions. Tenants are separated by row-level security from the first table on; it is
-- forced, so that it holds for the owner as well.

CREATE FUNCTION rampart_tenants() RETURNS uuid[]
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(string_to_array(nullif(current_setting('rampart.tenants', true), ''), ',')::uuid[], '{}');

COMMENT ON FUNCTION rampart_tenants() IS
    'Tenants whose rows the transaction may touch: the transaction-local setting rampart.tenants, separated by commas.';

CREATE TABLE transactions (
    tenant_id        uuid        NOT NULL,
    -- Ids compare by code point, so that pages have one order whatever the database's locale.
    transaction_id   text        COLLATE "C" NOT NULL,
    decision_id      uuid        NOT NULL,
    user_id          text        COLLATE "C" NOT NULL,
    merchant_id      text        COLLATE "C" NOT NULL,
    -- Unconstrained: the scale is the currency's number of digits and is kept with the value.
    amount           numeric     NOT NULL CHECK (amount >= 0 AND scale(amount) <= 4),
    currency         text        COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    channel          text        NOT NULL,
    outcome          text        COLLATE "C" NOT NULL CHECK (outcome IN ('approve', 'review', 'decline')),
    confidence_score float8      NOT NULL CHECK (confidence_score BETWEEN 0 AND 1),
    event_time       timestamptz NOT NULL,
    decided_at       timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, transaction_id)
);

-- One index per question; each is read backwards, newest event first.
CREATE INDEX transactions_by_time ON transactions (tenant_id, event_time, transaction_id);
CREATE INDEX transactions_by_user ON transactions (tenant_id, user_id, event_time, transaction_id);
CREATE INDEX transactions_by_merchant ON transactions (tenant_id, merchant_id, event_time, transaction_id)
    WHERE merchant_id <> '';

CREATE TABLE daily_totals (
    tenant_id uuid    NOT NULL,
    -- In UTC.
    day       date    NOT NULL,
    currency  text    COLLATE "C" NOT NULL,
    outcome   text    COLLATE "C" NOT NULL,
    count     bigint  NOT NULL,
    amount    numeric NOT NULL,
    PRIMARY KEY (tenant_id, day, currency, outcome)
);

-- How far the ledger has followed each source; changes only together with what it counts.
CREATE TABLE positions (
    source text   PRIMARY KEY,
    xid    xid8   NOT NULL,
    seq    bigint NOT NULL
);
INSERT INTO positions (source, xid, seq) VALUES ('fraud', '0', 0);

-- Events that cannot enter the ledger, whole. They belong to no tenant, because what cannot be read names none; the
-- service adds to them and cannot read them back.
CREATE TABLE dead_letters (
    source    text        NOT NULL,
    digest    bytea       NOT NULL,
    after_xid xid8        NOT NULL,
    after_seq bigint      NOT NULL,
    last_xid  xid8        NOT NULL,
    last_seq  bigint      NOT NULL,
    payload   bytea       NOT NULL,
    error     text        NOT NULL,
    buried_at timestamptz NOT NULL DEFAULT now(),
    -- The digest of the payload: an event that arrives again is the same dead letter.
    PRIMARY KEY (source, digest)
);

ALTER TABLE transactions ENABLE ROW LEVEL SECURITY;
ALTER TABLE transactions FORCE ROW LEVEL SECURITY;
ALTER TABLE daily_totals ENABLE ROW LEVEL SECURITY;
ALTER TABLE daily_totals FORCE ROW LEVEL SECURITY;

-- The sub-select is evaluated once for each statement instead of once for each row.
CREATE POLICY tenants ON transactions
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY tenants ON daily_totals
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));

GRANT SELECT, INSERT ON transactions TO {service};
GRANT SELECT, INSERT, UPDATE ON daily_totals TO {service};
GRANT SELECT, UPDATE ON positions TO {service};
GRANT INSERT ON dead_letters TO {service};
