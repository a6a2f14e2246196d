-- +goose Up
-- The yearly check-ups as they were frozen: append-only, a chain of digests per facility.
CREATE TABLE dock_docks (
    facility_id TEXT COLLATE "C" NOT NULL,
    number      BIGINT NOT NULL, -- 1, 2, 3... in its facility
    id          TEXT COLLATE "C" NOT NULL,
    day         TEXT COLLATE "C" NOT NULL, -- "2026-11-28"
    at          BIGINT NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL, -- full | short
    by_name     TEXT COLLATE "C" NOT NULL,
    body        TEXT COLLATE "C" NOT NULL, -- the snapshot as canonical JSON: what is hashed
    hash        TEXT COLLATE "C" NOT NULL, -- SHA-256 of body, base64
    seal        TEXT COLLATE "C" NOT NULL, -- the signed note
    PRIMARY KEY (facility_id, number)
);
CREATE UNIQUE INDEX dock_docks_id ON dock_docks (facility_id, id);

-- The director's word on a dock.
CREATE TABLE dock_approvals (
    facility_id TEXT COLLATE "C" NOT NULL,
    dock_id     TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL,
    by_id       TEXT COLLATE "C" NOT NULL,
    by_name     TEXT COLLATE "C" NOT NULL,
    note        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (facility_id, dock_id)
);

ALTER TABLE dock_docks ENABLE ROW LEVEL SECURITY;
ALTER TABLE dock_docks FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON dock_docks USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE dock_approvals ENABLE ROW LEVEL SECURITY;
ALTER TABLE dock_approvals FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON dock_approvals USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose StatementBegin
CREATE FUNCTION dock_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
-- +goose StatementEnd
CREATE TRIGGER dock_docks_kept BEFORE UPDATE OR DELETE ON dock_docks FOR EACH ROW EXECUTE FUNCTION dock_append_only();

-- +goose Down
DROP TABLE dock_approvals;
DROP TABLE dock_docks;
DROP FUNCTION dock_append_only();
