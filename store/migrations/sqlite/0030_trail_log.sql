-- +goose Up
-- Who did what when, one Merkle log per facility. leaf is the entry as it was hashed; the other columns are copies of it to search by.
CREATE TABLE trail_entries (
    facility_id  TEXT NOT NULL,
    seq          INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    actor_kind   TEXT NOT NULL,
    actor_id     TEXT NOT NULL,
    actor_name   TEXT NOT NULL,
    action       TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id   TEXT NOT NULL,
    summary_ja   TEXT NOT NULL,
    summary_en   TEXT NOT NULL,
    detail       TEXT NOT NULL,
    leaf         BLOB NOT NULL,
    PRIMARY KEY (facility_id, seq)
) STRICT;
CREATE INDEX trail_entries_at ON trail_entries (facility_id, at);
CREATE INDEX trail_entries_actor ON trail_entries (facility_id, actor_id, seq);
CREATE INDEX trail_entries_action ON trail_entries (facility_id, action, seq);
CREATE INDEX trail_entries_subject ON trail_entries (facility_id, subject_kind, subject_id, seq);

-- The tree's hashes in tlog's storage order.
CREATE TABLE trail_hashes (
    facility_id TEXT NOT NULL,
    n           INTEGER NOT NULL,
    hash        BLOB NOT NULL,
    PRIMARY KEY (facility_id, n)
) STRICT;

-- How many entries there are; the row is also the lock that puts appends in order.
CREATE TABLE trail_heads (
    facility_id TEXT NOT NULL PRIMARY KEY,
    size        INTEGER NOT NULL
) STRICT;

-- The key that signs a facility's checkpoints; secret is sealed.
CREATE TABLE trail_keys (
    facility_id TEXT NOT NULL PRIMARY KEY,
    public      TEXT NOT NULL,
    secret      BLOB NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE trail_keys;
DROP TABLE trail_heads;
DROP TABLE trail_hashes;
DROP TABLE trail_entries;
