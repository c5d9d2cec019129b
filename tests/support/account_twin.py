"""What a mesh in memory answers about accounts, as the protos say it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import struct
import time
from typing import Any

from rampart.auth.v1 import account_service_pb2 as account
from rampart.auth.v1 import session_pb2
from rampart.auth.v1 import session_service_pb2 as sessions

from meshkit.errors import Kind, MeshError

__all__ = ["AccountAnswers", "challenge_of", "refused", "totp"]


def totp(secret: str, step: int = 0) -> str:
    """Returns the code of a base32 secret now, or some steps of 30 seconds later (RFC 6238)."""
    counter = struct.pack(">Q", int(time.time()) // 30 + step)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


class AccountAnswers:
    """Answers for whoever the token of the call belongs to."""

    here: Any
    again: bool
    sessions: dict[str, Any]

    def _here(self, token: str) -> None:
        found = [person for person in self.sessions.values() if token == f"token-of-{person.email}"]
        if not found:
            raise MeshError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", "the token is nobody's")
        self.here = found[0]

    def _recent(self) -> None:
        if self.again:
            raise MeshError(Kind.UNAUTHENTICATED, "REAUTHENTICATION_REQUIRED", "sign in again")

    def on_get_account(self, asked: Any) -> Any:
        answer, person = account.GetAccountResponse(), self.here
        answer.account.email, answer.account.display_name = person.email, person.name
        answer.account.tenant = "acme"
        answer.account.roles.append("analyst")
        answer.account.factors.extend(["totp"] if person.totp_secret else [])
        answer.account.recovery_codes_left = len(person.recovery_codes)
        return answer

    def on_change_password(self, asked: Any) -> Any:
        self._recent()
        if asked.old_password != self.here.password:
            raise refused("SIGN_IN_REFUSED")
        if len(asked.new_password) < 8:
            raise MeshError(Kind.INVALID_ARGUMENT, "PASSWORD_REFUSED", "the password has fewer than 8 characters")
        self.here.password = asked.new_password
        self.sessions.clear()
        return account.ChangePasswordResponse()

    def on_start_totp(self, asked: Any) -> Any:
        self._recent()
        self.here.new_secret = base64.b32encode(secrets.token_bytes(20)).decode()
        uri = f"otpauth://totp/Rampart:{self.here.email}?secret={self.here.new_secret}&issuer=Rampart"
        return account.StartTotpResponse(secret=self.here.new_secret, otpauth_uri=uri)

    def on_confirm_totp(self, asked: Any) -> Any:
        if asked.code not in [totp(self.here.new_secret, step) for step in (-1, 0, 1)]:
            raise refused("SIGN_IN_REFUSED")
        self.here.totp_secret = self.here.new_secret
        return account.ConfirmTotpResponse()

    def on_delete_totp(self, asked: Any) -> Any:
        self._recent()
        self.here.totp_secret = ""
        return account.DeleteTotpResponse()

    def on_start_passkey(self, asked: Any) -> Any:
        self._recent()
        challenge = secrets.token_urlsafe(32)
        user = {"id": "dXNlcg", "name": self.here.email, "displayName": self.here.name}
        options = {
            "challenge": challenge,
            "rp": {"id": "localhost", "name": "Rampart"},
            "user": user,
            "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
            "authenticatorSelection": {"residentKey": "required", "userVerification": "required"},
            "excludeCredentials": [{"type": "public-key", "id": each} for each in self.here.passkeys],
        }
        return account.StartPasskeyResponse(options=json.dumps(options), state=challenge)

    def on_create_passkey(self, asked: Any) -> Any:
        if challenge_of(asked.response) != asked.state:
            raise refused("SIGN_IN_REFUSED")
        identifier = json.loads(asked.response)["id"]
        self.here.passkeys[identifier] = asked.display_name
        answer = account.CreatePasskeyResponse()
        answer.passkey.passkey_id, answer.passkey.display_name = identifier, asked.display_name
        return answer

    def on_list_passkeys(self, asked: Any) -> Any:
        answer = account.ListPasskeysResponse()
        for identifier, name in self.here.passkeys.items():
            answer.passkeys.add(passkey_id=identifier, display_name=name)
        return answer

    def on_rename_passkey(self, asked: Any) -> Any:
        self.here.passkeys[asked.passkey_id] = asked.display_name
        return account.RenamePasskeyResponse()

    def on_delete_passkey(self, asked: Any) -> Any:
        self._recent()
        del self.here.passkeys[asked.passkey_id]
        return account.DeletePasskeyResponse()

    def on_list_sessions(self, asked: Any) -> Any:
        answer = sessions.ListSessionsResponse()
        for secret, person in self.sessions.items():
            if person is self.here:
                answer.sessions.add(session_id=secret, kind=session_pb2.SESSION_KIND_BROWSER)
        for grant_id, name in self.here.programs.items():
            kind = session_pb2.SESSION_KIND_PROGRAM
            answer.sessions.add(session_id=grant_id, kind=kind, client_name=name, scopes=["decision:read"])
        return answer

    def on_end_session(self, asked: Any) -> Any:
        if asked.session_id not in self.here.programs and asked.session_id not in self.sessions:
            raise MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such session")
        self.here.programs.pop(asked.session_id, None)
        self.sessions.pop(asked.session_id, None)
        return sessions.EndSessionResponse()

    def on_list_consents(self, asked: Any) -> Any:
        answer = sessions.ListConsentsResponse()
        for client_id, name in self.here.consents.items():
            consent = answer.consents.add(client_id=client_id, client_name=name, scopes=["decision:read", "openid"])
            consent.create_time.FromJsonString("2026-11-21T04:10:37Z")
        return answer

    def on_delete_consent(self, asked: Any) -> Any:
        if self.here.consents.pop(asked.client_id, None) is None:
            raise MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such consent")
        return sessions.DeleteConsentResponse()

    def on_create_recovery_codes(self, asked: Any) -> Any:
        self._recent()
        self.here.recovery_codes = [secrets.token_hex(10) for _ in range(10)]
        return account.CreateRecoveryCodesResponse(codes=self.here.recovery_codes)


def refused(reason: str) -> MeshError:
    return MeshError(Kind.UNAUTHENTICATED, reason, "that does not match")


def challenge_of(passkey: str) -> str:
    written = json.loads(passkey)["response"]["clientDataJSON"]
    data = json.loads(base64.urlsafe_b64decode(written + "=" * (-len(written) % 4)))
    return str(data["challenge"])
