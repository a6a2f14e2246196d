-- +goose Up
-- Who did what when, one Merkle log per facility. leaf is the entry as it was hashed; the other columns are copies of it to search by.
CREATE TABLE trail_entries (
    facility_id  TEXT COLLATE "C" NOT NULL,
    seq          BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    actor_kind   TEXT COLLATE "C" NOT NULL,
    actor_id     TEXT COLLATE "C" NOT NULL,
    actor_name   TEXT COLLATE "C" NOT NULL,
    action       TEXT COLLATE "C" NOT NULL,
    subject_kind TEXT COLLATE "C" NOT NULL,
    subject_id   TEXT COLLATE "C" NOT NULL,
    summary_ja   TEXT COLLATE "C" NOT NULL,
    summary_en   TEXT COLLATE "C" NOT NULL,
    detail       TEXT COLLATE "C" NOT NULL,
    leaf         BYTEA NOT NULL,
    PRIMARY KEY (facility_id, seq)
);
ALTER TABLE trail_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE trail_entries FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON trail_entries
    USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));
CREATE INDEX trail_entries_at ON trail_entries (facility_id, at);
CREATE INDEX trail_entries_actor ON trail_entries (facility_id, actor_id, seq);
CREATE INDEX trail_entries_action ON trail_entries (facility_id, action, seq);
CREATE INDEX trail_entries_subject ON trail_entries (facility_id, subject_kind, subject_id, seq);

-- The tree's hashes in tlog's storage order.
CREATE TABLE trail_hashes (
    facility_id TEXT COLLATE "C" NOT NULL,
    n           BIGINT NOT NULL,
    hash        BYTEA NOT NULL,
    PRIMARY KEY (facility_id, n)
);
ALTER TABLE trail_hashes ENABLE ROW LEVEL SECURITY;
ALTER TABLE trail_hashes FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON trail_hashes
    USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- How many entries there are; the row is also the lock that puts appends in order.
CREATE TABLE trail_heads (
    facility_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    size        BIGINT NOT NULL
);
ALTER TABLE trail_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE trail_heads FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON trail_heads
    USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- The key that signs a facility's checkpoints; secret is sealed.
CREATE TABLE trail_keys (
    facility_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    public      TEXT COLLATE "C" NOT NULL,
    secret      BYTEA NOT NULL,
    created_at  BIGINT NOT NULL
);
ALTER TABLE trail_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE trail_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON trail_keys
    USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose Down
DROP TABLE trail_keys;
DROP TABLE trail_heads;
DROP TABLE trail_hashes;
DROP TABLE trail_entries;
