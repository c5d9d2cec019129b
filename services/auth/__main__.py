"""`python -m services.auth` serves; `python -m services.auth migrate` brings the database up to date."""

from meshkit.host import main
from services.auth.app.serving import migrate, serve

if __name__ == "__main__":
    main("auth", serve, migrate)
