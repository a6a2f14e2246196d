-- +goose Up
-- SQLite takes facility_id for a choice among few until it has statistics, and then reads whole facilities. These say what is so: most
-- rows are of one facility. (ANALYZE of one table makes sqlite_stat1; of all tables it would drop what stands there for empty ones.)
ANALYZE store_about;
DELETE FROM sqlite_stat1 WHERE tbl LIKE 'event_%';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('event_events', 'event_events_device', '100000 100000 10 2'),
    ('event_events', 'event_events_at', '100000 100000 10 2'),
    ('event_events', 'sqlite_autoindex_event_events_1', '100000 100000 1');
ANALYZE sqlite_schema;

-- +goose Down
DELETE FROM sqlite_stat1 WHERE tbl LIKE 'event_%';
