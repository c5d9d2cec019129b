"""`Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a request that is sent again happens once.

    key → identifiers of the request → what is known of the key → call → remembered

Two memories work together. The durable one is the service's: the edge turns the key into identifiers that are the same
for every retry (`ids`), and the service, which stores them in the transaction of the effect, answers the same again.
The quick one is the gateways' (`store`): the answer for a while, and that a request is under way. It may be lost at any
moment, with its gateway or with Redis: then the service is asked again, and nothing happens twice.
"""
