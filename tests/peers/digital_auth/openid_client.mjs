// Logs in with openid-client 6: code, PKCE, private_key_jwt, ID token, UserInfo, refresh, client credentials.
import { readFileSync } from "node:fs";
import * as client from "openid-client";

const given = JSON.parse(readFileSync(process.argv[2], "utf8"));
const algorithm =
  given.jwk.kty === "EC" ? { name: "ECDSA", namedCurve: "P-256" } : { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
const key = await crypto.subtle.importKey("jwk", given.jwk, algorithm, false, ["sign"]);
const configuration = new client.Configuration(
  given.server,
  given.client_id,
  { id_token_signed_response_alg: "ES256" },
  // The service wants the token endpoint as audience (§1.7); this library names the issuer unless told otherwise (decision 0014).
  client.PrivateKeyJwt(
    { key, kid: given.jwk.kid },
    given.as_it_is ? {} : { [client.modifyAssertion]: (_, claims) => void (claims.aud = given.server.token_endpoint) },
  ),
);
client.allowInsecureRequests(configuration);
if (given.switch) {
  configuration[client.customFetch] = (url, options) =>
    fetch(url, { ...options, headers: { ...options.headers, "honnin-sandbox-switch": given.switch } });
}

const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const nonce = client.randomNonce();
const address = client.buildAuthorizationUrl(configuration, {
  redirect_uri: given.redirect_uri,
  scope: "openid name address birthdate gender",
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
  nonce,
  acr_values: "aal3 crl",
});
const answer = await fetch(address, { redirect: "manual", headers: { "honnin-sandbox-person": "hanako" } });
const tokens = await client.authorizationCodeGrant(configuration, new URL(answer.headers.get("location")), {
  pkceCodeVerifier: verifier,
  expectedState: state,
  expectedNonce: nonce,
  idTokenExpected: true,
});
const claims = tokens.claims();
const items = await client.fetchUserInfo(configuration, tokens.access_token, claims.sub);
const refreshed = await client.refreshTokenGrant(configuration, tokens.refresh_token);
const own = await client.clientCredentialsGrant(configuration, { scope: "sign" });
console.log(JSON.stringify({ claims, items, refreshed: refreshed.claims(), own: own.scope }));
