-- Settings made while the gateways run: each change is a whole new version, so that going back is one more of them.
CREATE TABLE overlay (
    version  BIGINT PRIMARY KEY NOT NULL,
    made_ms  BIGINT NOT NULL,
    author   TEXT NOT NULL,
    comment  TEXT NOT NULL,
    -- The settings as JSON.
    settings TEXT NOT NULL,
    -- What changed against the version before, as JSON.
    changes  TEXT NOT NULL
);
