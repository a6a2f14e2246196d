-- +goose Up
CREATE TABLE catalogue_editions (
    seq     INTEGER NOT NULL PRIMARY KEY, -- the highest of an id is in force
    id      TEXT NOT NULL, -- checklist-r8-facility
    sha256  TEXT NOT NULL, -- of content, hex: what a pack names
    name    TEXT NOT NULL, -- the file's
    note    TEXT NOT NULL, -- what was corrected on the screen
    content BLOB NOT NULL, -- the file as it came
    at      INTEGER NOT NULL,
    by_id   TEXT NOT NULL,
    by_name TEXT NOT NULL
) STRICT;
CREATE INDEX catalogue_editions_version ON catalogue_editions (id, sha256, seq);

-- +goose Down
DROP TABLE catalogue_editions;
