-- +goose Up
CREATE TABLE setting_values (
    facility_id TEXT NOT NULL,
    name        TEXT NOT NULL,
    value       TEXT NOT NULL, -- JSON
    at          INTEGER NOT NULL,
    by_id       TEXT NOT NULL,
    by_name     TEXT NOT NULL,
    PRIMARY KEY (facility_id, name)
) STRICT;

-- +goose Down
DROP TABLE setting_values;
