-- +goose Up
CREATE TABLE catalogue_editions (
    id      TEXT COLLATE "C" NOT NULL, -- checklist-r8-facility
    sha256  TEXT COLLATE "C" NOT NULL, -- of content, hex: what a pack names
    seq     BIGINT NOT NULL,           -- the highest of an id is in force
    name    TEXT COLLATE "C" NOT NULL, -- the file's
    content BYTEA NOT NULL,            -- the file as it came
    at      BIGINT NOT NULL,
    by_id   TEXT COLLATE "C" NOT NULL,
    by_name TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (id, sha256)
);
CREATE UNIQUE INDEX catalogue_editions_seq ON catalogue_editions (seq);

-- +goose Down
DROP TABLE catalogue_editions;
