-- +goose Up
-- What people answer to the items of catalogues, for the facility or for one of its systems.
CREATE TABLE assess_claims (
    facility_id  TEXT COLLATE "C" NOT NULL,
    catalogue_id TEXT COLLATE "C" NOT NULL,
    subject      TEXT COLLATE "C" NOT NULL, -- '' for the facility, else a system's id
    item_id      TEXT COLLATE "C" NOT NULL,
    reply        TEXT COLLATE "C" NOT NULL, -- yes | no | not-applicable | unknown | '' taken back
    revision     BIGINT NOT NULL,
    changed_at   BIGINT NOT NULL,
    by_id        TEXT COLLATE "C" NOT NULL,
    by_name      TEXT COLLATE "C" NOT NULL,
    content      TEXT COLLATE "C" NOT NULL, -- JSON: days, reason, approver, value, note, excuse
    PRIMARY KEY (facility_id, catalogue_id, subject, item_id)
);

-- Every answer that ever stood there; the newest too.
CREATE TABLE assess_history (
    facility_id  TEXT COLLATE "C" NOT NULL,
    id           TEXT COLLATE "C" NOT NULL,
    catalogue_id TEXT COLLATE "C" NOT NULL,
    subject      TEXT COLLATE "C" NOT NULL,
    item_id      TEXT COLLATE "C" NOT NULL,
    revision     BIGINT NOT NULL,
    changed_at   BIGINT NOT NULL,
    by_id        TEXT COLLATE "C" NOT NULL,
    by_name      TEXT COLLATE "C" NOT NULL,
    reply        TEXT COLLATE "C" NOT NULL,
    content      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE UNIQUE INDEX assess_history_item ON assess_history (facility_id, catalogue_id, subject, item_id, revision);

-- What was last shown for an item: a change of it is an event.
CREATE TABLE assess_states (
    facility_id  TEXT COLLATE "C" NOT NULL,
    catalogue_id TEXT COLLATE "C" NOT NULL,
    subject      TEXT COLLATE "C" NOT NULL,
    item_id      TEXT COLLATE "C" NOT NULL,
    state        BIGINT NOT NULL,
    since        BIGINT NOT NULL,
    PRIMARY KEY (facility_id, catalogue_id, subject, item_id)
);

-- What somebody did not know and asks a vendor or the support body.
CREATE TABLE assess_questions (
    facility_id  TEXT COLLATE "C" NOT NULL,
    id           TEXT COLLATE "C" NOT NULL,
    catalogue_id TEXT COLLATE "C" NOT NULL,
    subject      TEXT COLLATE "C" NOT NULL,
    item_id      TEXT COLLATE "C" NOT NULL,
    state        TEXT COLLATE "C" NOT NULL, -- open | answered | withdrawn
    asked_at     BIGINT NOT NULL,
    by_id        TEXT COLLATE "C" NOT NULL,
    by_name      TEXT COLLATE "C" NOT NULL,
    revision     BIGINT NOT NULL,
    content      TEXT COLLATE "C" NOT NULL, -- JSON: whom, question, answer
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX assess_questions_item ON assess_questions (facility_id, catalogue_id, subject, item_id);
CREATE INDEX assess_questions_state ON assess_questions (facility_id, state, asked_at);

ALTER TABLE assess_claims ENABLE ROW LEVEL SECURITY;
ALTER TABLE assess_claims FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON assess_claims USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE assess_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE assess_history FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON assess_history USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE assess_states ENABLE ROW LEVEL SECURITY;
ALTER TABLE assess_states FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON assess_states USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE assess_questions ENABLE ROW LEVEL SECURITY;
ALTER TABLE assess_questions FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON assess_questions USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose Down
DROP TABLE assess_questions;
DROP TABLE assess_states;
DROP TABLE assess_history;
DROP TABLE assess_claims;
