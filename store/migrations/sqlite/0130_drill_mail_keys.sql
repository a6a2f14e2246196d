-- +goose Up
-- By what a mail of no drill's own was asked for: the same key is mailed once, whatever became of the mail. '' for a drill's own mails.
ALTER TABLE drill_outbox ADD COLUMN queue_key TEXT NOT NULL DEFAULT '';
UPDATE drill_outbox SET queue_key = substr(message_id, 5), message_id = '' WHERE message_id LIKE 'key:%';
CREATE UNIQUE INDEX drill_outbox_key ON drill_outbox (facility_id, queue_key) WHERE queue_key <> '';

-- +goose Down
DROP INDEX drill_outbox_key;
UPDATE drill_outbox SET message_id = 'key:' || queue_key WHERE queue_key <> '' AND message_id = '';
ALTER TABLE drill_outbox DROP COLUMN queue_key;
