-- A grant of a public client is bound to a key of proofs (`jkt`) or to a client certificate, and never to both.
ALTER TABLE grants
    ADD COLUMN certificate text NOT NULL DEFAULT '' CHECK (certificate = '' OR length(certificate) = 43),
    ADD CONSTRAINT grants_bound_once CHECK (jkt = '' OR certificate = '');
