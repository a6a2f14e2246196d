-- +goose Up
-- Which number stands for which facility in the links of mails: an arrival names nothing else. Holds no fact about the facility.
CREATE TABLE drill_doors (
    door  BIGINT PRIMARY KEY,
    house TEXT COLLATE "C" NOT NULL UNIQUE -- the facility
);

CREATE TABLE drill_domains (
    facility_id TEXT COLLATE "C" NOT NULL,
    domain      TEXT COLLATE "C" NOT NULL, -- A-label, lower case
    state       TEXT COLLATE "C" NOT NULL, -- pending | verified | withdrawn
    until_at    BIGINT NOT NULL, -- when it must be verified anew; 0 while pending
    changed_at  BIGINT NOT NULL,
    content     TEXT COLLATE "C" NOT NULL, -- JSON: way, code, contact, who asked
    PRIMARY KEY (facility_id, domain)
);

CREATE TABLE drill_people (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    address     TEXT COLLATE "C" NOT NULL, -- folded; '' after anonymising
    surname     TEXT COLLATE "C" NOT NULL,
    given       TEXT COLLATE "C" NOT NULL,
    reading     TEXT COLLATE "C" NOT NULL,
    sort_key    TEXT COLLATE "C" NOT NULL,
    department  TEXT COLLATE "C" NOT NULL,
    job         TEXT COLLATE "C" NOT NULL,
    role        TEXT COLLATE "C" NOT NULL, -- staff | canary | test
    active      BOOLEAN NOT NULL,
    changed_at  BIGINT NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE UNIQUE INDEX drill_people_address ON drill_people (facility_id, address);
CREATE INDEX drill_people_sort ON drill_people (facility_id, sort_key, id);

CREATE TABLE drill_drills (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    mode        TEXT COLLATE "C" NOT NULL, -- standard | report | quarantine | course
    state       TEXT COLLATE "C" NOT NULL, -- draft | waiting | approved | sending | paused | sent | closed | withdrawn
    revision    BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    start_at    BIGINT NOT NULL, -- not before
    started_at  BIGINT NOT NULL, -- the first mail
    ended_at    BIGINT NOT NULL, -- closed or withdrawn
    anonymous_at BIGINT NOT NULL, -- when names were taken out
    hash        TEXT COLLATE "C" NOT NULL, -- what was approved: SHA-256 of mail, recipients and times
    key         BYTEA NOT NULL, -- sealed; tokens are derived from it
    dirty       BIGINT NOT NULL, -- counts arrivals that were not judged yet
    content     TEXT COLLATE "C" NOT NULL, -- JSON: mail, rating, schedule, audience, author, preflight
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX drill_drills_state ON drill_drills (facility_id, state, start_at);
CREATE INDEX drill_drills_dirty ON drill_drills (facility_id, dirty);

CREATE TABLE drill_approvals (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    drill_id    TEXT COLLATE "C" NOT NULL,
    hash        TEXT COLLATE "C" NOT NULL,
    actor_id    TEXT COLLATE "C" NOT NULL,
    actor_name  TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX drill_approvals_drill ON drill_approvals (facility_id, drill_id, at);

CREATE TABLE drill_targets (
    facility_id TEXT COLLATE "C" NOT NULL,
    drill_id    TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    person_id   TEXT COLLATE "C" NOT NULL,
    address     TEXT COLLATE "C" NOT NULL,
    surname     TEXT COLLATE "C" NOT NULL,
    given       TEXT COLLATE "C" NOT NULL,
    sort_key    TEXT COLLATE "C" NOT NULL,
    department  TEXT COLLATE "C" NOT NULL,
    job         TEXT COLLATE "C" NOT NULL,
    role        TEXT COLLATE "C" NOT NULL, -- staff | canary | test
    mail        TEXT COLLATE "C" NOT NULL, -- queued | sending | accepted | deferred | refused | unknown | bounced | skipped
    accepted_at BIGINT NOT NULL,
    -- the first sign of each kind, of whatever made it; 0 is none
    open_at     BIGINT NOT NULL DEFAULT 0,
    url_at      BIGINT NOT NULL DEFAULT 0,
    attach_at   BIGINT NOT NULL DEFAULT 0,
    report_at   BIGINT NOT NULL DEFAULT 0,
    reply_at    BIGINT NOT NULL DEFAULT 0,
    lesson_at   BIGINT NOT NULL DEFAULT 0,
    release_at  BIGINT NOT NULL DEFAULT 0,
    -- the first sign that is taken for a person's
    open_person   BIGINT NOT NULL DEFAULT 0,
    url_person    BIGINT NOT NULL DEFAULT 0,
    attach_person BIGINT NOT NULL DEFAULT 0,
    machine       BIGINT NOT NULL DEFAULT 0, -- arrivals that are taken for a machine's
    PRIMARY KEY (facility_id, drill_id, id)
);
CREATE UNIQUE INDEX drill_targets_address ON drill_targets (facility_id, drill_id, address, id);
CREATE INDEX drill_targets_sort ON drill_targets (facility_id, drill_id, sort_key, id);
CREATE INDEX drill_targets_person ON drill_targets (facility_id, person_id);

CREATE TABLE drill_outbox (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    drill_id    TEXT COLLATE "C" NOT NULL, -- '' for mails of no drill
    target_id   TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL, -- drill | feedback | answer | verify | test
    state       TEXT COLLATE "C" NOT NULL, -- queued | leased | begun | accepted | refused | unknown | cancelled
    due_at      BIGINT NOT NULL,
    attempts    BIGINT NOT NULL,
    lease       TEXT COLLATE "C" NOT NULL,
    lease_until BIGINT NOT NULL,
    message_id  TEXT COLLATE "C" NOT NULL,
    code        BIGINT NOT NULL, -- what the relay answered last
    said        TEXT COLLATE "C" NOT NULL,
    changed_at  BIGINT NOT NULL,
    content     TEXT COLLATE "C" NOT NULL, -- JSON: address, subject, text of a mail that is not the drill's own
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX drill_outbox_due ON drill_outbox (facility_id, state, due_at, id);
CREATE INDEX drill_outbox_drill ON drill_outbox (facility_id, drill_id, state, due_at, id);
CREATE INDEX drill_outbox_target ON drill_outbox (facility_id, drill_id, target_id, kind);
CREATE INDEX drill_outbox_message ON drill_outbox (facility_id, message_id);

CREATE TABLE drill_tokens (
    facility_id TEXT COLLATE "C" NOT NULL,
    hash        TEXT COLLATE "C" NOT NULL, -- SHA-256 of the token: the token itself is nowhere
    drill_id    TEXT COLLATE "C" NOT NULL,
    target_id   TEXT COLLATE "C" NOT NULL,
    signal      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (facility_id, hash)
);

CREATE TABLE drill_events (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    drill_id    TEXT COLLATE "C" NOT NULL,
    target_id   TEXT COLLATE "C" NOT NULL,
    signal      TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL,
    method      TEXT COLLATE "C" NOT NULL,
    net         TEXT COLLATE "C" NOT NULL, -- the address that it came from
    agent       TEXT COLLATE "C" NOT NULL,
    content     TEXT COLLATE "C" NOT NULL, -- JSON: what else was seen
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX drill_events_target ON drill_events (facility_id, drill_id, target_id, at);

CREATE TABLE drill_verdicts (
    facility_id TEXT COLLATE "C" NOT NULL,
    event_id    TEXT COLLATE "C" NOT NULL,
    drill_id    TEXT COLLATE "C" NOT NULL,
    verdict     TEXT COLLATE "C" NOT NULL, -- person | machine | proxy | unconfirmed | by-report
    version     TEXT COLLATE "C" NOT NULL, -- of the rules
    reasons     TEXT COLLATE "C" NOT NULL, -- JSON
    PRIMARY KEY (facility_id, event_id)
);
CREATE INDEX drill_verdicts_drill ON drill_verdicts (facility_id, drill_id);

-- Totals by day of sending, drill and department, made anew from the targets after each judging: what the screen of a period adds up.
CREATE TABLE drill_totals (
    facility_id TEXT COLLATE "C" NOT NULL,
    day         TEXT COLLATE "C" NOT NULL, -- of sending, in the facility's zone
    drill_id    TEXT COLLATE "C" NOT NULL,
    department  TEXT COLLATE "C" NOT NULL,
    sent        BIGINT NOT NULL,
    unknown     BIGINT NOT NULL,
    failed      BIGINT NOT NULL,
    open_raw    BIGINT NOT NULL,
    open_person BIGINT NOT NULL,
    url_raw     BIGINT NOT NULL,
    url_person  BIGINT NOT NULL,
    attach_raw  BIGINT NOT NULL,
    attach_person BIGINT NOT NULL,
    reported    BIGINT NOT NULL,
    first       BIGINT NOT NULL, -- reported before any click
    replied     BIGINT NOT NULL,
    lesson      BIGINT NOT NULL,
    released    BIGINT NOT NULL,
    fell        BIGINT NOT NULL, -- clicked or opened an attachment, a person's
    PRIMARY KEY (facility_id, day, drill_id, department)
);
CREATE INDEX drill_totals_drill ON drill_totals (facility_id, drill_id);

CREATE TABLE drill_reports (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL,
    via         TEXT COLLATE "C" NOT NULL, -- mailbox | smtp | link | phone
    kind        TEXT COLLATE "C" NOT NULL, -- drill | real | unclear
    state       TEXT COLLATE "C" NOT NULL, -- new | answered | closed
    reporter    TEXT COLLATE "C" NOT NULL, -- address
    drill_id    TEXT COLLATE "C" NOT NULL,
    target_id   TEXT COLLATE "C" NOT NULL, -- the reporter's own, '' when unknown
    fingerprint TEXT COLLATE "C" NOT NULL, -- the same report arrives twice: counted once
    opened      BOOLEAN NOT NULL, -- the reporter says to have opened it
    content     TEXT COLLATE "C" NOT NULL, -- JSON: subject, sender, links, attachments, note, answer, verdict, finding
    PRIMARY KEY (facility_id, id)
);
CREATE UNIQUE INDEX drill_reports_once ON drill_reports (facility_id, fingerprint);
CREATE INDEX drill_reports_at ON drill_reports (facility_id, kind, state, at);

CREATE TABLE drill_mailboxes (
    facility_id TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    validity    BIGINT NOT NULL, -- UIDVALIDITY
    uid         BIGINT NOT NULL, -- the last one that was taken in
    changed_at  BIGINT NOT NULL,
    PRIMARY KEY (facility_id, name)
);

CREATE TABLE drill_preflights (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    drill_id    TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL,
    state       TEXT COLLATE "C" NOT NULL, -- running | green | waived | red
    content     TEXT COLLATE "C" NOT NULL, -- JSON: checks, waivers, deliveries, what the site's scanners look like
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX drill_preflights_drill ON drill_preflights (facility_id, drill_id, at);

CREATE TABLE drill_roll (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    person_id   TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL, -- '' after anonymising
    department  TEXT COLLATE "C" NOT NULL,
    lesson      TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL,
    score       BIGINT NOT NULL, -- right answers
    questions   BIGINT NOT NULL,
    drill_id    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX drill_roll_at ON drill_roll (facility_id, at);

CREATE TABLE drill_plans (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    day         TEXT COLLATE "C" NOT NULL, -- planned for
    drill_id    TEXT COLLATE "C" NOT NULL, -- '' until it is made
    reminded_at BIGINT NOT NULL,
    content     TEXT COLLATE "C" NOT NULL, -- JSON: scenario, level, owner, note
    PRIMARY KEY (facility_id, id)
);

ALTER TABLE drill_domains ENABLE ROW LEVEL SECURITY;
ALTER TABLE drill_domains FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON drill_domains USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE drill_people ENABLE ROW LEVEL SECURITY;
ALTER TABLE drill_people FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON drill_people USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE drill_drills ENABLE ROW LEVEL SECURITY;
ALTER TABLE drill_drills FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON drill_drills USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE drill_approvals ENABLE ROW LEVEL SECURITY;
ALTER TABLE drill_approvals FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON drill_approvals USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE drill_targets ENABLE ROW LEVEL SECURITY;
ALTER TABLE drill_targets FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON drill_targets USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE drill_outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE drill_outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON drill_outbox USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE drill_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE drill_tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON drill_tokens USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE drill_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE drill_events FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON drill_events USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE drill_verdicts ENABLE ROW LEVEL SECURITY;
ALTER TABLE drill_verdicts FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON drill_verdicts USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE drill_totals ENABLE ROW LEVEL SECURITY;
ALTER TABLE drill_totals FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON drill_totals USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE drill_reports ENABLE ROW LEVEL SECURITY;
ALTER TABLE drill_reports FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON drill_reports USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE drill_mailboxes ENABLE ROW LEVEL SECURITY;
ALTER TABLE drill_mailboxes FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON drill_mailboxes USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE drill_preflights ENABLE ROW LEVEL SECURITY;
ALTER TABLE drill_preflights FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON drill_preflights USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE drill_roll ENABLE ROW LEVEL SECURITY;
ALTER TABLE drill_roll FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON drill_roll USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE drill_plans ENABLE ROW LEVEL SECURITY;
ALTER TABLE drill_plans FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON drill_plans USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose StatementBegin
CREATE FUNCTION drill_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
-- +goose StatementEnd
CREATE TRIGGER drill_events_kept BEFORE UPDATE OR DELETE ON drill_events FOR EACH ROW EXECUTE FUNCTION drill_append_only();
CREATE TRIGGER drill_approvals_kept BEFORE UPDATE OR DELETE ON drill_approvals FOR EACH ROW EXECUTE FUNCTION drill_append_only();

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
DROP FUNCTION drill_append_only;
