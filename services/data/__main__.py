"""`python -m services.data` serves; `python -m services.data migrate` brings the database up to date."""

from meshkit.host import main
from services.data.app import migrate, serve

if __name__ == "__main__":
    main("data", serve, migrate)
