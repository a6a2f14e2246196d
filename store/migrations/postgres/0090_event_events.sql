-- +goose Up
-- What changed, for people to look at.
CREATE TABLE event_events (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    device_id   TEXT COLLATE "C" NOT NULL, -- '' when it is about no device
    params      TEXT COLLATE "C" NOT NULL, -- JSON object of texts that the title is made with
    seen        BOOLEAN NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX event_events_at ON event_events (facility_id, at, id);
CREATE INDEX event_events_device ON event_events (facility_id, device_id, at);

ALTER TABLE event_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_events FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON event_events USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose Down
DROP TABLE event_events;
