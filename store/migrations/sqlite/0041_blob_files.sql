-- +goose Up
CREATE TABLE blob_files (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    name        TEXT NOT NULL,
    media_type  TEXT NOT NULL,
    size        INTEGER NOT NULL,
    sha256      TEXT NOT NULL, -- hex; '' while the file is still coming in
    created_at  INTEGER NOT NULL,
    by_id       TEXT NOT NULL,
    by_name     TEXT NOT NULL,
    PRIMARY KEY (facility_id, id)
) STRICT;

CREATE TABLE blob_chunks (
    facility_id TEXT NOT NULL,
    file_id     TEXT NOT NULL,
    n           INTEGER NOT NULL,
    data        BLOB NOT NULL,
    PRIMARY KEY (facility_id, file_id, n)
) STRICT;

-- +goose Down
DROP TABLE blob_chunks;
DROP TABLE blob_files;
