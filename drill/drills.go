package drill

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
)

// content is what a drill's row keeps as JSON.
type content struct {
	Mail     Mail        `json:"mail"`
	Rating   Rating      `json:"rating"`
	Schedule Schedule    `json:"schedule"`
	Audience Audience    `json:"audience"`
	Author   actor.Actor `json:"author"`
	Note     i18n.Text   `json:"note"`
	Feedback time.Time   `json:"feedback,omitzero"`
}

const drillColumns = "d.id, d.name, d.mode, d.state, d.revision, d.created_at, d.started_at, d.ended_at, d.anonymous_at, d.hash, d.content"

func scanDrill(r interface{ Scan(...any) error }) (d Drill, err error) {
	var created, started, ended, nameless int64
	var text string
	if err := r.Scan(&d.ID, &d.Name, &d.Mode, &d.State, &d.Revision, &created, &started, &ended, &nameless, &d.Hash, &text); err != nil {
		return d, err
	}
	d.Created, d.Started, d.Ended, d.Nameless = store.Time(created), store.Time(started), store.Time(ended), store.Time(nameless)
	var c content
	if err := unmarshal(text, &c); err != nil {
		return d, err
	}
	d.Mail, d.Rating, d.Schedule, d.Audience, d.Author, d.Note, d.Feedback = c.Mail, c.Rating, c.Schedule, c.Audience, c.Author, c.Note, c.Feedback
	return d, nil
}

func (d *Drill) content() (string, error) {
	return marshal(content{d.Mail, d.Rating, d.Schedule, d.Audience, d.Author, d.Note, d.Feedback})
}

// Get returns one drill.
func (b *Book) Get(ctx context.Context, f facility.ID, id string) (d Drill, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		d, err = getDrill(ctx, tx, id)
		return err
	})
	return d, err
}

func getDrill(ctx context.Context, tx *store.Tx, id string) (Drill, error) {
	d, err := scanDrill(tx.Row(ctx, "SELECT "+drillColumns+" FROM drill_drills d WHERE d.facility_id = $1 AND d.id = $2", id))
	if errors.Is(err, sql.ErrNoRows) {
		err = noDrill()
	}
	return d, err
}

// List returns the drills of some states (none: all but withdrawn), the newest first.
func (b *Book) List(ctx context.Context, f facility.ID, states ...State) (out []Drill, err error) {
	var w store.Where
	if len(states) == 0 {
		w.And("d.state <> ?", string(Withdrawn))
	} else {
		var either []string
		var args []any
		for _, s := range states {
			either, args = append(either, "d.state = ?"), append(args, string(s))
		}
		w.And("("+strings.Join(either, " OR ")+")", args...)
	}
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			d, err := scanDrill(r)
			out = append(out, d)
			return err
		}, "SELECT "+drillColumns+" FROM drill_drills d WHERE d.facility_id = $1"+w.SQL()+" ORDER BY d.id DESC LIMIT 1000", w.Args...)
	})
	return out, err
}

// Save adds a drill (ID "") or changes one. What waits for approval or is approved turns into a draft again, its approval void: nobody
// approved what stands there now. A change names the Revision that it was made from.
func (b *Book) Save(ctx context.Context, f facility.ID, d Drill) (Drill, error) {
	if err := d.tidy(); err != nil {
		return d, err
	}
	err := b.db.Write(ctx, f, func(tx *store.Tx) error {
		d.Author = actor.From(ctx)
		if d.ID == "" {
			return b.add(ctx, tx, &d)
		}
		old, err := getDrill(ctx, tx, d.ID)
		if err != nil {
			return err
		}
		switch old.State {
		case Draft, Waiting, Approved:
		default:
			return fault.New(fault.Conflict, "送り始めた訓練は変えられません。写しを作って変えてください。", "A drill that was sent cannot be changed. Copy it and change the copy.")
		}
		if old.Revision != d.Revision {
			return fault.Newf(fault.Conflict, "%[1]s さんが先に変更しました。最新の内容を確かめてから、もう一度変更してください。", "%[1]s changed this drill first. Look at the newest state and change it again.", old.Author.Name)
		}
		d.State, d.Created, d.Note = Draft, old.Created, i18n.Text{}
		d.Hash = ""
		return b.put(ctx, tx, &d)
	})
	return d, err
}

func (b *Book) add(ctx context.Context, tx *store.Tx, d *Drill) error {
	d.ID, d.Revision, d.State, d.Created, d.Hash = store.NewID(), 1, Draft, b.stamp(), ""
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	sealed, err := b.box.Seal(tx.Facility(), keyPurpose(d.ID), key)
	if err != nil {
		return err
	}
	text, err := d.content()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO drill_drills (facility_id, id, name, mode, state, revision, created_at, start_at, started_at, ended_at, anonymous_at, hash, key, dirty, content)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0, $9, $10, 0, $11)`,
		d.ID, d.Name, string(d.Mode), string(d.State), d.Revision, store.Micros(d.Created), store.Micros(d.Schedule.Start), d.Hash, sealed, text)
	if err != nil {
		return err
	}
	return b.trail(ctx, tx, "drill.add", d.ID, i18n.Text{Ja: "訓練「" + d.Name + "」を作りました", En: "Added the drill " + d.Name}, nil)
}

func keyPurpose(drill string) string { return "drill-tokens:" + drill }

// put writes a drill that exists, one revision further.
func (b *Book) put(ctx context.Context, tx *store.Tx, d *Drill) error {
	text, err := d.content()
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE drill_drills SET name = $4, mode = $5, state = $6, revision = $7, start_at = $8, started_at = $9, ended_at = $10, hash = $11, content = $12
		WHERE facility_id = $1 AND id = $2 AND revision = $3`,
		d.ID, d.Revision, d.Name, string(d.Mode), string(d.State), d.Revision+1, store.Micros(d.Schedule.Start), store.Micros(d.Started), store.Micros(d.Ended), d.Hash, text)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.Conflict, "この訓練はほかの人が先に変更しました。もう一度開いてください。", "Somebody else changed this drill first. Open it again.")
	}
	d.Revision++
	return nil
}

const (
	maxName    = 100
	maxSubject = 200
	maxBody    = 100 << 10
)

func (d *Drill) tidy() error {
	d.Name = strings.Join(strings.Fields(d.Name), " ")
	d.Mail.Subject = strings.Join(strings.Fields(d.Mail.Subject), " ")
	d.Mail.FromName = strings.Join(strings.Fields(d.Mail.FromName), " ")
	bad := func(ja, en string) error { return fault.New(fault.Invalid, ja, en) }
	switch {
	case d.Name == "" || len([]rune(d.Name)) > maxName:
		return bad("訓練の名前を入れてください(100文字まで)。", "Give the drill a name (at most 100 characters).")
	case d.Mail.Subject == "" || len([]rune(d.Mail.Subject)) > maxSubject:
		return bad("件名を入れてください(200文字まで)。", "Enter a subject (at most 200 characters).")
	case len(d.Mail.Text) > maxBody || len(d.Mail.HTML) > maxBody:
		return fault.New(fault.TooLarge, "本文は100KBまでです。", "The text may have at most 100 KB.")
	case strings.TrimSpace(d.Mail.Text) == "":
		return bad("本文を入れてください。HTMLの本文だけでは、文字だけで読む人に届きません。", "Enter the text. HTML alone does not reach people who read plain text.")
	case !localPart(d.Mail.FromLocal):
		return bad("送り主の@より前は、英数字と . - _ で入れてください。", "The part before @ of the sender takes letters, digits and . - _.")
	case d.Schedule.Rate < 0 || d.Schedule.Rate > 1000:
		return bad("1秒あたりの通数は0から1000です。", "Mails a second: 0 to 1000.")
	case !d.Schedule.Until.IsZero() && d.Schedule.Until.Before(d.Schedule.Start):
		return bad("送り終わりの時刻が、送り始めより前です。", "The end of sending lies before its start.")
	}
	if d.Mode == "" {
		d.Mode = Standard
	}
	if err := checkCharset(d.Mail.Charset); err != nil {
		return err
	}
	if err := d.Rating.tidy(); err != nil {
		return err
	}
	return d.checkMode()
}

func (d *Drill) checkMode() error {
	switch d.Mode {
	case Standard, Quarantine, Course:
		if d.Mode != Course && !d.Mail.Link && !d.Mail.QR && d.Mail.Attachment == "" {
			return fault.New(fault.Invalid, "リンク、QR、添付のどれかを付けてください。付けないなら「報告だけの訓練」を選びます。", "Add a link, a QR picture or an attachment; without any, choose the report-only drill.")
		}
	case ReportOnly:
		if d.Mail.Link || d.Mail.QR || d.Mail.Attachment != "" {
			return fault.New(fault.Invalid, "報告だけの訓練には、リンクも添付も付けません。", "A report-only drill has no link and no attachment.")
		}
	default:
		return fault.New(fault.Invalid, "訓練の種類が正しくありません。", "There is no such kind of drill.")
	}
	return nil
}

func localPart(s string) bool {
	if s == "" || len(s) > 64 || strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") || strings.Contains(s, "..") {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == ""
}

// Copy makes a draft from a drill, for another round.
func (b *Book) Copy(ctx context.Context, f facility.ID, id string) (Drill, error) {
	d, err := b.Get(ctx, f, id)
	if err != nil {
		return d, err
	}
	d.ID, d.Name, d.Schedule.Start, d.Schedule.Until, d.Schedule.Close, d.Feedback = "", clip(d.Name, maxName-6)+" (写し)", time.Time{}, time.Time{}, time.Time{}, time.Time{}
	d.Started, d.Ended, d.Nameless, d.Note = time.Time{}, time.Time{}, time.Time{}, i18n.Text{}
	return b.Save(ctx, f, d)
}

// Approvals lists who approved a drill, the newest first.
func (b *Book) Approvals(ctx context.Context, f facility.ID, id string) (out []Approval, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var a Approval
			var at int64
			err := r.Scan(&a.By, &a.Name, &a.Hash, &at)
			a.At = store.Time(at)
			out = append(out, a)
			return err
		}, "SELECT a.actor_id, a.actor_name, a.hash, a.at FROM drill_approvals a WHERE a.facility_id = $1 AND a.drill_id = $2 ORDER BY a.at DESC, a.id DESC", id)
	})
	return out, err
}

// turn moves a drill from one of some states to another.
func (b *Book) turn(ctx context.Context, tx *store.Tx, id string, to State, from ...State) (Drill, error) {
	d, err := getDrill(ctx, tx, id)
	if err != nil {
		return d, err
	}
	allowed := false
	for _, s := range from {
		allowed = allowed || d.State == s
	}
	if !allowed {
		return d, fault.Newf(fault.Conflict, "この訓練は今「%[1]s」です。この操作はできません。", "This drill is now %[2]s: that cannot be done.", d.State.Label().Ja, d.State.Label().En)
	}
	d.State = to
	return d, b.put(ctx, tx, &d)
}

// Label is the state's name.
func (s State) Label() i18n.Text {
	return map[State]i18n.Text{Draft: {Ja: "下書き", En: "draft"}, Waiting: {Ja: "承認待ち", En: "waiting for approval"}, Approved: {Ja: "承認済み", En: "approved"},
		Sending: {Ja: "送信中", En: "being sent"}, Paused: {Ja: "一時停止", En: "paused"}, Sent: {Ja: "送信済み", En: "sent"}, Closed: {Ja: "終了", En: "closed"},
		Withdrawn: {Ja: "取り消し", En: "withdrawn"}}[s]
}

// Pause stops the sending; mails in the hands of the relay go on for at most a second.
func (b *Book) Pause(ctx context.Context, f facility.ID, id string) error {
	return b.move(ctx, f, id, Paused, "drill.pause", i18n.Text{Ja: "訓練「%s」の送信を止めました", En: "Paused the drill %s"}, Approved, Sending)
}

// Resume goes on with a paused drill; one of which nothing was sent yet is as it was approved.
func (b *Book) Resume(ctx context.Context, f facility.ID, id string) error {
	d, err := b.Get(ctx, f, id)
	if err != nil {
		return err
	}
	to := Sending
	if d.Started.IsZero() {
		to = Approved
	}
	return b.move(ctx, f, id, to, "drill.resume", i18n.Text{Ja: "訓練「%s」の送信を再開しました", En: "Resumed the drill %s"}, Paused)
}

// Withdraw ends a drill for good: nothing more is sent; what happened so far stays, and late arrivals are still taken.
func (b *Book) Withdraw(ctx context.Context, f facility.ID, id string) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		d, err := b.turn(ctx, tx, id, Withdrawn, Draft, Waiting, Approved, Sending, Paused, Sent)
		if err != nil {
			return err
		}
		d.Ended = b.stamp()
		if err := b.put(ctx, tx, &d); err != nil {
			return err
		}
		// what a sender has in hand and has not begun, it cannot begin any more
		if _, err := tx.Exec(ctx, "UPDATE drill_outbox SET state = 'cancelled', lease = '' WHERE facility_id = $1 AND drill_id = $2 AND state IN ('queued', 'leased')", id); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE drill_targets SET mail = 'skipped' WHERE facility_id = $1 AND drill_id = $2 AND mail IN ('queued', 'deferred')", id); err != nil {
			return err
		}
		return b.trail(ctx, tx, "drill.withdraw", id, i18n.Text{Ja: "訓練「" + d.Name + "」を取り消しました", En: "Withdrew the drill " + d.Name}, nil)
	})
}

func (b *Book) move(ctx context.Context, f facility.ID, id string, to State, action string, text i18n.Text, from ...State) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		d, err := b.turn(ctx, tx, id, to, from...)
		if err != nil {
			return err
		}
		return b.trail(ctx, tx, action, id, i18n.Text{Ja: fmt.Sprintf(text.Ja, d.Name), En: fmt.Sprintf(text.En, d.Name)}, nil)
	})
}
