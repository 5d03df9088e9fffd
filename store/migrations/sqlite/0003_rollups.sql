-- What a batch of records adds to the minutes it touches, written in the batch's own transaction.
CREATE TABLE rollup_parts (
    id     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    minute INTEGER NOT NULL,
    route  TEXT NOT NULL,
    host   TEXT NOT NULL,
    cell   TEXT NOT NULL
);

-- The parts, added up by one node: `width` is 60000 or 3600000 milliseconds, `start` the beginning.
CREATE TABLE rollups (
    width INTEGER NOT NULL,
    start INTEGER NOT NULL,
    route TEXT NOT NULL,
    host  TEXT NOT NULL,
    cell  TEXT NOT NULL,
    PRIMARY KEY (width, start, route, host)
) WITHOUT ROWID;

-- Who does what only one node of an installation does, and until when it is theirs.
CREATE TABLE leases (
    name   TEXT PRIMARY KEY NOT NULL,
    holder TEXT NOT NULL,
    until  INTEGER NOT NULL
);
