"""AuthService: registering, signing in and out, passwords, keys."""

from __future__ import annotations

from typing import Any

from cine.identity.v1 import auth_pb2 as pb
from cine.identity.v1 import auth_pb2_grpc
from cine_identity.domain.session import Challenge
from cine_identity.flows.entrance import Entered
from cine_identity.flows.mail_wishes import MailWishes
from cine_identity.flows.password_changes import RESET_PASSWORD, PasswordChanges
from cine_identity.flows.registration import VERIFY_EMAIL, Applicant, Registration
from cine_identity.flows.renewal import Renewal
from cine_identity.flows.sign_in import SignIn
from cine_identity.flows.stamps import stamp
from cine_identity.flows.who import WhoAmI
from cine_identity.keys import KeyRing
from cine_identity.servicer.entered import entered_fields, refresh_cookie, token_fields
from cine_identity.servicer.visits import (
    REFRESH_COOKIE,
    cookie,
    metadata,
    set_cookie,
    visit_of,
)
from cinemesh import context as calls
from cinemesh.errors import Unauthenticated

_SENT = "If the address has an account, a mail was sent to it."
_TO_VERIFY = "If the address has an account that waits to be verified, a mail was sent to it."


class AuthServicer(auth_pb2_grpc.AuthServiceServicer):
    """Turns calls about signing in into flows and back.

    Args:
        registration: opens accounts.
        sign_in: signs in.
        renewal: refreshes and signs out.
        changes: sets passwords.
        wishes: letters on the word of strangers.
        who: says who calls.
        keys: published at `/.well-known/jwks.json`.
        cookies_secure: whether browsers keep our cookies.
    """

    def __init__(
        self,
        registration: Registration,
        sign_in: SignIn,
        renewal: Renewal,
        changes: PasswordChanges,
        wishes: MailWishes,
        who: WhoAmI,
        keys: KeyRing,
        *,
        cookies_secure: bool,
    ) -> None:
        self._registration = registration
        self._sign_in = sign_in
        self._renewal = renewal
        self._changes = changes
        self._wishes = wishes
        self._who = who
        self._keys = keys
        self._cookies_secure = cookies_secure

    async def Register(self, request: pb.RegisterRequest, context: Any) -> pb.RegisterResponse:
        """Opens an account."""
        applicant = Applicant(
            username=request.username,
            email=request.email,
            password=request.password,
            display_name=request.display_name,
            locale=request.locale,
            request_id=request.request_id,
        )
        account = await self._registration.register(applicant, visit_of(context))
        return pb.RegisterResponse(
            user_id=account.user_id,
            username=account.username,
            email=account.email,
            email_verified=account.email_verified,
            roles=account.roles,
        )

    async def VerifyEmail(self, request: pb.VerifyEmailRequest, context: Any) -> pb.VerifyEmailResponse:
        """Marks an address as verified."""
        account = await self._registration.verify(
            visit_of(context), token=request.token, email=request.email, code=request.code
        )
        return pb.VerifyEmailResponse(
            user_id=account.user_id,
            username=account.username,
            email=account.email,
            email_verified=account.email_verified,
            roles=account.roles,
        )

    async def ResendVerification(
        self, request: pb.ResendVerificationRequest, context: Any
    ) -> pb.ResendVerificationResponse:
        """Has the verification mailed again."""
        await self._wishes.keep(VERIFY_EMAIL, request.email)
        return pb.ResendVerificationResponse(message=_TO_VERIFY)

    async def Login(self, request: pb.LoginRequest, context: Any) -> pb.LoginResponse:
        """Signs in by name or address, and password."""
        result = await self._sign_in.login(
            request.username or request.email,
            request.password,
            visit_of(context, request.device_name, replaces=request.use_cookie),
            by_address=bool(request.email),
        )
        if isinstance(result, Challenge):
            return pb.LoginResponse(
                second_factor_required=True,
                second_factor_token=result.token,
                second_factor_methods=result.methods,
            )
        fields = await self._entered(result, context, use_cookie=request.use_cookie)
        return pb.LoginResponse(**fields, second_factor_missing=result.tokens.lacking)

    async def VerifySecondFactor(
        self, request: pb.VerifySecondFactorRequest, context: Any
    ) -> pb.VerifySecondFactorResponse:
        """Completes a sign-in."""
        entered = await self._sign_in.second_factor(
            request.second_factor_token,
            code=request.code,
            recovery_code=request.recovery_code,
            visit=visit_of(context, replaces=request.use_cookie),
        )
        fields = await self._entered(entered, context, use_cookie=request.use_cookie)
        return pb.VerifySecondFactorResponse(**fields, recovery_codes_left=entered.recovery_codes_left)

    async def RefreshToken(self, request: pb.RefreshTokenRequest, context: Any) -> pb.RefreshTokenResponse:
        """Trades a refresh token, from the request or from the cookie, and answers the same way."""
        kept = "" if request.refresh_token else cookie(metadata(context), REFRESH_COOKIE)
        token = request.refresh_token or kept
        if not token:
            raise Unauthenticated(
                "this call needs a refresh token", violations=[("refresh_token", "is missing, and so is the cookie")]
            )
        tokens = await self._renewal.renew(token, visit_of(context))
        if kept:
            await context.send_initial_metadata((refresh_cookie(tokens),))
        return pb.RefreshTokenResponse(**token_fields(tokens, in_cookie=bool(kept)))

    async def Logout(self, request: pb.LogoutRequest, context: Any) -> pb.LogoutResponse:
        """Ends the session of the refresh token, of the cookie, or else of the access token."""
        visit = visit_of(context)
        kept = "" if request.refresh_token else cookie(metadata(context), REFRESH_COOKIE)
        principal = calls.current().principal
        if request.refresh_token or kept:
            await self._renewal.end(request.refresh_token or kept, visit)
        elif principal.kind == "user":
            await self._renewal.end_own(principal, visit)
        else:
            raise Unauthenticated("there is nobody to sign out: send a refresh token or an access token")
        if kept:
            await context.send_initial_metadata((set_cookie(REFRESH_COOKIE, "", seconds=0),))
        return pb.LogoutResponse()

    async def GetMe(self, request: pb.GetMeRequest, context: Any) -> pb.GetMeResponse:
        """Says who the caller is."""
        me = await self._who.am_i(calls.current().principal)
        account = me.account
        return pb.GetMeResponse(
            user_id=account.user_id,
            username=account.username,
            email=account.email,
            email_verified=account.email_verified,
            roles=me.granted.roles,
            display_name=account.display_name,
            created_at=stamp(account.created_at),
            second_factor_enabled=me.second_factor,
            has_password=account.password_hash is not None,
            second_factor_missing=me.granted.lacking,
            withheld_roles=me.granted.withheld,
        )

    async def ForgotPassword(self, request: pb.ForgotPasswordRequest, context: Any) -> pb.ForgotPasswordResponse:
        """Has a link for a new password mailed."""
        await self._wishes.keep(RESET_PASSWORD, request.email)
        return pb.ForgotPasswordResponse(message=_SENT)

    async def ResetPassword(self, request: pb.ResetPasswordRequest, context: Any) -> pb.ResetPasswordResponse:
        """Sets a new password by the token of a link."""
        ended = await self._changes.reset(request.token, request.password, visit_of(context))
        return pb.ResetPasswordResponse(sessions_revoked=ended)

    async def ChangePassword(self, request: pb.ChangePasswordRequest, context: Any) -> pb.ChangePasswordResponse:
        """Sets a new password knowing the old one."""
        ended = await self._changes.change(
            calls.current().principal, request.current_password, request.new_password, visit_of(context)
        )
        return pb.ChangePasswordResponse(sessions_revoked=ended)

    async def GetJsonWebKeySet(self, request: pb.GetJsonWebKeySetRequest, context: Any) -> pb.GetJsonWebKeySetResponse:
        """Publishes the keys that verify access tokens."""
        answer = pb.GetJsonWebKeySetResponse()
        answer.key_set.content_type = "application/jwk-set+json"
        answer.key_set.data = self._keys.jwks()
        return answer

    async def _entered(self, entered: Entered, context: Any, *, use_cookie: bool) -> dict[str, Any]:
        """Sets the cookies of a sign-in and returns the fields of its answer."""
        return await entered_fields(entered, context, use_cookie=use_cookie, cookies_secure=self._cookies_secure)
