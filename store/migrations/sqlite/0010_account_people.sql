-- +goose Up
-- Shared by all facilities: people, who may enter which facility, how they prove who they are. Secrets are sealed or hashed. No column is
-- called facility_id: that name marks a table of one facility's facts.
CREATE TABLE account_people (
    id            TEXT NOT NULL PRIMARY KEY,
    email         TEXT NOT NULL UNIQUE, -- case-folded
    name          TEXT NOT NULL,
    reading       TEXT NOT NULL,
    lang          TEXT NOT NULL,
    password      TEXT NOT NULL,    -- argon2id PHC string, '' = none
    password_at   INTEGER NOT NULL,
    totp          BLOB NOT NULL,    -- sealed, empty = none
    totp_step     INTEGER NOT NULL, -- the last 30-second step that was used up
    disabled      BOOLEAN NOT NULL,
    last_facility TEXT NOT NULL,
    created_at    INTEGER NOT NULL
);

CREATE TABLE account_recovery_codes (
    person_id TEXT NOT NULL,
    hash      TEXT NOT NULL,
    PRIMARY KEY (person_id, hash)
);

CREATE TABLE account_passkeys (
    id         TEXT NOT NULL PRIMARY KEY, -- credential id, base64url
    person_id  TEXT NOT NULL,
    name       TEXT NOT NULL,
    credential BLOB NOT NULL, -- sealed JSON
    created_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL
);
CREATE INDEX account_passkeys_person ON account_passkeys (person_id);

CREATE TABLE account_facilities (
    id         TEXT NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    reading    TEXT NOT NULL,
    beds       INTEGER NOT NULL,
    address    TEXT NOT NULL,
    zone       TEXT NOT NULL,
    demo       BOOLEAN NOT NULL,
    created_at INTEGER NOT NULL
);

CREATE TABLE account_members (
    facility    TEXT NOT NULL,
    person_id   TEXT NOT NULL,
    role        TEXT NOT NULL,
    until_at    INTEGER NOT NULL, -- 0 = no end
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (facility, person_id)
);
CREATE INDEX account_members_person ON account_members (person_id);

CREATE TABLE account_invitations (
    id          TEXT NOT NULL PRIMARY KEY,
    hash        TEXT NOT NULL UNIQUE,
    facility    TEXT NOT NULL,
    email       TEXT NOT NULL,
    role        TEXT NOT NULL,
    until_at    INTEGER NOT NULL, -- the membership's end, 0 = none
    created_by  TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
);
CREATE INDEX account_invitations_facility ON account_invitations (facility);

CREATE TABLE account_sessions (
    id          TEXT NOT NULL PRIMARY KEY, -- hash of the cookie's token
    person_id   TEXT NOT NULL,
    stage       TEXT NOT NULL, -- second, enrol, open
    method      TEXT NOT NULL,
    facility    TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    seen_at     INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    idle        INTEGER NOT NULL, -- microseconds
    user_agent  TEXT NOT NULL,
    address     TEXT NOT NULL
);
CREATE INDEX account_sessions_person ON account_sessions (person_id);

CREATE TABLE account_ceremonies (
    id         TEXT NOT NULL PRIMARY KEY, -- hash of the ceremony's token
    kind       TEXT NOT NULL,             -- totp, register, login
    person_id  TEXT NOT NULL,
    data       BLOB NOT NULL,             -- sealed
    expires_at INTEGER NOT NULL
);

CREATE TABLE account_tokens (
    id          TEXT NOT NULL PRIMARY KEY,
    hash        TEXT NOT NULL UNIQUE,
    facility    TEXT NOT NULL,
    name        TEXT NOT NULL,
    role        TEXT NOT NULL,
    hint        TEXT NOT NULL, -- the first characters, to tell tokens apart
    created_by  TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL, -- 0 = no end
    used_at     INTEGER NOT NULL
);
CREATE INDEX account_tokens_facility ON account_tokens (facility);

CREATE TABLE account_attempts (
    name          TEXT NOT NULL PRIMARY KEY,
    failures      INTEGER NOT NULL,
    last_at       INTEGER NOT NULL,
    blocked_until INTEGER NOT NULL
);

CREATE TABLE account_setup_codes (
    hash       TEXT NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL
);

-- +goose Down
DROP TABLE account_setup_codes;
DROP TABLE account_attempts;
DROP TABLE account_tokens;
DROP TABLE account_ceremonies;
DROP TABLE account_sessions;
DROP TABLE account_invitations;
DROP TABLE account_members;
DROP TABLE account_facilities;
DROP TABLE account_passkeys;
DROP TABLE account_recovery_codes;
DROP TABLE account_people;
