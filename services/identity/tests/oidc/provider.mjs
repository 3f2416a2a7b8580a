// An OpenID provider for tests: the real protocol, with people who sign in by their name alone.
// Usage: node provider.mjs '{"redirects": ["http://…/oauth/callback/acme"], "inIdToken": false}'
// It listens on a free port of loopback and prints its issuer.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { resolve } = createRequire(`${process.cwd()}/`);
const { default: Provider } = await import(pathToFileURL(resolve("oidc-provider")).href);

const wanted = JSON.parse(process.argv[2]);
// changed by the tests over /people/<sub>
const people = new Map();

const server = createServer((request, response) => handle(request, response));
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    { client_id: "cine", client_secret: "s3cret/of:cine+", redirect_uris: wanted.redirects },
    { client_id: "other", client_secret: "secret-of-another-site", redirect_uris: wanted.redirects },
  ],
  pkce: { required: () => true },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "preferred_username", "locale"] },
  conformIdTokenClaims: !wanted.inIdToken,
  features: { devInteractions: { enabled: true } },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...people.get(sub) }) }),
  cookies: { keys: ["for tests alone"] },
});
const callback = provider.callback();

async function handle(request, response) {
  const [, place, sub] = request.url.split("/");
  if (place !== "people") return callback(request, response);
  let body = "";
  for await (const piece of request) body += piece;
  people.set(decodeURIComponent(sub), JSON.parse(body));
  response.end("{}");
}

console.log(issuer);
