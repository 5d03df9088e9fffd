-- One row for each exchange. The key is its time in milliseconds, shifted by 22 bits, and 22 bits of its id's hash: in
-- order of time, the same whenever the same record comes again, and no index of its own is needed for time.
CREATE TABLE records (
    key   BIGINT PRIMARY KEY NOT NULL,
    node  TEXT NOT NULL,
    line  TEXT NOT NULL,
    terms TSVECTOR NOT NULL
);

-- The terms of each record (see src/records/terms.rs). Entries wait in a list and are merged later (fastupdate).
CREATE INDEX record_terms ON records USING gin (terms) WITH (fastupdate = on);
