-- +goose Up
-- What was seen: one row per (subject, signal, port, value). id is derived from that key and begins with the subject's hash, so that one
-- host's rows lie together.
CREATE TABLE observation_facts (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    subject     TEXT COLLATE "C" NOT NULL,
    segment     TEXT COLLATE "C" NOT NULL,
    sensor      TEXT COLLATE "C" NOT NULL,
    mac         TEXT COLLATE "C" NOT NULL,
    ip          TEXT COLLATE "C" NOT NULL,
    signal      TEXT COLLATE "C" NOT NULL,
    port        BIGINT NOT NULL,
    value       TEXT COLLATE "C" NOT NULL,
    detail      TEXT COLLATE "C" NOT NULL, -- JSON object, '' when there is none
    first_seen  BIGINT NOT NULL,
    last_seen   BIGINT NOT NULL,
    count       BIGINT NOT NULL,
    seq         BIGINT NOT NULL, -- observation_clock when something new was learned
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX observation_facts_subject ON observation_facts (facility_id, subject, signal);
CREATE INDEX observation_facts_seen ON observation_facts (facility_id, last_seen, id);

-- Which address a subject used, when: what the ledger is told.
CREATE TABLE observation_sightings (
    facility_id TEXT COLLATE "C" NOT NULL,
    subject     TEXT COLLATE "C" NOT NULL,
    ip          TEXT COLLATE "C" NOT NULL, -- '' when the signal told none
    segment     TEXT COLLATE "C" NOT NULL,
    mac         TEXT COLLATE "C" NOT NULL,
    signal      TEXT COLLATE "C" NOT NULL, -- of the newest sighting
    sensor      TEXT COLLATE "C" NOT NULL,
    first_seen  BIGINT NOT NULL,
    last_seen   BIGINT NOT NULL,
    seq         BIGINT NOT NULL, -- observation_clock of the newest sighting
    learned     BIGINT NOT NULL, -- observation_clock when the subject last showed something new
    PRIMARY KEY (facility_id, subject, ip, segment)
);
CREATE INDEX observation_sightings_seq ON observation_sightings (facility_id, seq);

-- On which days a subject was there: one row a month, bit 0 is the first day.
CREATE TABLE observation_days (
    facility_id TEXT COLLATE "C" NOT NULL,
    subject     TEXT COLLATE "C" NOT NULL,
    month       BIGINT NOT NULL, -- year * 12 + month - 1, Japanese time
    bits        BIGINT NOT NULL,
    PRIMARY KEY (facility_id, subject, month)
);

-- The answers' bytes, kept for days only.
CREATE TABLE observation_raw (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL, -- of observation_facts
    at          BIGINT NOT NULL,
    raw         BYTEA NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX observation_raw_at ON observation_raw (facility_id, at);

-- A counter per facility: its row lock puts writers of several copies in an order that readers can follow.
CREATE TABLE observation_clock (
    facility_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    seq         BIGINT NOT NULL
);

ALTER TABLE observation_facts ENABLE ROW LEVEL SECURITY;
ALTER TABLE observation_facts FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON observation_facts USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE observation_sightings ENABLE ROW LEVEL SECURITY;
ALTER TABLE observation_sightings FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON observation_sightings USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE observation_days ENABLE ROW LEVEL SECURITY;
ALTER TABLE observation_days FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON observation_days USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE observation_raw ENABLE ROW LEVEL SECURITY;
ALTER TABLE observation_raw FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON observation_raw USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE observation_clock ENABLE ROW LEVEL SECURITY;
ALTER TABLE observation_clock FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON observation_clock USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose Down
DROP TABLE observation_clock;
DROP TABLE observation_raw;
DROP TABLE observation_days;
DROP TABLE observation_sightings;
DROP TABLE observation_facts;
