-- Incidents: what happened to whom, once, however many requests it took.
CREATE TABLE alerts (
    id              TEXT PRIMARY KEY NOT NULL,
    group_key       TEXT NOT NULL,              -- rule, tenant, subject and category: what makes it one incident
    rule            TEXT NOT NULL,              -- the alert rule that opened it
    tenant          TEXT NOT NULL,              -- empty: nobody's in particular
    subject         TEXT NOT NULL,              -- `address:203.0.113.7`, `user:…`; empty where it concerns everybody
    category        TEXT NOT NULL,
    level           BIGINT NOT NULL,            -- 0 LOW to 3 CRITICAL
    state           TEXT NOT NULL,              -- open, acknowledged
    title           TEXT NOT NULL,
    first_ms        BIGINT NOT NULL,
    last_ms         BIGINT NOT NULL,
    requests        BIGINT NOT NULL,
    detail          TEXT NOT NULL,              -- JSON: counts by action, signature and path, examples
    acknowledged_by TEXT,
    acknowledged_ms BIGINT
);
CREATE INDEX alerts_by_time ON alerts (last_ms DESC, id DESC);
CREATE INDEX alerts_by_state ON alerts (state, last_ms DESC, id DESC);
CREATE INDEX alerts_by_subject ON alerts (subject, last_ms DESC);

-- The incident that a group's next request belongs to, if it comes soon enough.
CREATE TABLE alert_groups (
    group_key TEXT PRIMARY KEY NOT NULL,
    alert_id  TEXT NOT NULL,
    last_ms   BIGINT NOT NULL
);

CREATE TABLE alert_comments (
    id       TEXT PRIMARY KEY NOT NULL,
    alert_id TEXT NOT NULL,
    at_ms    BIGINT NOT NULL,
    author   TEXT NOT NULL,
    text     TEXT NOT NULL
);
CREATE INDEX alert_comments_by_alert ON alert_comments (alert_id, at_ms);

-- What receivers are to be told. A row is written before anything is sent, so that a crash loses nothing; it is sent
-- again rather than not at all.
CREATE TABLE alert_deliveries (
    id        TEXT PRIMARY KEY NOT NULL,
    alert_id  TEXT NOT NULL,
    group_key TEXT NOT NULL,
    receiver  TEXT NOT NULL,
    why       TEXT NOT NULL,                    -- opened, raised
    state     TEXT NOT NULL,                    -- waiting, delivered, dead
    made_ms   BIGINT NOT NULL,
    due_ms    BIGINT NOT NULL,
    attempts  BIGINT NOT NULL,
    error     TEXT NOT NULL,
    ended_ms  BIGINT
);
CREATE INDEX alert_deliveries_due ON alert_deliveries (state, due_ms);
CREATE INDEX alert_deliveries_by_alert ON alert_deliveries (alert_id, made_ms);
CREATE INDEX alert_deliveries_by_group ON alert_deliveries (group_key, receiver, made_ms);
