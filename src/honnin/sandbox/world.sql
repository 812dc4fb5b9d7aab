-- The sandbox world. Emulated cards add their own tables (honnin.sandbox.cards.counters). Times are POSIX seconds, UTC.

CREATE TABLE IF NOT EXISTS clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    born TEXT NOT NULL,            -- RFC 3339, UTC: when this world was made
    fixed TEXT,                    -- the clock stands still at this moment, or
    offset_seconds REAL NOT NULL   -- runs this far from the machine's clock
);

CREATE TABLE IF NOT EXISTS person_states (
    id INTEGER PRIMARY KEY,
    person TEXT NOT NULL,
    at REAL NOT NULL,
    event TEXT NOT NULL,
    state TEXT NOT NULL            -- JSON: the person after the event
);
CREATE INDEX IF NOT EXISTS person_states_by_person ON person_states (person, at, id);

CREATE TABLE IF NOT EXISTS jlis_keys (
    name TEXT PRIMARY KEY,         -- what it is for: `ca/signature/rsa/2`, `holder/signature/100663301`
    pkcs8 BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS jlis_serials (
    kind TEXT PRIMARY KEY,
    last INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS jlis_certificates (
    kind TEXT NOT NULL,
    serial INTEGER NOT NULL,
    line TEXT NOT NULL,
    generation INTEGER NOT NULL,
    person TEXT NOT NULL,
    card TEXT NOT NULL,            -- the chip it lies on
    holder TEXT NOT NULL,          -- JSON: name, address, … as of the issue
    municipality TEXT NOT NULL,
    not_before REAL NOT NULL,
    not_after REAL NOT NULL,
    previous INTEGER,              -- serial of the certificate it follows, same kind
    revoked_at REAL,
    reason TEXT,
    der BLOB,
    PRIMARY KEY (kind, serial)
);
CREATE INDEX IF NOT EXISTS jlis_by_person ON jlis_certificates (person, kind, not_before);
CREATE INDEX IF NOT EXISTS jlis_by_card ON jlis_certificates (card, kind, not_before);
CREATE INDEX IF NOT EXISTS jlis_by_point ON jlis_certificates (kind, line, generation, municipality, revoked_at);

CREATE TABLE IF NOT EXISTS switches (
    institution TEXT NOT NULL,
    service TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (institution, service)
) WITHOUT ROWID;
