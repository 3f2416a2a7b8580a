// The calls to Identity: accounts, the ways to sign in, sessions, and what administrators do.

import { call, queryString, send } from "./api.js";

const AUTH = "api/v1/auth";
const ME = "api/v1/users/me";
const ADMIN = "api/v1/admin";
const bare = { bare: true };
const safe = encodeURIComponent;
const post = (path, body = {}, options = undefined) => send("POST", path, body, undefined, options);
const drop = (path) => call(path, undefined, { method: "DELETE" });

// the refresh token of a browser lies in a cookie
const cookie = { use_cookie: true };

export const register = (body) => post(`${AUTH}/register`, body, bare);
export const verifyEmail = (body) => post(`${AUTH}/verify-email`, body, bare);
export const resendVerification = (email) => post(`${AUTH}/resend-verification`, { email }, bare);
export const login = (body) => post(`${AUTH}/login`, { ...body, ...cookie }, bare);
export const secondFactor = (body) => post(`${AUTH}/login/second-factor`, { ...body, ...cookie }, bare);
export const forgotPassword = (email) => post(`${AUTH}/forgot-password`, { email }, bare);
export const resetPassword = (body) => post(`${AUTH}/reset-password`, body, bare);
export const changePassword = (body) => post(`${AUTH}/change-password`, body);

export const getProfile = (signal) => call(`${ME}/profile`, signal);
export const updateProfile = (body) => send("PUT", `${ME}/profile`, body);
export const getPreferences = (signal) => call(`${ME}/preferences`, signal);
export const updatePreferences = (body) => send("PUT", `${ME}/preferences`, body);
export const publicProfile = (username, signal) => call(`api/v1/users/${safe(username)}`, signal);
export const exportAccount = () => call(`${ME}/export`, undefined, { read: (response) => response.blob() });
export const deleteAccount = (body) => post(`${ME}/delete`, body);

export const listSessions = (token, signal) => call(`${AUTH}/sessions${queryString({ page_size: 50, page_token: token })}`, signal);
export const endSession = (id) => drop(`${AUTH}/sessions/${safe(id)}`);
export const endOtherSessions = () => drop(`${AUTH}/sessions?keep_current=true`);

export const getSecondFactor = (signal) => call(`${AUTH}/second-factor`, signal);
export const enrolTotp = (password) => post(`${AUTH}/second-factor/totp`, { password });
export const confirmTotp = (code) => post(`${AUTH}/second-factor/totp/confirm`, { code });
export const disableTotp = (body) => post(`${AUTH}/second-factor/totp/disable`, body);
export const replaceRecoveryCodes = (code) => post(`${AUTH}/second-factor/recovery-codes`, { code });

export const listPasskeys = (signal) => call(`${AUTH}/passkeys`, signal);
export const deletePasskey = (id) => drop(`${AUTH}/passkeys/${safe(id)}`);
export const beginPasskey = () => post(`${AUTH}/passkeys/register/begin`);
export const finishPasskey = (body) => post(`${AUTH}/passkeys/register/finish`, body);
export const beginPasskeyLogin = (body) => post(`${AUTH}/passkeys/login/begin`, body, bare);
export const finishPasskeyLogin = (body) => post(`${AUTH}/passkeys/login/finish`, { ...body, ...cookie }, bare);

export const listProviders = (signal) => call(`${AUTH}/oauth/providers`, signal);
export const authorize = (provider) => call(`${AUTH}/oauth/${safe(provider)}/authorize?use_cookie=true`, undefined, bare);
export const startLink = (provider) => post(`${AUTH}/oauth/${safe(provider)}/link`);
export const oauthCallback = (provider, query) => call(`${AUTH}/oauth/${safe(provider)}/callback?${query}`, undefined, bare);
export const listIdentities = (signal) => call(`${AUTH}/identities`, signal);
export const unlinkIdentity = (id) => drop(`${AUTH}/identities/${safe(id)}`);

export const listUsers = (params, signal) => call(`${ADMIN}/users${queryString(params)}`, signal);
export const getUser = (id, signal) => call(`${ADMIN}/users/${safe(id)}`, signal);
export const setRoles = (id, body) => send("PUT", `${ADMIN}/users/${safe(id)}/roles`, body);
export const endUserSessions = (id, reason) => post(`${ADMIN}/users/${safe(id)}/sessions/end`, { reason });
export const resetSecondFactor = (id, reason) => post(`${ADMIN}/users/${safe(id)}/second-factor/reset`, { reason });
export const disableUser = (id, reason) => post(`${ADMIN}/users/${safe(id)}/disable`, { reason });
export const enableUser = (id, reason) => post(`${ADMIN}/users/${safe(id)}/enable`, { reason });
export const listAudit = (params, signal) => call(`${ADMIN}/audit-log${queryString(params)}`, signal);
