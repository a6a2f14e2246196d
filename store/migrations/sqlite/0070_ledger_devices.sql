-- +goose Up
-- One row per device, narrow: what lists filter and sort by. What people say and what was measured lies in ledger_contents.
CREATE TABLE ledger_devices (
    facility_id  TEXT NOT NULL,
    id           TEXT NOT NULL,
    root         TEXT NOT NULL, -- id, or the device that this one was merged into, at the end of the chain
    merged_into  TEXT NOT NULL, -- '' when it stands for itself
    state        TEXT NOT NULL,
    revision     INTEGER NOT NULL,
    never_touch  BOOLEAN NOT NULL,
    first_seen   INTEGER NOT NULL, -- 0: never seen on the wire
    last_seen    INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL,
    changed_by   TEXT NOT NULL,    -- the name of who changed it last, for "somebody else changed it"
    name_key     TEXT NOT NULL,    -- sort keys: folded, digits padded, '' sorts last
    number_key   TEXT NOT NULL,
    kind         TEXT NOT NULL,
    maker_key    TEXT NOT NULL,
    os_key       TEXT NOT NULL,
    department   TEXT NOT NULL,
    owner_key    TEXT NOT NULL,
    place_key    TEXT NOT NULL,
    ip_key       TEXT NOT NULL,    -- hexadecimal, so that 10.0.0.9 sorts before 10.0.0.10
    mac          TEXT NOT NULL,
    segment      TEXT NOT NULL,
    medical      BOOLEAN NOT NULL,
    randomised   BOOLEAN NOT NULL,
    conflicts    INTEGER NOT NULL,
    findings     INTEGER NOT NULL, -- from here on: set by upper floors, see Summarise
    worst        INTEGER NOT NULL,
    os_old       BOOLEAN NOT NULL,
    switch_id    TEXT NOT NULL,
    switch_port  TEXT NOT NULL,
    search       TEXT NOT NULL,    -- folded, one line per thing that can be searched
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX ledger_devices_root ON ledger_devices (facility_id, root);

CREATE TABLE ledger_contents (
    facility_id TEXT NOT NULL,
    device_id   TEXT NOT NULL,
    word        TEXT NOT NULL, -- JSON of Word
    identity    TEXT NOT NULL, -- JSON of Identity
    PRIMARY KEY (facility_id, device_id)
);

-- A MAC belongs to one device of a facility. first_seen 0: written in the hospital's ledger, not yet seen.
CREATE TABLE ledger_interfaces (
    facility_id TEXT NOT NULL,
    mac         TEXT NOT NULL,
    device_id   TEXT NOT NULL,
    segment     TEXT NOT NULL, -- where it was seen last
    first_seen  INTEGER NOT NULL,
    last_seen   INTEGER NOT NULL,
    PRIMARY KEY (facility_id, mac)
) WITHOUT ROWID;
CREATE INDEX ledger_interfaces_device ON ledger_interfaces (facility_id, device_id);

-- Which device used which address, when. mac '' means that only the address is known (a routed segment).
CREATE TABLE ledger_addresses (
    facility_id TEXT NOT NULL,
    segment     TEXT NOT NULL,
    ip          TEXT NOT NULL,
    mac         TEXT NOT NULL,
    device_id   TEXT NOT NULL,
    first_seen  INTEGER NOT NULL,
    last_seen   INTEGER NOT NULL,
    held        BOOLEAN NOT NULL, -- false once another device took it
    PRIMARY KEY (facility_id, segment, ip, mac, device_id)
) WITHOUT ROWID;
CREATE INDEX ledger_addresses_device ON ledger_addresses (facility_id, device_id);

CREATE TABLE ledger_services (
    facility_id TEXT NOT NULL,
    device_id   TEXT NOT NULL,
    proto       TEXT NOT NULL,
    port        INTEGER NOT NULL,
    name        TEXT NOT NULL,
    detail      TEXT NOT NULL,
    last_seen   INTEGER NOT NULL,
    PRIMARY KEY (facility_id, device_id, proto, port, name)
) WITHOUT ROWID;

-- What could tie two entries together: serial numbers and names that devices gave, addresses that people wrote.
CREATE TABLE ledger_ties (
    facility_id TEXT NOT NULL,
    kind        TEXT NOT NULL,
    value       TEXT NOT NULL,
    device_id   TEXT NOT NULL,
    PRIMARY KEY (facility_id, kind, value, device_id)
) WITHOUT ROWID;
CREATE INDEX ledger_ties_device ON ledger_ties (facility_id, device_id);

-- Merges and splits: proposed, done, refused, undone.
CREATE TABLE ledger_merges (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    kind        TEXT NOT NULL, -- merge | split
    state       TEXT NOT NULL, -- proposed | done | refused | undone
    winner      TEXT NOT NULL, -- split: the device that was split
    loser       TEXT NOT NULL, -- split: the new device
    reasons     TEXT NOT NULL, -- JSON list of sentences
    before      TEXT NOT NULL, -- JSON: what Undo needs
    at          INTEGER NOT NULL,
    actor_kind  TEXT NOT NULL,
    actor_id    TEXT NOT NULL,
    actor_name  TEXT NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX ledger_merges_pair ON ledger_merges (facility_id, winner, loser);
CREATE INDEX ledger_merges_state ON ledger_merges (facility_id, state, at);

-- Who changed what: of devices and systems.
CREATE TABLE ledger_history (
    facility_id TEXT NOT NULL,
    id          TEXT NOT NULL,
    entry_id    TEXT NOT NULL, -- a device or a system
    at          INTEGER NOT NULL,
    actor_kind  TEXT NOT NULL,
    actor_id    TEXT NOT NULL,
    actor_name  TEXT NOT NULL,
    signal      TEXT NOT NULL, -- which signal or rule said so, '' when a person did
    kind        TEXT NOT NULL, -- of the Change
    field       TEXT NOT NULL,
    before      TEXT NOT NULL,
    after       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    PRIMARY KEY (facility_id, id)
);
CREATE INDEX ledger_history_entry ON ledger_history (facility_id, entry_id, at, id);

-- A counter per facility: its row lock lets one writer at a time decide which device is which, also on several copies.
CREATE TABLE ledger_clock (
    facility_id TEXT NOT NULL PRIMARY KEY,
    seq         INTEGER NOT NULL
) WITHOUT ROWID;

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
