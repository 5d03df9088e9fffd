-- What people said of verdicts. A mark has what it takes to count it without its record, which retention may remove.
CREATE TABLE feedback (
    record_key BIGINT PRIMARY KEY NOT NULL,
    id         TEXT NOT NULL,
    said       TEXT NOT NULL,                   -- false-positive, confirmed
    comment    TEXT NOT NULL,
    author     TEXT NOT NULL,
    made_ms    BIGINT NOT NULL,
    route      TEXT NOT NULL,
    host       TEXT NOT NULL,
    action     TEXT NOT NULL,                   -- what was done with the request, or would have been
    votes      TEXT NOT NULL                    -- JSON: which models took it for an attack, by name
);
CREATE INDEX feedback_by_id ON feedback (id);
