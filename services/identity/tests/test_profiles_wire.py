"""Profiles and preferences over the real server, on both databases, beside a catalogue that can go away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import grpc
import pytest

from cine.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from cine.identity.v1 import users_pb2, users_pb2_grpc
from cine_identity.settings import IdentitySettings
from cine_identity.store import accounts
from cinemesh.errors import CineError, Code, Reason
from cinemesh.rpc_status import failure_of
from cinemesh.server import Application, Mount, Server
from cinemesh.settings import ServiceSettings
from cinemesh.testing import Running, settings_for

KNOWN_FILMS = {603, 604, 2571}


class _CatalogSettings(ServiceSettings):
    service: ClassVar[str] = "catalog"


class _Films(catalog_pb2_grpc.CatalogServiceServicer):
    def __init__(self) -> None:
        self.asked = 0

    async def BatchGetMovies(self, request: Any, _: Any) -> Any:  # noqa: N802 - by the contract
        self.asked += 1
        missing = [movie_id for movie_id in request.movie_ids if movie_id not in KNOWN_FILMS]
        return catalog_pb2.BatchGetMoviesResponse(missing_movie_ids=missing)


class _Catalogue(Application):
    name = "catalog"

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        self.films = _Films()

    async def start(self) -> list[Mount]:
        described = catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"]
        return [Mount(self.films, catalog_pb2_grpc.add_CatalogServiceServicer_to_server, described)]


@asynccontextmanager
async def serving(app: Application) -> AsyncIterator[Server]:
    server = Server(app)
    await server.bind(0, None)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@pytest.fixture
async def catalogue(tmp_path: Path) -> AsyncIterator[tuple[Server, _Films]]:
    app = _Catalogue(settings_for(_CatalogSettings, tmp_path, revocation=False))
    async with serving(app) as server:
        yield server, app.films


@pytest.fixture
def settings(tmp_path: Path, store_url: str, catalogue: tuple[Server, _Films]) -> IdentitySettings:
    peers = {"catalog": [f"127.0.0.1:{catalogue[0].port}"]}
    return settings_for(IdentitySettings, tmp_path, bcrypt_cost=4, database_url=store_url, peers=peers)


@pytest.fixture
def users(identity: Running) -> Any:
    return identity.stub(users_pb2_grpc.UserServiceStub)


async def refused(call: Any) -> CineError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return failure_of(caught.value)


async def events(identity: Running, kind: type[Any]) -> list[Any]:
    from cinemesh.db import mesh_tables

    app: Any = identity.app

    def read(tx: Any) -> list[Any]:
        rows = tx.execute(mesh_tables.outbox.select().order_by(mesh_tables.outbox.c.id)).mappings()
        return [row["data"] for row in rows if row["type"] == kind.DESCRIPTOR.full_name]

    from google.protobuf.any_pb2 import Any as Packed

    found = []
    for data in await app.database.read(read):
        message = kind()
        Packed.FromString(data).Unpack(message)
        found.append(message)
    return found


async def test_a_new_account_has_an_empty_profile_of_which_only_the_name_is_public(users: Any, people: Any) -> None:
    ada = await people.join("Ada")
    profile = await users.GetProfile(users_pb2.GetProfileRequest(), metadata=ada.metadata)
    assert (profile.username, profile.display_name, profile.bio) == ("Ada", "Ada", "")
    assert list(profile.public_fields) == ["display_name"]
    assert profile.etag and profile.HasField("updated_at")


async def test_only_what_is_present_changes_and_only_what_is_public_shows(
    identity: Running, users: Any, people: Any
) -> None:
    from cine.identity.v1 import events_pb2

    ada = await people.join("Ada")
    first = users_pb2.UpdateProfileRequest(
        bio="  Watches at night.\r\nMostly noir.  ",
        location="Turin",
        website_url="https://ada.example/films",
        favourite_movie_ids=[603, 2571],
        public_fields=["favourite_movie_ids", "bio"],
    )
    answer = await users.UpdateProfile(first, metadata=ada.metadata)
    assert answer.bio == "Watches at night.\nMostly noir."
    assert list(answer.public_fields) == ["bio", "favourite_movie_ids"]
    answer = await users.UpdateProfile(users_pb2.UpdateProfileRequest(display_name="Ada L."), metadata=ada.metadata)
    assert (answer.display_name, answer.location, list(answer.favourite_movie_ids)) == ("Ada L.", "Turin", [603, 2571])

    for name in ("ada", "ADA", "Ada"):
        seen = await users.GetPublicProfile(users_pb2.GetPublicProfileRequest(username=name))
        assert (seen.username, seen.bio) == ("Ada", "Watches at night.\nMostly noir.")
        assert list(seen.favourite_movie_ids) == [603, 2571]
        assert (seen.display_name, seen.location, seen.website_url, seen.avatar_url) == ("", "", "", "")
    told = await events(identity, events_pb2.ProfileChanged)
    # the second change was of a field that nobody else sees
    assert [event.display_name for event in told] == ["Ada"]


async def test_a_mask_empties_what_the_body_lacks(users: Any, people: Any) -> None:
    ada = await people.join("Ada")
    full = users_pb2.UpdateProfileRequest(bio="Here.", location="Turin", favourite_movie_ids=[603])
    await users.UpdateProfile(full, metadata=ada.metadata)
    emptied = users_pb2.UpdateProfileRequest(location="Rome", bio="not named, so not taken")
    emptied.update_mask.paths.extend(["location", "favourite_movie_ids", "public_fields"])
    answer = await users.UpdateProfile(emptied, metadata=ada.metadata)
    assert (answer.bio, answer.location) == ("Here.", "Rome")
    assert (list(answer.favourite_movie_ids), list(answer.public_fields)) == ([], [])
    nameless = users_pb2.UpdateProfileRequest()
    nameless.update_mask.paths.append("display_name")
    failure = await refused(users.UpdateProfile(nameless, metadata=ada.metadata))
    assert (failure.code, [field for field, _ in failure.violations]) == (Code.INVALID_ARGUMENT, ["display_name"])


async def test_a_change_under_an_old_etag_changes_nothing(users: Any, people: Any) -> None:
    ada = await people.join("Ada")
    before = await users.GetProfile(users_pb2.GetProfileRequest(), metadata=ada.metadata)
    same = users_pb2.UpdateProfileRequest(display_name="Ada", etag=before.etag)
    assert (await users.UpdateProfile(same, metadata=ada.metadata)).etag == before.etag  # nothing changed
    writes = [
        users.UpdateProfile(users_pb2.UpdateProfileRequest(bio=f"{n}", etag=before.etag), metadata=ada.metadata)
        for n in range(6)
    ]
    results = await asyncio.gather(*writes, return_exceptions=True)
    kept = [result for result in results if not isinstance(result, BaseException)]
    lost = [failure_of(result) for result in results if isinstance(result, grpc.aio.AioRpcError)]
    assert len(kept) == 1
    assert {(failure.code, failure.reason) for failure in lost} == {(Code.ABORTED, Reason.ETAG_MISMATCH)}
    assert (await users.GetProfile(users_pb2.GetProfileRequest(), metadata=ada.metadata)).bio == kept[0].bio


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("display_name", "Ada\u202egro.live"),
        ("display_name", "two\nlines"),
        ("bio", "nul \x00 inside"),
        ("location", "\u200bTurin"),
        ("avatar_url", "https://user:pass@example.org/a.png"),
        ("avatar_url", "https:///a.png"),
        ("website_url", "https://example.org/<script> "),
        ("website_url", "https://example.org:port/"),
    ],
)
async def test_text_that_cannot_be_shown_is_refused_at_its_field(
    users: Any, people: Any, field: str, value: str
) -> None:
    ada = await people.join("Ada")
    failure = await refused(
        users.UpdateProfile(users_pb2.UpdateProfileRequest(**{field: value}), metadata=ada.metadata)
    )
    assert (failure.code, [name for name, _ in failure.violations]) == (Code.INVALID_ARGUMENT, [field])


async def test_films_are_looked_up_and_never_taken_on_trust(
    users: Any, people: Any, catalogue: tuple[Server, _Films]
) -> None:
    server, films = catalogue
    ada = await people.join("Ada")

    def favour(*movie_ids: int) -> Any:
        return users.UpdateProfile(users_pb2.UpdateProfileRequest(favourite_movie_ids=movie_ids), metadata=ada.metadata)

    failure = await refused(favour(603, 999, 604))
    assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, Reason.MOVIE_NOT_FOUND)
    assert [field for field, _ in failure.violations] == ["favourite_movie_ids[1]"]
    await favour(603, 604)
    asked = films.asked
    await favour(604, 603)
    assert films.asked == asked  # both were there already
    await server.stop()
    failure = await refused(favour(604, 2571))
    assert (failure.code, failure.reason) == (Code.UNAVAILABLE, Reason.DEPENDENCY_UNAVAILABLE)
    kept = await users.GetProfile(users_pb2.GetProfileRequest(), metadata=ada.metadata)
    assert list(kept.favourite_movie_ids) == [604, 603]
    assert list((await favour(603)).favourite_movie_ids) == [603]  # taking away needs nobody


async def test_unknown_unverified_and_disabled_people_have_no_public_profile(users: Any, people: Any) -> None:
    await people.join("Waiting", email_verified=False)
    await people.join("Closed", disabled=True, disabled_reason="spam")
    answers = []
    for name in ("Waiting", "Closed", "Nobody", "nul\x00"):
        failure = await refused(users.GetPublicProfile(users_pb2.GetPublicProfileRequest(username=name)))
        answers.append((failure.code, failure.message, failure.violations))
    assert len(set(answers)) == 1
    assert answers[0][0] is Code.NOT_FOUND


async def test_a_public_profile_comes_from_the_cache_until_it_changes(
    identity: Running, users: Any, people: Any
) -> None:
    ada = await people.join("Ada")
    request = users_pb2.GetPublicProfileRequest(username="ada")
    assert (await users.GetPublicProfile(request)).display_name == "Ada"
    app: Any = identity.app
    await app.database.write(lambda tx: accounts.update(tx, ada.user_id, display_name="behind its back"))
    assert (await users.GetPublicProfile(request)).display_name == "Ada"
    await users.UpdateProfile(users_pb2.UpdateProfileRequest(display_name="Lovelace"), metadata=ada.metadata)
    assert (await users.GetPublicProfile(request)).display_name == "Lovelace"


async def test_names_are_matched_as_people_write_them(identity: Running, users: Any, people: Any) -> None:
    from cine.identity.v1 import events_pb2

    ada = await people.join("Ada")
    wanted = users_pb2.UpdatePreferencesRequest(
        preferred_genres=["science fiction", "NOIR", "sci-fi"],
        excluded_genres=["scary"],
        services=["netflix", "disney plus"],
        languages=["it", "en", "it"],
        year_min=1950,
        region="IT",
        share_taste=True,
    )
    answer = await users.UpdatePreferences(wanted, metadata=ada.metadata)
    assert list(answer.preferred_genres) == ["Sci-Fi", "Film-Noir"]
    assert list(answer.excluded_genres) == ["Horror"]
    assert list(answer.services) == ["Netflix", "Disney+"]
    assert list(answer.languages) == ["it", "en"]
    assert (answer.year_min, answer.region, answer.share_taste, answer.hide_spoilers) == (1950, "IT", True, True)
    # how somebody wants their mail is told to nobody
    quiet = users_pb2.UpdatePreferencesRequest(mail_activity=True, onboarded=True)
    assert (await users.UpdatePreferences(quiet, metadata=ada.metadata)).mail_activity
    (told,) = await events(identity, events_pb2.PreferencesChanged)
    assert (told.user_id, list(told.preferred_genres)) == (ada.user_id, ["Sci-Fi", "Film-Noir"])
    assert await users.GetPreferences(users_pb2.GetPreferencesRequest(), metadata=ada.metadata)


@pytest.mark.parametrize(
    ("change", "field", "reason", "words"),
    [
        ({"preferred_genres": ["Drama", "dreamy"]}, "preferred_genres[1]", Reason.UNKNOWN_GENRE, "Film-Noir"),
        ({"services": ["Netfloox"]}, "services[0]", Reason.UNKNOWN_STREAMING_SERVICE, "Netflix"),
        ({"excluded_genres": ["comedy"]}, "excluded_genres", Reason.INVALID_FIELD, "Comedy"),
        ({"year_max": 1980}, "year_max", Reason.INVALID_FIELD, "1990"),
    ],
)
async def test_wrong_preferences_are_refused_and_the_accepted_ones_named(
    users: Any, people: Any, change: dict[str, Any], field: str, reason: Reason, words: str
) -> None:
    ada = await people.join("Ada")
    held = users_pb2.UpdatePreferencesRequest(preferred_genres=["Comedy"], year_min=1990)
    before = await users.UpdatePreferences(held, metadata=ada.metadata)
    failure = await refused(
        users.UpdatePreferences(users_pb2.UpdatePreferencesRequest(**change), metadata=ada.metadata)
    )
    assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, reason)
    assert [name for name, _ in failure.violations] == [field]
    assert words in failure.message
    after = await users.GetPreferences(users_pb2.GetPreferencesRequest(), metadata=ada.metadata)
    assert after.etag == before.etag


async def test_preferences_under_an_old_etag_change_nothing_and_a_mask_empties(users: Any, people: Any) -> None:
    ada = await people.join("Ada")
    old = await users.GetPreferences(users_pb2.GetPreferencesRequest(), metadata=ada.metadata)
    await users.UpdatePreferences(
        users_pb2.UpdatePreferencesRequest(services=["Hulu"], runtime_max=120), metadata=ada.metadata
    )
    stale = users_pb2.UpdatePreferencesRequest(runtime_max=90, etag=old.etag)
    failure = await refused(users.UpdatePreferences(stale, metadata=ada.metadata))
    assert (failure.code, failure.reason) == (Code.ABORTED, Reason.ETAG_MISMATCH)
    emptied = users_pb2.UpdatePreferencesRequest()
    emptied.update_mask.paths.extend(["services", "hide_spoilers"])
    answer = await users.UpdatePreferences(emptied, metadata=ada.metadata)
    assert (list(answer.services), answer.hide_spoilers, answer.runtime_max) == ([], False, 120)


async def test_services_get_the_names_that_people_show(users: Any, people: Any) -> None:
    ada, grace = await people.join("Ada"), await people.join("Grace", display_name="Grace H.")
    hidden = users_pb2.UpdateProfileRequest(avatar_url="https://pictures.example/grace.png")
    await users.UpdateProfile(hidden, metadata=grace.metadata)
    nothing = users_pb2.UpdateProfileRequest()
    nothing.update_mask.paths.append("public_fields")
    await users.UpdateProfile(nothing, metadata=ada.metadata)
    request = users_pb2.BatchGetUsersRequest(user_ids=[grace.user_id, ada.user_id, grace.user_id, "unknown", "n\x00"])
    answer = await users.BatchGetUsers(request, metadata=people.service())
    found = {user.username: (user.display_name, user.avatar_url) for user in answer.users}
    assert found == {"Ada": ("Ada", ""), "Grace": ("Grace H.", "")}
    failure = await refused(users.BatchGetUsers(request, metadata=ada.metadata))
    assert failure.code is Code.PERMISSION_DENIED


async def test_a_session_that_ended_opens_nothing(identity: Running, users: Any, people: Any, clock: Any) -> None:
    from cine_identity.store import sessions

    ada = await people.join("Ada")
    app: Any = identity.app
    await app.database.write(lambda tx: sessions.revoke(tx, ada.session_id, clock()))
    for call in (
        users.GetProfile(users_pb2.GetProfileRequest(), metadata=ada.metadata),
        users.UpdateProfile(users_pb2.UpdateProfileRequest(bio="x"), metadata=ada.metadata),
        users.GetPreferences(users_pb2.GetPreferencesRequest(), metadata=ada.metadata),
        users.UpdatePreferences(users_pb2.UpdatePreferencesRequest(year_min=1), metadata=ada.metadata),
    ):
        failure = await refused(call)
        assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.TOKEN_REVOKED)
