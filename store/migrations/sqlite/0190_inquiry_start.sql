-- +goose Up
CREATE TABLE inquiry_doors (
    hash  TEXT NOT NULL PRIMARY KEY, -- SHA-256 of a link's token, hex
    house TEXT NOT NULL -- the facility
) STRICT;

CREATE TABLE inquiry_surveys (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    state       TEXT NOT NULL, -- open | closed
    created_at  INTEGER NOT NULL,
    content     TEXT NOT NULL, -- JSON
    PRIMARY KEY (facility_id, id)
) STRICT;

CREATE TABLE inquiry_inquiries (
    facility_id  TEXT NOT NULL,
    id           TEXT NOT NULL,
    kind         TEXT NOT NULL, -- vendor | survey | question
    survey_id    TEXT NOT NULL,
    catalogue_id TEXT NOT NULL,
    subject      TEXT NOT NULL, -- system, department or question
    vendor_id    TEXT NOT NULL,
    state        TEXT NOT NULL, -- waiting | answered | taken | refused | revoked
    due_at       INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    revision     INTEGER NOT NULL,
    content      TEXT NOT NULL, -- JSON
    PRIMARY KEY (facility_id, id)
) STRICT;
CREATE INDEX inquiry_inquiries_kind ON inquiry_inquiries (facility_id, kind, created_at);
CREATE INDEX inquiry_inquiries_survey ON inquiry_inquiries (facility_id, survey_id);

CREATE TABLE inquiry_links (
    facility_id TEXT NOT NULL,
    hash        TEXT NOT NULL,
    inquiry_id  TEXT NOT NULL,
    at          INTEGER NOT NULL,
    until_at    INTEGER NOT NULL,
    ended_at    INTEGER NOT NULL, -- 0: not revoked
    PRIMARY KEY (facility_id, hash)
) STRICT;
CREATE INDEX inquiry_links_inquiry ON inquiry_links (facility_id, inquiry_id);

CREATE TABLE inquiry_sheets (
    facility_id TEXT NOT NULL,
    inquiry_id  TEXT NOT NULL,
    id          TEXT NOT NULL, -- 1 where an inquiry has one sheet, else random
    state       TEXT NOT NULL, -- draft | sent | staged
    revision    INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL, -- the day only where nobody may know who answered
    content     TEXT NOT NULL, -- JSON
    PRIMARY KEY (facility_id, inquiry_id, id)
) STRICT;

CREATE TABLE inquiry_history (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    inquiry_id  TEXT NOT NULL,
    at          INTEGER NOT NULL,
    what        TEXT NOT NULL, -- sent | reminded | opened | saved | answered | imported | returned | taken | refused | revoked
    by_name     TEXT NOT NULL,
    says        TEXT NOT NULL,
    content     TEXT NOT NULL, -- JSON of the answers as they were then, where they changed
    PRIMARY KEY (facility_id, id)
) STRICT;
CREATE INDEX inquiry_history_inquiry ON inquiry_history (facility_id, inquiry_id, at);

CREATE TABLE inquiry_notes (
    facility_id TEXT NOT NULL,
    inquiry_id  TEXT NOT NULL,
    item_id     TEXT NOT NULL,
    revision    INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL,
    by_name     TEXT NOT NULL,
    note        TEXT NOT NULL,
    PRIMARY KEY (facility_id, inquiry_id, item_id)
) STRICT;

-- +goose Down
DROP TABLE inquiry_notes;
DROP TABLE inquiry_history;
DROP TABLE inquiry_sheets;
DROP TABLE inquiry_links;
DROP TABLE inquiry_inquiries;
DROP TABLE inquiry_surveys;
DROP TABLE inquiry_doors;
