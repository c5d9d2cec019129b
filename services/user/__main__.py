"""`python -m services.user` serves; `python -m services.user migrate` brings the database up to date."""

from meshkit.host import main
from services.user.app import migrate, serve

if __name__ == "__main__":
    main("user", serve, migrate)
