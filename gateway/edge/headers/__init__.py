"""HTTP header semantics: validators and conditions, codings, origins, security headers."""
