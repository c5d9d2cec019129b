"""`python -m services.fraud` serves; `python -m services.fraud migrate` brings the database up to date."""

from meshkit.host import main
from services.fraud.app.serving import migrate, serve

if __name__ == "__main__":
    main("fraud", serve, migrate)
