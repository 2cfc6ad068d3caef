"""The server's address, who may come in, and how much it takes on."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from bot.settings.addresses import base_of, origin_of
from bot.settings.group import EmptyIsUnset, Group, List
from bot.settings.zone import zone_named


def _is_network(network: str) -> bool:
    try:
        ip_network(network)
    except ValueError:
        return False
    return True


class ServerSettings(Group):
    host: str = Field("127.0.0.1", min_length=1)
    """Address to listen on. 0.0.0.0 opens the server to the network: it needs TLS then."""

    port: int = Field(7860, ge=0, le=65535)
    """Port to listen on; 0 takes any that is free."""

    tls_cert: Annotated[Path | None, EmptyIsUnset] = None
    """Certificate chain (PEM). A page from another machine has no microphone without TLS."""

    tls_key: Annotated[Path | None, EmptyIsUnset] = None
    """The certificate's private key (PEM)."""

    public_base_url: Annotated[str | None, EmptyIsUnset] = None
    """Where the world reaches this server: https, a host, and a path before everything, if any."""

    access_token: Annotated[SecretStr | None, EmptyIsUnset] = None
    """Everybody is asked for it. Unset, those from beyond this machine are asked for a new one."""

    allowed_origins: List = ()
    """Other sites whose pages may call: https://a.example,https://b.example; exact matches."""

    trusted_proxies: List = ("127.0.0.1", "::1")
    """Proxies (addresses, networks) whose X-Forwarded-For names the caller, for its limits."""

    max_calls: int = Field(8, ge=1, le=10_000)
    """Calls at once; the next one is turned away with 503."""

    calls_per_address: int = Field(4, ge=1, le=10_000)
    """Calls at once from one address; the next one is turned away with 429."""

    drain_s: float = Field(30.0, ge=0, le=3600)
    """Seconds that calls may take to finish after SIGTERM."""

    time_zone: Annotated[str | None, EmptyIsUnset] = None
    """The zone of the day and time that are told, by its IANA name. Unset: this machine's."""

    log_format: Literal["text", "json"] = "text"
    """text for people, json for machines."""

    log_words: bool = False
    """Write what callers say into the log. It is personal data: off unless you need it."""

    @field_validator("time_zone")
    @classmethod
    def _a_zone(cls, name: str | None) -> str | None:
        return None if name is None else zone_named(name)

    @field_validator("public_base_url")
    @classmethod
    def _a_base(cls, url: str | None) -> str | None:
        return None if url is None else base_of(url)

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(origin_of, origins))

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            if not _is_network(network):
                raise ValueError("should be like 10.0.0.0/8,192.168.1.7,::1")
        return networks

    @model_validator(mode="after")
    def _a_certificate_and_its_key(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("TLS_CERT and TLS_KEY belong together")
        return self
