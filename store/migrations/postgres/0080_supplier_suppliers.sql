-- +goose Up
CREATE TABLE supplier_suppliers (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    revision    BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    changed_by  TEXT COLLATE "C" NOT NULL,
    sort_key    TEXT COLLATE "C" NOT NULL, -- folded reading
    name_key    TEXT COLLATE "C" NOT NULL, -- the name without 株式会社 and the like
    content     TEXT COLLATE "C" NOT NULL, -- JSON of Supplier
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX supplier_suppliers_sort ON supplier_suppliers (facility_id, sort_key, id);

CREATE TABLE supplier_history (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    supplier_id TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL,
    actor_kind  TEXT COLLATE "C" NOT NULL,
    actor_id    TEXT COLLATE "C" NOT NULL,
    actor_name  TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL, -- added | edited | removed
    field       TEXT COLLATE "C" NOT NULL,
    before      TEXT COLLATE "C" NOT NULL,
    after       TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX supplier_history_supplier ON supplier_history (facility_id, supplier_id, at);

ALTER TABLE supplier_suppliers ENABLE ROW LEVEL SECURITY;
ALTER TABLE supplier_suppliers FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON supplier_suppliers USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE supplier_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE supplier_history FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON supplier_history USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose Down
DROP TABLE supplier_history;
DROP TABLE supplier_suppliers;
