"""OAuthService: signing in through other providers, and identities linked to an account."""

from __future__ import annotations

from typing import Any

from cine.identity.v1 import oauth_pb2 as pb
from cine.identity.v1 import oauth_pb2_grpc
from cine_identity.domain.session import Challenge
from cine_identity.flows.identities import Identities
from cine_identity.flows.oauth import Departure, OAuth, Return
from cine_identity.flows.stamps import stamp
from cine_identity.servicer.entered import entered_fields
from cine_identity.servicer.visits import OAUTH_COOKIE, cookie, metadata, set_cookie, visit_of
from cinemesh import context as calls


class OAuthServicer(oauth_pb2_grpc.OAuthServiceServicer):
    """Turns calls about other providers into flows and back.

    Args:
        oauth: out and back.
        identities: those of the caller.
        cookies_secure: whether browsers keep our cookies.
    """

    def __init__(self, oauth: OAuth, identities: Identities, *, cookies_secure: bool) -> None:
        self._oauth = oauth
        self._identities = identities
        self._cookies_secure = cookies_secure

    async def ListProviders(self, request: pb.ListProvidersRequest, context: Any) -> pb.ListProvidersResponse:
        """Lists the providers that are set up."""
        shown = [pb.Provider(provider=one.name, display_name=one.display_name) for one in self._oauth.providers()]
        return pb.ListProvidersResponse(providers=shown)

    async def Authorize(self, request: pb.AuthorizeRequest, context: Any) -> pb.AuthorizeResponse:
        """Starts a sign-in."""
        departure = await self._oauth.depart(request.provider, request.redirect_uri, use_cookie=request.use_cookie)
        return pb.AuthorizeResponse(**await self._bound(departure, context))

    async def StartLink(self, request: pb.StartLinkRequest, context: Any) -> pb.StartLinkResponse:
        """Starts linking an identity."""
        principal = calls.current().principal
        departure = await self._oauth.depart_to_link(principal, request.provider, request.redirect_uri)
        return pb.StartLinkResponse(**await self._bound(departure, context))

    async def HandleCallback(self, request: pb.HandleCallbackRequest, context: Any) -> pb.HandleCallbackResponse:
        """Ends a sign-in or a link."""
        back = Return(
            provider=request.provider,
            state=request.state,
            browser=cookie(metadata(context), OAUTH_COOKIE),
            code=request.code,
            error=request.error,
            issuer=request.iss,
        )
        visit = visit_of(context, replaces=True)  # the attempt knows whether it does
        attempt, opened = await self._oauth.arrive(back, calls.current().principal, visit)
        spent = set_cookie(OAUTH_COOKIE, "", seconds=0, same_site="Lax")
        if opened.result is None:
            await context.send_initial_metadata((spent,))
            return pb.HandleCallbackResponse(linked=True, user_id=opened.user_id, redirect_uri=attempt.page)
        if isinstance(opened.result, Challenge):
            await context.send_initial_metadata((spent,))
            return pb.HandleCallbackResponse(
                second_factor_required=True,
                second_factor_token=opened.result.token,
                second_factor_methods=opened.result.methods,
                redirect_uri=attempt.page,
            )
        fields = await entered_fields(
            opened.result,
            context,
            use_cookie=attempt.use_cookie,
            cookies_secure=self._cookies_secure,
            more=(spent,),
        )
        return pb.HandleCallbackResponse(
            **fields,
            created=opened.created,
            redirect_uri=attempt.page,
            second_factor_missing=opened.result.tokens.lacking,
        )

    async def ListLinkedIdentities(
        self, request: pb.ListLinkedIdentitiesRequest, context: Any
    ) -> pb.ListLinkedIdentitiesResponse:
        """Lists the caller's identities."""
        held = await self._identities.list(calls.current().principal)
        return pb.ListLinkedIdentitiesResponse(
            identities=[
                pb.LinkedIdentity(
                    identity_id=one.identity_id,
                    provider=one.provider,
                    label=one.label,
                    linked_at=stamp(one.linked_at),
                    last_used_at=stamp(one.last_used_at) if one.last_used_at is not None else None,
                )
                for one in held
            ]
        )

    async def UnlinkIdentity(self, request: pb.UnlinkIdentityRequest, context: Any) -> pb.UnlinkIdentityResponse:
        """Unlinks an identity."""
        await self._identities.unlink(calls.current().principal, request.identity_id, visit_of(context))
        return pb.UnlinkIdentityResponse()

    @staticmethod
    async def _bound(departure: Departure, context: Any) -> dict[str, Any]:
        """Binds an attempt to the browser, and returns the fields of the answer. Lax: the way back begins at another site."""
        kept = set_cookie(OAUTH_COOKIE, departure.browser, seconds=departure.expires_in, same_site="Lax")
        await context.send_initial_metadata((kept,))
        return {
            "authorization_url": departure.page,
            "state": departure.state,
            "expires_in": departure.expires_in,
        }
