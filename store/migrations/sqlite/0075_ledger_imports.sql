-- +goose Up
-- An import of the hospital's own sheet: looked at, taken in, perhaps taken back.
CREATE TABLE ledger_imports (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    file        TEXT NOT NULL, -- its name
    blob_id     TEXT NOT NULL,
    state       TEXT NOT NULL, -- mapping | staging | preview | applying | done | undoing | undone
    replace_all BOOLEAN NOT NULL, -- the sheet wins over what a person entered
    at          INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    actor_kind  TEXT NOT NULL,
    actor_id    TEXT NOT NULL,
    actor_name  TEXT NOT NULL,
    total       INTEGER NOT NULL, -- rows that change something
    mapping     TEXT NOT NULL, -- JSON of Mapping
    counts      TEXT NOT NULL, -- JSON of Count
    PRIMARY KEY (facility_id, id)
);

CREATE TABLE ledger_import_rows (
    facility_id TEXT NOT NULL,
    import_id   TEXT NOT NULL,
    row_no      INTEGER NOT NULL, -- in the sheet
    action      TEXT NOT NULL, -- new | changed | same | conflict | error | skip
    state       TEXT NOT NULL, -- pending | done | undone | stayed
    device_id   TEXT NOT NULL,
    content     TEXT NOT NULL, -- JSON of Row
    PRIMARY KEY (facility_id, import_id, row_no)
);
CREATE INDEX ledger_import_rows_state ON ledger_import_rows (facility_id, import_id, state, row_no);

-- +goose Down
DROP TABLE ledger_import_rows;
DROP TABLE ledger_imports;
