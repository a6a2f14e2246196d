-- +goose Up
CREATE TABLE ledger_systems (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    revision    INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL,
    changed_by  TEXT NOT NULL,
    name_key    TEXT NOT NULL,
    content     TEXT NOT NULL, -- JSON of System
    PRIMARY KEY (facility_id, id)
);

CREATE TABLE ledger_system_devices (
    facility_id TEXT NOT NULL,
    system_id   TEXT NOT NULL,
    device_id   TEXT NOT NULL,
    PRIMARY KEY (facility_id, system_id, device_id)
) WITHOUT ROWID;
CREATE INDEX ledger_system_devices_device ON ledger_system_devices (facility_id, device_id);

CREATE TABLE ledger_attachments (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    entry_id    TEXT NOT NULL, -- a device or a system
    blob_id     TEXT NOT NULL,
    name        TEXT NOT NULL,
    note        TEXT NOT NULL,
    at          INTEGER NOT NULL,
    actor_name  TEXT NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX ledger_attachments_entry ON ledger_attachments (facility_id, entry_id);

-- +goose Down
DROP TABLE ledger_attachments;
DROP TABLE ledger_system_devices;
DROP TABLE ledger_systems;
