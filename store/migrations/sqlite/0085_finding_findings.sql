-- +goose Up
CREATE TABLE finding_findings (
    facility_id    TEXT NOT NULL,
    id             TEXT NOT NULL,
    check_id       TEXT NOT NULL,
    device_id      TEXT NOT NULL, -- '' when it is about the facility as a whole
    part           TEXT NOT NULL, -- which of several on one device: a port, an account; '' when there is one
    severity       INTEGER NOT NULL, -- 1 low .. 4 critical
    impact         TEXT NOT NULL, -- copied from the ledger
    weight         INTEGER NOT NULL, -- severity x patient impact: what lists sort by
    state          TEXT NOT NULL, -- open | accepted | fixed | gone
    stale          BOOLEAN NOT NULL, -- the last run could not look
    due_at         INTEGER NOT NULL,
    accepted_until INTEGER NOT NULL, -- 0 when not accepted
    first_seen     INTEGER NOT NULL,
    last_seen      INTEGER NOT NULL, -- when it was found last
    checked_at     INTEGER NOT NULL, -- when the check looked last, whatever it found
    closed_at      INTEGER NOT NULL,
    owner          TEXT NOT NULL,
    version        TEXT NOT NULL, -- of the rule
    revision       INTEGER NOT NULL,
    content        TEXT NOT NULL, -- JSON: title, why, fix, whom to call, evidence, reason
    PRIMARY KEY (facility_id, id)
);
CREATE UNIQUE INDEX finding_findings_subject ON finding_findings (facility_id, check_id, device_id, part);
CREATE INDEX finding_findings_device ON finding_findings (facility_id, device_id, state);
CREATE INDEX finding_findings_state ON finding_findings (facility_id, state, weight);

CREATE TABLE finding_history (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    finding_id  TEXT NOT NULL,
    at          INTEGER NOT NULL,
    actor_kind  TEXT NOT NULL,
    actor_id    TEXT NOT NULL,
    actor_name  TEXT NOT NULL,
    state       TEXT NOT NULL, -- after it
    reason      TEXT NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX finding_history_finding ON finding_history (facility_id, finding_id, at);

-- +goose Down
DROP TABLE finding_history;
DROP TABLE finding_findings;
