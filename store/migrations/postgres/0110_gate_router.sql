-- +goose Up
ALTER TABLE gate_segments ADD COLUMN router TEXT COLLATE "C" NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE gate_segments DROP COLUMN router;
