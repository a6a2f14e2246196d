-- +goose Up
CREATE TABLE setting_values (
    facility_id TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    value       TEXT COLLATE "C" NOT NULL, -- JSON
    at          BIGINT NOT NULL,
    by_id       TEXT COLLATE "C" NOT NULL,
    by_name     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (facility_id, name)
);
ALTER TABLE setting_values ENABLE ROW LEVEL SECURITY;
ALTER TABLE setting_values FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON setting_values
    USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose Down
DROP TABLE setting_values;
