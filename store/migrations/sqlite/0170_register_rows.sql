-- +goose Up
CREATE TABLE register_rows (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    kind        TEXT NOT NULL, -- of register/kinds.yaml
    owner       TEXT NOT NULL,
    checked     TEXT NOT NULL, -- 2026-11-21
    revision    INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL,
    changed_by  TEXT NOT NULL,
    content     TEXT NOT NULL, -- JSON of the values by column
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX register_rows_kind ON register_rows (facility_id, kind, id);

CREATE TABLE register_history (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    kind        TEXT NOT NULL,
    row_id      TEXT NOT NULL,
    at          INTEGER NOT NULL,
    actor_kind  TEXT NOT NULL,
    actor_id    TEXT NOT NULL,
    actor_name  TEXT NOT NULL,
    deed        TEXT NOT NULL, -- added | edited | confirmed | removed
    field       TEXT NOT NULL,
    before      TEXT NOT NULL,
    after       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX register_history_row ON register_history (facility_id, row_id, at);
CREATE INDEX register_history_kind ON register_history (facility_id, kind, deed, at);

-- +goose Down
DROP TABLE register_history;
DROP TABLE register_rows;
