-- +goose Up
CREATE TABLE gate_segments (
    facility_id TEXT COLLATE "C"    NOT NULL,
    id          TEXT COLLATE "C"    NOT NULL,
    name        TEXT COLLATE "C"    NOT NULL,
    prefix      TEXT COLLATE "C"    NOT NULL,
    interface   TEXT COLLATE "C"    NOT NULL,
    routed      BOOLEAN NOT NULL,
    purpose     TEXT COLLATE "C"    NOT NULL,
    medical     BOOLEAN NOT NULL,
    pace        TEXT COLLATE "C"    NOT NULL,
    hours_from  BIGINT NOT NULL,
    hours_to    BIGINT NOT NULL,
    listen      BOOLEAN NOT NULL,
    snmp        BYTEA,
    approved    BOOLEAN NOT NULL,
    approved_by TEXT COLLATE "C"    NOT NULL,
    approved_at BIGINT NOT NULL,
    changed_by  TEXT COLLATE "C"    NOT NULL,
    changed_at  BIGINT NOT NULL,
    revision    BIGINT NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE TABLE gate_unlocks (
    facility_id TEXT COLLATE "C"    NOT NULL,
    id          TEXT COLLATE "C"    NOT NULL,
    device_id   TEXT COLLATE "C"    NOT NULL,
    segment_id  TEXT COLLATE "C"    NOT NULL,
    ip          TEXT COLLATE "C"    NOT NULL,
    mac         TEXT COLLATE "C"    NOT NULL,
    starts      BIGINT NOT NULL,
    ends        BIGINT NOT NULL,
    reason      TEXT COLLATE "C"    NOT NULL,
    given_by    TEXT COLLATE "C"    NOT NULL,
    given_at    BIGINT NOT NULL,
    revoked_by  TEXT COLLATE "C"    NOT NULL,
    revoked_at  BIGINT NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX gate_unlocks_ends ON gate_unlocks (facility_id, ends);
CREATE TABLE gate_never (
    facility_id TEXT COLLATE "C"    NOT NULL,
    id          TEXT COLLATE "C"    NOT NULL,
    word        TEXT COLLATE "C"    NOT NULL,
    device_id   TEXT COLLATE "C"    NOT NULL,
    segment_id  TEXT COLLATE "C"    NOT NULL,
    ip          TEXT COLLATE "C"    NOT NULL,
    mac         TEXT COLLATE "C"    NOT NULL,
    reason      TEXT COLLATE "C"    NOT NULL,
    said_by     TEXT COLLATE "C"    NOT NULL,
    said_at     BIGINT NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE TABLE gate_switch (
    facility_id TEXT COLLATE "C"    NOT NULL,
    killed      BOOLEAN NOT NULL,
    reason      TEXT COLLATE "C"    NOT NULL,
    changed_by  TEXT COLLATE "C"    NOT NULL,
    changed_at  BIGINT NOT NULL,
    revision    BIGINT NOT NULL,
    PRIMARY KEY (facility_id)
);
CREATE TABLE gate_sent (
    facility_id TEXT COLLATE "C"    NOT NULL,
    hour        BIGINT NOT NULL,
    segment_id  TEXT COLLATE "C"    NOT NULL,
    host        TEXT COLLATE "C"    NOT NULL,
    frame       TEXT COLLATE "C"    NOT NULL,
    refused     TEXT COLLATE "C"    NOT NULL,
    mac         TEXT COLLATE "C"    NOT NULL,
    frames      BIGINT NOT NULL,
    PRIMARY KEY (facility_id, hour, segment_id, host, frame, refused)
);

ALTER TABLE gate_segments ENABLE ROW LEVEL SECURITY;
ALTER TABLE gate_segments FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON gate_segments USING (facility_id = current_setting('kenshin.facility')) WITH CHECK (facility_id = current_setting('kenshin.facility'));
ALTER TABLE gate_unlocks ENABLE ROW LEVEL SECURITY;
ALTER TABLE gate_unlocks FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON gate_unlocks USING (facility_id = current_setting('kenshin.facility')) WITH CHECK (facility_id = current_setting('kenshin.facility'));
ALTER TABLE gate_never ENABLE ROW LEVEL SECURITY;
ALTER TABLE gate_never FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON gate_never USING (facility_id = current_setting('kenshin.facility')) WITH CHECK (facility_id = current_setting('kenshin.facility'));
ALTER TABLE gate_switch ENABLE ROW LEVEL SECURITY;
ALTER TABLE gate_switch FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON gate_switch USING (facility_id = current_setting('kenshin.facility')) WITH CHECK (facility_id = current_setting('kenshin.facility'));
ALTER TABLE gate_sent ENABLE ROW LEVEL SECURITY;
ALTER TABLE gate_sent FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON gate_sent USING (facility_id = current_setting('kenshin.facility')) WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose Down
DROP TABLE gate_sent;
DROP TABLE gate_switch;
DROP TABLE gate_never;
DROP TABLE gate_unlocks;
DROP TABLE gate_segments;
