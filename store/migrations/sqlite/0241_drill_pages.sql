-- +goose Up
-- Whoever only fetched the page of the lesson or of the report, as a mail scanner does, had been kept as having finished or reported.
UPDATE drill_targets SET lesson_at = coalesce((SELECT min(e.at) FROM drill_events e WHERE e.facility_id = drill_targets.facility_id AND e.drill_id = drill_targets.drill_id
    AND e.target_id = drill_targets.id AND e.signal IN ('lesson', 'read') AND e.method = 'POST'), 0)
    WHERE lesson_at > 0 AND EXISTS (SELECT 1 FROM drill_events e WHERE e.facility_id = drill_targets.facility_id AND e.drill_id = drill_targets.drill_id
    AND e.target_id = drill_targets.id AND e.signal = 'lesson' AND e.method <> 'POST');
UPDATE drill_targets SET report_at = coalesce((SELECT min(e.at) FROM drill_events e WHERE e.facility_id = drill_targets.facility_id AND e.drill_id = drill_targets.drill_id
    AND e.target_id = drill_targets.id AND e.signal = 'report' AND e.method NOT IN ('GET', 'HEAD', 'OPTIONS')), 0)
    WHERE report_at > 0 AND EXISTS (SELECT 1 FROM drill_events e WHERE e.facility_id = drill_targets.facility_id AND e.drill_id = drill_targets.drill_id
    AND e.target_id = drill_targets.id AND e.signal = 'report' AND e.method IN ('GET', 'HEAD', 'OPTIONS'));
UPDATE drill_drills SET dirty = dirty + 1 WHERE id IN (SELECT e.drill_id FROM drill_events e WHERE e.facility_id = drill_drills.facility_id
    AND (e.signal = 'lesson' AND e.method <> 'POST' OR e.signal = 'report' AND e.method IN ('GET', 'HEAD', 'OPTIONS')));

-- +goose Down
SELECT 1;
