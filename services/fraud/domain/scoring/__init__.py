"""Models of fraud as tenants have them: named, numbered, referred to by versions of scenarios."""
