-- +goose Up
CREATE TABLE gate_segments (
    facility_id TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    prefix      TEXT    NOT NULL,
    interface   TEXT    NOT NULL,
    routed      BOOLEAN NOT NULL,
    purpose     TEXT    NOT NULL,
    medical     BOOLEAN NOT NULL,
    pace        TEXT    NOT NULL,
    hours_from  INTEGER NOT NULL,
    hours_to    INTEGER NOT NULL,
    listen      BOOLEAN NOT NULL,
    snmp        BLOB,
    approved    BOOLEAN NOT NULL,
    approved_by TEXT    NOT NULL,
    approved_at INTEGER NOT NULL,
    changed_by  TEXT    NOT NULL,
    changed_at  INTEGER NOT NULL,
    revision    INTEGER NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE TABLE gate_unlocks (
    facility_id TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    device_id   TEXT    NOT NULL,
    segment_id  TEXT    NOT NULL,
    ip          TEXT    NOT NULL,
    mac         TEXT    NOT NULL,
    starts      INTEGER NOT NULL,
    ends        INTEGER NOT NULL,
    reason      TEXT    NOT NULL,
    given_by    TEXT    NOT NULL,
    given_at    INTEGER NOT NULL,
    revoked_by  TEXT    NOT NULL,
    revoked_at  INTEGER NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX gate_unlocks_ends ON gate_unlocks (facility_id, ends);
CREATE TABLE gate_never (
    facility_id TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    word        TEXT    NOT NULL,
    device_id   TEXT    NOT NULL,
    segment_id  TEXT    NOT NULL,
    ip          TEXT    NOT NULL,
    mac         TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    said_by     TEXT    NOT NULL,
    said_at     INTEGER NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE TABLE gate_switch (
    facility_id TEXT    NOT NULL,
    killed      BOOLEAN NOT NULL,
    reason      TEXT    NOT NULL,
    changed_by  TEXT    NOT NULL,
    changed_at  INTEGER NOT NULL,
    revision    INTEGER NOT NULL,
    PRIMARY KEY (facility_id)
);
CREATE TABLE gate_sent (
    facility_id TEXT    NOT NULL,
    hour        INTEGER NOT NULL,
    segment_id  TEXT    NOT NULL,
    host        TEXT    NOT NULL,
    frame       TEXT    NOT NULL,
    refused     TEXT    NOT NULL,
    mac         TEXT    NOT NULL,
    frames      INTEGER NOT NULL,
    PRIMARY KEY (facility_id, hour, segment_id, host, frame, refused)
);

-- +goose Down
DROP TABLE gate_sent;
DROP TABLE gate_switch;
DROP TABLE gate_never;
DROP TABLE gate_unlocks;
DROP TABLE gate_segments;
