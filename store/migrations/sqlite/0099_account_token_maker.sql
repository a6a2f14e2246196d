-- +goose Up
ALTER TABLE account_tokens ADD COLUMN maker TEXT NOT NULL DEFAULT ''; -- the person who made it, '' at the command line

-- +goose Down
ALTER TABLE account_tokens DROP COLUMN maker;
