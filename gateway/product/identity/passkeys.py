"""Registers, names and removes passkeys. The browser makes them; a script of the page asks it to."""

from __future__ import annotations

from rampart.auth.v1 import account_service_pb2 as pb
from starlette.responses import Response

from gateway.product.identity.account import changed
from gateway.product.identity.answers import json_answer
from gateway.product.identity.attempts import Attempts
from gateway.product.identity.calls import CREATE_PASSKEY, DELETE_PASSKEY, RENAME_PASSKEY, START_PASSKEY
from gateway.product.identity.person import Person
from meshkit.errors import MeshError

__all__ = ["PasskeyPages"]


class PasskeyPages:
    """Answers the forms of passkeys on the account page."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts

    async def options(self, person: Person) -> Response:
        """Answers the script with what the browser needs, or with where to show again who one is."""
        try:
            made = await person.ask(START_PASSKEY, pb.StartPasskeyRequest())
        except MeshError as error:
            if error.reason != "REAUTHENTICATION_REQUIRED":
                raise
            response = await self._attempts.begin(person.visit, again=True, notice="again")
            return json_answer(person.visit, {"location": response.headers["location"]})
        return json_answer(person.visit, {"options": made.options, "state": made.state})

    async def create(self, person: Person) -> Response:
        """Registers what the browser has made."""
        given = person.visit.given
        request = pb.CreatePasskeyRequest(
            state=given.get("state", ""), response=given.get("passkey", ""), display_name=given.get("name", "").strip()
        )
        return await changed(person, CREATE_PASSKEY, request, "passkey-new", "passkey")

    async def rename(self, person: Person) -> Response:
        """Gives a passkey another name."""
        given = person.visit.given
        request = pb.RenamePasskeyRequest(passkey_id=given.get("id", ""), display_name=given.get("name", "").strip())
        return await changed(person, RENAME_PASSKEY, request, "passkey-renamed", "passkey")

    async def remove(self, person: Person) -> Response:
        """Removes a passkey."""
        request = pb.DeletePasskeyRequest(passkey_id=person.visit.given.get("id", ""))
        return await changed(person, DELETE_PASSKEY, request, "passkey-removed", "passkey")
