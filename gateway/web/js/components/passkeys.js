// Passkeys: the browser's own dialogue between two calls.

import { ApiError } from "../api.js";
import { beginPasskey, beginPasskeyLogin, finishPasskey, finishPasskeyLogin } from "../identity.js";

/** Whether this browser can do it; it also needs https, or this very machine. */
export const passkeysWork = () => Boolean(globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON && navigator.credentials);

const WORDS = {
  NotAllowedError: "Nothing was chosen, or it took too long.",
  InvalidStateError: "This device already has a passkey for the account.",
  SecurityError: "Passkeys do not work at this address: they need https and a name.",
};

async function ask(run) {
  try {
    return await run();
  } catch (error) {
    if (error instanceof DOMException) throw new ApiError("invalid", WORDS[error.name] ?? "The browser could not do that.", "");
    throw error;
  }
}

/** Signs in with a passkey; `body` may name the person or the sign-in that asks for a second factor. */
export async function passkeyLogin(body = {}) {
  const { ceremony_id, public_key } = await beginPasskeyLogin(body);
  const credential = await ask(() => navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(public_key) }));
  return finishPasskeyLogin({ ceremony_id, credential: credential.toJSON() });
}

/** Adds a passkey of this device to the account. */
export async function addPasskey(name) {
  const { ceremony_id, public_key } = await beginPasskey();
  const credential = await ask(() => navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(public_key) }));
  return finishPasskey({ ceremony_id, credential: credential.toJSON(), name });
}
