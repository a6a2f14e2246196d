-- +goose Up
CREATE TABLE ledger_systems (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    revision    BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    changed_by  TEXT COLLATE "C" NOT NULL,
    name_key    TEXT COLLATE "C" NOT NULL,
    content     TEXT COLLATE "C" NOT NULL, -- JSON of System
    PRIMARY KEY (facility_id, id)
);

CREATE TABLE ledger_system_devices (
    facility_id TEXT COLLATE "C" NOT NULL,
    system_id   TEXT COLLATE "C" NOT NULL,
    device_id   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (facility_id, system_id, device_id)
);
CREATE INDEX ledger_system_devices_device ON ledger_system_devices (facility_id, device_id);

CREATE TABLE ledger_attachments (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    entry_id    TEXT COLLATE "C" NOT NULL, -- a device or a system
    blob_id     TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    note        TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL,
    actor_name  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX ledger_attachments_entry ON ledger_attachments (facility_id, entry_id);

ALTER TABLE ledger_systems ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_systems FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON ledger_systems USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE ledger_system_devices ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_system_devices FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON ledger_system_devices USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE ledger_attachments ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_attachments FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON ledger_attachments USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose Down
DROP TABLE ledger_attachments;
DROP TABLE ledger_system_devices;
DROP TABLE ledger_systems;
