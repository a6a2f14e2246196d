-- +goose Up
CREATE TABLE catalogue_editions (
    id      TEXT NOT NULL,    -- checklist-r8-facility
    sha256  TEXT NOT NULL,    -- of content, hex: what a pack names
    seq     INTEGER NOT NULL, -- the highest of an id is in force
    name    TEXT NOT NULL,    -- the file's
    content BLOB NOT NULL,    -- the file as it came
    at      INTEGER NOT NULL,
    by_id   TEXT NOT NULL,
    by_name TEXT NOT NULL,
    PRIMARY KEY (id, sha256)
) STRICT;
CREATE UNIQUE INDEX catalogue_editions_seq ON catalogue_editions (seq);

-- +goose Down
DROP TABLE catalogue_editions;
