-- +goose Up
-- What was the ledger's own is now for every kind of record: vendors have files, too. Policy and grants stay with the table.
ALTER TABLE ledger_attachments RENAME TO blob_attachments;
ALTER TABLE blob_attachments RENAME COLUMN entry_id TO owner_id;
ALTER TABLE blob_attachments RENAME COLUMN blob_id TO file_id;
ALTER INDEX ledger_attachments_entry RENAME TO blob_attachments_owner;
ALTER INDEX ledger_attachments_pkey RENAME TO blob_attachments_pkey;

-- +goose Down
ALTER INDEX blob_attachments_pkey RENAME TO ledger_attachments_pkey;
ALTER INDEX blob_attachments_owner RENAME TO ledger_attachments_entry;
ALTER TABLE blob_attachments RENAME COLUMN owner_id TO entry_id;
ALTER TABLE blob_attachments RENAME COLUMN file_id TO blob_id;
ALTER TABLE blob_attachments RENAME TO ledger_attachments;
