-- +goose Up
-- Stories that a facility wrote itself: its own text, read anew whenever it is used. The built-in ones are files of the program.
CREATE TABLE drill_scenarios (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL, -- as the file names it
    title       TEXT COLLATE "C" NOT NULL,
    source      TEXT COLLATE "C" NOT NULL, -- YAML
    added_at    BIGINT NOT NULL,
    by_id       TEXT COLLATE "C" NOT NULL,
    by_name     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (facility_id, id)
);
ALTER TABLE drill_scenarios ENABLE ROW LEVEL SECURITY;
ALTER TABLE drill_scenarios FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON drill_scenarios USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose Down
DROP TABLE drill_scenarios;
