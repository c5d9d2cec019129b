"""Where second factors are kept, and who reads what authenticators say."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import Enum
from typing import Protocol

from services.auth.domain.factors import MemberFactors
from services.auth.domain.members import Member
from services.auth.domain.passkeys import Ceremony, Passkey, PasskeyUse
from services.auth.domain.totp import Totp
from services.auth.ports.acts import RecordedAct

__all__ = ["CodeStore", "FactorRemoval", "PasskeyReader", "PasskeyStore"]


class FactorRemoval(Enum):
    """How the removal of a factor ended."""

    DONE = "done"
    ABSENT = "absent"
    LAST = "last"
    """It is the only one, and was to stay then."""


class CodeStore(Protocol):
    """One-time passwords and recovery codes. Each code is taken once, however many try at once."""

    async def factors(self, tenant_id: str, member_id: str) -> MemberFactors: ...

    async def find_totp(self, tenant_id: str, member_id: str) -> Totp | None: ...

    async def begin_totp(self, tenant_id: str, member_id: str, sealed: bytes, act: RecordedAct) -> None:
        """Stores a secret that counts once it is confirmed."""
        ...

    async def confirm_totp(self, tenant_id: str, member_id: str, sealed: bytes, step: int, act: RecordedAct) -> bool:
        """Makes the pending secret count, with the step used up; False if it is no longer pending."""
        ...

    async def use_step(self, tenant_id: str, member_id: str, step: int) -> bool:
        """Uses a step up; False if it or a later one was used."""
        ...

    async def remove_totp(self, tenant_id: str, member_id: str, keep_one: bool, act: RecordedAct) -> FactorRemoval: ...

    async def replace_codes(
        self, tenant_id: str, member_id: str, hashes: Collection[bytes], act: RecordedAct
    ) -> None: ...

    async def use_code(self, tenant_id: str, member_id: str, code_hash: bytes, act: RecordedAct) -> bool:
        """Uses a recovery code up; False if there is none."""
        ...


class PasskeyStore(Protocol):
    """Passkeys and their ceremonies."""

    async def begin_ceremony(self, ceremony: Ceremony) -> None: ...

    async def end_ceremony(self, state_hash: bytes, now: datetime) -> Ceremony | None:
        """Returns a ceremony once; None if there is none, or it took too long."""
        ...

    async def add_passkey(self, passkey: Passkey, most: int, act: RecordedAct) -> bool | None:
        """Stores a passkey; False if it is stored already, whoever has it; None if the member has `most`."""
        ...

    async def find_passkey(self, credential_id: bytes) -> Passkey | None:
        """Returns a passkey whose member is not known yet."""
        ...

    async def passkeys_of(self, tenant_id: str, member_id: str) -> list[Passkey]:
        """Returns the passkeys of a member in the order in which they were registered."""
        ...

    async def use_passkey(self, passkey: Passkey, sign_count: int, at: datetime) -> bool:
        """Notes a use; False if another came first, or the count went back."""
        ...

    async def rename_passkey(
        self, tenant_id: str, member_id: str, credential_id: bytes, name: str, act: RecordedAct
    ) -> Passkey | None: ...

    async def remove_passkey(
        self, tenant_id: str, member_id: str, credential_id: bytes, keep_one: bool, act: RecordedAct
    ) -> FactorRemoval: ...


class PasskeyReader(Protocol):
    """Writes what browsers are asked for, and verifies what they answer (Web Authentication)."""

    def registration_options(self, member: Member, challenge: bytes, present: Sequence[bytes]) -> str:
        """Returns PublicKeyCredentialCreationOptionsJSON; no authenticator with one of `present` is asked."""
        ...

    def read_registration(self, response: str, ceremony: Ceremony) -> Passkey | None:
        """Returns the new credential, without a name; None if anything is wrong with it."""
        ...

    def request_options(self, challenge: bytes, allowed: Sequence[bytes]) -> str:
        """Returns PublicKeyCredentialRequestOptionsJSON; without `allowed` any discoverable credential may answer."""
        ...

    def credential_id(self, response: str) -> bytes | None:
        """Returns which credential answers; None if the text is no answer."""
        ...

    def read_use(self, response: str, challenge: bytes, passkey: Passkey) -> PasskeyUse | None:
        """Returns what the answer proves; None if anything is wrong with it."""
        ...
