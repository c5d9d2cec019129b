"""Asks a process over its admin port whether it is ready."""

from __future__ import annotations

from console.http import HttpClient, HttpError

__all__ = ["missing"]

ASK_SECONDS = 2.0


async def missing(address: str) -> str:
    """Returns what a process lacks, nothing if it is ready."""
    client = HttpClient(f"http://{address}", connections=1, timeout=ASK_SECONDS)
    try:
        answer = await client.request("GET", "/ready")
        if answer.status == 200:
            return ""
        lacks = answer.json().get("missing", {})
        return ", ".join(f"{name} ({why})" for name, why in lacks.items()) or f"it answers {answer.status}"
    except (HttpError, ValueError, AttributeError) as error:
        return str(error) or "it does not answer"
    finally:
        client.close()
