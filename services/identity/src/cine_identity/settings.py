"""Settings of the identity service."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from cine_identity.domain.granted import Rule
from cine_identity.domain.vault import development_master, parse_master
from cine_identity.oauth.configuration import OidcProvider, parse_oidc_providers
from cine_identity.oauth.fetching import safe_address
from cine_identity.oauth.github import PUBLIC_GITHUB
from cinemesh.settings import CommaSeparated, ServiceSettings


class IdentitySettings(ServiceSettings):
    """What only identity needs; read under `CINE_IDENTITY_`."""

    service: ClassVar[str] = "identity"

    secret_key: SecretStr | None = Field(
        default=None, description="secret; 32 bytes in base64 that everything else is derived from; empty: var/keys/"
    )
    admins: CommaSeparated = Field(
        default_factory=list,
        description="user names or addresses of administrators, comma separated; they hold the role once the address is verified",
    )
    second_factor: Rule = Field(
        default="administrators",
        description="who must sign in with a second factor: optional (nobody), administrators or everyone",
    )
    # passwords
    password_scheme: Literal["bcrypt", "argon2id"] = Field(default="bcrypt", description="bcrypt or argon2id")
    bcrypt_cost: int = Field(default=12, ge=4, le=16, description="cost of bcrypt; 12 takes a quarter of a second")
    breached_passwords: Path | None = Field(
        default=None, description="file of breached passwords nobody may choose: lines of SHA-1:count, ordered by hash"
    )
    hash_queue: int = Field(default=12, ge=1, le=1000, description="sign-ins that may wait for a hash; more get 429")
    # tokens and sessions
    signing_algorithm: Literal["EdDSA", "ES256"] = Field(default="EdDSA", description="EdDSA or ES256")
    access_seconds: int = Field(default=600, ge=30, le=600, description="life of an access token")
    refresh_days: float = Field(default=30.0, gt=0, le=365, description="longest life of a session")
    idle_days: float = Field(default=14.0, gt=0, le=365, description="life of a session that is not used")
    refresh_grace_seconds: float = Field(
        default=20.0, ge=0, le=60, description="time in which a spent refresh token gives the same successor"
    )
    key_rotation_days: float = Field(default=30.0, gt=0, description="how long a key signs")
    key_publish_seconds: float = Field(default=330.0, ge=0, description="time a key is published before it signs")
    # mail
    mail_from: str = Field(default="CineAesthete <no-reply@localhost>", description="sender of mails")
    smtp_host: str = Field(default="", description="mail server; empty: messages are written to var/outbox/")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="its port")
    smtp_security: Literal["starttls", "tls", "none"] = Field(default="starttls", description="starttls, tls or none")
    smtp_username: str = Field(default="", description="name to sign in to it with; empty for none")
    smtp_password: SecretStr | None = Field(default=None, description="secret; password to it")
    # other providers
    google_client_id: str = Field(default="", description="client id at Google; empty: not offered")
    google_client_secret: SecretStr | None = Field(default=None, description="secret; its secret")
    github_client_id: str = Field(default="", description="client id at GitHub; empty: not offered")
    github_client_secret: SecretStr | None = Field(default=None, description="secret; its secret")
    github_url: str = Field(default=PUBLIC_GITHUB, description="GitHub, or the address of an Enterprise Server")
    oidc_providers: SecretStr | None = Field(
        default=None,
        description='secret; further OpenID providers, as JSON: [{"name","display_name","issuer","client_id","client_secret"}]',
    )
    oauth_redirects: list[str] = Field(
        default_factory=list, description="pages a sign-in may come back to, as JSON; empty: the explorer's own"
    )

    @field_validator(
        "secret_key",
        "breached_passwords",
        "smtp_password",
        "google_client_secret",
        "github_client_secret",
        "oidc_providers",
        mode="before",
    )
    @classmethod
    def _no_value_is_unset(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("admins", mode="before")
    @classmethod
    def _split_admins(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("secret_key")
    @classmethod
    def _holds_32_bytes(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_master(value.get_secret_value())
        return value

    @field_validator("github_url")
    @classmethod
    def _address_without_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @model_validator(mode="after")
    def _production_has_a_secret(self) -> Self:
        if self.environment == "production" and self.secret_key is None:
            raise ValueError("secret_key must be set in production: a development key is never trusted there")
        return self

    @model_validator(mode="after")
    def _providers_can_be_used(self) -> Self:
        for name, client_id, secret in (
            ("google", self.google_client_id, self.google_client_secret),
            ("github", self.github_client_id, self.github_client_secret),
        ):
            if bool(client_id) != (secret is not None):
                raise ValueError(f"{name}_client_id and {name}_client_secret go together")
        if not safe_address(self.github_url, loopback=self.loopback_providers):
            raise ValueError("github_url must be an https address")
        try:
            self.further_providers()
        except ValueError as error:
            raise ValueError(f"oidc_providers: {error}") from None
        return self

    def further_providers(self) -> list[OidcProvider]:
        """Returns the OpenID providers beside Google."""
        if self.oidc_providers is None:
            return []
        return parse_oidc_providers(self.oidc_providers.get_secret_value(), loopback=self.loopback_providers)

    @property
    def loopback_providers(self) -> bool:
        """Whether providers may be asked over http on this machine: in development."""
        return self.environment != "production"

    @property
    def pages(self) -> tuple[str, ...]:
        """Pages that a sign-in through a provider may come back to; the first is meant where none is named."""
        return tuple(self.oauth_redirects) or (f"{self.public_address}/",)

    def master_secret(self) -> bytes:
        """Returns the master secret; in development it is made once under `var/keys/`.

        Raises:
            OSError: the folder of development keys cannot be written.
        """
        if self.secret_key is not None:
            return parse_master(self.secret_key.get_secret_value())
        return development_master(self.keys_dir)

    @property
    def idle(self) -> dt.timedelta:
        """Life of a session that is not used."""
        return dt.timedelta(days=self.idle_days)

    @property
    def outbox_dir(self) -> Path:
        """Folder that messages are written to when there is no mail server."""
        return self.var_dir / "outbox"

    @property
    def cookies_secure(self) -> bool:
        """Whether browsers keep `__Host-` cookies of the pages' address: https, or this very machine."""
        return self.public_address.startswith(("https://", "http://127.0.0.1", "http://localhost", "http://[::1]"))
