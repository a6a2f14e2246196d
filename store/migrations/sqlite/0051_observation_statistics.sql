-- +goose Up
-- SQLite takes facility_id for a choice among few until it has statistics, and then reads whole facilities. These say what is so: most
-- rows are of one facility. (ANALYZE of one table makes sqlite_stat1; of all tables it would drop what stands there for empty ones.)
ANALYZE store_about;
DELETE FROM sqlite_stat1 WHERE tbl LIKE 'observation_%';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('observation_clock', 'observation_clock', '10 1'),
    ('observation_days', 'observation_days', '200000 200000 10 1'),
    ('observation_facts', 'observation_facts_seen', '400000 400000 10 2'),
    ('observation_facts', 'observation_facts_subject', '400000 400000 10 2'),
    ('observation_facts', 'sqlite_autoindex_observation_facts_1', '400000 400000 1'),
    ('observation_raw', 'observation_raw_at', '20000 20000 10'),
    ('observation_raw', 'sqlite_autoindex_observation_raw_1', '20000 20000 1'),
    ('observation_sightings', 'observation_sightings_seq', '60000 60000 10'),
    ('observation_sightings', 'observation_sightings', '60000 60000 10 2 1');
ANALYZE sqlite_schema;

-- +goose Down
DELETE FROM sqlite_stat1 WHERE tbl LIKE 'observation_%';
