"""Reads and verifies JSON Web Signatures (RFC 7515) more strictly than they ask for: the only code that checks one.

base64url → compact form and its header → keys of a set, or the one in the header → algorithm

Each step refuses what it can before the next, so that no signature is computed for what could not be good. What nobody
of ours writes is not read: no algorithm with a shared secret, no JSON serialization, no header that names where the key
is, no extension.
"""
