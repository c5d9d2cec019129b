-- Since when a tenant gets no access tokens; NULL if it does.
ALTER TABLE tenants ADD COLUMN suspended_at timestamptz;
GRANT UPDATE (suspended_at) ON tenants TO {service};
