-- +goose Up
-- SQLite takes facility_id for a choice among few until it has statistics, and then reads whole facilities. These say what is so: most
-- rows are of one facility. (ANALYZE of one table makes sqlite_stat1; of all tables it would drop what stands there for empty ones.)
ANALYZE store_about;
DELETE FROM sqlite_stat1 WHERE tbl LIKE 'ledger_%';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('ledger_addresses', 'ledger_addresses_device', '60000 60000 10'),
    ('ledger_addresses', 'ledger_addresses', '60000 60000 1500 2 2 1'),
    ('ledger_attachments', 'ledger_attachments_entry', '1000 1000 10'),
    ('ledger_attachments', 'sqlite_autoindex_ledger_attachments_1', '1000 1000 1'),
    ('ledger_clock', 'ledger_clock', '10 1'),
    ('ledger_contents', 'sqlite_autoindex_ledger_contents_1', '20000 20000 1'),
    ('ledger_devices', 'ledger_devices_root', '20000 20000 10'),
    ('ledger_devices', 'sqlite_autoindex_ledger_devices_1', '20000 20000 1'),
    ('ledger_history', 'ledger_history_entry', '200000 200000 10 2 2'),
    ('ledger_history', 'sqlite_autoindex_ledger_history_1', '200000 200000 1'),
    ('ledger_interfaces', 'ledger_interfaces_device', '20000 20000 10'),
    ('ledger_interfaces', 'ledger_interfaces', '20000 20000 1'),
    ('ledger_merges', 'ledger_merges_state', '1000 1000 300 2'),
    ('ledger_merges', 'ledger_merges_pair', '1000 1000 10 2'),
    ('ledger_merges', 'sqlite_autoindex_ledger_merges_1', '1000 1000 1'),
    ('ledger_services', 'ledger_services', '60000 60000 10 2 2 1'),
    ('ledger_system_devices', 'ledger_system_devices_device', '20000 20000 10'),
    ('ledger_system_devices', 'ledger_system_devices', '20000 20000 10 1'),
    ('ledger_systems', 'sqlite_autoindex_ledger_systems_1', '100 100 1'),
    ('ledger_ties', 'ledger_ties_device', '20000 20000 10'),
    ('ledger_ties', 'ledger_ties', '20000 20000 7000 2 1');
ANALYZE sqlite_schema;

-- +goose Down
DELETE FROM sqlite_stat1 WHERE tbl LIKE 'ledger_%';
