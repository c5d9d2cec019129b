"""Signs members in by their tenant's own OpenID provider."""
