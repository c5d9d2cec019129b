"""How scenarios are written, published, watched and stopped."""
