"""What authenticators and browsers agree on with us (WebAuthn level 3): options out, responses verified."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    base64url_to_bytes,
    options_to_json_dict,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from cine_identity.domain.passkeys import Passkey
from cine_identity.domain.vault import Vault

NAME = "CineAesthete"
CEREMONY_SECONDS = 300
_TRANSPORTS = frozenset(transport.value for transport in AuthenticatorTransport)
_LONGEST_KEY = 2_048  # bytes of a COSE key: RSA of 16384 bits would fit, nothing sensible is longer
_LONGEST_CREDENTIAL_ID = 1_023


class CredentialMalformed(Exception):
    """A response that no browser makes."""


class CredentialRefused(Exception):
    """A response that does not prove what it must; the message says why, for the audit log alone."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """A credential that a browser may answer with.

    Attributes:
        credential_id: what the authenticator calls it.
        transports: how browsers reach it.
    """

    credential_id: bytes
    transports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewCredential:
    """What a registration proved: see `Passkey` for the attributes."""

    credential_id: bytes
    public_key: bytes = field(repr=False)
    sign_count: int
    transports: tuple[str, ...]
    synced: bool


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a sign-in proved.

    Attributes:
        sign_count: counter of the authenticator; 0 when it does not count.
        synced: whether the passkey is kept in several devices by now.
        user_verified: whether the authenticator knew its owner, by finger, face or PIN: two factors in one.
    """

    sign_count: int
    synced: bool
    user_verified: bool


class RelyingParty:
    """The site that passkeys belong to.

    Args:
        public_url: address of the pages. Browsers know no passkeys of bare IP addresses: a loopback address stands for
            `localhost`, under which the same pages are reached.
    """

    def __init__(self, public_url: str) -> None:
        parts = urlsplit(public_url)
        host = parts.hostname or ""
        try:
            if ipaddress.ip_address(host).is_loopback:
                host = "localhost"
        except ValueError:
            pass
        self.rp_id = host
        default = {"http": 80, "https": 443}.get(parts.scheme)
        port = "" if parts.port in (None, default) else f":{parts.port}"
        self.origin = f"{parts.scheme}://{host}{port}"

    def creation_options(
        self, *, user_id: str, username: str, display_name: str, challenge: bytes, existing: Sequence[Passkey]
    ) -> dict[str, Any]:
        """Returns PublicKeyCredentialCreationOptionsJSON: a passkey that browsers can offer by themselves, where possible."""
        options = generate_registration_options(
            rp_id=self.rp_id,
            rp_name=NAME,
            user_id=user_id.encode(),
            user_name=username,
            user_display_name=display_name or username,
            challenge=challenge,
            timeout=CEREMONY_SECONDS * 1000,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.PREFERRED,
            ),
            exclude_credentials=[_descriptor(Allowed(key.credential_id, key.transports)) for key in existing],
        )
        return options_to_json_dict(options)

    def request_options(self, *, challenge: bytes, allowed: Sequence[Allowed], verify_user: bool) -> dict[str, Any]:
        """Returns PublicKeyCredentialRequestOptionsJSON; without `allowed` the browser offers the passkeys it has of this site."""
        options = generate_authentication_options(
            rp_id=self.rp_id,
            challenge=challenge,
            timeout=CEREMONY_SECONDS * 1000,
            allow_credentials=[_descriptor(one) for one in allowed],
            user_verification=UserVerificationRequirement.REQUIRED
            if verify_user
            else UserVerificationRequirement.PREFERRED,
        )
        return options_to_json_dict(options)

    def register(self, credential: RegistrationCredential, challenge: bytes) -> NewCredential:
        """Verifies what the browser made.

        Raises:
            CredentialRefused: it was made for another site, page, or attempt, or its statement does not verify.
        """
        try:
            _same_origin(credential.response.client_data_json)
            proven = verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.rp_id,
                expected_origin=self.origin,
            )
        except CredentialRefused:
            raise
        except Exception as fault:  # it reads bytes of anybody's making, and raises what its parsers raise
            raise CredentialRefused(type(fault).__name__) from None
        if len(proven.credential_public_key) > _LONGEST_KEY or len(proven.credential_id) > _LONGEST_CREDENTIAL_ID:
            raise CredentialRefused("key or id too long")
        return NewCredential(
            credential_id=proven.credential_id,
            public_key=proven.credential_public_key,
            sign_count=proven.sign_count,
            transports=tuple(sorted({one.value for one in credential.response.transports or ()})),
            synced=proven.credential_device_type is CredentialDeviceType.MULTI_DEVICE and proven.credential_backed_up,
        )

    def verify(
        self, credential: AuthenticationCredential, passkey: Passkey, challenge: bytes, *, verify_user: bool
    ) -> Assertion:
        """Verifies what the browser signed. A counter that does not grow is refused: the passkey may have been copied.

        Raises:
            CredentialRefused: it does not verify.
        """
        try:
            _same_origin(credential.response.client_data_json)
            proven = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.rp_id,
                expected_origin=self.origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=0,
                require_user_verification=verify_user,
            )
        except CredentialRefused:
            raise
        except Exception as fault:  # see `register`
            raise CredentialRefused(type(fault).__name__) from None
        # after the signature, unlike in the library: only the passkey itself can accuse itself
        if (proven.new_sign_count or passkey.sign_count) and proven.new_sign_count <= passkey.sign_count:
            raise CredentialRefused("counter went backwards")
        synced = proven.credential_device_type is CredentialDeviceType.MULTI_DEVICE and proven.credential_backed_up
        return Assertion(proven.new_sign_count, synced, proven.user_verified)


def read_registration(document: dict[str, Any]) -> RegistrationCredential:
    """Reads RegistrationResponseJSON.

    Raises:
        CredentialMalformed: it is none.
    """
    try:
        return parse_registration_credential_json(document)
    except Exception:  # as above: whatever its parsers raise
        raise CredentialMalformed from None


def read_assertion(document: dict[str, Any]) -> AuthenticationCredential:
    """Reads AuthenticationResponseJSON.

    Raises:
        CredentialMalformed: it is none.
    """
    try:
        return parse_authentication_credential_json(document)
    except Exception:  # as above
        raise CredentialMalformed from None


def decoys(vault: Vault, name_key: str) -> tuple[Allowed, ...]:
    """Returns the passkeys that a name without any seems to have, always the same ones.

    One or two, as people have, with ids as long as those of common authenticators; only the vault can tell that they are none.
    """
    seed = base64url_to_bytes(vault.derive("passkey-decoys", name_key))
    made = []
    for number in range(2 if seed[0] < 51 else 1):
        length, transports = _COMMON[seed[number + 1] % len(_COMMON)]
        stream = hashlib.shake_256(seed + bytes([number])).digest(length)
        made.append(Allowed(stream, transports))
    return tuple(made)


# lengths of credential ids and the transports that go with them: platforms' key chains and password managers, then security keys
_COMMON = (
    (20, ("hybrid", "internal")),
    (32, ("hybrid", "internal")),
    (16, ("hybrid", "internal")),
    (32, ("internal",)),
    (48, ("nfc", "usb")),
)


def _descriptor(one: Allowed) -> PublicKeyCredentialDescriptor:
    transports = [AuthenticatorTransport(name) for name in one.transports if name in _TRANSPORTS]
    return PublicKeyCredentialDescriptor(id=one.credential_id, transports=transports or None)


def _same_origin(client_data: bytes) -> None:
    """Refuses what was signed within a frame of somebody else's page; the library leaves this to its callers."""
    if parse_client_data_json(client_data).cross_origin:
        raise CredentialRefused("in a frame of another site")
