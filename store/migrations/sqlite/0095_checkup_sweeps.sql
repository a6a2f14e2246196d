-- +goose Up
-- One row for each pass over the network: what was asked for, how far it is.
CREATE TABLE checkup_sweeps (
    facility_id  TEXT NOT NULL,
    id           TEXT NOT NULL,
    run_id       TEXT NOT NULL,
    state        TEXT NOT NULL,
    request_json TEXT NOT NULL,
    cursor_json  TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    started_at   INTEGER NOT NULL,
    finished_at  INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    done_count   INTEGER NOT NULL,
    total_count  INTEGER NOT NULL,
    frames_sent  INTEGER NOT NULL,
    note_json    TEXT NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX checkup_sweeps_created ON checkup_sweeps (facility_id, created_at);

-- The hosts that answered in a sweep, and how far each was asked: after a crash the asking goes on from here.
CREATE TABLE checkup_hosts (
    facility_id TEXT NOT NULL,
    sweep_id    TEXT NOT NULL,
    segment_id  TEXT NOT NULL,
    host_key    TEXT NOT NULL,
    mac         TEXT NOT NULL,
    ip          TEXT NOT NULL,
    device_id   TEXT NOT NULL,
    state       TEXT NOT NULL,
    tries       INTEGER NOT NULL,
    next_port   INTEGER NOT NULL, -- index in the list of ports
    reason      TEXT NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (facility_id, sweep_id, segment_id, host_key)
);
CREATE INDEX checkup_hosts_state ON checkup_hosts (facility_id, sweep_id, state);

-- +goose Down
DROP TABLE checkup_hosts;
DROP TABLE checkup_sweeps;
