"""Keys that access tokens are signed with: kept in the store so that replicas share them, rotated by publish, wait, sign, retire."""

from cine_identity.keys.ring import KeyRing

__all__ = ["KeyRing"]
