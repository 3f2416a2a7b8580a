"""UserService: profiles, preferences, export, leaving."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeVar

from google.protobuf.message import Message

from cine.identity.v1 import users_pb2, users_pb2_grpc
from cine_identity.domain import preferences as preference_rules
from cine_identity.domain import profile as profile_rules
from cine_identity.domain.account import Account
from cine_identity.domain.preferences import Preferences
from cine_identity.domain.profile import Profile, PublicProfile
from cine_identity.flows.export import AccountExport
from cine_identity.flows.leaving import AccountDeletion
from cine_identity.flows.preferences import PreferenceKeeping
from cine_identity.flows.profiles import Profiles, PublicProfiles
from cine_identity.flows.stamps import stamp
from cine_identity.servicer.visits import REFRESH_COOKIE, cookie, metadata, set_cookie, visit_of
from cinemesh import context as calls
from cinemesh.changes import changes_of

M = TypeVar("M", bound=Message)


class UserServicer(users_pb2_grpc.UserServiceServicer):
    """Turns calls about people into flows and back.

    Args:
        profiles: one's own profile.
        public: those of others.
        preferences: one's preferences.
        export: the file of everything.
        deletion: leaving.
    """

    def __init__(
        self,
        profiles: Profiles,
        public: PublicProfiles,
        preferences: PreferenceKeeping,
        export: AccountExport,
        deletion: AccountDeletion,
    ) -> None:
        self._profiles = profiles
        self._public = public
        self._preferences = preferences
        self._export = export
        self._deletion = deletion

    async def GetProfile(self, _: users_pb2.GetProfileRequest, __: Any) -> users_pb2.GetProfileResponse:
        """Gives the caller's own profile."""
        account, profile = await self._profiles.get(calls.current().principal)
        return _profile(users_pb2.GetProfileResponse, account, profile)

    async def UpdateProfile(self, request: users_pb2.UpdateProfileRequest, _: Any) -> users_pb2.UpdateProfileResponse:
        """Changes the caller's own profile."""
        changes = changes_of(request, profile_rules.EDITABLE)
        account, profile = await self._profiles.update(calls.current().principal, changes, request.etag)
        return _profile(users_pb2.UpdateProfileResponse, account, profile)

    async def GetPreferences(self, _: users_pb2.GetPreferencesRequest, __: Any) -> users_pb2.GetPreferencesResponse:
        """Gives the caller's preferences."""
        return _preferences(users_pb2.GetPreferencesResponse, await self._preferences.get(calls.current().principal))

    async def UpdatePreferences(
        self, request: users_pb2.UpdatePreferencesRequest, _: Any
    ) -> users_pb2.UpdatePreferencesResponse:
        """Changes the caller's preferences."""
        changes = changes_of(request, preference_rules.EDITABLE)
        kept = await self._preferences.update(calls.current().principal, changes, request.etag)
        return _preferences(users_pb2.UpdatePreferencesResponse, kept)

    async def GetPublicProfile(self, request: users_pb2.GetPublicProfileRequest, _: Any) -> Any:
        """Gives what a person made public; the serialized message comes from the cache."""
        return await self._public.get(request.username, _public)

    async def ExportAccount(
        self, _: users_pb2.ExportAccountRequest, call: Any
    ) -> AsyncIterator[users_pb2.ExportAccountResponse]:
        """Sends everything held about the caller as a JSON file."""
        async for piece in self._export.write(calls.current().principal, visit_of(call)):
            answer = users_pb2.ExportAccountResponse()
            answer.file.content_type = "application/json"
            answer.file.data = piece
            yield answer

    async def DeleteAccount(
        self, request: users_pb2.DeleteAccountRequest, call: Any
    ) -> users_pb2.DeleteAccountResponse:
        """Deletes the caller's account."""
        deleted_at = await self._deletion.delete(
            calls.current().principal,
            confirm_username=request.confirm_username,
            password=request.password,
            code=request.code,
            visit=visit_of(call),
        )
        if cookie(metadata(call), REFRESH_COOKIE):
            await call.send_initial_metadata((set_cookie(REFRESH_COOKIE, "", seconds=0),))
        return users_pb2.DeleteAccountResponse(deleted_at=stamp(deleted_at))

    async def BatchGetUsers(self, request: users_pb2.BatchGetUsersRequest, _: Any) -> users_pb2.BatchGetUsersResponse:
        """Gives the names of several people to a service."""
        found = await self._profiles.people(request.user_ids)
        people = [
            users_pb2.PublicUser(
                user_id=person.user_id,
                username=person.username,
                display_name=person.display_name,
                avatar_url=person.avatar_url,
            )
            for person in found
        ]
        return users_pb2.BatchGetUsersResponse(users=people)


def _profile(kind: type[M], account: Account, profile: Profile) -> M:
    answer: Any = kind()
    answer.user_id, answer.username = account.user_id, account.username
    for name in ("display_name", "bio", "avatar_url", "location", "website_url", "etag"):
        setattr(answer, name, getattr(profile, name))
    answer.favourite_movie_ids.extend(profile.favourite_movie_ids)
    answer.public_fields.extend(profile.public_fields)
    answer.created_at.FromDatetime(account.created_at)
    answer.updated_at.FromDatetime(profile.updated_at)
    return answer  # type: ignore[no-any-return]


def _public(profile: PublicProfile) -> bytes:
    answer = users_pb2.GetPublicProfileResponse(
        user_id=profile.user_id, username=profile.username, created_at=stamp(profile.created_at), **profile.shown
    )
    return answer.SerializeToString()


def _preferences(kind: type[M], kept: Preferences) -> M:
    answer: Any = kind(**kept.taste.document(), etag=kept.etag)
    answer.updated_at.FromDatetime(kept.updated_at)
    return answer  # type: ignore[no-any-return]
