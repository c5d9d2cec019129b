-- How many of a thing a tenant may have; 0 means what the service gives to everybody.
ALTER TABLE tenants
    ADD COLUMN max_members integer NOT NULL DEFAULT 0 CHECK (max_members >= 0),
    ADD COLUMN max_clients integer NOT NULL DEFAULT 0 CHECK (max_clients >= 0),
    ADD COLUMN max_api_keys integer NOT NULL DEFAULT 0 CHECK (max_api_keys >= 0);

GRANT UPDATE (max_members, max_clients, max_api_keys) ON tenants TO {service};
