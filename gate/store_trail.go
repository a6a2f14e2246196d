package gate

import (
	"context"

	"kenshin/i18n"
	"kenshin/store"
	"kenshin/trail"
)

// wrote leaves a trail of what a person decided, in the transaction that keeps the decision. The work of the program itself (proposals that it
// found by itself) leaves none.
func (b *Book) wrote(ctx context.Context, tx *store.Tx, action, kind, id string, text i18n.Text, detail any) error {
	_, err := trail.Append(ctx, tx, trail.Entry{At: b.now(), Action: action, Subject: trail.Subject{Kind: kind, ID: id}, Summary: text, Detail: detail})
	return err
}

// segmentDetail is a segment as the trail keeps it: without credentials.
func segmentDetail(s *Segment) map[string]any {
	return map[string]any{"name": s.Name, "range": s.Prefix.String(), "interface": s.Interface, "routed": s.Routed, "medical": s.Medical, "purpose": s.Purpose,
		"pace": s.Pace, "hours": s.Hours, "listen": s.Listen, "router": addrText(s.Router), "approved": s.Approved, "snmp_credentials": len(s.SNMP)}
}

func about(s *Segment, ja, en string) i18n.Text {
	return i18n.Text{Ja: "区画「" + s.Name + "」(" + s.Prefix.String() + ")" + ja, En: en + " segment \"" + s.Name + "\" (" + s.Prefix.String() + ")"}
}

func subjectOf(h HostKey, device string) string {
	switch {
	case device != "":
		return device
	case !h.MAC.IsZero():
		return h.MAC.String()
	}
	return addrText(h.IP)
}
