-- +goose Up
-- What a judgement stands on: which arrivals and orders to judge anew it saw (as drill_drills.dirty counts them), by which rules of the program, and
-- how often these would have been wrong about the decoys.
ALTER TABLE drill_drills ADD COLUMN judged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE drill_drills ADD COLUMN rules TEXT NOT NULL DEFAULT '';
ALTER TABLE drill_drills ADD COLUMN canary TEXT NOT NULL DEFAULT ''; -- JSON
-- When the mail was first given away: before that no link of it was outside.
ALTER TABLE drill_targets ADD COLUMN begun_at INTEGER NOT NULL DEFAULT 0;

-- What this site's mail scanners look like: learned while nobody touched the test mails, or said by a person.
CREATE TABLE drill_scanners (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    net         TEXT NOT NULL, -- 198.51.100.0/24; '' is any
    agent       TEXT NOT NULL, -- the whole User-Agent of what was learned, a part of it where a person says so; '' is any
    learned     BOOLEAN NOT NULL,
    inside      BOOLEAN NOT NULL, -- learned from the hospital's own address
    hits        INTEGER NOT NULL,
    first_at    INTEGER NOT NULL,
    last_at     INTEGER NOT NULL, -- learned: of its hits; else when it was said
    note        TEXT NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE UNIQUE INDEX drill_scanners_one ON drill_scanners (facility_id, learned, net, agent);
INSERT INTO drill_scanners (facility_id, id, net, agent, learned, inside, hits, first_at, last_at, note)
    SELECT s.facility_id, lower(hex(randomblob(13))), json_extract(r.value, '$.net'), json_extract(r.value, '$.agent'), TRUE, coalesce(json_extract(r.value, '$.inside'), FALSE),
        json_extract(r.value, '$.hits'), CAST(strftime('%s', json_extract(r.value, '$.first')) AS INTEGER) * 1000000, CAST(strftime('%s', json_extract(r.value, '$.last')) AS INTEGER) * 1000000, ''
    FROM setting_values s, json_each(s.value) r WHERE s.name = 'drill.site-rules'
    ON CONFLICT DO NOTHING;
DELETE FROM setting_values WHERE name = 'drill.site-rules';

-- +goose Down
DROP TABLE drill_scanners;
ALTER TABLE drill_targets DROP COLUMN begun_at;
ALTER TABLE drill_drills DROP COLUMN canary;
ALTER TABLE drill_drills DROP COLUMN rules;
ALTER TABLE drill_drills DROP COLUMN judged;
