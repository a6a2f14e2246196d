-- +goose Up
-- The daily checkpoint as it was mailed, to be printed again; day is the facility's date.
CREATE TABLE trail_seals (
    facility_id TEXT NOT NULL,
    day         TEXT NOT NULL,
    text        TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (facility_id, day)
) STRICT;

-- +goose Down
DROP TABLE trail_seals;
