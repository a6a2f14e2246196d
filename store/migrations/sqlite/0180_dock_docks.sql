-- +goose Up
-- The yearly check-ups as they were frozen: append-only, a chain of digests per facility.
CREATE TABLE dock_docks (
    facility_id TEXT NOT NULL,
    number      INTEGER NOT NULL, -- 1, 2, 3... in its facility
    id          TEXT NOT NULL,
    day         TEXT NOT NULL, -- "2026-11-28"
    at          INTEGER NOT NULL,
    kind        TEXT NOT NULL, -- full | short
    by_name     TEXT NOT NULL,
    body        TEXT NOT NULL, -- the snapshot as canonical JSON: what is hashed
    hash        TEXT NOT NULL, -- SHA-256 of body, base64
    seal        TEXT NOT NULL, -- the signed note
    PRIMARY KEY (facility_id, number)
);
CREATE UNIQUE INDEX dock_docks_id ON dock_docks (facility_id, id);

-- +goose StatementBegin
CREATE TRIGGER dock_docks_kept BEFORE UPDATE ON dock_docks BEGIN SELECT RAISE(ABORT, 'dock_docks is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER dock_docks_stay BEFORE DELETE ON dock_docks BEGIN SELECT RAISE(ABORT, 'dock_docks is append-only'); END;
-- +goose StatementEnd

-- The director's word on a dock.
CREATE TABLE dock_approvals (
    facility_id TEXT NOT NULL,
    dock_id     TEXT NOT NULL,
    at          INTEGER NOT NULL,
    by_id       TEXT NOT NULL,
    by_name     TEXT NOT NULL,
    note        TEXT NOT NULL,
    PRIMARY KEY (facility_id, dock_id)
);

-- +goose Down
DROP TABLE dock_approvals;
DROP TABLE dock_docks;
