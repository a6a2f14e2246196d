-- +goose Up
CREATE TABLE finding_findings (
    facility_id    TEXT COLLATE "C" NOT NULL,
    id             TEXT COLLATE "C" NOT NULL,
    check_id       TEXT COLLATE "C" NOT NULL,
    device_id      TEXT COLLATE "C" NOT NULL, -- '' when it is about the facility as a whole
    part           TEXT COLLATE "C" NOT NULL, -- which of several on one device: a port, an account; '' when there is one
    severity       BIGINT NOT NULL, -- 1 low .. 4 critical
    impact         TEXT COLLATE "C" NOT NULL, -- copied from the ledger
    weight         BIGINT NOT NULL, -- severity x patient impact: what lists sort by
    state          TEXT COLLATE "C" NOT NULL, -- open | accepted | fixed | gone
    stale          BOOLEAN NOT NULL, -- the last run could not look
    due_at         BIGINT NOT NULL,
    accepted_until BIGINT NOT NULL, -- 0 when not accepted
    first_seen     BIGINT NOT NULL,
    last_seen      BIGINT NOT NULL, -- when it was found last
    checked_at     BIGINT NOT NULL, -- when the check looked last, whatever it found
    closed_at      BIGINT NOT NULL,
    owner          TEXT COLLATE "C" NOT NULL,
    version        TEXT COLLATE "C" NOT NULL, -- of the rule
    revision       BIGINT NOT NULL,
    content        TEXT COLLATE "C" NOT NULL, -- JSON: title, why, fix, whom to call, evidence, reason
    PRIMARY KEY (facility_id, id)
);
CREATE UNIQUE INDEX finding_findings_subject ON finding_findings (facility_id, check_id, device_id, part);
CREATE INDEX finding_findings_device ON finding_findings (facility_id, device_id, state);
CREATE INDEX finding_findings_state ON finding_findings (facility_id, state, weight);

CREATE TABLE finding_history (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    finding_id  TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL,
    actor_kind  TEXT COLLATE "C" NOT NULL,
    actor_id    TEXT COLLATE "C" NOT NULL,
    actor_name  TEXT COLLATE "C" NOT NULL,
    state       TEXT COLLATE "C" NOT NULL, -- after it
    reason      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX finding_history_finding ON finding_history (facility_id, finding_id, at);

ALTER TABLE finding_findings ENABLE ROW LEVEL SECURITY;
ALTER TABLE finding_findings FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON finding_findings USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE finding_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE finding_history FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON finding_history USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose Down
DROP TABLE finding_history;
DROP TABLE finding_findings;
