// Logs in with oauth4webapi 3, which checks each answer by itself.
import { readFileSync } from "node:fs";
import * as oauth from "oauth4webapi";

const given = JSON.parse(readFileSync(process.argv[2], "utf8"));
const algorithm =
  given.jwk.kty === "EC" ? { name: "ECDSA", namedCurve: "P-256" } : { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
const key = await crypto.subtle.importKey("jwk", given.jwk, algorithm, false, ["sign"]);
const server = given.server;
const client = { client_id: given.client_id, id_token_signed_response_alg: "ES256" };
// The service wants the token endpoint as audience (§1.7); this library names the issuer unless told otherwise (decision 0014).
const authentication = oauth.PrivateKeyJwt(
  { key, kid: given.jwk.kid },
  given.as_it_is ? {} : { [oauth.modifyAssertion]: (_, claims) => void (claims.aud = server.token_endpoint) },
);
const open = { [oauth.allowInsecureRequests]: true };
if (given.switch) {
  open[oauth.customFetch] = (url, options) =>
    fetch(url, { ...options, headers: { ...options.headers, "honnin-sandbox-switch": given.switch } });
}

const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const nonce = oauth.generateRandomNonce();
const address = new URL(server.authorization_endpoint);
address.search = new URLSearchParams({
  response_type: "code",
  client_id: given.client_id,
  redirect_uri: given.redirect_uri,
  scope: "openid name",
  state,
  nonce,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
});
const answer = await fetch(address, { redirect: "manual", headers: { "honnin-sandbox-person": "taro" } });
const back = oauth.validateAuthResponse(server, client, new URL(answer.headers.get("location")), state);
const response = await oauth.authorizationCodeGrantRequest(
  server,
  client,
  authentication,
  back,
  given.redirect_uri,
  verifier,
  open,
);
const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
  expectedNonce: nonce,
  requireIdToken: true,
});
await oauth.validateApplicationLevelSignature(server, response, open);
const claims = oauth.getValidatedIdTokenClaims(tokens);
const info = await oauth.userInfoRequest(server, client, tokens.access_token, open);
const items = await oauth.processUserInfoResponse(server, client, claims.sub, info);
console.log(JSON.stringify({ claims, items }));
