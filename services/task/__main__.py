"""`python -m services.task` serves; `python -m services.task migrate` brings the database up to date."""

from meshkit.host import main
from services.task.app import migrate, serve

if __name__ == "__main__":
    main("task", serve, migrate)
