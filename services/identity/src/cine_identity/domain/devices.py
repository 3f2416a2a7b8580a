"""Devices: what a session is called, and how one is recognised."""

from __future__ import annotations

import functools
import hashlib
import ipaddress

from ua_parser import parse

from cine_identity.domain.session import Visit
from cine_identity.domain.vault import Vault

_PURPOSE = "device"
UNKNOWN = "Unknown device"


@functools.lru_cache(maxsize=2048)
def describe(user_agent: str) -> str:
    """Returns what a user agent says, for people, such as "Firefox on Linux"; at most 80 characters."""
    if not user_agent:
        return UNKNOWN
    found = parse(user_agent)
    program = found.user_agent.family if found.user_agent else ""
    system = found.os.family if found.os else ""
    if not program:
        program = user_agent.split("/")[0].split(" ")[0]
    return (f"{program} on {system}" if system else program)[:80]


def network_of(address: str) -> str:
    """Returns the network an address is taken for: itself, or its /64 for IPv6, where one person has them all."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network(f"{ip}/64", strict=False)) if ip.version == 6 else str(ip)


def device_digests(vault: Vault, visit: Visit) -> tuple[str, ...]:
    """Returns what is kept of a device: its cookie if it has one, and its address with its user agent."""
    digests = []
    if visit.device_cookie:
        digests.append(vault.digest(f"cookie:{visit.device_cookie}", _PURPOSE))
    if visit.ip_address:
        agent = hashlib.sha256(visit.user_agent.encode("utf-8", "replace")).hexdigest()
        digests.append(vault.digest(f"place:{network_of(visit.ip_address)}:{agent}", _PURPOSE))
    return tuple(digests)
