-- +goose Up
-- Which copy reads the report mailbox, and how that goes.
ALTER TABLE drill_mailboxes ADD COLUMN lease TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE drill_mailboxes ADD COLUMN lease_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE drill_mailboxes ADD COLUMN content TEXT COLLATE "C" NOT NULL DEFAULT '{}'; -- JSON: since when, connected, last mail, last error

-- +goose Down
ALTER TABLE drill_mailboxes DROP COLUMN content;
ALTER TABLE drill_mailboxes DROP COLUMN lease_until;
ALTER TABLE drill_mailboxes DROP COLUMN lease;
