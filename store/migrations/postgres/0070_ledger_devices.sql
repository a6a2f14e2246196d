-- +goose Up
-- One row per device, narrow: what lists filter and sort by. What people say and what was measured lies in ledger_contents.
CREATE TABLE ledger_devices (
    facility_id  TEXT COLLATE "C" NOT NULL,
    id           TEXT COLLATE "C" NOT NULL,
    root         TEXT COLLATE "C" NOT NULL, -- id, or the device that this one was merged into, at the end of the chain
    merged_into  TEXT COLLATE "C" NOT NULL, -- '' when it stands for itself
    state        TEXT COLLATE "C" NOT NULL,
    revision     BIGINT NOT NULL,
    never_touch  BOOLEAN NOT NULL,
    first_seen   BIGINT NOT NULL, -- 0: never seen on the wire
    last_seen    BIGINT NOT NULL,
    changed_at   BIGINT NOT NULL,
    changed_by   TEXT COLLATE "C" NOT NULL,    -- the name of who changed it last, for "somebody else changed it"
    name_key     TEXT COLLATE "C" NOT NULL,    -- sort keys: folded, digits padded, '' sorts last
    number_key   TEXT COLLATE "C" NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL,
    maker_key    TEXT COLLATE "C" NOT NULL,
    os_key       TEXT COLLATE "C" NOT NULL,
    department   TEXT COLLATE "C" NOT NULL,
    owner_key    TEXT COLLATE "C" NOT NULL,
    place_key    TEXT COLLATE "C" NOT NULL,
    ip_key       TEXT COLLATE "C" NOT NULL,    -- hexadecimal, so that 10.0.0.9 sorts before 10.0.0.10
    mac          TEXT COLLATE "C" NOT NULL,
    segment      TEXT COLLATE "C" NOT NULL,
    medical      BOOLEAN NOT NULL,
    randomised   BOOLEAN NOT NULL,
    conflicts    BIGINT NOT NULL,
    findings     BIGINT NOT NULL, -- from here on: set by upper floors, see Summarise
    worst        BIGINT NOT NULL,
    os_old       BOOLEAN NOT NULL,
    switch_id    TEXT COLLATE "C" NOT NULL,
    switch_port  TEXT COLLATE "C" NOT NULL,
    search       TEXT COLLATE "C" NOT NULL,    -- folded, one line per thing that can be searched
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX ledger_devices_root ON ledger_devices (facility_id, root);

CREATE TABLE ledger_contents (
    facility_id TEXT COLLATE "C" NOT NULL,
    device_id   TEXT COLLATE "C" NOT NULL,
    word        TEXT COLLATE "C" NOT NULL, -- JSON of Word
    identity    TEXT COLLATE "C" NOT NULL, -- JSON of Identity
    PRIMARY KEY (facility_id, device_id)
);

-- A MAC belongs to one device of a facility. first_seen 0: written in the hospital's ledger, not yet seen.
CREATE TABLE ledger_interfaces (
    facility_id TEXT COLLATE "C" NOT NULL,
    mac         TEXT COLLATE "C" NOT NULL,
    device_id   TEXT COLLATE "C" NOT NULL,
    segment     TEXT COLLATE "C" NOT NULL, -- where it was seen last
    first_seen  BIGINT NOT NULL,
    last_seen   BIGINT NOT NULL,
    PRIMARY KEY (facility_id, mac)
);
CREATE INDEX ledger_interfaces_device ON ledger_interfaces (facility_id, device_id);

-- Which device used which address, when. mac '' means that only the address is known (a routed segment).
CREATE TABLE ledger_addresses (
    facility_id TEXT COLLATE "C" NOT NULL,
    segment     TEXT COLLATE "C" NOT NULL,
    ip          TEXT COLLATE "C" NOT NULL,
    mac         TEXT COLLATE "C" NOT NULL,
    device_id   TEXT COLLATE "C" NOT NULL,
    first_seen  BIGINT NOT NULL,
    last_seen   BIGINT NOT NULL,
    held        BOOLEAN NOT NULL, -- false once another device took it
    PRIMARY KEY (facility_id, segment, ip, mac, device_id)
);
CREATE INDEX ledger_addresses_device ON ledger_addresses (facility_id, device_id);

CREATE TABLE ledger_services (
    facility_id TEXT COLLATE "C" NOT NULL,
    device_id   TEXT COLLATE "C" NOT NULL,
    proto       TEXT COLLATE "C" NOT NULL,
    port        BIGINT NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    detail      TEXT COLLATE "C" NOT NULL,
    last_seen   BIGINT NOT NULL,
    PRIMARY KEY (facility_id, device_id, proto, port, name)
);

-- What could tie two entries together: serial numbers and names that devices gave, addresses that people wrote.
CREATE TABLE ledger_ties (
    facility_id TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    value       TEXT COLLATE "C" NOT NULL,
    device_id   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (facility_id, kind, value, device_id)
);
CREATE INDEX ledger_ties_device ON ledger_ties (facility_id, device_id);

-- Merges and splits: proposed, done, refused, undone.
CREATE TABLE ledger_merges (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL, -- merge | split
    state       TEXT COLLATE "C" NOT NULL, -- proposed | done | refused | undone
    winner      TEXT COLLATE "C" NOT NULL, -- split: the device that was split
    loser       TEXT COLLATE "C" NOT NULL, -- split: the new device
    reasons     TEXT COLLATE "C" NOT NULL, -- JSON list of sentences
    before      TEXT COLLATE "C" NOT NULL, -- JSON: what Undo needs
    at          BIGINT NOT NULL,
    actor_kind  TEXT COLLATE "C" NOT NULL,
    actor_id    TEXT COLLATE "C" NOT NULL,
    actor_name  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX ledger_merges_pair ON ledger_merges (facility_id, winner, loser);
CREATE INDEX ledger_merges_state ON ledger_merges (facility_id, state, at);

-- Who changed what: of devices and systems.
CREATE TABLE ledger_history (
    facility_id TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    entry_id    TEXT COLLATE "C" NOT NULL, -- a device or a system
    at          BIGINT NOT NULL,
    actor_kind  TEXT COLLATE "C" NOT NULL,
    actor_id    TEXT COLLATE "C" NOT NULL,
    actor_name  TEXT COLLATE "C" NOT NULL,
    signal      TEXT COLLATE "C" NOT NULL, -- which signal or rule said so, '' when a person did
    kind        TEXT COLLATE "C" NOT NULL, -- of the Change
    field       TEXT COLLATE "C" NOT NULL,
    before      TEXT COLLATE "C" NOT NULL,
    after       TEXT COLLATE "C" NOT NULL,
    reason      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX ledger_history_entry ON ledger_history (facility_id, entry_id, at, id);

-- A counter per facility: its row lock lets one writer at a time decide which device is which, also on several copies.
CREATE TABLE ledger_clock (
    facility_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    seq         BIGINT NOT NULL
);

ALTER TABLE ledger_devices ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_devices FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON ledger_devices USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE ledger_contents ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_contents FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON ledger_contents USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE ledger_interfaces ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_interfaces FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON ledger_interfaces USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE ledger_addresses ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_addresses FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON ledger_addresses USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE ledger_services ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_services FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON ledger_services USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE ledger_ties ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_ties FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON ledger_ties USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE ledger_merges ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_merges FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON ledger_merges USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE ledger_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_history FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON ledger_history USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

ALTER TABLE ledger_clock ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_clock FORCE ROW LEVEL SECURITY;
CREATE POLICY facility ON ledger_clock USING (facility_id = current_setting('kenshin.facility'))
    WITH CHECK (facility_id = current_setting('kenshin.facility'));

-- +goose Down
DROP TABLE ledger_clock;
DROP TABLE ledger_history;
DROP TABLE ledger_merges;
DROP TABLE ledger_ties;
DROP TABLE ledger_services;
DROP TABLE ledger_addresses;
DROP TABLE ledger_interfaces;
DROP TABLE ledger_contents;
DROP TABLE ledger_devices;
