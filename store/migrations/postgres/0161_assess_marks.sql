-- +goose Up
-- How often something changed that the evidence depends on, and up to which change it was looked at.
CREATE TABLE assess_marks (
    facility_id TEXT COLLATE "C" NOT NULL,
    wanted      BIGINT NOT NULL,
    done        BIGINT NOT NULL,
    looked_at   BIGINT NOT NULL, -- when the checks ran last
    PRIMARY KEY (facility_id)
);

ALTER TABLE assess_marks ENABLE ROW LEVEL SECURITY;
ALTER TABLE assess_marks FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON assess_marks USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- Which hosts were asked, and when: read for all of a facility at once.
CREATE INDEX observation_facts_asked ON observation_facts (facility_id, mac, ip, last_seen) WHERE signal = 'asked';

-- +goose Down
DROP INDEX observation_facts_asked;
DROP TABLE assess_marks;
