-- +goose Up
-- Which number stands for which facility in the links of mails: an arrival names nothing else. Holds no fact about the facility.
CREATE TABLE drill_doors (
    door  INTEGER PRIMARY KEY,
    house TEXT NOT NULL UNIQUE -- the facility
);

CREATE TABLE drill_domains (
    facility_id TEXT NOT NULL,
    domain      TEXT NOT NULL, -- A-label, lower case
    state       TEXT NOT NULL, -- pending | verified | withdrawn
    until_at    INTEGER NOT NULL, -- when it must be verified anew; 0 while pending
    changed_at  INTEGER NOT NULL,
    content     TEXT NOT NULL, -- JSON: way, code, contact, who asked
    PRIMARY KEY (facility_id, domain)
);

CREATE TABLE drill_people (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    address     TEXT NOT NULL, -- folded; '' after anonymising
    surname     TEXT NOT NULL,
    given       TEXT NOT NULL,
    reading     TEXT NOT NULL,
    sort_key    TEXT NOT NULL,
    department  TEXT NOT NULL,
    job         TEXT NOT NULL,
    role        TEXT NOT NULL, -- staff | canary | test
    active      BOOLEAN NOT NULL,
    changed_at  INTEGER NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE UNIQUE INDEX drill_people_address ON drill_people (facility_id, address);
CREATE INDEX drill_people_sort ON drill_people (facility_id, sort_key, id);

CREATE TABLE drill_drills (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    name        TEXT NOT NULL,
    mode        TEXT NOT NULL, -- standard | report | quarantine | course
    state       TEXT NOT NULL, -- draft | waiting | approved | sending | paused | sent | closed | withdrawn
    revision    INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    start_at    INTEGER NOT NULL, -- not before
    started_at  INTEGER NOT NULL, -- the first mail
    ended_at    INTEGER NOT NULL, -- closed or withdrawn
    anonymous_at INTEGER NOT NULL, -- when names were taken out
    hash        TEXT NOT NULL, -- what was approved: SHA-256 of mail, recipients and times
    key         BLOB NOT NULL, -- sealed; tokens are derived from it
    dirty       INTEGER NOT NULL, -- counts arrivals that were not judged yet
    content     TEXT NOT NULL, -- JSON: mail, rating, schedule, audience, author, preflight
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX drill_drills_state ON drill_drills (facility_id, state, start_at);
CREATE INDEX drill_drills_dirty ON drill_drills (facility_id, dirty);

CREATE TABLE drill_approvals (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    drill_id    TEXT NOT NULL,
    hash        TEXT NOT NULL,
    actor_id    TEXT NOT NULL,
    actor_name  TEXT NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX drill_approvals_drill ON drill_approvals (facility_id, drill_id, at);

CREATE TABLE drill_targets (
    facility_id TEXT NOT NULL,
    drill_id    TEXT NOT NULL,
    id          TEXT NOT NULL,
    person_id   TEXT NOT NULL,
    address     TEXT NOT NULL,
    surname     TEXT NOT NULL,
    given       TEXT NOT NULL,
    sort_key    TEXT NOT NULL,
    department  TEXT NOT NULL,
    job         TEXT NOT NULL,
    role        TEXT NOT NULL, -- staff | canary | test
    mail        TEXT NOT NULL, -- queued | sending | accepted | deferred | refused | unknown | bounced | skipped
    accepted_at INTEGER NOT NULL,
    -- the first sign of each kind, of whatever made it; 0 is none
    open_at     INTEGER NOT NULL DEFAULT 0,
    url_at      INTEGER NOT NULL DEFAULT 0,
    attach_at   INTEGER NOT NULL DEFAULT 0,
    report_at   INTEGER NOT NULL DEFAULT 0,
    reply_at    INTEGER NOT NULL DEFAULT 0,
    lesson_at   INTEGER NOT NULL DEFAULT 0,
    release_at  INTEGER NOT NULL DEFAULT 0,
    -- the first sign that is taken for a person's
    open_person   INTEGER NOT NULL DEFAULT 0,
    url_person    INTEGER NOT NULL DEFAULT 0,
    attach_person INTEGER NOT NULL DEFAULT 0,
    machine       INTEGER NOT NULL DEFAULT 0, -- arrivals that are taken for a machine's
    PRIMARY KEY (facility_id, drill_id, id)
);
CREATE UNIQUE INDEX drill_targets_address ON drill_targets (facility_id, drill_id, address, id);
CREATE INDEX drill_targets_sort ON drill_targets (facility_id, drill_id, sort_key, id);
CREATE INDEX drill_targets_person ON drill_targets (facility_id, person_id);

CREATE TABLE drill_outbox (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    drill_id    TEXT NOT NULL, -- '' for mails of no drill
    target_id   TEXT NOT NULL,
    kind        TEXT NOT NULL, -- drill | feedback | answer | verify | test
    state       TEXT NOT NULL, -- queued | leased | begun | accepted | refused | unknown | cancelled
    due_at      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    lease       TEXT NOT NULL,
    lease_until INTEGER NOT NULL,
    message_id  TEXT NOT NULL,
    code        INTEGER NOT NULL, -- what the relay answered last
    said        TEXT NOT NULL,
    changed_at  INTEGER NOT NULL,
    content     TEXT NOT NULL, -- JSON: address, subject, text of a mail that is not the drill's own
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX drill_outbox_due ON drill_outbox (facility_id, state, due_at, id);
CREATE INDEX drill_outbox_drill ON drill_outbox (facility_id, drill_id, state, due_at, id);
CREATE INDEX drill_outbox_target ON drill_outbox (facility_id, drill_id, target_id, kind);
CREATE INDEX drill_outbox_message ON drill_outbox (facility_id, message_id);

CREATE TABLE drill_tokens (
    facility_id TEXT NOT NULL,
    hash        TEXT NOT NULL, -- SHA-256 of the token: the token itself is nowhere
    drill_id    TEXT NOT NULL,
    target_id   TEXT NOT NULL,
    signal      TEXT NOT NULL,
    PRIMARY KEY (facility_id, hash)
);

CREATE TABLE drill_events (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    drill_id    TEXT NOT NULL,
    target_id   TEXT NOT NULL,
    signal      TEXT NOT NULL,
    at          INTEGER NOT NULL,
    method      TEXT NOT NULL,
    net         TEXT NOT NULL, -- the address that it came from
    agent       TEXT NOT NULL,
    content     TEXT NOT NULL, -- JSON: what else was seen
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX drill_events_target ON drill_events (facility_id, drill_id, target_id, at);
-- +goose StatementBegin
CREATE TRIGGER drill_events_kept BEFORE UPDATE ON drill_events BEGIN SELECT RAISE(ABORT, 'drill_events is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER drill_events_stay BEFORE DELETE ON drill_events BEGIN SELECT RAISE(ABORT, 'drill_events is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER drill_approvals_kept BEFORE UPDATE ON drill_approvals BEGIN SELECT RAISE(ABORT, 'drill_approvals is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER drill_approvals_stay BEFORE DELETE ON drill_approvals BEGIN SELECT RAISE(ABORT, 'drill_approvals is append-only'); END;
-- +goose StatementEnd

CREATE TABLE drill_verdicts (
    facility_id TEXT NOT NULL,
    event_id    TEXT NOT NULL,
    drill_id    TEXT NOT NULL,
    verdict     TEXT NOT NULL, -- person | machine | proxy | unconfirmed | by-report
    version     TEXT NOT NULL, -- of the rules
    reasons     TEXT NOT NULL, -- JSON
    PRIMARY KEY (facility_id, event_id)
);
CREATE INDEX drill_verdicts_drill ON drill_verdicts (facility_id, drill_id);

-- Totals by day of sending, drill and department, made anew from the targets after each judging: what the screen of a period adds up.
CREATE TABLE drill_totals (
    facility_id TEXT NOT NULL,
    day         TEXT NOT NULL, -- of sending, in the facility's zone
    drill_id    TEXT NOT NULL,
    department  TEXT NOT NULL,
    sent        INTEGER NOT NULL,
    unknown     INTEGER NOT NULL,
    failed      INTEGER NOT NULL,
    open_raw    INTEGER NOT NULL,
    open_person INTEGER NOT NULL,
    url_raw     INTEGER NOT NULL,
    url_person  INTEGER NOT NULL,
    attach_raw  INTEGER NOT NULL,
    attach_person INTEGER NOT NULL,
    reported    INTEGER NOT NULL,
    first       INTEGER NOT NULL, -- reported before any click
    replied     INTEGER NOT NULL,
    lesson      INTEGER NOT NULL,
    released    INTEGER NOT NULL,
    fell        INTEGER NOT NULL, -- clicked or opened an attachment, a person's
    PRIMARY KEY (facility_id, day, drill_id, department)
);
CREATE INDEX drill_totals_drill ON drill_totals (facility_id, drill_id);

CREATE TABLE drill_reports (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    at          INTEGER NOT NULL,
    via         TEXT NOT NULL, -- mailbox | smtp | link | phone
    kind        TEXT NOT NULL, -- drill | real | unclear
    state       TEXT NOT NULL, -- new | answered | closed
    reporter    TEXT NOT NULL, -- address
    drill_id    TEXT NOT NULL,
    target_id   TEXT NOT NULL, -- the reporter's own, '' when unknown
    fingerprint TEXT NOT NULL, -- the same report arrives twice: counted once
    opened      BOOLEAN NOT NULL, -- the reporter says to have opened it
    content     TEXT NOT NULL, -- JSON: subject, sender, links, attachments, note, answer, verdict, finding
    PRIMARY KEY (facility_id, id)
);
CREATE UNIQUE INDEX drill_reports_once ON drill_reports (facility_id, fingerprint);
CREATE INDEX drill_reports_at ON drill_reports (facility_id, kind, state, at);

CREATE TABLE drill_mailboxes (
    facility_id TEXT NOT NULL,
    name        TEXT NOT NULL,
    validity    INTEGER NOT NULL, -- UIDVALIDITY
    uid         INTEGER NOT NULL, -- the last one that was taken in
    changed_at  INTEGER NOT NULL,
    PRIMARY KEY (facility_id, name)
);

CREATE TABLE drill_preflights (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    drill_id    TEXT NOT NULL,
    at          INTEGER NOT NULL,
    state       TEXT NOT NULL, -- running | green | waived | red
    content     TEXT NOT NULL, -- JSON: checks, waivers, deliveries, what the site's scanners look like
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX drill_preflights_drill ON drill_preflights (facility_id, drill_id, at);

CREATE TABLE drill_roll (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    person_id   TEXT NOT NULL,
    name        TEXT NOT NULL, -- '' after anonymising
    department  TEXT NOT NULL,
    lesson      TEXT NOT NULL,
    at          INTEGER NOT NULL,
    score       INTEGER NOT NULL, -- right answers
    questions   INTEGER NOT NULL,
    drill_id    TEXT NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX drill_roll_at ON drill_roll (facility_id, at);

CREATE TABLE drill_plans (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    day         TEXT NOT NULL, -- planned for
    drill_id    TEXT NOT NULL, -- '' until it is made
    reminded_at INTEGER NOT NULL,
    content     TEXT NOT NULL, -- JSON: scenario, level, owner, note
    PRIMARY KEY (facility_id, id)
);

-- +goose Down
DROP TABLE drill_plans;
DROP TABLE drill_roll;
DROP TABLE drill_preflights;
DROP TABLE drill_mailboxes;
DROP TABLE drill_reports;
DROP TABLE drill_totals;
DROP TABLE drill_verdicts;
DROP TABLE drill_events;
DROP TABLE drill_tokens;
DROP TABLE drill_outbox;
DROP TABLE drill_targets;
DROP TABLE drill_approvals;
DROP TABLE drill_drills;
DROP TABLE drill_people;
DROP TABLE drill_domains;
DROP TABLE drill_doors;
