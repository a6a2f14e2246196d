package api

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/netid"
)

// WordOf is what a person said about how a device is to be treated.
type WordOf struct {
	ID      string         `json:"id"`
	Word    gate.Word      `json:"word" enum:"never-touch,not-medical"`
	Device  netid.DeviceID `json:"device,omitempty"`
	Segment string         `json:"segment,omitempty"`
	IP      string         `json:"ip,omitempty"`
	MAC     string         `json:"mac,omitempty"`
	Reason  string         `json:"reason"`
	By      string         `json:"by"`
	At      time.Time      `json:"at"`
}

func (s *server) listWords(ctx context.Context, f facility.ID, _ *listWhole) (Page[WordOf], error) {
	list, err := s.Gates.Words(ctx, f)
	if err != nil {
		return Page[WordOf]{}, err
	}
	items := make([]WordOf, len(list))
	for i, w := range list {
		items[i] = WordOf{w.ID, w.Word, w.Device, w.Segment, ipText(w.IP), w.MAC.String(), w.Reason, w.By, w.At}
	}
	return page(items, ""), nil
}

type addWord struct {
	Body struct {
		HostName
		Device netid.DeviceID `json:"device,omitempty" maxLength:"80" doc:"A device of the ledger, with all its cards, instead of ip and mac."`
		Word   string         `json:"word" enum:"never-touch,not-medical"`
		Reason string         `json:"reason,omitempty" maxLength:"500" doc:"Needed for not-medical."`
	}
}

func (s *server) addWord(ctx context.Context, f facility.ID, in *addWord) (Page[WordOf], error) {
	keys, device, err := s.hosts(ctx, f, in.Body.Device, in.Body.HostName)
	if err != nil {
		return Page[WordOf]{}, err
	}
	if device != "" && gate.Word(in.Body.Word) == gate.SaidNeverTouch {
		d, err := s.Ledger.Get(ctx, f, device)
		if err != nil {
			return Page[WordOf]{}, err
		}
		keys = append(keys, addressesOf(d)...)
	}
	made := map[string]bool{}
	for _, h := range keys {
		id, err := s.Gates.Say(ctx, f, h, device, gate.Word(in.Body.Word), in.Body.Reason)
		if err != nil {
			return Page[WordOf]{}, err
		}
		made[id] = true
	}
	list, err := s.listWords(ctx, f, nil)
	list.Items = slices.DeleteFunc(list.Items, func(w WordOf) bool { return !made[w.ID] })
	return list, err
}

func (s *server) removeWord(ctx context.Context, f facility.ID, in *ByID) error {
	return s.Gates.TakeBack(ctx, f, in.ID)
}

// FrameKind is one kind of frame that Kenshin sends, and how often it did. There are no others.
type FrameKind struct {
	Frame   gate.Frame `json:"frame" example:"arp"`
	Name    i18n.Text  `json:"name"`
	What    i18n.Text  `json:"what" doc:"What is sent, in plain words."`
	Sent    int64      `json:"sent"`
	Refused int64      `json:"refused"`
}

var frameColumns = []col[FrameKind]{
	{"frame", func(v *FrameKind) any { return string(v.Frame) }}, {"name_ja", func(v *FrameKind) any { return v.Name.Ja }},
	{"what_ja", func(v *FrameKind) any { return v.What.Ja }}, {"sent", func(v *FrameKind) any { return v.Sent }},
	{"refused", func(v *FrameKind) any { return v.Refused }},
}

// FrameFilter narrows what was sent.
type FrameFilter struct {
	Segment string    `query:"segment" maxLength:"80"`
	IP      string    `query:"ip" maxLength:"60"`
	MAC     string    `query:"mac" maxLength:"40"`
	From    time.Time `query:"from"`
	To      time.Time `query:"to"`
}

func (q *FrameFilter) filter() (out gate.SentFilter, err error) {
	out = gate.SentFilter{Segment: q.Segment, From: q.From, To: q.To}
	out.Host, out.MAC, err = HostName{IP: q.IP, MAC: q.MAC}.parse()
	return out, err
}

type listFrames struct {
	Whole
	FrameFilter
}

func (s *server) listFrames(ctx context.Context, f facility.ID, in *listFrames) (Page[FrameKind], error) {
	q, err := in.filter()
	if err != nil {
		return Page[FrameKind]{}, err
	}
	totals, err := s.Gates.SentTotals(ctx, f, q)
	if err != nil {
		return Page[FrameKind]{}, err
	}
	var items []FrameKind
	for _, d := range gate.Frames() {
		v := FrameKind{Frame: d.Frame, Name: d.Name, What: d.What}
		for _, t := range totals {
			if t.Frame == d.Frame {
				v.Sent, v.Refused = t.Sent, t.Refused
			}
		}
		items = append(items, v)
	}
	return page(items, ""), nil
}

// SentRow is how many frames of one kind went to one device, or were refused, in one hour.
type SentRow struct {
	Hour    time.Time  `json:"hour"`
	Segment string     `json:"segment"`
	Host    string     `json:"host" doc:"A device or a group; empty: addresses where nobody answered, together."`
	MAC     string     `json:"mac"`
	Frame   gate.Frame `json:"frame"`
	Refused string     `json:"refused,omitempty" doc:"Missing: sent; else the code of the refusal."`
	Frames  int64      `json:"frames"`
}

var sentColumns = []col[SentRow]{
	{"hour", func(v *SentRow) any { return when(v.Hour) }}, {"segment", func(v *SentRow) any { return v.Segment }},
	{"host", func(v *SentRow) any { return v.Host }}, {"mac", func(v *SentRow) any { return v.MAC }},
	{"frame", func(v *SentRow) any { return string(v.Frame) }}, {"refused", func(v *SentRow) any { return v.Refused }},
	{"frames", func(v *SentRow) any { return v.Frames }},
}

type listSent struct {
	Paging
	FrameFilter
	Frame   string `query:"frame" maxLength:"20" example:"snmp"`
	Refused bool   `query:"refused" doc:"Only what was refused."`
}

// before says how rows are ordered: newest hour first, then by name.
func (r SentRow) before(o SentRow) bool {
	if !r.Hour.Equal(o.Hour) {
		return r.Hour.After(o.Hour)
	}
	return cmp.Or(cmp.Compare(r.Segment, o.Segment), cmp.Compare(r.Host, o.Host), cmp.Compare(r.Frame, o.Frame), cmp.Compare(r.Refused, o.Refused)) < 0
}

// listSent pages by the last row and not by a count: rows that are written meanwhile move nothing.
func (s *server) listSent(ctx context.Context, f facility.ID, in *listSent) (Page[SentRow], error) {
	q, err := in.filter()
	if err != nil {
		return Page[SentRow]{}, err
	}
	q.Frame, q.Refused, q.Limit = gate.Frame(in.Frame), in.Refused, 1000
	var last SentRow
	if in.Cursor != "" {
		b, err := base64.RawURLEncoding.DecodeString(in.Cursor)
		if err != nil || json.Unmarshal(b, &last) != nil || last.Hour.IsZero() {
			return Page[SentRow]{}, badCursor()
		}
		if to := last.Hour.Add(time.Microsecond); q.To.IsZero() || to.Before(q.To) {
			q.To = to
		}
	}
	var items []SentRow
	for {
		rows, err := s.Gates.Sent(ctx, f, q)
		if err != nil {
			return Page[SentRow]{}, err
		}
		for _, r := range rows {
			v := SentRow{r.Hour, r.Segment, ipText(r.Host), r.MAC.String(), r.Frame, r.Refused, r.Frames}
			if in.Cursor != "" && !last.before(v) || len(items) > 0 && !items[len(items)-1].before(v) {
				continue
			}
			if items = append(items, v); len(items) > in.Limit {
				return page(items[:in.Limit], sentCursor(items[in.Limit-1])), nil
			}
		}
		if len(rows) < q.Limit {
			return page(items, ""), nil
		}
		q.Offset += len(rows)
	}
}

func sentCursor(r SentRow) string {
	b, err := json.Marshal(SentRow{Hour: r.Hour, Segment: r.Segment, Host: r.Host, Frame: r.Frame, Refused: r.Refused})
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func badCursor() error {
	return fault.New(fault.Invalid, "続きの位置(cursor)が正しくありません。最初のページから開き直してください。",
		"The cursor is not valid. Start again from the first page.")
}
