"""Shows people the pages by which they sign in, consent, let in devices and keep their account."""
