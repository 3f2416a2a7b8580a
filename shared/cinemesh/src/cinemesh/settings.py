"""Settings every service has. A service's own class adds fields; the profile only changes defaults.

A value is looked up as `CINE_<SERVICE>_<FIELD>`, then as `CINE_<FIELD>`, in the environment and then in `.env` of the
working folder. So `CINE_LOG_LEVEL=warning` quietens the mesh and `CINE_CATALOG_LOG_LEVEL=debug` makes one service talk.
Fields that a service's class adds are read under the service's prefix only.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from cinemesh import topology
from cinemesh.tls import TlsFiles, development_folder

EXIT_BAD_SETTINGS = 2
MESH_SOURCE = "mesh:identity"
"""Among the sources of keys: Identity's own document, asked for over the mesh."""

Profile = Literal["embedded", "full"]
Environment = Literal["development", "production"]
LogLevel = Literal["debug", "info", "warning", "error"]
CommaSeparated = Annotated[list[str], NoDecode]
_PREFIX = "CINE_"
_read_surroundings: ContextVar[bool] = ContextVar("cinemesh_read_surroundings", default=True)
S = TypeVar("S", bound="ServiceSettings")


class ServiceSettings(BaseSettings):
    """Settings that every service of the mesh understands; subclasses set `service` and add their own."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_file=".env", extra="ignore", frozen=True)

    service: ClassVar[str] = ""

    profile: Profile = "embedded"
    environment: Environment = "development"
    host: str = topology.LOOPBACK
    metrics_host: str = topology.LOOPBACK
    port_base: int = Field(default=topology.DEFAULT_PORT_BASE, ge=1024, le=65000)
    replica: int = Field(default=0, ge=0, lt=topology.MAX_REPLICAS)
    replicas: dict[str, int] = Field(default_factory=dict, description="replicas of each peer, where not one")
    peers: dict[str, list[str]] = Field(default_factory=dict, description="host:port of each peer, where not loopback")
    public_url: str = Field(default="", description="address people use; empty: the gateway's own on loopback")
    gateway_port: int = Field(default=topology.DEFAULT_GATEWAY_PORT, ge=1, le=65535, description="port of the gateway")
    gateway_https_port: int | None = Field(default=None, ge=1, le=65535, description="its port for HTTPS, if any")
    var_dir: Path = Path("var")
    data_dir: Path | None = None
    merged_csv: Path = Path("data/movies_merged.csv")
    database_url: SecretStr | None = None
    redis_url: SecretStr | None = None
    otlp_endpoint: str | None = None
    trace_sample_ratio: float = Field(default=1.0, ge=0, le=1)
    log_level: LogLevel = "info"
    max_concurrent_rpcs: int = Field(default=256, ge=1)
    max_message_bytes: int = Field(default=4 * 1024 * 1024, ge=1024)
    default_deadline_seconds: float = Field(default=30.0, gt=0)
    drain_seconds: float = Field(default=0.5, ge=0)
    grace_seconds: float = Field(default=10.0, ge=0)
    jwks: CommaSeparated = Field(default_factory=list, description="files, https URLs or mesh:identity")
    issuer: str = "cine-identity"
    audience: str = "cine"
    revocation: bool = Field(default=True, description="follow Identity's feed and refuse tokens it revokes")
    mtls: bool = Field(default=False, description="certificates between services, both ways")
    tls_dir: Path | None = Field(default=None, description="ca.pem, <name>.pem, <name>.key; default: var/keys/tls")
    page_token_key: SecretStr | None = None

    @field_validator("jwks", mode="before")
    @classmethod
    def _split_commas(cls, value: Any) -> Any:
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value

    @field_validator(
        "data_dir",
        "tls_dir",
        "database_url",
        "redis_url",
        "otlp_endpoint",
        "page_token_key",
        "gateway_https_port",
        mode="before",
    )
    @classmethod
    def _empty_is_unset(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("public_url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @model_validator(mode="after")
    def _production_is_explicit(self) -> Self:
        if self.environment == "production" and not self.jwks:
            raise ValueError("jwks must be set in production: development keys are never trusted there")
        if self.environment == "production" and self.mtls and self.tls_dir is None:
            raise ValueError(
                "tls_dir must be set in production with mtls: development certificates are never trusted there"
            )
        return self

    @classmethod
    def only(cls, **values: Any) -> Self:
        """Returns settings made of these values and the defaults, whatever the environment and `.env` say."""
        token = _read_surroundings.set(False)
        try:
            return cls(**values)
        finally:
            _read_surroundings.reset(token)

    @property
    def public_address(self) -> str:
        """Address that links to pages begin with: the public one, or else that of the gateway on loopback."""
        if self.public_url:
            return self.public_url
        if self.gateway_https_port is not None:
            return f"https://{topology.LOOPBACK}:{self.gateway_https_port}"
        return f"http://{topology.LOOPBACK}:{self.gateway_port}"

    @property
    def grpc_port(self) -> int:
        """Port this replica serves gRPC on."""
        return topology.grpc_port(self.service, self.port_base, self.replica)

    @property
    def metrics_port(self) -> int:
        """Port this replica serves `/metrics` on."""
        return topology.metrics_port(self.service, self.port_base, self.replica)

    @property
    def service_dir(self) -> Path:
        """Folder under `var_dir` that belongs to this service alone."""
        return self.var_dir / self.service

    @property
    def artifacts_dir(self) -> Path:
        """Folder of models and indexes."""
        return self.var_dir / "artifacts"

    @property
    def keys_dir(self) -> Path:
        """Folder of the development keys."""
        return self.var_dir / "keys"

    @property
    def store_url(self) -> str:
        """SQLAlchemy URL of this service's store. It may hold a password: never log it."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        if self.profile == "full":
            return f"postgresql+psycopg://cine_{self.service}@127.0.0.1:5432/cine_{self.service}"
        return f"sqlite:///{self.service_dir / (self.service + '.sqlite3')}"

    @property
    def cache_url(self) -> str | None:
        """Redis URL of the cache; None means the cache lives in the process. It may hold a password: never log it."""
        if self.redis_url is not None:
            return self.redis_url.get_secret_value()
        return "redis://127.0.0.1:6379/0" if self.profile == "full" else None

    @property
    def jwks_sources(self) -> list[str]:
        """Files, URLs and `mesh:identity`: where the keys are that tokens may be signed with."""
        return self.jwks or [str(self.keys_dir / "jwks.json"), MESH_SOURCE]

    def tls_files(self, name: str) -> TlsFiles:
        """Returns where the certificate of a process lies: a service, "gateway", "portal", "limiter" or "cli"."""
        return TlsFiles.of(self.tls_dir or development_folder(self.var_dir), name)

    def endpoints(self, peer: str) -> list[str]:
        """Returns `host:port` of every replica of a peer.

        Raises:
            ValueError: the peer is not a service of the mesh.
        """
        if self.peers.get(peer):
            return self.peers[peer]
        return topology.endpoints(peer, self.port_base, self.replicas.get(peer, 1))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is the library's
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Puts the service's own prefix before the shared one, and the environment before `.env`."""
        if not _read_surroundings.get():
            return (init_settings,)
        own = f"{_PREFIX}{cls.service.upper()}_"
        # `_env_file=...` given to the constructor must win over the class' default
        env_file = getattr(dotenv_settings, "env_file", ".env")
        sources: list[PydanticBaseSettingsSource] = [init_settings]
        if cls.service:
            sources.append(EnvSettingsSource(settings_cls, env_prefix=own))
        sources.append(_SharedOnly(EnvSettingsSource(settings_cls, env_prefix=_PREFIX)))
        if cls.service:
            sources.append(DotEnvSettingsSource(settings_cls, env_file=env_file, env_prefix=own))
        sources.append(_SharedOnly(DotEnvSettingsSource(settings_cls, env_file=env_file, env_prefix=_PREFIX)))
        return tuple(sources)


class _SharedOnly(PydanticBaseSettingsSource):
    """Lets the shared prefix set shared fields only: `CINE_X` never reaches a service's own field `x`."""

    def __init__(self, source: EnvSettingsSource) -> None:
        super().__init__(source.settings_cls)
        self._source = source

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return self._source.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        return {name: value for name, value in self._source().items() if name in ServiceSettings.model_fields}


def load(settings_class: type[S], **values: Any) -> S:
    """Reads the settings of a service, or ends the process with status 2 and one plain line for each wrong value.

    The lines name the environment variable and what is wrong with it, never the value: it may be a secret.
    """
    try:
        return settings_class(**values)
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            field = str(problem["loc"][0]) if problem["loc"] else ""
            shared = field in ServiceSettings.model_fields or not settings_class.service
            prefix = _PREFIX if shared else f"{_PREFIX}{settings_class.service.upper()}_"
            name = f"{prefix}{field.upper()}: " if field else ""
            print(f"bad setting: {name}{problem['msg']}", file=sys.stderr)
        raise SystemExit(EXIT_BAD_SETTINGS) from None
