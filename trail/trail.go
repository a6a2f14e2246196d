// Package trail remembers who did what when. Every facility has one append-only Merkle log (the trees of RFC 6962, by
// golang.org/x/mod/sumdb/tlog): an edited, deleted or moved entry is found by Verify, and against a checkpoint that was
// exported earlier also a cut tail and a rewritten history.
package trail

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"time"
	"unicode/utf8"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
)

const (
	maxText   = 2000     // bytes of a summary, name or id
	maxDetail = 64 << 10 // bytes of an entry's detail
)

// Entry is one thing that somebody did. Append sets Seq, and Actor and At where they are empty.
type Entry struct {
	Seq     int64 // 0, 1, 2... in its facility
	At      time.Time
	Actor   actor.Actor
	Action  string    // stable verb: "device.edit", "person.sign-in"; lower case, dots and dashes
	Subject Subject   // what it was done to
	Summary i18n.Text // one sentence for the page
	Detail  any       // what else is worth keeping, marshalled to JSON; json.RawMessage when read back. No secrets: it cannot be erased
}

// Subject names what an entry is about; both fields may be empty.
type Subject struct {
	Kind string // "device", "segment", "person"...
	ID   string
}

// leaf is an entry as it is hashed and exported: one line of JSON with this order of fields, which must never change.
type leaf struct {
	V        int             `json:"v"`
	Facility facility.ID     `json:"facility"`
	Seq      int64           `json:"seq"`
	At       string          `json:"at"` // RFC 3339 with microseconds, UTC
	Actor    leafActor       `json:"actor"`
	Action   string          `json:"action"`
	Subject  leafSubject     `json:"subject"`
	Ja       string          `json:"ja"`
	En       string          `json:"en"`
	Detail   json.RawMessage `json:"detail,omitempty"`
}

type leafActor struct {
	Kind actor.Kind `json:"kind"`
	ID   string     `json:"id"`
	Name string     `json:"name"`
	Role actor.Role `json:"role,omitempty"`
	From string     `json:"from,omitempty"` // address; entries before it was kept have none
}

type leafSubject struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

const leafTime = "2006-01-02T15:04:05.000000Z"

var actionForm = regexp.MustCompile(`^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+$`)

// encode makes the bytes that are hashed. They hold no line break, so that an export is one leaf a line.
func encode(f facility.ID, e Entry) ([]byte, json.RawMessage, error) {
	if !actionForm.MatchString(e.Action) {
		return nil, nil, fmt.Errorf("trail: %q is not an action such as device.edit", e.Action)
	}
	detail, err := compact(e.Detail)
	if err != nil {
		return nil, nil, fmt.Errorf("trail: detail of %s: %w", e.Action, err)
	}
	if len(detail) > maxDetail {
		return nil, nil, fault.Newf(fault.TooLarge, "操作記録に残す内容が大きすぎます(%d バイト、上限 %d)。", "What goes into the trail is too large (%d bytes, limit %d).",
			len(detail), maxDetail)
	}
	l := leaf{V: 1, Facility: f, Seq: e.Seq, At: e.At.UTC().Format(leafTime), Action: e.Action,
		Actor:   leafActor{Kind: e.Actor.Kind, ID: clip(e.Actor.ID), Name: clip(e.Actor.Name), Role: e.Actor.Role, From: clip(e.Actor.Address)},
		Subject: leafSubject{Kind: clip(e.Subject.Kind), ID: clip(e.Subject.ID)},
		Ja:      clip(e.Summary.Ja), En: clip(e.Summary.En), Detail: detail}
	line, err := marshal(l)
	return line, detail, err
}

func compact(detail any) (json.RawMessage, error) {
	if detail == nil {
		return nil, nil
	}
	raw, err := marshal(detail)
	if err != nil || string(raw) == "null" {
		return nil, err
	}
	return raw, nil
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // the auditor reads these lines
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func decode(line []byte) (leaf, Entry, error) {
	var l leaf
	if err := json.Unmarshal(line, &l); err != nil {
		return l, Entry{}, err
	}
	at, err := time.Parse(leafTime, l.At)
	if err != nil {
		return l, Entry{}, err
	}
	e := Entry{Seq: l.Seq, At: at, Action: l.Action, Subject: Subject(l.Subject), Summary: i18n.Text{Ja: l.Ja, En: l.En},
		Actor: actor.Actor{Kind: l.Actor.Kind, ID: l.Actor.ID, Name: l.Actor.Name, Role: l.Actor.Role, Address: l.Actor.From}}
	if len(l.Detail) > 0 {
		e.Detail = l.Detail
	}
	return l, e, nil
}

// clip keeps valid UTF-8 without NUL (PostgreSQL takes none) and at most maxText bytes.
func clip(s string) string {
	s = string(bytes.ReplaceAll(bytes.ToValidUTF8([]byte(s), []byte("\uFFFD")), []byte{0}, nil))
	if len(s) <= maxText {
		return s
	}
	s = s[:maxText]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}
