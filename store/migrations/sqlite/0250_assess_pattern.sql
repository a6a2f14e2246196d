-- +goose Up
-- The two answers that choose the guideline's reference pattern: '' is not answered.
CREATE TABLE assess_pattern (
    facility_id TEXT NOT NULL,
    staff       TEXT NOT NULL, -- yes, no: somebody is dedicated to running the systems
    cloud       TEXT NOT NULL, -- yes, no: the main system is in a cloud
    changed_at  INTEGER NOT NULL,
    by_name     TEXT NOT NULL,
    PRIMARY KEY (facility_id)
);

-- +goose Down
DROP TABLE assess_pattern;
