package drill

import (
	"context"
	"net/mail"
	"strings"

	"kenshin/drill/bounce"
	"kenshin/drill/intake"
	"kenshin/facility"
	"kenshin/store"
)

// takeReturn looks whether a mail is no report but something that a drill's own mail brought back: a server's word that it could not be delivered, an
// absence notice, or an answer. What an answer says is not kept.
func (b *Book) takeReturn(ctx context.Context, f facility.ID, raw []byte, e Envelope, s Settings) (in Incoming, known bool, err error) {
	back := bounce.Read(raw)
	head, _ := cutHead(raw)
	from, id := addressOf(head.Get("From")), head.Get("Message-Id")
	toSender := sentBack(head, e, s)
	in = Incoming{At: e.At, Via: e.Via, State: ReportClosed, Reporter: from}
	why, automatic := intake.IsAutoReply(raw)
	switch {
	case back.Kind == bounce.Bounce:
		in.Kind = ReportBounce
	case back.Kind == bounce.Receipt:
		in.Kind, in.Why = ReportAuto, "receipt"
	case toSender && (automatic || back.Kind == bounce.AutoReply):
		in.Kind, in.Why = ReportAuto, clip(why, 200)
	case toSender:
		in.Kind = ReportReply
	default:
		return in, false, nil
	}
	print := printOf(raw, from, strings.Trim(strings.TrimSpace(id), "<>"))
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		one := in
		if in.Kind == ReportBounce {
			return b.bounced(ctx, tx, &in, one, back, print)
		}
		if one.Drill, err = answeredDrill(ctx, tx, head, from, e, s); err != nil {
			return err
		}
		if one.Drill != "" {
			if one.Target, err = targetOf(ctx, tx, one.Drill, from); err != nil {
				return err
			}
		}
		if in, err = insertReport(ctx, tx, one, print); err != nil || !in.Fresh || in.Kind != ReportReply || in.Target == "" {
			return err
		}
		return b.note(ctx, tx, Event{Drill: in.Drill, Target: in.Target, Signal: Replied, At: in.At, Method: "MAIL", Detail: "reply"})
	})
	return in, true, err
}

// bounced writes down that a mail did not arrive. A mail that was refused stays refused; what the recipient did with it stays as well.
func (b *Book) bounced(ctx context.Context, tx *store.Tx, out *Incoming, one Incoming, back bounce.Report, print string) error {
	said := ""
	failed := false
	for _, r := range back.Recipients {
		failed = failed || r.Action == bounce.Failed
		if said == "" {
			said = strings.TrimSpace(r.Status + " " + r.Diagnostic)
		}
	}
	one.Note = words(said, 300)
	var mailID, kind string
	if id := strings.Trim(back.MessageID, "<> "); id != "" {
		err := tx.Row(ctx, "SELECT o.id, o.drill_id, o.target_id, o.kind FROM drill_outbox o WHERE o.facility_id = $1 AND o.message_id = $2 LIMIT 1", id).
			Scan(&mailID, &one.Drill, &one.Target, &kind)
		if unlessNone(err) != nil {
			return err
		}
	}
	var err error
	if *out, err = insertReport(ctx, tx, one, print); err != nil || !out.Fresh || !failed || mailID == "" {
		return err
	}
	if _, err := tx.Exec(ctx, "UPDATE drill_outbox SET said = $3, changed_at = $4 WHERE facility_id = $1 AND id = $2", mailID, clip(one.Note, 300), store.Micros(b.stamp())); err != nil || kind != "drill" {
		return err
	}
	n, err := tx.Exec(ctx, "UPDATE drill_targets SET mail = 'bounced' WHERE facility_id = $1 AND drill_id = $2 AND id = $3 AND mail IN ('accepted', 'unknown')", one.Drill, one.Target)
	if err != nil || n == 0 {
		return err
	}
	return soil(ctx, tx, one.Drill)
}

// sentBack reports whether a mail was written to a drill's sender, not to the report mailbox.
func sentBack(head mail.Header, e Envelope, s Settings) bool {
	is := func(address string) bool {
		_, domain, _ := strings.Cut(address, "@")
		return s.Domain != "" && strings.EqualFold(domain, s.Domain) && !strings.EqualFold(address, s.ReportTo)
	}
	if e.To != "" {
		return is(e.To)
	}
	list, _ := (&mail.AddressParser{WordDecoder: nil}).ParseList(head.Get("To"))
	back := false
	for _, a := range list {
		if strings.EqualFold(a.Address, s.ReportTo) {
			return false
		}
		back = back || is(a.Address)
	}
	return back
}

// answeredDrill finds the drill that a mail answers: by the Message-IDs that it names, else by the sender that it was written to.
func answeredDrill(ctx context.Context, tx *store.Tx, head mail.Header, from string, e Envelope, s Settings) (string, error) {
	ids := strings.Fields(head.Get("In-Reply-To") + " " + head.Get("References"))
	for _, id := range ids[:min(len(ids), 50)] {
		drill, kind, err := mailOwner(ctx, tx, id)
		if err != nil || kind == "drill" {
			return drill, err
		}
	}
	to := e.To
	if to == "" {
		to = addressOf(head.Get("To"))
	}
	known, err := startedFor(ctx, tx, from)
	for _, d := range known {
		if strings.EqualFold(to, d.mail.FromLocal+"@"+s.Domain) {
			return d.id, err
		}
	}
	return "", err
}

func addressOf(field string) string {
	a, err := mail.ParseAddress(field)
	if err != nil {
		if i := strings.LastIndexByte(field, '<'); i >= 0 { // a name in a writing of its own
			rest, _, _ := strings.Cut(field[i+1:], ">")
			if a, err = mail.ParseAddress(rest); err == nil {
				return strings.ToLower(a.Address)
			}
		}
		return ""
	}
	return strings.ToLower(a.Address)
}

// Takes reports whether mail to an address is this facility's own: its report mailbox, or a sender of its drills.
func (b *Book) Takes(ctx context.Context, f facility.ID, address string) (bool, error) {
	s, err := b.Settings(ctx, f)
	if err != nil {
		return false, err
	}
	if strings.EqualFold(address, s.ReportTo) {
		return true, nil
	}
	local, domain, ok := strings.Cut(strings.ToLower(address), "@")
	if !ok || s.Domain == "" || !strings.EqualFold(domain, s.Domain) {
		return false, nil
	}
	if local == "bounce" {
		return true, nil
	}
	list, err := b.List(ctx, f)
	for _, d := range list {
		if !d.Started.IsZero() && strings.EqualFold(d.Mail.FromLocal, local) {
			return true, nil
		}
	}
	return false, err
}
