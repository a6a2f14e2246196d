-- +goose Up
-- An import of the hospital's own sheet: looked at, taken in, perhaps taken back.
CREATE TABLE ledger_imports (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    file        TEXT COLLATE "C" NOT NULL, -- its name
    blob_id     TEXT COLLATE "C" NOT NULL,
    state       TEXT COLLATE "C" NOT NULL, -- mapping | staging | preview | applying | done | undoing | undone
    replace_all BOOLEAN NOT NULL, -- the sheet wins over what a person entered
    at          BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    actor_kind  TEXT COLLATE "C" NOT NULL,
    actor_id    TEXT COLLATE "C" NOT NULL,
    actor_name  TEXT COLLATE "C" NOT NULL,
    total       BIGINT NOT NULL, -- rows that change something
    mapping     TEXT COLLATE "C" NOT NULL, -- JSON of Mapping
    counts      TEXT COLLATE "C" NOT NULL, -- JSON of Count
    PRIMARY KEY (facility_id, id)
);

CREATE TABLE ledger_import_rows (
    facility_id TEXT COLLATE "C" NOT NULL,
    import_id   TEXT COLLATE "C" NOT NULL,
    row_no      BIGINT NOT NULL, -- in the sheet
    action      TEXT COLLATE "C" NOT NULL, -- new | changed | same | conflict | error | skip
    state       TEXT COLLATE "C" NOT NULL, -- pending | done | undone | stayed
    device_id   TEXT COLLATE "C" NOT NULL,
    content     TEXT COLLATE "C" NOT NULL, -- JSON of Row
    PRIMARY KEY (facility_id, import_id, row_no)
);
CREATE INDEX ledger_import_rows_state ON ledger_import_rows (facility_id, import_id, state, row_no);

ALTER TABLE ledger_imports ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_imports FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON ledger_imports USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE ledger_import_rows ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_import_rows FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON ledger_import_rows USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose Down
DROP TABLE ledger_import_rows;
DROP TABLE ledger_imports;
