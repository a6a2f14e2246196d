-- +goose Up
-- One row per piece of work; its River row is only the turn that it waits for.
CREATE TABLE job_runs (
    facility_id      TEXT NOT NULL,
    id               TEXT NOT NULL,
    kind             TEXT NOT NULL,
    queue            TEXT NOT NULL,
    title_ja         TEXT NOT NULL,
    title_en         TEXT NOT NULL,
    state            TEXT NOT NULL,
    step             INTEGER NOT NULL,
    done_count       INTEGER NOT NULL,
    total_count      INTEGER NOT NULL,
    note_ja          TEXT NOT NULL,
    note_en          TEXT NOT NULL,
    args_json        TEXT NOT NULL,
    state_json       TEXT NOT NULL,
    error_ja         TEXT NOT NULL,
    error_en         TEXT NOT NULL,
    attempts         INTEGER NOT NULL,
    cancel_requested BOOLEAN NOT NULL,
    pause_requested  BOOLEAN NOT NULL,
    unique_key       TEXT,
    requester_kind   TEXT NOT NULL,
    requester_id     TEXT NOT NULL,
    requester_name   TEXT NOT NULL,
    river_id         INTEGER NOT NULL,
    lease            TEXT NOT NULL,
    lease_until      INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    started_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    finished_at      INTEGER NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE UNIQUE INDEX job_runs_unique ON job_runs (facility_id, kind, unique_key);
CREATE INDEX job_runs_state ON job_runs (facility_id, state, id);

-- The processes that work jobs now; beat counts up while one lives.
CREATE TABLE job_copies (
    id         TEXT PRIMARY KEY,
    host       TEXT NOT NULL,
    pid        INTEGER NOT NULL,
    beat       INTEGER NOT NULL,
    started_at INTEGER NOT NULL
);

-- When work that comes back is due next; whoever moves next_at forward does it.
CREATE TABLE job_periods (
    name    TEXT PRIMARY KEY,
    next_at INTEGER NOT NULL
);

-- +goose Down
DROP TABLE job_periods;
DROP TABLE job_copies;
DROP TABLE job_runs;
