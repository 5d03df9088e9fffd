-- Who may use the admin plane: users, their sessions and their API tokens. Of sessions and tokens only hashes are kept.
CREATE TABLE users (
    name        TEXT PRIMARY KEY NOT NULL,
    role        TEXT NOT NULL,
    tenant      TEXT,
    -- Issuer and subject of whoever comes by single sign-on; such a user has no password here.
    subject     TEXT UNIQUE,
    password    TEXT,
    must_change BIGINT NOT NULL,
    disabled    BIGINT NOT NULL,
    created_ms  BIGINT NOT NULL,
    login_ms    BIGINT
);

CREATE TABLE sessions (
    hash       TEXT PRIMARY KEY NOT NULL,
    user_name  TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    source     TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    seen_ms    BIGINT NOT NULL
);
CREATE INDEX sessions_of_user ON sessions (user_name, created_ms);

CREATE TABLE tokens (
    id         TEXT PRIMARY KEY NOT NULL,
    hash       TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    user_name  TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    role       TEXT NOT NULL,
    -- Families of routes, with commas between; empty: all.
    families   TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT,
    used_ms    BIGINT
);
CREATE INDEX tokens_of_user ON tokens (user_name, created_ms);
