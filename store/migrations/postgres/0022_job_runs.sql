-- +goose Up
-- One row per piece of work; its River row is only the turn that it waits for.
CREATE TABLE job_runs (
    facility_id      TEXT COLLATE "C" NOT NULL,
    id               TEXT COLLATE "C" NOT NULL,
    kind             TEXT COLLATE "C" NOT NULL,
    queue            TEXT COLLATE "C" NOT NULL,
    title_ja         TEXT COLLATE "C" NOT NULL,
    title_en         TEXT COLLATE "C" NOT NULL,
    state            TEXT COLLATE "C" NOT NULL,
    step             BIGINT NOT NULL,
    done_count       BIGINT NOT NULL,
    total_count      BIGINT NOT NULL,
    note_ja          TEXT COLLATE "C" NOT NULL,
    note_en          TEXT COLLATE "C" NOT NULL,
    args_json        TEXT COLLATE "C" NOT NULL,
    state_json       TEXT COLLATE "C" NOT NULL,
    error_ja         TEXT COLLATE "C" NOT NULL,
    error_en         TEXT COLLATE "C" NOT NULL,
    attempts         BIGINT NOT NULL,
    cancel_requested BOOLEAN NOT NULL,
    pause_requested  BOOLEAN NOT NULL,
    unique_key       TEXT COLLATE "C",
    requester_kind   TEXT COLLATE "C" NOT NULL,
    requester_id     TEXT COLLATE "C" NOT NULL,
    requester_name   TEXT COLLATE "C" NOT NULL,
    river_id         BIGINT NOT NULL,
    lease            TEXT COLLATE "C" NOT NULL,
    lease_until      BIGINT NOT NULL,
    created_at       BIGINT NOT NULL,
    started_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    finished_at      BIGINT NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE UNIQUE INDEX job_runs_unique ON job_runs (facility_id, kind, unique_key);
CREATE INDEX job_runs_state ON job_runs (facility_id, state, id);
ALTER TABLE job_runs ENABLE ROW LEVEL SECURITY; ALTER TABLE job_runs FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON job_runs USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- The processes that work jobs now; beat counts up while one lives.
CREATE TABLE job_copies (
    id         TEXT COLLATE "C" PRIMARY KEY,
    host       TEXT COLLATE "C" NOT NULL,
    pid        BIGINT NOT NULL,
    beat       BIGINT NOT NULL,
    started_at BIGINT NOT NULL
);

-- When work that comes back is due next; whoever moves next_at forward does it.
CREATE TABLE job_periods (
    name    TEXT COLLATE "C" PRIMARY KEY,
    next_at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE job_periods;
DROP TABLE job_copies;
DROP TABLE job_runs;
