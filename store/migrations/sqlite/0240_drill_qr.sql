-- +goose Up
-- The link in a QR picture is a sign of its own. It had been kept in the column of the mail's link: both are read from the arrivals again.
ALTER TABLE drill_targets ADD COLUMN qr_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE drill_targets ADD COLUMN qr_person INTEGER NOT NULL DEFAULT 0;
ALTER TABLE drill_totals ADD COLUMN qr_raw INTEGER NOT NULL DEFAULT 0;
ALTER TABLE drill_totals ADD COLUMN qr_person INTEGER NOT NULL DEFAULT 0;
UPDATE drill_targets SET
    qr_at = (SELECT min(e.at) FROM drill_events e WHERE e.facility_id = drill_targets.facility_id AND e.drill_id = drill_targets.drill_id AND e.target_id = drill_targets.id AND e.signal = 'qr'),
    url_at = coalesce((SELECT min(e.at) FROM drill_events e WHERE e.facility_id = drill_targets.facility_id AND e.drill_id = drill_targets.drill_id AND e.target_id = drill_targets.id AND e.signal = 'url'), 0)
    WHERE EXISTS (SELECT 1 FROM drill_events e WHERE e.facility_id = drill_targets.facility_id AND e.drill_id = drill_targets.drill_id AND e.target_id = drill_targets.id AND e.signal = 'qr');
-- whose a person's sign was is judged anew
UPDATE drill_drills SET dirty = dirty + 1 WHERE id IN (SELECT e.drill_id FROM drill_events e WHERE e.facility_id = drill_drills.facility_id AND e.signal = 'qr');

-- +goose Down
UPDATE drill_targets SET url_at = qr_at WHERE qr_at > 0 AND (url_at = 0 OR url_at > qr_at);
UPDATE drill_drills SET dirty = dirty + 1 WHERE id IN (SELECT t.drill_id FROM drill_targets t WHERE t.facility_id = drill_drills.facility_id AND t.qr_at > 0);
ALTER TABLE drill_totals DROP COLUMN qr_person;
ALTER TABLE drill_totals DROP COLUMN qr_raw;
ALTER TABLE drill_targets DROP COLUMN qr_person;
ALTER TABLE drill_targets DROP COLUMN qr_at;
