-- Who did what on the admin plane, and who failed to. Rows are added and, when they are old, trimmed; never changed.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    time_ms BIGINT NOT NULL,
    who     TEXT NOT NULL,
    source  TEXT NOT NULL,
    action  TEXT NOT NULL,
    target  TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail  TEXT NOT NULL
);
CREATE INDEX audit_of_who ON audit (who, id);
CREATE INDEX audit_of_action ON audit (action, id);
CREATE INDEX audit_by_time ON audit (time_ms);
