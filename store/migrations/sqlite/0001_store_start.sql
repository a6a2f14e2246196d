-- +goose Up
-- One row about the database itself.
CREATE TABLE store_about (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- +goose Down
DROP TABLE store_about;
