-- +goose Up
-- One row about the database itself.
CREATE TABLE store_about (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

-- +goose Down
DROP TABLE store_about;
