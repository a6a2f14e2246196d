-- +goose Up
CREATE TABLE supplier_suppliers (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    revision    INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL,
    changed_by  TEXT NOT NULL,
    sort_key    TEXT NOT NULL, -- folded reading
    name_key    TEXT NOT NULL, -- the name without 株式会社 and the like
    content     TEXT NOT NULL, -- JSON of Supplier
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX supplier_suppliers_sort ON supplier_suppliers (facility_id, sort_key, id);

CREATE TABLE supplier_history (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    supplier_id TEXT NOT NULL,
    at          INTEGER NOT NULL,
    actor_kind  TEXT NOT NULL,
    actor_id    TEXT NOT NULL,
    actor_name  TEXT NOT NULL,
    kind        TEXT NOT NULL, -- added | edited | removed
    field       TEXT NOT NULL,
    before      TEXT NOT NULL,
    after       TEXT NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX supplier_history_supplier ON supplier_history (facility_id, supplier_id, at);

-- +goose Down
DROP TABLE supplier_history;
DROP TABLE supplier_suppliers;
