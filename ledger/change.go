package ledger

import (
	"context"
	"time"

	"kenshin/netid"
)

// ChangeKind is what sort of thing happened to an entry.
type ChangeKind string

const (
	DeviceFound    ChangeKind = "device-found"    // a device that nobody knew
	DeviceConfirm  ChangeKind = "device-confirm"  // a device from the hospital's ledger was seen on the wire for the first time
	DeviceBack     ChangeKind = "device-back"     // silent for a week or more; Before: when it was seen last (RFC 3339)
	RetiredSeen    ChangeKind = "retired-seen"    // retired, and on the network again
	AddressChanged ChangeKind = "address-changed" // Before, After: IPv4
	CardFound      ChangeKind = "card-found"      // After: a further MAC
	Identified     ChangeKind = "identified"      // first time that it could be said what it is; After: the kind
	Measured       ChangeKind = "measured"        // a measured Field changed: kind, maker, model, serial, os, os_version, name, medical
	ServiceOpened  ChangeKind = "service-opened"  // After: "tcp/445 smb"
	ServiceClosed  ChangeKind = "service-closed"  // Before: the same
	Edited         ChangeKind = "edited"          // a person changed Field
	StateChanged   ChangeKind = "state-changed"   // Before, After: State
	Added          ChangeKind = "added"           // by hand or import
	Removed        ChangeKind = "removed"         // an entry that was never seen
	Merged         ChangeKind = "merged"          // Other went into Device
	MergeProposed  ChangeKind = "merge-proposed"  // Other may be the same as Device
	SplitOff       ChangeKind = "split"           // Other was taken out of Device
	MergeUndone    ChangeKind = "merge-undone"
	SystemChanged  ChangeKind = "system-changed" // Device is empty
)

// Change is one thing that happened; each is a row of the history too.
type Change struct {
	Kind          ChangeKind
	Device        netid.DeviceID
	Other         netid.DeviceID
	At            time.Time
	Field         string // key of a field, "" when the kind says all
	Before, After string
	Signal        string // which signal or rule showed it, "" when a person did it
	Reason        string // what the person said why
}

type oneDeed struct{}

// OneDeed marks a context in which many changes are one deed of a person, such as an import: whoever leads it leaves one trail of all.
func OneDeed(ctx context.Context) context.Context { return context.WithValue(ctx, oneDeed{}, true) }

// IsOneDeed reports a context made by OneDeed.
func IsOneDeed(ctx context.Context) bool { return ctx.Value(oneDeed{}) != nil }
