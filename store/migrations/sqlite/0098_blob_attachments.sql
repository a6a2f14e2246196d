-- +goose Up
-- What was the ledger's own is now for every kind of record: vendors have files, too.
ALTER TABLE ledger_attachments RENAME TO blob_attachments;
ALTER TABLE blob_attachments RENAME COLUMN entry_id TO owner_id;
ALTER TABLE blob_attachments RENAME COLUMN blob_id TO file_id;
DROP INDEX ledger_attachments_entry;
CREATE INDEX blob_attachments_owner ON blob_attachments (facility_id, owner_id);
ANALYZE store_about;
DELETE FROM sqlite_stat1 WHERE tbl IN ('ledger_attachments', 'blob_attachments');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('blob_attachments', 'blob_attachments_owner', '1000 1000 10'),
    ('blob_attachments', 'sqlite_autoindex_blob_attachments_1', '1000 1000 1');
ANALYZE sqlite_schema;

-- +goose Down
DELETE FROM sqlite_stat1 WHERE tbl = 'blob_attachments';
DROP INDEX blob_attachments_owner;
ALTER TABLE blob_attachments RENAME COLUMN owner_id TO entry_id;
ALTER TABLE blob_attachments RENAME COLUMN file_id TO blob_id;
ALTER TABLE blob_attachments RENAME TO ledger_attachments;
CREATE INDEX ledger_attachments_entry ON ledger_attachments (facility_id, entry_id);
