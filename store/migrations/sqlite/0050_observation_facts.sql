-- +goose Up
-- What was seen: one row per (subject, signal, port, value). id is derived from that key and begins with the subject's hash, so that one
-- host's rows lie together.
CREATE TABLE observation_facts (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    subject     TEXT NOT NULL,
    segment     TEXT NOT NULL,
    sensor      TEXT NOT NULL,
    mac         TEXT NOT NULL,
    ip          TEXT NOT NULL,
    signal      TEXT NOT NULL,
    port        INTEGER NOT NULL,
    value       TEXT NOT NULL,
    detail      TEXT NOT NULL, -- JSON object, '' when there is none
    first_seen  INTEGER NOT NULL,
    last_seen   INTEGER NOT NULL,
    count       INTEGER NOT NULL,
    seq         INTEGER NOT NULL, -- observation_clock when something new was learned
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX observation_facts_subject ON observation_facts (facility_id, subject, signal);
CREATE INDEX observation_facts_seen ON observation_facts (facility_id, last_seen, id);

-- Which address a subject used, when: what the ledger is told.
CREATE TABLE observation_sightings (
    facility_id TEXT NOT NULL,
    subject     TEXT NOT NULL,
    ip          TEXT NOT NULL, -- '' when the signal told none
    segment     TEXT NOT NULL,
    mac         TEXT NOT NULL,
    signal      TEXT NOT NULL, -- of the newest sighting
    sensor      TEXT NOT NULL,
    first_seen  INTEGER NOT NULL,
    last_seen   INTEGER NOT NULL,
    seq         INTEGER NOT NULL, -- observation_clock of the newest sighting
    learned     INTEGER NOT NULL, -- observation_clock when the subject last showed something new
    PRIMARY KEY (facility_id, subject, ip, segment)
) WITHOUT ROWID;
CREATE INDEX observation_sightings_seq ON observation_sightings (facility_id, seq);

-- On which days a subject was there: one row a month, bit 0 is the first day.
CREATE TABLE observation_days (
    facility_id TEXT NOT NULL,
    subject     TEXT NOT NULL,
    month       INTEGER NOT NULL, -- year * 12 + month - 1, Japanese time
    bits        INTEGER NOT NULL,
    PRIMARY KEY (facility_id, subject, month)
) WITHOUT ROWID;

-- The answers' bytes, kept for days only.
CREATE TABLE observation_raw (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL, -- of observation_facts
    at          INTEGER NOT NULL,
    raw         BLOB NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX observation_raw_at ON observation_raw (facility_id, at);

-- A counter per facility: its row lock puts writers of several copies in an order that readers can follow.
CREATE TABLE observation_clock (
    facility_id TEXT NOT NULL PRIMARY KEY,
    seq         INTEGER NOT NULL
) WITHOUT ROWID;

-- +goose Down
DROP TABLE observation_clock;
DROP TABLE observation_raw;
DROP TABLE observation_days;
DROP TABLE observation_sightings;
DROP TABLE observation_facts;
