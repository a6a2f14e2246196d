-- +goose Up
CREATE TABLE inquiry_doors (
    hash  TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- SHA-256 of a link's token, hex
    house TEXT COLLATE "C" NOT NULL -- the facility
);

CREATE TABLE inquiry_surveys (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    state       TEXT COLLATE "C" NOT NULL, -- open | closed
    created_at  BIGINT NOT NULL,
    content     TEXT COLLATE "C" NOT NULL, -- JSON
    PRIMARY KEY (facility_id, id)
);

CREATE TABLE inquiry_inquiries (
    facility_id  TEXT COLLATE "C" NOT NULL,
    id           TEXT COLLATE "C" NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL, -- vendor | survey | question
    survey_id    TEXT COLLATE "C" NOT NULL,
    catalogue_id TEXT COLLATE "C" NOT NULL,
    subject      TEXT COLLATE "C" NOT NULL, -- system, department or question
    vendor_id    TEXT COLLATE "C" NOT NULL,
    state        TEXT COLLATE "C" NOT NULL, -- waiting | answered | taken | refused | revoked
    due_at       BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    revision     BIGINT NOT NULL,
    content      TEXT COLLATE "C" NOT NULL, -- JSON
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX inquiry_inquiries_kind ON inquiry_inquiries (facility_id, kind, created_at);
CREATE INDEX inquiry_inquiries_survey ON inquiry_inquiries (facility_id, survey_id);

CREATE TABLE inquiry_links (
    facility_id TEXT COLLATE "C" NOT NULL,
    hash        TEXT COLLATE "C" NOT NULL,
    inquiry_id  TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL,
    until_at    BIGINT NOT NULL,
    ended_at    BIGINT NOT NULL, -- 0: not revoked
    PRIMARY KEY (facility_id, hash)
);
CREATE INDEX inquiry_links_inquiry ON inquiry_links (facility_id, inquiry_id);

CREATE TABLE inquiry_sheets (
    facility_id TEXT COLLATE "C" NOT NULL,
    inquiry_id  TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL, -- 1 where an inquiry has one sheet, else random
    state       TEXT COLLATE "C" NOT NULL, -- draft | sent | staged
    revision    BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL, -- the day only where nobody may know who answered
    content     TEXT COLLATE "C" NOT NULL, -- JSON
    PRIMARY KEY (facility_id, inquiry_id, id)
);

CREATE TABLE inquiry_history (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    inquiry_id  TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL,
    what        TEXT COLLATE "C" NOT NULL, -- sent | reminded | opened | saved | answered | imported | returned | taken | refused | revoked
    by_name     TEXT COLLATE "C" NOT NULL,
    says        TEXT COLLATE "C" NOT NULL,
    content     TEXT COLLATE "C" NOT NULL, -- JSON of the answers as they were then, where they changed
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX inquiry_history_inquiry ON inquiry_history (facility_id, inquiry_id, at);

CREATE TABLE inquiry_notes (
    facility_id TEXT COLLATE "C" NOT NULL,
    inquiry_id  TEXT COLLATE "C" NOT NULL,
    item_id     TEXT COLLATE "C" NOT NULL,
    revision    BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    by_name     TEXT COLLATE "C" NOT NULL,
    note        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (facility_id, inquiry_id, item_id)
);

ALTER TABLE inquiry_surveys ENABLE ROW LEVEL SECURITY;
ALTER TABLE inquiry_surveys FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON inquiry_surveys USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE inquiry_inquiries ENABLE ROW LEVEL SECURITY;
ALTER TABLE inquiry_inquiries FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON inquiry_inquiries USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE inquiry_links ENABLE ROW LEVEL SECURITY;
ALTER TABLE inquiry_links FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON inquiry_links USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE inquiry_sheets ENABLE ROW LEVEL SECURITY;
ALTER TABLE inquiry_sheets FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON inquiry_sheets USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE inquiry_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE inquiry_history FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON inquiry_history USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE inquiry_notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE inquiry_notes FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON inquiry_notes USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose Down
DROP TABLE inquiry_notes;
DROP TABLE inquiry_history;
DROP TABLE inquiry_sheets;
DROP TABLE inquiry_links;
DROP TABLE inquiry_inquiries;
DROP TABLE inquiry_surveys;
DROP TABLE inquiry_doors;
