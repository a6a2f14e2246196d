-- +goose Up
-- What was measured: append-only, a chain of digests per facility.
CREATE TABLE evidence_records (
    facility_id TEXT NOT NULL,
    seq         INTEGER NOT NULL, -- 1, 2, 3... in its facility
    id          TEXT NOT NULL,
    check_id    TEXT NOT NULL,
    subject     TEXT NOT NULL, -- '' when it is about the facility as a whole, else a system
    outcome     TEXT NOT NULL, -- pass | fail | none
    at          INTEGER NOT NULL, -- when it was observed
    received_at INTEGER NOT NULL, -- when it was written down
    until_at    INTEGER NOT NULL, -- until when it counts
    leaf        TEXT NOT NULL, -- the record as canonical JSON: what is hashed
    hash        TEXT NOT NULL, -- SHA-256 over the hash before and leaf
    PRIMARY KEY (facility_id, seq)
);
CREATE UNIQUE INDEX evidence_records_id ON evidence_records (facility_id, id);
CREATE INDEX evidence_records_check ON evidence_records (facility_id, check_id, subject, seq);

-- +goose StatementBegin
CREATE TRIGGER evidence_records_kept BEFORE UPDATE ON evidence_records BEGIN SELECT RAISE(ABORT, 'evidence_records is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER evidence_records_stay BEFORE DELETE ON evidence_records BEGIN SELECT RAISE(ABORT, 'evidence_records is append-only'); END;
-- +goose StatementEnd

-- The newest record of each check and subject.
CREATE TABLE evidence_latest (
    facility_id TEXT NOT NULL,
    check_id    TEXT NOT NULL,
    subject     TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    PRIMARY KEY (facility_id, check_id, subject)
);

-- The end of each chain; its row is the lock of who appends.
CREATE TABLE evidence_heads (
    facility_id TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    hash        TEXT NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (facility_id)
);

-- +goose Down
DROP TABLE evidence_heads;
DROP TABLE evidence_latest;
DROP TABLE evidence_records;
