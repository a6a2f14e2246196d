package drill

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"kenshin/drill/intake"
	"kenshin/drill/internal/token"
	"kenshin/drill/lesson"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
)

const (
	kindAnswer   = "answer"    // thanks, or a person's word
	kindFirstAid = "first-aid" // what to do after 開いてしまった
)

const reportColumns = "r.id, r.at, r.via, r.kind, r.state, r.reporter, r.drill_id, r.target_id, r.opened, r.content"

func scanReport(r interface{ Scan(...any) error }) (in Incoming, err error) {
	var at int64
	var text string
	if err := r.Scan(&in.ID, &at, &in.Via, &in.Kind, &in.State, &in.Reporter, &in.Drill, &in.Target, &in.Opened, &text); err != nil {
		return in, err
	}
	in.At = store.Time(at)
	return in, unmarshal(text, &in.ReportContent)
}

// insertReport keeps a report. Fresh is false, and the older one is returned, when the same came before.
func insertReport(ctx context.Context, tx *store.Tx, in Incoming, print string) (Incoming, error) {
	text, err := marshal(in.ReportContent)
	if err != nil {
		return in, err
	}
	in.ID = store.NewID()
	n, err := tx.Exec(ctx, `INSERT INTO drill_reports (facility_id, id, at, via, kind, state, reporter, drill_id, target_id, fingerprint, opened, content)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (facility_id, fingerprint) DO NOTHING`,
		in.ID, store.Micros(in.At), string(in.Via), string(in.Kind), string(in.State), in.Reporter, in.Drill, in.Target, print, in.Opened, text)
	if err != nil {
		return in, fmt.Errorf("keep a report: %w", err)
	}
	if n > 0 {
		in.Fresh = true
		return in, nil
	}
	return scanReport(tx.Row(ctx, "SELECT "+reportColumns+" FROM drill_reports r WHERE r.facility_id = $1 AND r.fingerprint = $2", print))
}

func (in Incoming) update(ctx context.Context, tx *store.Tx) error {
	text, err := marshal(in.ReportContent)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE drill_reports SET state = $3, content = $4 WHERE facility_id = $1 AND id = $2", in.ID, string(in.State), text)
	return err
}

// keepReport makes a report and what follows from it durable.
func (b *Book) keepReport(ctx context.Context, f facility.ID, in Incoming, rep intake.Report, o owner, raw []byte) (out Incoming, err error) {
	scene, err := b.Scene(ctx, Landed{Facility: f})
	if err != nil {
		return in, err
	}
	print := printOf(raw, in.Reporter, rep.MessageID)
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		one := in
		if len(o.drills) > 0 {
			one.Drill = o.drills[0]
			if one.Target, err = targetOf(ctx, tx, one.Drill, one.Reporter); err != nil {
				return err
			}
		}
		if one.Kind != ReportDrill { // of a drill's mail nothing is kept: its links are the recipient's own
			one.Mails, one.Mark = reported(rep.Originals), mark(rep.Originals)
		}
		if out, err = insertReport(ctx, tx, one, print); err != nil || !out.Fresh || out.Kind == ReportAuto {
			return err
		}
		if out.Kind == ReportDrill && out.Proof != intake.Refuted {
			if err := b.credit(ctx, tx, o.drills, out, "mail"); err != nil {
				return err
			}
		}
		if len(o.strays) > 0 { // a stranger's mail was handed on together with a drill's
			stray := in
			stray.Kind, stray.State, stray.Mails, stray.Mark = ReportReal, ReportNew, reported(o.strays), mark(o.strays)
			if _, err := insertReport(ctx, tx, stray, print+"+"); err != nil {
				return err
			}
		}
		return b.thank(ctx, tx, out, scene)
	})
	return out, err
}

// credit writes into each drill that its recipient reported: the reporter's own place, whoever the mail was sent to.
func (b *Book) credit(ctx context.Context, tx *store.Tx, drills []string, in Incoming, method string) error {
	for _, d := range drills {
		t, err := targetOf(ctx, tx, d, in.Reporter)
		if err != nil || t == "" {
			if err != nil {
				return err
			}
			continue
		}
		if err := b.note(ctx, tx, Event{Drill: d, Target: t, Signal: Reported, At: in.At, Method: strings.ToUpper(method), Detail: "report " + in.ID}); err != nil {
			return err
		}
	}
	return nil
}

// note writes an event and asks for a new judgement.
func (b *Book) note(ctx context.Context, tx *store.Tx, e Event) error {
	if err := b.addEvent(ctx, tx, e); err != nil {
		return err
	}
	return soil(ctx, tx, e.Drill)
}

func soil(ctx context.Context, tx *store.Tx, drill string) error {
	_, err := tx.Exec(ctx, "UPDATE drill_drills SET dirty = dirty + 1 WHERE facility_id = $1 AND id = $2", drill)
	return err
}

// thank queues the answer that goes out by itself: what to do for who opened it, and else one word of thanks, which tells nothing about what it was.
// Each reporter gets one of each for a drill, and one of each a day for other mails.
func (b *Book) thank(ctx context.Context, tx *store.Tx, in Incoming, scene Scene) error {
	if ok, err := b.answerable(ctx, tx, in); err != nil || !ok {
		return err
	}
	kind, m := kindAnswer, thanks(in, scene)
	if in.Opened {
		kind, m = kindFirstAid, firstAid(in, scene)
	}
	to := in.Target
	if to == "" {
		to = "to:" + in.Reporter
	}
	since := int64(0)
	if in.Drill == "" {
		since = store.Micros(in.At.Add(-24 * time.Hour))
	}
	var n int
	err := tx.Row(ctx, "SELECT count(*) FROM drill_outbox o WHERE o.facility_id = $1 AND o.drill_id = $2 AND o.target_id = $3 AND o.kind = $4 AND o.due_at > $5",
		in.Drill, to, kind, since).Scan(&n)
	if err != nil || n > 0 {
		return err
	}
	return b.queueMail(ctx, tx, kind, in.Drill, to, kind+":"+in.ID, m, b.stamp())
}

// answerable reports whether a mail may be sent to the reporter: only into the hospital's own domains, never to a program.
func (b *Book) answerable(ctx context.Context, tx *store.Tx, in Incoming) (bool, error) {
	if in.Reporter == "" || in.Proof == intake.Refuted || in.Kind == ReportAuto || in.Kind == ReportBounce || in.Kind == ReportReply {
		return false, nil
	}
	own, err := verifiedDomains(ctx, tx)
	return err == nil && own.covers(in.Reporter, b.now()) == nil, err
}

func thanks(in Incoming, s Scene) plainMail {
	return plainMail{To: in.Reporter, Subject: "ご報告ありがとうございます", Text: "知らせてくださり、ありがとうございます。担当が確かめます。\n" +
		"そのメールのリンクや添付ファイルは、返事があるまで開かないでください。\n" +
		"もし開いてしまったときや、何か入力したときは、すぐに" + whom(s.Values) + "へ電話してください。知らせた人が責められることはありません。\n\n" + s.Facility + "\n" + s.Contact + "\n"}
}

func whom(v lesson.Values) string {
	if v.Extension != "" {
		return "内線 " + v.Extension
	}
	return v.Person
}

func firstAid(in Incoming, s Scene) plainMail {
	a := s.Book.FirstAid
	ja := func(t i18n.Text) string { return lesson.Fill(t, s.Values).Ja }
	var t strings.Builder
	fmt.Fprintf(&t, "%s\n\n", ja(a.Lead))
	for i, step := range a.Steps {
		fmt.Fprintf(&t, "%d. %s\n   （%s）\n", i+1, ja(step.Do), ja(step.Why))
	}
	fmt.Fprintf(&t, "\n%s\n\n%s\n%s\n", ja(a.Closing), s.Facility, s.Contact)
	return plainMail{To: in.Reporter, Subject: ja(a.Title), Text: t.String()}
}

// targetOf finds somebody's own place in a drill by their address; "" when they have none.
func targetOf(ctx context.Context, tx *store.Tx, drill, address string) (id string, err error) {
	if address == "" {
		return "", nil
	}
	err = tx.Row(ctx, "SELECT t.id FROM drill_targets t WHERE t.facility_id = $1 AND t.drill_id = $2 AND t.address = $3 ORDER BY t.id LIMIT 1", drill, address).Scan(&id)
	return id, unlessNone(err)
}

func tokenOwner(ctx context.Context, tx *store.Tx, t token.Token) (drill string, s Signal, err error) {
	err = tx.Row(ctx, "SELECT t.drill_id, t.signal FROM drill_tokens t WHERE t.facility_id = $1 AND t.hash = $2", t.Hash()).Scan(&drill, &s)
	return drill, s, unlessNone(err)
}

// mailOwner finds a mail of ours by its Message-ID, with or without brackets.
func mailOwner(ctx context.Context, tx *store.Tx, id string) (drill, kind string, err error) {
	if id = strings.Trim(id, "<> "); id == "" {
		return "", "", nil
	}
	err = tx.Row(ctx, "SELECT o.drill_id, o.kind FROM drill_outbox o WHERE o.facility_id = $1 AND o.message_id = $2 LIMIT 1", id).Scan(&drill, &kind)
	return drill, kind, unlessNone(err)
}

func isNone(err error) bool { return errors.Is(err, sql.ErrNoRows) }

func unlessNone(err error) error {
	if isNone(err) {
		return nil
	}
	return err
}

// ReportByPhone writes down that a recipient reported by telephone. A second call of the same recipient adds nothing.
func (b *Book) ReportByPhone(ctx context.Context, f facility.ID, drill, target, note string, opened bool) (out Incoming, err error) {
	if len([]rune(note)) > maxNote {
		return out, fault.Newf(fault.TooLarge, "メモは%d文字までです。", "A note has at most %d characters.", maxNote)
	}
	scene, err := b.Scene(ctx, Landed{Facility: f})
	if err != nil {
		return out, err
	}
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		t, err := scanTarget(tx.Row(ctx, "SELECT "+targetColumns+" FROM drill_targets t WHERE t.facility_id = $1 AND t.drill_id = $2 AND t.id = $3", drill, target))
		if isNone(err) {
			return fault.New(fault.NotFound, "この宛先はありません。", "There is no such recipient.")
		}
		if err != nil {
			return err
		}
		in := Incoming{At: b.stamp(), Via: ViaPhone, Kind: ReportDrill, State: ReportClosed, Reporter: t.Address, Drill: drill, Target: t.ID, Opened: opened,
			ReportContent: ReportContent{Name: t.Name(), Note: words(note, maxNote)}}
		if out, err = insertReport(ctx, tx, in, "phone:"+drill+"/"+t.ID); err != nil || !out.Fresh {
			return err
		}
		if err := b.note(ctx, tx, Event{Drill: drill, Target: t.ID, Signal: Reported, At: in.At, Method: "PHONE", Detail: "report " + out.ID}); err != nil {
			return err
		}
		if opened {
			if err := b.thank(ctx, tx, out, scene); err != nil {
				return err
			}
		}
		return b.trail(ctx, tx, "drill.phone", drill, i18n.Text{Ja: "電話での報告を1件記録しました", En: "Wrote down a report by telephone"}, map[string]string{"report": out.ID})
	})
	return out, err
}
