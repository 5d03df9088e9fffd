-- One row for each exchange. The key is its time in milliseconds, shifted by 22 bits, and 22 bits of its id's hash: in
-- order of time, the same whenever the same record comes again, and no index of its own is needed for time.
CREATE TABLE records (
    key  INTEGER PRIMARY KEY NOT NULL,
    node TEXT NOT NULL,
    line TEXT NOT NULL
);

-- The terms of each record (see src/records/terms.rs), its rowid the record's key. Contentless: only which term stands
-- in which record. Small segments are written and merged later, so that an insert costs no walk through a large tree.
CREATE VIRTUAL TABLE record_terms USING fts5(
    terms,
    content = '',
    contentless_delete = 1,
    detail = none,
    tokenize = "ascii tokenchars '!#$%&()*+,-./:;<=>?@[\]^_{|}~'"
);
INSERT INTO record_terms (record_terms, rank) VALUES ('automerge', 8);
