-- +goose Up
CREATE TABLE blob_files (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    media_type  TEXT COLLATE "C" NOT NULL,
    size        BIGINT NOT NULL,
    sha256      TEXT COLLATE "C" NOT NULL, -- hex; '' while the file is still coming in
    created_at  BIGINT NOT NULL,
    by_id       TEXT COLLATE "C" NOT NULL,
    by_name     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (facility_id, id)
);
ALTER TABLE blob_files ENABLE ROW LEVEL SECURITY;
ALTER TABLE blob_files FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON blob_files
    USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

CREATE TABLE blob_chunks (
    facility_id TEXT COLLATE "C" NOT NULL,
    file_id     TEXT COLLATE "C" NOT NULL,
    n           BIGINT NOT NULL,
    data        BYTEA NOT NULL,
    PRIMARY KEY (facility_id, file_id, n)
);
ALTER TABLE blob_chunks ENABLE ROW LEVEL SECURITY;
ALTER TABLE blob_chunks FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON blob_chunks
    USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose Down
DROP TABLE blob_chunks;
DROP TABLE blob_files;
