-- +goose Up
CREATE TABLE catalogue_editions (
    seq     BIGINT NOT NULL PRIMARY KEY, -- the highest of an id is in force
    id      TEXT COLLATE "C" NOT NULL, -- checklist-r8-facility
    sha256  TEXT COLLATE "C" NOT NULL, -- of content, hex: what a pack names
    name    TEXT COLLATE "C" NOT NULL, -- the file's
    note    TEXT COLLATE "C" NOT NULL, -- what was corrected on the screen
    content BYTEA NOT NULL, -- the file as it came
    at      BIGINT NOT NULL,
    by_id   TEXT COLLATE "C" NOT NULL,
    by_name TEXT COLLATE "C" NOT NULL
);
CREATE INDEX catalogue_editions_version ON catalogue_editions (id, sha256, seq);

-- +goose Down
DROP TABLE catalogue_editions;
