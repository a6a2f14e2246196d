-- +goose Up
-- Kenshin's own certificate authority for its pages: one for the installation, shared by all copies.
CREATE TABLE seal_authority (
    name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    cert       BYTEA NOT NULL, -- DER
    secret     BYTEA NOT NULL, -- sealed PKCS #8
    created_at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE seal_authority;
