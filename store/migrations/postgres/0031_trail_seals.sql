-- +goose Up
-- The daily checkpoint as it was mailed, to be printed again; day is the facility's date.
CREATE TABLE trail_seals (
    facility_id TEXT COLLATE "C" NOT NULL,
    day         TEXT COLLATE "C" NOT NULL,
    text        TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (facility_id, day)
);
ALTER TABLE trail_seals ENABLE ROW LEVEL SECURITY;
ALTER TABLE trail_seals FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON trail_seals
    USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose Down
DROP TABLE trail_seals;
