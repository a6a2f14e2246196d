-- +goose Up
-- What a judgement stands on: which arrivals and orders to judge anew it saw (as drill_drills.dirty counts them), by which rules of the program, and
-- how often these would have been wrong about the decoys.
ALTER TABLE drill_drills ADD COLUMN judged BIGINT NOT NULL DEFAULT 0;
ALTER TABLE drill_drills ADD COLUMN rules TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE drill_drills ADD COLUMN canary TEXT COLLATE "C" NOT NULL DEFAULT ''; -- JSON
-- When the mail was first given away: before that no link of it was outside.
ALTER TABLE drill_targets ADD COLUMN begun_at BIGINT NOT NULL DEFAULT 0;

-- What this site's mail scanners look like: learned while nobody touched the test mails, or said by a person.
CREATE TABLE drill_scanners (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    net         TEXT COLLATE "C" NOT NULL, -- 198.51.100.0/24; '' is any
    agent       TEXT COLLATE "C" NOT NULL, -- the whole User-Agent of what was learned, a part of it where a person says so; '' is any
    learned     BOOLEAN NOT NULL,
    inside      BOOLEAN NOT NULL, -- learned from the hospital's own address
    hits        BIGINT NOT NULL,
    first_at    BIGINT NOT NULL,
    last_at     BIGINT NOT NULL, -- learned: of its hits; else when it was said
    note        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE UNIQUE INDEX drill_scanners_one ON drill_scanners (facility_id, learned, net, agent);
ALTER TABLE setting_values NO FORCE ROW LEVEL SECURITY; -- every facility's
INSERT INTO drill_scanners (facility_id, id, net, agent, learned, inside, hits, first_at, last_at, note)
    SELECT s.facility_id, md5(s.facility_id || r.value::text), r.value ->> 'net', r.value ->> 'agent', TRUE, coalesce((r.value ->> 'inside')::boolean, FALSE),
        (r.value ->> 'hits')::bigint, (extract(epoch FROM (r.value ->> 'first')::timestamptz) * 1000000)::bigint, (extract(epoch FROM (r.value ->> 'last')::timestamptz) * 1000000)::bigint, ''
    FROM setting_values s, jsonb_array_elements(s.value::jsonb) r WHERE s.name = 'drill.site-rules'
    ON CONFLICT DO NOTHING;
DELETE FROM setting_values WHERE name = 'drill.site-rules';
ALTER TABLE setting_values FORCE ROW LEVEL SECURITY;
ALTER TABLE drill_scanners ENABLE ROW LEVEL SECURITY;
ALTER TABLE drill_scanners FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON drill_scanners
    USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose Down
DROP TABLE drill_scanners;
ALTER TABLE drill_targets DROP COLUMN begun_at;
ALTER TABLE drill_drills DROP COLUMN canary;
ALTER TABLE drill_drills DROP COLUMN rules;
ALTER TABLE drill_drills DROP COLUMN judged;
