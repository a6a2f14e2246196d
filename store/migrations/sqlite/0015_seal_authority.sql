-- +goose Up
-- Kenshin's own certificate authority for its pages: one for the installation, shared by all copies.
CREATE TABLE seal_authority (
    name       TEXT NOT NULL PRIMARY KEY,
    cert       BLOB NOT NULL, -- DER
    secret     BLOB NOT NULL, -- sealed PKCS #8
    created_at INTEGER NOT NULL
);

-- +goose Down
DROP TABLE seal_authority;
