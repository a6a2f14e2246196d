-- +goose Up
-- The two answers that choose the guideline's reference pattern: '' is not answered.
CREATE TABLE assess_pattern (
    facility_id TEXT COLLATE "C" NOT NULL,
    staff       TEXT COLLATE "C" NOT NULL, -- yes, no: somebody is dedicated to running the systems
    cloud       TEXT COLLATE "C" NOT NULL, -- yes, no: the main system is in a cloud
    changed_at  BIGINT NOT NULL,
    by_name     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (facility_id)
);

ALTER TABLE assess_pattern ENABLE ROW LEVEL SECURITY;
ALTER TABLE assess_pattern FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON assess_pattern USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose Down
DROP TABLE assess_pattern;
