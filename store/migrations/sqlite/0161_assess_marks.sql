-- +goose Up
-- How often something changed that the evidence depends on, and up to which change it was looked at.
CREATE TABLE assess_marks (
    facility_id TEXT NOT NULL,
    wanted      INTEGER NOT NULL,
    done        INTEGER NOT NULL,
    looked_at   INTEGER NOT NULL, -- when the checks ran last
    PRIMARY KEY (facility_id)
);

-- Which hosts were asked, and when: read for all of a facility at once.
CREATE INDEX observation_facts_asked ON observation_facts (facility_id, mac, ip, last_seen) WHERE signal = 'asked';

-- +goose Down
DROP INDEX observation_facts_asked;
DROP TABLE assess_marks;
