-- +goose Up
-- What was measured: append-only, a chain of digests per facility.
CREATE TABLE evidence_records (
    facility_id TEXT COLLATE "C" NOT NULL,
    seq         BIGINT NOT NULL, -- 1, 2, 3... in its facility
    id          TEXT COLLATE "C" NOT NULL,
    check_id    TEXT COLLATE "C" NOT NULL,
    subject     TEXT COLLATE "C" NOT NULL, -- '' when it is about the facility as a whole, else a system
    outcome     TEXT COLLATE "C" NOT NULL, -- pass | fail | none
    at          BIGINT NOT NULL, -- when it was observed
    received_at BIGINT NOT NULL, -- when it was written down
    until_at    BIGINT NOT NULL, -- until when it counts
    leaf        TEXT COLLATE "C" NOT NULL, -- the record as canonical JSON: what is hashed
    hash        TEXT COLLATE "C" NOT NULL, -- SHA-256 over the hash before and leaf
    PRIMARY KEY (facility_id, seq)
);
CREATE UNIQUE INDEX evidence_records_id ON evidence_records (facility_id, id);
CREATE INDEX evidence_records_check ON evidence_records (facility_id, check_id, subject, seq);

-- The newest record of each check and subject.
CREATE TABLE evidence_latest (
    facility_id TEXT COLLATE "C" NOT NULL,
    check_id    TEXT COLLATE "C" NOT NULL,
    subject     TEXT COLLATE "C" NOT NULL,
    seq         BIGINT NOT NULL,
    PRIMARY KEY (facility_id, check_id, subject)
);

-- The end of each chain; its row is the lock of who appends.
CREATE TABLE evidence_heads (
    facility_id TEXT COLLATE "C" NOT NULL,
    seq         BIGINT NOT NULL,
    hash        TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (facility_id)
);

ALTER TABLE evidence_records ENABLE ROW LEVEL SECURITY;
ALTER TABLE evidence_records FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON evidence_records USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE evidence_latest ENABLE ROW LEVEL SECURITY;
ALTER TABLE evidence_latest FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON evidence_latest USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE evidence_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE evidence_heads FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON evidence_heads USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose StatementBegin
CREATE FUNCTION evidence_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
-- +goose StatementEnd
CREATE TRIGGER evidence_records_kept BEFORE UPDATE OR DELETE ON evidence_records FOR EACH ROW EXECUTE FUNCTION evidence_append_only();

-- +goose Down
DROP TABLE evidence_heads;
DROP TABLE evidence_latest;
DROP TABLE evidence_records;
DROP FUNCTION evidence_append_only();
