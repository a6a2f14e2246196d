package drill

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"kenshin/drill/lesson"
	"kenshin/facility"
	"kenshin/i18n"
	"kenshin/store"
)

const (
	kindFeedback = "feedback"
	feedbackRows = 200                // of one short transaction
	stayOpen     = 7 * 24 * time.Hour // after the last mail, unless the schedule says otherwise
	lookBack     = 60 * 24 * time.Hour
)

// Close ends a drill whose mails are out: its results are final, later arrivals are kept and labelled. Everybody who was mailed gets one feedback
// mail, unless the schedule says no; what a stop of the machine left undone, the next call goes on with.
func (b *Book) Close(ctx context.Context, f facility.ID, id string) error {
	if err := b.Judge(ctx, f, id); err != nil { // the words of the mails follow what is known now
		return err
	}
	var d Drill
	err := b.db.Write(ctx, f, func(tx *store.Tx) (err error) {
		if d, err = getDrill(ctx, tx, id); err != nil || d.State == Closed {
			return err
		}
		if d, err = b.turn(ctx, tx, id, Closed, Sent); err != nil {
			return err
		}
		d.Ended = b.stamp()
		if err := b.put(ctx, tx, &d); err != nil {
			return err
		}
		return b.trail(ctx, tx, "drill.close", id, i18n.Text{Ja: "訓練「" + d.Name + "」を終了しました", En: "Closed the drill " + d.Name}, nil)
	})
	if err != nil || !d.owesFeedback() {
		return err
	}
	return b.feedback(ctx, f, d)
}

func (d Drill) owesFeedback() bool {
	return d.State == Closed && !d.Schedule.NoMail && d.Mode != Course && d.Feedback.IsZero() && d.Nameless.IsZero()
}

// CloseDue closes the drills whose time has come and goes on with feedback that was left undone. While an incident is declared it waits.
func (b *Book) CloseDue(ctx context.Context, f facility.ID) error {
	var list []Drill
	now := b.now()
	err := b.db.Read(ctx, f, func(tx *store.Tx) error {
		list = nil
		s, err := SettingsKey().Get(ctx, tx)
		if err != nil || s.Incident {
			return err
		}
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			d, err := scanDrill(r)
			list = append(list, d)
			return err
		}, "SELECT "+drillColumns+" FROM drill_drills d WHERE d.facility_id = $1 AND (d.state = 'sent' OR d.state = 'closed' AND d.ended_at > $2) ORDER BY d.id", store.Micros(now.Add(-lookBack)))
	})
	if err != nil {
		return err
	}
	for _, d := range list {
		due := d.owesFeedback()
		if d.State == Sent {
			if due, err = b.over(ctx, f, d, now); err != nil {
				return err
			}
		}
		if due {
			if err := b.Close(ctx, f, d.ID); err != nil {
				return fmt.Errorf("close a drill: %w", err)
			}
		}
	}
	return nil
}

// over reports whether a drill's time has come.
func (b *Book) over(ctx context.Context, f facility.ID, d Drill, now time.Time) (bool, error) {
	if !d.Schedule.Close.IsZero() {
		return !now.Before(d.Schedule.Close), nil
	}
	if now.Sub(d.Started) < stayOpen { // the last mail cannot be older than the first: nothing to look up
		return false, nil
	}
	var last int64
	err := b.db.Read(ctx, f, func(tx *store.Tx) error {
		return tx.Row(ctx, "SELECT coalesce(max(t.accepted_at), 0) FROM drill_targets t WHERE t.facility_id = $1 AND t.drill_id = $2", d.ID).Scan(&last)
	})
	return err == nil && now.Sub(store.Time(last)) >= stayOpen, err
}

// feedback queues the mails piece by piece. Who has one, in whatever state, gets no other.
func (b *Book) feedback(ctx context.Context, f facility.ID, d Drill) error {
	scene, err := b.scene(ctx, Landed{Facility: f, Drill: d.ID})
	if err != nil {
		return err
	}
	s, err := b.Settings(ctx, f)
	if err != nil {
		return err
	}
	due := b.stamp()
	if ok, _ := s.Hours.Allowed(due); !ok {
		due = s.Hours.Next(due)
	}
	for more := true; more; {
		err := b.db.Write(ctx, f, func(tx *store.Tx) error {
			// whoever else is at it waits here
			if _, err := tx.Exec(ctx, "UPDATE drill_drills SET dirty = dirty WHERE facility_id = $1 AND id = $2", d.ID); err != nil {
				return err
			}
			list, err := targets(ctx, tx, ` AND t.role = 'staff' AND t.mail IN ('accepted', 'unknown') AND t.address <> '' AND NOT EXISTS (SELECT 1 FROM drill_outbox o
				WHERE o.facility_id = $1 AND o.drill_id = $2 AND o.target_id = t.id AND o.kind = 'feedback') ORDER BY t.id LIMIT $3`, d.ID, feedbackRows)
			if err != nil {
				return err
			}
			for _, t := range list {
				if err := b.queueMail(ctx, tx, kindFeedback, d.ID, t.ID, kindFeedback+":"+d.ID+":"+t.ID, feedbackMail(scene, t), due); err != nil {
					return err
				}
			}
			if more = len(list) > 0; more {
				return nil
			}
			return b.feedbackAsked(ctx, tx, d.ID)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// feedbackAsked notes that everybody's mail is queued.
func (b *Book) feedbackAsked(ctx context.Context, tx *store.Tx, id string) error {
	d, err := getDrill(ctx, tx, id)
	if err != nil || !d.Feedback.IsZero() {
		return err
	}
	var n int
	if err := tx.Row(ctx, "SELECT count(*) FROM drill_outbox o WHERE o.facility_id = $1 AND o.drill_id = $2 AND o.kind = 'feedback'", id).Scan(&n); err != nil {
		return err
	}
	d.Feedback = b.stamp()
	if err := b.put(ctx, tx, &d); err != nil {
		return err
	}
	return b.trail(ctx, tx, "drill.feedback", id, i18n.Text{Ja: fmt.Sprintf("訓練「%s」のふりかえりのメールを%d人に出しました", d.Name, n),
		En: fmt.Sprintf("Queued the feedback of the drill %s to %d people", d.Name, n)}, nil)
}

// Outcome is what a recipient did, as far as it is known.
func (t Target) Outcome() lesson.Outcome {
	fell := !t.Fell().IsZero()
	reported := !t.First[Reported].IsZero()
	perhaps := t.Machine == 0 && t.Arrived() // nobody may be told that nothing was opened
	switch {
	case fell && reported:
		return lesson.ClickedReported
	case fell:
		return lesson.Clicked
	case reported:
		return lesson.Reported
	case perhaps:
		return lesson.Clicked
	case !t.First[Released].IsZero():
		return lesson.Released
	}
	return lesson.Quiet
}

// feedbackMail is plain text on purpose: a notice that looks like no lure.
func feedbackMail(s Scene, t Target) plainMail {
	words, _ := s.Book.For(t.Outcome())
	var w strings.Builder
	if name := t.Name(); name != "" {
		fmt.Fprintf(&w, "%s 様\n\n", name)
	}
	w.WriteString(strings.TrimSpace(lesson.Fill(words.Text, s.Values).Ja))
	fmt.Fprintf(&w, "\n\n■ 訓練のメール\n差出人: %s\n件名: %s\n", plainLine(s.Shown.Sender)+" <"+plainLine(s.Shown.Address)+">", plainLine(s.Shown.Subject))
	if len(s.Shown.Legend) > 0 {
		w.WriteString("\n■ このメールで気づける所\n")
		for _, l := range s.Shown.Legend {
			fmt.Fprintf(&w, "(%d) %s「%s」\n    %s\n", l.Number, l.Cue.Name.Ja, l.Text, lesson.Fill(l.Cue.LookFor, s.Values).Ja)
		}
	}
	fmt.Fprintf(&w, "\n■ 1分のふりかえり(あなた専用のページです。転送しないでください)\n%s\n", lessonLink)
	w.WriteString("The page is in English as well, if your browser asks for it.\n")
	fmt.Fprintf(&w, "\n--\n%s\n%s\n", s.Facility, s.Contact)
	return plainMail{To: t.Address, Subject: lesson.Fill(words.Subject, s.Values).Ja, Text: w.String()}
}

func plainLine(l lesson.Line) string {
	var w strings.Builder
	for _, p := range l {
		w.WriteString(p.Text)
	}
	return w.String()
}
