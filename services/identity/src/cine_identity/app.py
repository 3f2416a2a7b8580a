"""Wires identity: store, secrets, keys, flows, servicers, feed."""

from __future__ import annotations

import asyncio
from types import ModuleType
from typing import Any

from cine.identity.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    auth_pb2,
    auth_pb2_grpc,
    oauth_pb2,
    oauth_pb2_grpc,
    passkeys_pb2,
    passkeys_pb2_grpc,
    second_factor_pb2,
    second_factor_pb2_grpc,
    sessions_pb2,
    sessions_pb2_grpc,
    users_pb2,
    users_pb2_grpc,
)
from cine_identity.catalogue import CatalogueFilms
from cine_identity.domain.breached import BreachedPasswords
from cine_identity.domain.hash_pool import HashPool
from cine_identity.domain.hashing import Hasher
from cine_identity.domain.relying_party import RelyingParty
from cine_identity.domain.vault import Vault
from cine_identity.flows.administration import Administration
from cine_identity.flows.appointments import Appointments
from cine_identity.flows.authenticators import Authenticators
from cine_identity.flows.callers import Callers
from cine_identity.flows.endings import Endings
from cine_identity.flows.entrance import Entrance
from cine_identity.flows.export import AccountExport
from cine_identity.flows.hindrance import Hindrances
from cine_identity.flows.housekeeping import Expired
from cine_identity.flows.identities import Identities
from cine_identity.flows.issue import Issuer
from cine_identity.flows.leaving import AccountDeletion
from cine_identity.flows.mail_limit import MailLimit
from cine_identity.flows.mail_wishes import MailWishes
from cine_identity.flows.oauth import OAuth
from cine_identity.flows.oauth_attempts import OAuthAttempts
from cine_identity.flows.oauth_entry import ProviderEntry
from cine_identity.flows.own_sessions import OwnSessions
from cine_identity.flows.owner_proof import OwnerProof
from cine_identity.flows.passkey_sign_in import PasskeySignIn
from cine_identity.flows.passkeys import Passkeys
from cine_identity.flows.password_changes import RESET_PASSWORD, PasswordChanges
from cine_identity.flows.passwords import Passwords
from cine_identity.flows.preferences import PreferenceKeeping
from cine_identity.flows.profiles import Profiles, PublicProfiles
from cine_identity.flows.registration import VERIFY_EMAIL, Registration
from cine_identity.flows.renewal import Renewal
from cine_identity.flows.second_factor import SecondFactors
from cine_identity.flows.sign_in import SignIn
from cine_identity.flows.ways_in import WaysIn
from cine_identity.flows.who import WhoAmI
from cine_identity.keys import KeyRing
from cine_identity.keys.rotation import KeyRotation
from cine_identity.mail import Post, Sender, Writer, transport_for
from cine_identity.oauth import Fetcher, Provider
from cine_identity.oauth.offered import providers_of
from cine_identity.servicer.admin import AdminServicer
from cine_identity.servicer.auth import AuthServicer
from cine_identity.servicer.oauth import OAuthServicer
from cine_identity.servicer.passkeys import PasskeyServicer
from cine_identity.servicer.second_factor import SecondFactorServicer
from cine_identity.servicer.sessions import SessionServicer
from cine_identity.servicer.users import UserServicer
from cine_identity.settings import IdentitySettings
from cinemesh.cache import open_cache
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database, migrate
from cinemesh.feed import FeedServicer
from cinemesh.handlers import unanswered
from cinemesh.housekeeping import Housekeeping
from cinemesh.outbox import Outbox
from cinemesh.paging import PageTokens
from cinemesh.server import Application, Mount, Probe, StartFailed

_CONTRACT = (
    (admin_pb2, admin_pb2_grpc),
    (auth_pb2, auth_pb2_grpc),
    (oauth_pb2, oauth_pb2_grpc),
    (passkeys_pb2, passkeys_pb2_grpc),
    (second_factor_pb2, second_factor_pb2_grpc),
    (sessions_pb2, sessions_pb2_grpc),
    (users_pb2, users_pb2_grpc),
)


class IdentityApplication(Application):
    """Identity as a serving process.

    Args:
        settings: its settings; read from the environment when None.
        clock: tells the time; tests move it.
    """

    name = "identity"

    def __init__(self, settings: IdentitySettings | None = None, *, clock: Clock = utc_now) -> None:
        self.settings: IdentitySettings = settings or IdentitySettings()
        self.clock = clock
        self.database = Database(self.settings.store_url)
        self.outbox = Outbox(self.name)
        self.keys = KeyRing(clock)
        self.cache = open_cache(self.settings.cache_url, namespace="identity")
        self.hash_pool = HashPool(self.settings.hash_queue)
        self.fetcher = Fetcher(loopback=self.settings.loopback_providers)
        self.providers: dict[str, Provider] = providers_of(self.settings, self.fetcher)
        self._background: list[asyncio.Task[None]] = []
        self._mail: Sender | None = None

    async def start(self) -> list[Mount]:
        """Opens the store, reads the secrets and keys, and begins the work in the background."""
        await asyncio.to_thread(migrate, self.settings.store_url, "cine_identity")
        await self.database.open()
        self.vault = Vault(await asyncio.to_thread(self.settings.master_secret))
        self.post = Post(self.vault, self.clock)
        writer = Writer(self.settings.public_address, self.settings.mail_from)
        self._mail = Sender(self.database, self.post, writer, transport_for(self.settings), self.clock)
        self.callers = Callers(self.settings, self.clock)
        self.appointments = Appointments(self.settings.admins, self.outbox, self.post, self.clock)
        self.issuer = Issuer(self.settings, self.vault, self.keys, self.clock, self.appointments)
        self.second_factors = SecondFactors(self.vault, self.settings.second_factor)
        self.endings = Endings(self.settings, self.outbox)
        self.entrance = Entrance(self.vault, self.issuer, self.endings, self.post)
        self.pages = PageTokens.of(self.settings)
        hasher = Hasher(self.vault.pepper, self.settings.password_scheme, self.settings.bcrypt_cost)
        self.passwords = Passwords(hasher, self.hash_pool, await asyncio.to_thread(self._breached))
        self.proof = OwnerProof(self.database, self.callers, self.passwords.check, self.clock)
        self.ways = WaysIn(self.providers)
        self.wishes = MailWishes(self.database, self.vault, self.clock)
        expired = Expired(self.database, self.outbox, self.settings.idle, self.clock)
        self.housekeeping = Housekeeping(self.name, expired.jobs())
        self.key_rotation = KeyRotation(self.database, self.vault, self.settings, self.keys, self.clock)
        await self.key_rotation.begin()
        await self.database.write(self.appointments.appoint_all)
        servicers: dict[str, Any] = {**self._entry(), **self._people(), **self._factors(), **self._providers()}
        mounts = [self._mount(messages, stubs, servicers) for messages, stubs in _CONTRACT]
        self._background += [
            asyncio.create_task(self.key_rotation.run(), name="signing keys"),
            asyncio.create_task(self.wishes.run(), name="wishes for letters"),
            asyncio.create_task(self.housekeeping.run(), name="housekeeping"),
        ]
        self._mail.start()
        return mounts

    def _breached(self) -> BreachedPasswords | None:
        if self.settings.breached_passwords is None:
            return None
        try:
            return BreachedPasswords(self.settings.breached_passwords)
        except ValueError as error:
            raise StartFailed(f"CINE_IDENTITY_BREACHED_PASSWORDS: {error}") from None

    def _entry(self) -> dict[str, Any]:
        """Wires registration, signing in and out, passwords and sessions."""
        database, settings, vault, callers, outbox = self.database, self.settings, self.vault, self.callers, self.outbox
        post, clock, factors, appointments = self.post, self.clock, self.second_factors, self.appointments
        hindrances, limit, endings = Hindrances(vault), MailLimit(vault), self.endings
        self.registration = registration = Registration(
            database, vault, self.passwords, hindrances, limit, outbox, post, appointments, clock
        )
        changes = PasswordChanges(
            database,
            vault,
            self.passwords,
            callers,
            self.proof,
            hindrances,
            limit,
            endings,
            outbox,
            post,
            appointments,
            clock,
        )
        self.wishes.answer_with({VERIFY_EMAIL: registration.ask_again, RESET_PASSWORD: changes.send_link})
        auth = AuthServicer(
            registration,
            SignIn(database, vault, self.passwords, hindrances, factors, self.issuer, self.entrance, clock),
            Renewal(database, settings, vault, self.issuer, endings, post, clock),
            changes,
            self.wishes,
            WhoAmI(database, callers, factors),
            self.keys,
            cookies_secure=settings.cookies_secure,
        )
        own_sessions = OwnSessions(database, callers, endings, settings.idle, clock)
        return {"AuthService": auth, "SessionService": SessionServicer(own_sessions, self.pages)}

    def _people(self) -> dict[str, Any]:
        """Wires what people and administrators do with accounts."""
        database, callers, outbox, post, clock = self.database, self.callers, self.outbox, self.post, self.clock
        public = PublicProfiles(database, self.cache)
        profiles = Profiles(database, callers, outbox, public, CatalogueFilms(self.settings), clock)
        deletion = AccountDeletion(database, callers, outbox, post, public, self.proof, self.second_factors, clock)
        administration = Administration(
            database,
            callers,
            outbox,
            post,
            public,
            self.appointments,
            self.endings,
            self.second_factors,
            self.settings.idle,
            clock,
        )
        users = UserServicer(
            profiles,
            public,
            PreferenceKeeping(database, callers, outbox, clock),
            AccountExport(database, callers, clock),
            deletion,
        )
        return {"UserService": users, "IdentityAdminService": AdminServicer(administration, self.pages)}

    def _factors(self) -> dict[str, Any]:
        """Wires second factors and passkeys."""
        database, callers, vault, post, clock = self.database, self.callers, self.vault, self.post, self.clock
        site = RelyingParty(self.settings.public_address)
        authenticators = Authenticators(database, callers, self.second_factors, vault, post, self.proof, clock)
        passkeys = Passkeys(database, callers, site, vault, self.second_factors, self.ways, post, clock)
        sign_in = PasskeySignIn(database, site, vault, self.entrance, clock)
        return {
            "SecondFactorService": SecondFactorServicer(authenticators),
            "PasskeyService": PasskeyServicer(passkeys, sign_in, cookies_secure=self.settings.cookies_secure),
        }

    def _providers(self) -> dict[str, Any]:
        """Wires signing in through other providers."""
        database, settings, callers, post, clock = self.database, self.settings, self.callers, self.post, self.clock
        attempts = OAuthAttempts(self.vault)
        entry = ProviderEntry(
            attempts,
            self.entrance,
            self.issuer,
            self.second_factors,
            self.registration,
            self.appointments,
            self.outbox,
            post,
            settings.idle,
            clock,
        )
        oauth = OAuth(
            database,
            self.providers,
            callers,
            attempts,
            entry,
            public_url=settings.public_address,
            pages=settings.pages,
            clock=clock,
        )
        identities = Identities(database, callers, self.providers, self.ways, attempts, post, clock)
        return {"OAuthService": OAuthServicer(oauth, identities, cookies_secure=settings.cookies_secure)}

    def _mount(self, messages: ModuleType, stubs: ModuleType, servicers: dict[str, Any]) -> Mount:
        (service,) = messages.DESCRIPTOR.services_by_name.values()
        if service.name not in servicers:
            return unanswered(messages, stubs)[0]
        return Mount(servicers[service.name], getattr(stubs, f"add_{service.name}Servicer_to_server"), service)

    async def stop(self) -> None:
        """Closes what `start` opened."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        if self._mail is not None:
            await self._mail.close()
        for provider in self.providers.values():
            await provider.close()
        await self.fetcher.close()
        await asyncio.to_thread(self.hash_pool.close)
        await self.cache.close()
        await self.database.close()

    async def probes(self) -> dict[str, Probe]:
        """Asks the store, for the key that signs, and whether mail leaves."""
        probes = {"store": Probe(self.database.probe), "signing_key": Probe(self.key_rotation.probe)}
        if self._mail is not None:
            probes["mail"] = Probe(self._mail.probe, required=False)
        return probes

    async def own_keys(self) -> bytes:
        """Returns the published keys."""
        if not self.keys.keys:
            raise LookupError("there is no signing key yet")
        return self.keys.jwks()

    def feed(self) -> FeedServicer:
        """Serves what happened to accounts and sessions."""
        return FeedServicer(self.database, self.outbox)
