"""Reads and writes the messages of Web Authentication with the package `webauthn`."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from typing import TypeVar

import webauthn
from webauthn.helpers import base64url_to_bytes, parse_authentication_credential_json
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from meshkit.timestamps import utc_now
from services.auth.domain.members import Member
from services.auth.domain.passkeys import Ceremony, Passkey, PasskeyUse

__all__ = ["WebauthnPasskeys"]

_log = logging.getLogger(__name__)
Result = TypeVar("Result")

NAME = "Rampart"
_TIMEOUT_MS = 300_000
_SELECTION = AuthenticatorSelectionCriteria(
    resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
)


class WebauthnPasskeys:
    """Implements `PasskeyReader` for one relying party, at some origins.

    Users are verified by their authenticators, always; which make of authenticator it is nobody asks.
    """

    def __init__(self, relying_party: str, origins: Sequence[str]) -> None:
        self._relying_party = relying_party
        self._origins = list(origins)

    def registration_options(self, member: Member, challenge: bytes, present: Sequence[bytes]) -> str:
        options = webauthn.generate_registration_options(
            rp_id=self._relying_party,
            rp_name=NAME,
            user_name=member.email,
            user_id=uuid.UUID(member.member_id).bytes,
            user_display_name=member.display_name or member.email,
            challenge=challenge,
            timeout=_TIMEOUT_MS,
            attestation=AttestationConveyancePreference.NONE,
            authenticator_selection=_SELECTION,
            exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in present],
        )
        return webauthn.options_to_json(options)

    def read_registration(self, response: str, ceremony: Ceremony) -> Passkey | None:
        verified = _read(
            lambda: webauthn.verify_registration_response(
                credential=response,
                expected_challenge=ceremony.challenge,
                expected_rp_id=self._relying_party,
                expected_origin=self._origins,
                require_user_verification=True,
            )
        )
        if verified is None or ceremony.tenant_id is None or ceremony.member_id is None:
            return None
        return Passkey(
            credential_id=verified.credential_id,
            tenant_id=ceremony.tenant_id,
            member_id=ceremony.member_id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            display_name="",
            created_at=utc_now(),
        )

    def request_options(self, challenge: bytes, allowed: Sequence[bytes]) -> str:
        options = webauthn.generate_authentication_options(
            rp_id=self._relying_party,
            challenge=challenge,
            timeout=_TIMEOUT_MS,
            allow_credentials=[PublicKeyCredentialDescriptor(id=each) for each in allowed],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return webauthn.options_to_json(options)

    def credential_id(self, response: str) -> bytes | None:
        credential = _read(lambda: parse_authentication_credential_json(response))
        return base64url_to_bytes(credential.id) if credential is not None else None

    def read_use(self, response: str, challenge: bytes, passkey: Passkey) -> PasskeyUse | None:
        verified = _read(
            lambda: webauthn.verify_authentication_response(
                credential=response,
                expected_challenge=challenge,
                expected_rp_id=self._relying_party,
                expected_origin=self._origins,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        )
        handle = _read(lambda: parse_authentication_credential_json(response).response.user_handle)
        if verified is None or (handle and handle != uuid.UUID(passkey.member_id).bytes):
            return None
        return PasskeyUse(verified.credential_id, verified.new_sign_count)


def _read(read: Callable[[], Result]) -> Result | None:
    """Returns what is read, None if it cannot be: hostile CBOR and JSON fail in more ways than the package names."""
    try:
        return read()
    except Exception as error:
        _log.info("a passkey was refused: %s", type(error).__name__)
        return None
