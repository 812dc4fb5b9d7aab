// oidc-provider set up like the agency: code flow with PKCE, private_key_jwt, ES256 ID tokens, pairwise subjects,
// four-item scopes with flat claims, people of its own (invented). Argument: a JSON file with jwks and redirect_uri.
// It prints its issuer once it listens; GET /test/rotate changes the signing key, GET /test/jwks-down and jwks-up close and open the JWKS.
import { readFileSync } from 'node:fs';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const given = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const signing = (kid) => ({
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid,
});
const people = {
  mihon: { name: '見本　花子', address: '東京都見本区例町1-2-3', birthdate: '19850315', gender: '2' },
};

function provider(issuer, keys) {
  const made = new Provider(issuer, {
    clients: [{
      client_id: 'RP00000001',
      redirect_uris: [given.redirect_uri],
      response_types: ['code'],
      grant_types: ['authorization_code', 'client_credentials'],
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: given.algorithm,
      id_token_signed_response_alg: 'ES256',
      subject_type: 'pairwise',
      scope: 'openid name address birthdate gender sign',
      jwks: given.jwks,
    }],
    jwks: { keys },
    scopes: ['openid', 'name', 'address', 'birthdate', 'gender', 'sign'],
    claims: { openid: ['sub'], name: ['name'], address: ['address'], birthdate: ['birthdate'], gender: ['gender'] },
    subjectTypes: ['pairwise'],
    pairwiseIdentifier: (ctx, account, client) => createHash('sha256').update(client.clientId + account + 'salt').digest('hex'),
    pkce: { required: () => true },
    acrValues: ['aal3', 'crl'],
    enabledJWA: {
      clientAuthSigningAlgValues: ['ES256', 'RS256'],
      idTokenSigningAlgValues: ['ES256', 'RS256'],
    },
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
    cookies: { keys: ['invented'] },
  });
  return made;
}

let down = false;
let current;
const server = createServer(async (request, response) => {
  if (request.url.startsWith('/test/jwks-')) { down = request.url.endsWith('down'); response.end(); return; }
  if (request.url === '/test/rotate') { current = provider(issuer, [signing(`later-${Date.now()}`)]); response.end(); return; }
  if (request.url.startsWith('/jwks') && down) { response.statusCode = 503; response.end(); return; }
  if (request.url.startsWith('/interaction/')) {
    const details = await current.interactionDetails(request, response);
    if (details.prompt.name === 'login') {
      await current.interactionFinished(request, response, { login: { accountId: 'mihon', acr: 'aal3' } });
      return;
    }
    const grant = new current.Grant({ accountId: details.session.accountId, clientId: details.params.client_id });
    grant.addOIDCScope(details.params.scope);
    await current.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
    return;
  }
  current.callback()(request, response);
});
let issuer;
server.listen(0, '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  current = provider(issuer, [signing('first')]);
  console.log(issuer);
});
