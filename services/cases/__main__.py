"""`python -m services.cases` serves; `python -m services.cases migrate` brings the database up to date."""

from meshkit.host import main
from services.cases.app import migrate, serve

if __name__ == "__main__":
    main("cases", serve, migrate)
