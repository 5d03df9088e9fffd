-- Who is banned, on all gateways of this installation. A lifted ban stays until its time is over, so that every
-- gateway learns of it.
CREATE TABLE bans (
    subject    TEXT PRIMARY KEY NOT NULL,
    since_ms   BIGINT NOT NULL,
    -- NULL: until a person lifts it.
    until_ms   BIGINT,
    offences   BIGINT NOT NULL,
    cause      TEXT NOT NULL,
    -- Of an address: the programs there that it is for, as 64 bits; 0 for whatever is there.
    programs   BIGINT NOT NULL,
    -- The person who added it; empty where a gateway did by itself.
    author     TEXT NOT NULL,
    node       TEXT NOT NULL,
    lifted_ms  BIGINT,
    -- Grows with each change, in the order in which changes became visible.
    change     BIGINT NOT NULL
);
CREATE UNIQUE INDEX bans_by_change ON bans (change);

-- One row, locked by whoever changes a ban: gateways that ask for what came after a number miss nothing.
CREATE TABLE ban_changes (
    last BIGINT NOT NULL
);
INSERT INTO ban_changes (last) VALUES (0);
