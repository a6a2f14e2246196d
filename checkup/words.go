package checkup

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"kenshin/event"
	"kenshin/exposure"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/netid"
)

// findings turns the checks' verdicts on a device into results for the finding book, with the device's name in the title.
func findings(d *ledger.Device, results []exposure.Result, now time.Time) []finding.Result {
	called := i18n.Text{Ja: deviceName(d, i18n.Ja), En: deviceName(d, i18n.En)}
	list := make([]finding.Result, 0, len(results))
	for i := range results {
		r := &results[i]
		c := r.Check
		out := finding.Result{Check: c.ID, Version: strconv.Itoa(c.Version), Device: d.ID, Outcome: outcomes[r.Outcome], Severity: finding.Severity(c.Severity),
			Impact: string(d.Word.Impact), Owner: d.Word.Department, Due: now.AddDate(0, 0, c.Days)}
		out.Text = finding.Text{Title: named(c.Title, called), Why: with(c.Why, r.Note), Fix: c.Fix, Call: c.Call}
		for _, e := range r.Evidence {
			value := e.Value
			if e.Port != 0 {
				value = strconv.Itoa(int(e.Port)) + ": " + value
			}
			out.Evidence = append(out.Evidence, finding.Evidence{Signal: e.Signal, Value: value, At: e.At})
		}
		list = append(list, out)
	}
	return list
}

func named(t, name i18n.Text) i18n.Text {
	return i18n.Text{Ja: replaceOnce(t.Ja, name.Ja), En: replaceOnce(t.En, name.En)}
}

func replaceOnce(s, name string) string {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '%' && s[i+1] == 's' {
			return s[:i] + name + s[i+2:]
		}
	}
	return s
}

func with(t, note i18n.Text) i18n.Text {
	if note.Ja == "" {
		return t
	}
	return i18n.Text{Ja: note.Ja + t.Ja, En: note.En + " " + t.En}
}

// deviceName is what a finding calls a device: its name, else its address, else its card's number.
func deviceName(d *ledger.Device, l i18n.Lang) string {
	if n := d.Name(); n != "" {
		return n
	}
	for _, i := range d.Interfaces {
		if len(i.IPv4) > 0 {
			return i.IPv4[0].String()
		}
	}
	for _, i := range d.Interfaces {
		if m := i.MAC.String(); m != "" {
			return m
		}
	}
	return i18n.Text{Ja: "名前のない機器", En: "a device without a name"}.In(l)
}

// order puts the local segments first: a router in one of them tells who lives in the others.
func (c *Checkup) order(ids []string) ([]string, error) {
	var local, routed []string
	for _, id := range ids {
		s := c.Gate.Host(id, netip.Addr{}, netid.MAC{}).Segment()
		switch {
		case s == nil:
			return nil, fault.New(fault.Denied, "承認されていない区画が含まれています。先に区画を承認してください。", "One of the segments has not been approved. Approve it first.")
		case s.Routed:
			routed = append(routed, id)
		default:
			local = append(local, id)
		}
	}
	return append(local, routed...), nil
}

// macOf is the card that the ledger ties to an address of a routed segment; zero when nobody told it.
func (c *Checkup) macOf(ctx context.Context, f facility.ID, segment string, ip netip.Addr) (netid.MAC, error) {
	d, err := c.Ledger.ByIP(ctx, f, segment, ip.String())
	if fault.Is(err, fault.NotFound) {
		return netid.MAC{}, nil
	}
	if err != nil {
		return netid.MAC{}, err
	}
	for _, i := range d.Interfaces {
		for _, a := range i.IPv4 {
			if a == ip && !i.MAC.IsZero() {
				return i.MAC, nil
			}
		}
	}
	return netid.MAC{}, nil
}

// close judges the devices that were only counted so far, ends the sweep and says what could not be done.
func (c *Checkup) close(ctx context.Context, f facility.ID, s *Sweep, at *cursor) (done bool, err error) {
	if !s.Request.Passing {
		list, err := c.unjudged(ctx, f, s.ID, at.Judged, judgeTogether)
		if err != nil {
			return false, err
		}
		if len(list) > 0 {
			if err := c.Judge(ctx, f, list); err != nil {
				return false, err
			}
			at.Judged = string(list[len(list)-1])
			return false, nil
		}
	}
	s.State, s.Finished = Done, c.Now()
	if slices.ContainsFunc(s.Notes, func(n Note) bool { return !n.Limit }) {
		s.State = Incomplete
	}
	s.Frames = c.frames(s)
	return true, c.save(context.WithoutCancel(ctx), f, s, *at, nil)
}

// findingEvents tells what a run of the checks changed.
func findingEvents(changes []finding.Change, now time.Time) []event.Event {
	kinds := map[finding.ChangeKind]event.Kind{finding.Opened: event.FindingOpened, finding.Reopened: event.FindingOpened, finding.Closed: event.FindingClosed}
	var list []event.Event
	for _, ch := range changes {
		if kind, ok := kinds[ch.Kind]; ok {
			list = append(list, event.Event{At: now, Kind: kind, Device: ch.Device, Params: map[string]string{"after": ch.Title.Ja, "after_en": ch.Title.En}})
		}
	}
	return list
}

// ledgerEvents tells what changed in the ledger; the kinds of both have the same names.
func ledgerEvents(changes []ledger.Change, names map[netid.DeviceID]*ledger.Device) []event.Event {
	list := make([]event.Event, 0, len(changes))
	for _, ch := range changes {
		params := map[string]string{"before": ch.Before, "after": ch.After}
		if ch.Field == "kind" { // people never read a key
			for key, value := range map[string]string{"before": ch.Before, "after": ch.After} {
				if value != "" {
					label := ledger.KindLabel(value)
					params[key], params[key+"_en"] = label.Ja, label.En
				}
			}
		}
		if d := names[ch.Device]; d != nil {
			params["name"], params["name_en"] = deviceName(d, i18n.Ja), deviceName(d, i18n.En)
		}
		if d := names[ch.Other]; d != nil {
			params["other"], params["other_en"] = deviceName(d, i18n.Ja), deviceName(d, i18n.En)
		}
		if ch.Field != "" {
			label := fieldLabel(ch.Field)
			params["field"], params["field_en"] = label.Ja, label.En
		}
		list = append(list, event.Event{At: ch.At, Kind: event.Kind(ch.Kind), Device: ch.Device, Params: params})
	}
	return list
}

func fieldLabel(key string) i18n.Text {
	for _, f := range ledger.Fields() {
		if f.Key == key {
			return f.Label
		}
	}
	return i18n.Text{Ja: key, En: key}
}
