-- +goose Up
-- Shared by all facilities: people, who may enter which facility, how they prove who they are. Secrets are sealed or hashed. No column is
-- called facility_id: that name marks a table of one facility's facts.
CREATE TABLE account_people (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    email         TEXT COLLATE "C" NOT NULL UNIQUE, -- case-folded
    name          TEXT COLLATE "C" NOT NULL,
    reading       TEXT COLLATE "C" NOT NULL,
    lang          TEXT COLLATE "C" NOT NULL,
    password      TEXT COLLATE "C" NOT NULL,    -- argon2id PHC string, '' = none
    password_at   BIGINT NOT NULL,
    totp          BYTEA NOT NULL,    -- sealed, empty = none
    totp_step     BIGINT NOT NULL, -- the last 30-second step that was used up
    disabled      BOOLEAN NOT NULL,
    last_facility TEXT COLLATE "C" NOT NULL,
    created_at    BIGINT NOT NULL
);

CREATE TABLE account_recovery_codes (
    person_id TEXT COLLATE "C" NOT NULL,
    hash      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (person_id, hash)
);

CREATE TABLE account_passkeys (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- credential id, base64url
    person_id  TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    credential BYTEA NOT NULL, -- sealed JSON
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL
);
CREATE INDEX account_passkeys_person ON account_passkeys (person_id);

CREATE TABLE account_facilities (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL,
    reading    TEXT COLLATE "C" NOT NULL,
    beds       BIGINT NOT NULL,
    address    TEXT COLLATE "C" NOT NULL,
    zone       TEXT COLLATE "C" NOT NULL,
    demo       BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE account_members (
    facility    TEXT COLLATE "C" NOT NULL,
    person_id   TEXT COLLATE "C" NOT NULL,
    role        TEXT COLLATE "C" NOT NULL,
    until_at    BIGINT NOT NULL, -- 0 = no end
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (facility, person_id)
);
CREATE INDEX account_members_person ON account_members (person_id);

CREATE TABLE account_invitations (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    hash        TEXT COLLATE "C" NOT NULL UNIQUE,
    facility    TEXT COLLATE "C" NOT NULL,
    email       TEXT COLLATE "C" NOT NULL,
    role        TEXT COLLATE "C" NOT NULL,
    until_at    BIGINT NOT NULL, -- the membership's end, 0 = none
    created_by  TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX account_invitations_facility ON account_invitations (facility);

CREATE TABLE account_sessions (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- hash of the cookie's token
    person_id   TEXT COLLATE "C" NOT NULL,
    stage       TEXT COLLATE "C" NOT NULL, -- second, enrol, open
    method      TEXT COLLATE "C" NOT NULL,
    facility    TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL,
    seen_at     BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    idle        BIGINT NOT NULL, -- microseconds
    user_agent  TEXT COLLATE "C" NOT NULL,
    address     TEXT COLLATE "C" NOT NULL
);
CREATE INDEX account_sessions_person ON account_sessions (person_id);

CREATE TABLE account_ceremonies (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- hash of the ceremony's token
    kind       TEXT COLLATE "C" NOT NULL,             -- totp, register, login
    person_id  TEXT COLLATE "C" NOT NULL,
    data       BYTEA NOT NULL,             -- sealed
    expires_at BIGINT NOT NULL
);

CREATE TABLE account_tokens (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    hash        TEXT COLLATE "C" NOT NULL UNIQUE,
    facility    TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    role        TEXT COLLATE "C" NOT NULL,
    hint        TEXT COLLATE "C" NOT NULL, -- the first characters, to tell tokens apart
    created_by  TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL, -- 0 = no end
    used_at     BIGINT NOT NULL
);
CREATE INDEX account_tokens_facility ON account_tokens (facility);

CREATE TABLE account_attempts (
    name          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    failures      BIGINT NOT NULL,
    last_at       BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL
);

CREATE TABLE account_setup_codes (
    hash       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL
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
