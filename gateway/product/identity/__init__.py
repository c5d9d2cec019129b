"""Shows people the pages by which they sign in, consent, connect devices and keep their account."""
