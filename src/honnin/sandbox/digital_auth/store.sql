-- The Digital Authentication Service's part of the world. Times are POSIX seconds, UTC. Secrets lie here as SHA-256.

CREATE TABLE IF NOT EXISTS dauth_parties (
    client_id TEXT PRIMARY KEY,
    registration TEXT NOT NULL     -- JSON (parties.Party)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS dauth_verifiers (
    verifier TEXT PRIMARY KEY,
    registration TEXT NOT NULL     -- JSON (parties.Verifier)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS dauth_keys (
    kid TEXT PRIMARY KEY,
    used_for TEXT NOT NULL,        -- id_token, access_token, salt
    jwk TEXT NOT NULL,
    since REAL NOT NULL,
    until REAL                     -- it signs no more, and leaves the JWKS then
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS dauth_assertions (
    client_id TEXT NOT NULL,
    jti TEXT NOT NULL,
    until REAL NOT NULL,
    PRIMARY KEY (client_id, jti)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS dauth_visits (   -- an authorization request and how far the person has come with it
    visit TEXT PRIMARY KEY,
    request TEXT NOT NULL,         -- JSON (authorizing.Asked)
    began REAL NOT NULL,
    until REAL NOT NULL,
    state TEXT NOT NULL            -- JSON (visits.State)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS dauth_grants (
    grant_id TEXT PRIMARY KEY,
    content TEXT NOT NULL,         -- JSON (grants.Grant)
    ended INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS dauth_secrets (  -- codes, access tokens and refresh tokens of a grant
    digest TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    grant_id TEXT NOT NULL REFERENCES dauth_grants (grant_id),
    until REAL NOT NULL,
    used INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS dauth_transactions (
    transaction_id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    given BLOB NOT NULL,           -- the bytes to be signed, as they go to the card
    text TEXT,                     -- the words to be shown
    until REAL NOT NULL,
    signature BLOB,
    certificate BLOB,
    shown TEXT                     -- JWS: what the phone showed
) WITHOUT ROWID;
