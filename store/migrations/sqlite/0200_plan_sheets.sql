-- +goose Up
-- The yearly sheets: risk assessments, audits, budgets; people write on them until they are signed, and after it too.
CREATE TABLE plan_sheets (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    kind        TEXT NOT NULL, -- risk | audit | budget
    year        INTEGER NOT NULL, -- fiscal year
    title       TEXT NOT NULL,
    revision    INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL,
    changed_by  TEXT NOT NULL,
    body        TEXT NOT NULL, -- JSON by kind
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX plan_sheets_kind ON plan_sheets (facility_id, kind, year);

-- What a director signed, word for word: append-only.
CREATE TABLE plan_versions (
    facility_id TEXT NOT NULL,
    sheet_id    TEXT NOT NULL,
    number      INTEGER NOT NULL, -- 1, 2, 3... of its sheet
    at          INTEGER NOT NULL,
    by_id       TEXT NOT NULL,
    by_name     TEXT NOT NULL,
    note        TEXT NOT NULL,
    title       TEXT NOT NULL,
    revision    INTEGER NOT NULL, -- of the sheet that was signed
    body        TEXT NOT NULL,
    hash        TEXT NOT NULL, -- SHA-256 over the facility, the sheet, the number, the title and the body, hex
    PRIMARY KEY (facility_id, sheet_id, number)
);

-- +goose StatementBegin
CREATE TRIGGER plan_versions_kept BEFORE UPDATE ON plan_versions BEGIN SELECT RAISE(ABORT, 'plan_versions is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER plan_versions_stay BEFORE DELETE ON plan_versions BEGIN SELECT RAISE(ABORT, 'plan_versions is append-only'); END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE plan_versions;
DROP TABLE plan_sheets;
