"""Implements `rampart.auth.v1.AccountService`. The account is that of the verified token."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from rampart.auth.v1 import account_service_pb2 as pb

from meshkit.context import principal
from services.auth.convert import people as convert
from services.auth.service.people.account import OwnAccount

__all__ = ["AccountServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class AccountServicer:
    """Implements `rampart.auth.v1.AccountService`."""

    def __init__(self, account: OwnAccount) -> None:
        self._account = account

    async def GetAccount(self, _: pb.GetAccountRequest, __: Context) -> pb.GetAccountResponse:
        caller = principal()
        return pb.GetAccountResponse(account=convert.account_to_proto(await self._account.get(caller), caller))

    async def ChangePassword(self, request: pb.ChangePasswordRequest, _: Context) -> pb.ChangePasswordResponse:
        await self._account.change_password(principal(), request.old_password, request.new_password)
        return pb.ChangePasswordResponse()

    async def StartTotp(self, _: pb.StartTotpRequest, __: Context) -> pb.StartTotpResponse:
        secret, uri = await self._account.start_totp(principal())
        return pb.StartTotpResponse(secret=secret, otpauth_uri=uri)

    async def ConfirmTotp(self, request: pb.ConfirmTotpRequest, _: Context) -> pb.ConfirmTotpResponse:
        await self._account.confirm_totp(principal(), request.code)
        return pb.ConfirmTotpResponse()

    async def DeleteTotp(self, _: pb.DeleteTotpRequest, __: Context) -> pb.DeleteTotpResponse:
        await self._account.remove_totp(principal())
        return pb.DeleteTotpResponse()

    async def StartPasskey(self, _: pb.StartPasskeyRequest, __: Context) -> pb.StartPasskeyResponse:
        options, state = await self._account.start_passkey(principal())
        return pb.StartPasskeyResponse(options=options, state=state)

    async def CreatePasskey(self, request: pb.CreatePasskeyRequest, _: Context) -> pb.CreatePasskeyResponse:
        passkey = await self._account.create_passkey(principal(), request.state, request.response, request.display_name)
        return pb.CreatePasskeyResponse(passkey=convert.passkey_to_proto(passkey))

    async def ListPasskeys(self, _: pb.ListPasskeysRequest, __: Context) -> pb.ListPasskeysResponse:
        passkeys = await self._account.passkeys(principal())
        return pb.ListPasskeysResponse(passkeys=map(convert.passkey_to_proto, passkeys))

    async def RenamePasskey(self, request: pb.RenamePasskeyRequest, _: Context) -> pb.RenamePasskeyResponse:
        credential = convert.credential_from_proto(request.passkey_id)
        passkey = await self._account.rename_passkey(principal(), credential, request.display_name)
        return pb.RenamePasskeyResponse(passkey=convert.passkey_to_proto(passkey))

    async def DeletePasskey(self, request: pb.DeletePasskeyRequest, _: Context) -> pb.DeletePasskeyResponse:
        await self._account.remove_passkey(principal(), convert.credential_from_proto(request.passkey_id))
        return pb.DeletePasskeyResponse()

    async def CreateRecoveryCodes(
        self, _: pb.CreateRecoveryCodesRequest, __: Context
    ) -> pb.CreateRecoveryCodesResponse:
        return pb.CreateRecoveryCodesResponse(codes=await self._account.create_recovery_codes(principal()))
