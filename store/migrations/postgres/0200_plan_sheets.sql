-- +goose Up
-- The yearly sheets: risk assessments, audits, budgets; people write on them until they are signed, and after it too.
CREATE TABLE plan_sheets (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL, -- risk | audit | budget
    year        BIGINT NOT NULL, -- fiscal year
    title       TEXT COLLATE "C" NOT NULL,
    revision    BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    changed_by  TEXT COLLATE "C" NOT NULL,
    body        TEXT COLLATE "C" NOT NULL, -- JSON by kind
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX plan_sheets_kind ON plan_sheets (facility_id, kind, year);

-- What a director signed, word for word: append-only.
CREATE TABLE plan_versions (
    facility_id TEXT COLLATE "C" NOT NULL,
    sheet_id    TEXT COLLATE "C" NOT NULL,
    number      BIGINT NOT NULL, -- 1, 2, 3... of its sheet
    at          BIGINT NOT NULL,
    by_id       TEXT COLLATE "C" NOT NULL,
    by_name     TEXT COLLATE "C" NOT NULL,
    note        TEXT COLLATE "C" NOT NULL,
    title       TEXT COLLATE "C" NOT NULL,
    revision    BIGINT NOT NULL, -- of the sheet that was signed
    body        TEXT COLLATE "C" NOT NULL,
    hash        TEXT COLLATE "C" NOT NULL, -- SHA-256 over the facility, the sheet, the number, the title and the body, hex
    PRIMARY KEY (facility_id, sheet_id, number)
);

ALTER TABLE plan_sheets ENABLE ROW LEVEL SECURITY;
ALTER TABLE plan_sheets FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON plan_sheets USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE plan_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE plan_versions FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON plan_versions USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose StatementBegin
CREATE FUNCTION plan_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
-- +goose StatementEnd
CREATE TRIGGER plan_versions_kept BEFORE UPDATE OR DELETE ON plan_versions FOR EACH ROW EXECUTE FUNCTION plan_append_only();

-- +goose Down
DROP TABLE plan_versions;
DROP TABLE plan_sheets;
DROP FUNCTION plan_append_only();
