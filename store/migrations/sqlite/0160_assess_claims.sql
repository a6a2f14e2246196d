-- +goose Up
-- What people answer to the items of catalogues, for the facility or for one of its systems.
CREATE TABLE assess_claims (
    facility_id  TEXT NOT NULL,
    catalogue_id TEXT NOT NULL,
    subject      TEXT NOT NULL, -- '' for the facility, else a system's id
    item_id      TEXT NOT NULL,
    reply        TEXT NOT NULL, -- yes | no | not-applicable | unknown | '' taken back
    revision     INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL,
    by_id        TEXT NOT NULL,
    by_name      TEXT NOT NULL,
    content      TEXT NOT NULL, -- JSON: days, reason, approver, value, note, excuse
    PRIMARY KEY (facility_id, catalogue_id, subject, item_id)
);

-- Every answer that ever stood there; the newest too.
CREATE TABLE assess_history (
    facility_id  TEXT NOT NULL,
    id           TEXT NOT NULL,
    catalogue_id TEXT NOT NULL,
    subject      TEXT NOT NULL,
    item_id      TEXT NOT NULL,
    revision     INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL,
    by_id        TEXT NOT NULL,
    by_name      TEXT NOT NULL,
    reply        TEXT NOT NULL,
    content      TEXT NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE UNIQUE INDEX assess_history_item ON assess_history (facility_id, catalogue_id, subject, item_id, revision);

-- What was last shown for an item: a change of it is an event.
CREATE TABLE assess_states (
    facility_id  TEXT NOT NULL,
    catalogue_id TEXT NOT NULL,
    subject      TEXT NOT NULL,
    item_id      TEXT NOT NULL,
    state        INTEGER NOT NULL,
    since        INTEGER NOT NULL,
    PRIMARY KEY (facility_id, catalogue_id, subject, item_id)
);

-- What somebody did not know and asks a vendor or the support body.
CREATE TABLE assess_questions (
    facility_id  TEXT NOT NULL,
    id           TEXT NOT NULL,
    catalogue_id TEXT NOT NULL,
    subject      TEXT NOT NULL,
    item_id      TEXT NOT NULL,
    state        TEXT NOT NULL, -- open | answered | withdrawn
    asked_at     INTEGER NOT NULL,
    by_id        TEXT NOT NULL,
    by_name      TEXT NOT NULL,
    revision     INTEGER NOT NULL,
    content      TEXT NOT NULL, -- JSON: whom, question, answer
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX assess_questions_item ON assess_questions (facility_id, catalogue_id, subject, item_id);
CREATE INDEX assess_questions_state ON assess_questions (facility_id, state, asked_at);

-- +goose Down
DROP TABLE assess_questions;
DROP TABLE assess_states;
DROP TABLE assess_history;
DROP TABLE assess_claims;
