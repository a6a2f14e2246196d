-- +goose Up
-- Stories that a facility wrote itself: its own text, read anew whenever it is used. The built-in ones are files of the program.
CREATE TABLE drill_scenarios (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL, -- as the file names it
    title       TEXT NOT NULL,
    source      TEXT NOT NULL, -- YAML
    added_at    INTEGER NOT NULL,
    by_id       TEXT NOT NULL,
    by_name     TEXT NOT NULL,
    PRIMARY KEY (facility_id, id)
) STRICT;

-- +goose Down
DROP TABLE drill_scenarios;
