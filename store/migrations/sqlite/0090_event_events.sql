-- +goose Up
-- What changed, for people to look at.
CREATE TABLE event_events (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    at          INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    device_id   TEXT NOT NULL, -- '' when it is about no device
    params      TEXT NOT NULL, -- JSON object of texts that the title is made with
    seen        BOOLEAN NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX event_events_at ON event_events (facility_id, at, id);
CREATE INDEX event_events_device ON event_events (facility_id, device_id, at);

-- +goose Down
DROP TABLE event_events;
