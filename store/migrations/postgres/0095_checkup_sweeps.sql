-- +goose Up
-- One row for each pass over the network: what was asked for, how far it is.
CREATE TABLE checkup_sweeps (
    facility_id  TEXT COLLATE "C" NOT NULL,
    id           TEXT COLLATE "C" NOT NULL,
    run_id       TEXT COLLATE "C" NOT NULL,
    state        TEXT COLLATE "C" NOT NULL,
    request_json TEXT COLLATE "C" NOT NULL,
    cursor_json  TEXT COLLATE "C" NOT NULL,
    requested_by TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT NOT NULL,
    started_at   BIGINT NOT NULL,
    finished_at  BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    done_count   BIGINT NOT NULL,
    total_count  BIGINT NOT NULL,
    frames_sent  BIGINT NOT NULL,
    note_json    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX checkup_sweeps_created ON checkup_sweeps (facility_id, created_at);

-- The hosts that answered in a sweep, and how far each was asked: after a crash the asking goes on from here.
CREATE TABLE checkup_hosts (
    facility_id TEXT COLLATE "C" NOT NULL,
    sweep_id    TEXT COLLATE "C" NOT NULL,
    segment_id  TEXT COLLATE "C" NOT NULL,
    host_key    TEXT COLLATE "C" NOT NULL,
    mac         TEXT COLLATE "C" NOT NULL,
    ip          TEXT COLLATE "C" NOT NULL,
    device_id   TEXT COLLATE "C" NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,
    tries       BIGINT NOT NULL,
    next_port   BIGINT NOT NULL, -- index in the list of ports
    reason      TEXT COLLATE "C" NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (facility_id, sweep_id, segment_id, host_key)
);
CREATE INDEX checkup_hosts_state ON checkup_hosts (facility_id, sweep_id, state);

ALTER TABLE checkup_sweeps ENABLE ROW LEVEL SECURITY;
ALTER TABLE checkup_sweeps FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON checkup_sweeps USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));
ALTER TABLE checkup_hosts ENABLE ROW LEVEL SECURITY;
ALTER TABLE checkup_hosts FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON checkup_hosts USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose Down
DROP TABLE checkup_hosts;
DROP TABLE checkup_sweeps;
