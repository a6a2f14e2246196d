-- +goose Up
-- A judgement reads a drill's arrivals in the order in which they came, which is the order in which they lie on the disk.
CREATE INDEX drill_events_order ON drill_events (facility_id, drill_id, at, id);

-- +goose Down
DROP INDEX drill_events_order;
