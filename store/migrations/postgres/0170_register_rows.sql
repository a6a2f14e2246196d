-- +goose Up
CREATE TABLE register_rows (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL, -- of register/kinds.yaml
    owner       TEXT COLLATE "C" NOT NULL,
    checked     TEXT COLLATE "C" NOT NULL, -- 2026-11-21
    revision    BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    changed_by  TEXT COLLATE "C" NOT NULL,
    content     TEXT COLLATE "C" NOT NULL, -- JSON of the values by column
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX register_rows_kind ON register_rows (facility_id, kind, id);

CREATE TABLE register_history (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    row_id      TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL,
    actor_kind  TEXT COLLATE "C" NOT NULL,
    actor_id    TEXT COLLATE "C" NOT NULL,
    actor_name  TEXT COLLATE "C" NOT NULL,
    deed        TEXT COLLATE "C" NOT NULL, -- added | edited | confirmed | removed
    field       TEXT COLLATE "C" NOT NULL,
    before      TEXT COLLATE "C" NOT NULL,
    after       TEXT COLLATE "C" NOT NULL,
    reason      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX register_history_row ON register_history (facility_id, row_id, at);
CREATE INDEX register_history_kind ON register_history (facility_id, kind, deed, at);

ALTER TABLE register_rows ENABLE ROW LEVEL SECURITY;
ALTER TABLE register_rows FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON register_rows USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE register_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE register_history FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON register_history USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose Down
DROP TABLE register_history;
DROP TABLE register_rows;
