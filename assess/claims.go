package assess

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
	"kenshin/trail"
)

const (
	maxNote = 2000 // characters of a note, a reason, an excuse
	maxName = 200  // characters of a name or a value
)

// kept is an answer as it lies in the database. Days are "2026-01-31".
type kept struct {
	On       string `json:"on,omitempty"`
	Target   string `json:"target,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Approver string `json:"approver,omitempty"`
	Value    string `json:"value,omitempty"`
	Note     string `json:"note,omitempty"`
	Excuse   string `json:"excuse,omitempty"`

	reply    catalogue.Reply
	byName   string
	changed  time.Time
	revision int64
}

func (k kept) claim() Claim {
	return Claim{Reply: k.reply, On: readDay(k.On), Target: readDay(k.Target), Reason: k.Reason, Approver: k.Approver, Value: k.Value}
}

func readDay(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

func writeDay(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

const claimColumns = "reply, revision, changed_at, by_name, content"

func scanClaim(r interface{ Scan(...any) error }, more ...any) (k kept, err error) {
	var at int64
	var content string
	if err := r.Scan(append([]any{&k.reply, &k.revision, &at, &k.byName, &content}, more...)...); err != nil {
		return k, err
	}
	k.changed = store.Time(at)
	if err := json.Unmarshal([]byte(content), &k); err != nil {
		return k, fmt.Errorf("read an answer: %w", err)
	}
	return k, nil
}

// claimsOf returns the answers of one form, by item.
func claimsOf(ctx context.Context, tx *store.Tx, catalogueID, subject string) (map[string]kept, error) {
	out := map[string]kept{}
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var id string
		k, err := scanClaim(r, &id)
		out[id] = k
		return err
	}, "SELECT "+claimColumns+", item_id FROM assess_claims WHERE facility_id = $1 AND catalogue_id = $2 AND subject = $3", catalogueID, subject)
	return out, err
}

func claimOf(ctx context.Context, tx *store.Tx, catalogueID, subject, item string) (kept, error) {
	k, err := scanClaim(tx.Row(ctx, "SELECT "+claimColumns+` FROM assess_claims WHERE facility_id = $1 AND catalogue_id = $2 AND subject = $3
		AND item_id = $4`, catalogueID, subject, item))
	if errors.Is(err, sql.ErrNoRows) {
		return kept{}, nil
	}
	return k, err
}

// SaveClaim keeps a person's answer and returns its new revision. revision is that of the answer that was on the screen, 0 where there was none: when
// somebody else was faster it is refused with Conflict and nothing is overwritten. excuse is why はい stays beside a measurement that says no.
func (b *Book) SaveClaim(ctx context.Context, f facility.ID, catalogueID, subject, itemID string, revision int64, claim Claim, note, excuse string) (int64, error) {
	c, err := b.form(ctx, f, catalogueID)
	if err != nil {
		return 0, err
	}
	item, ok := c.Item(itemID)
	if !ok {
		return 0, fault.New(fault.NotFound, "この項目は点検表にありません。", "There is no such item in the catalogue.")
	}
	now, err := b.clock(ctx, f)
	if err != nil {
		return 0, err
	}
	k := kept{On: writeDay(claim.On), Target: writeDay(claim.Target), Reason: words(claim.Reason), Approver: words(claim.Approver), Value: words(claim.Value),
		Note: words(note), Excuse: words(excuse), reply: claim.Reply}
	if err := k.check(c, item, now); err != nil {
		return 0, err
	}
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		since, err := b.subject(ctx, tx, &Assessment{Subject: subject, At: now})
		if err != nil {
			return err
		}
		old, err := claimOf(ctx, tx, catalogueID, subject, itemID)
		if err != nil {
			return err
		}
		if old.revision != revision {
			return outdated(old)
		}
		k.revision, k.changed, k.byName = revision+1, now.UTC().Truncate(time.Microsecond), actor.From(ctx).Name
		if err := k.put(ctx, tx, catalogueID, subject, itemID); err != nil {
			return err
		}
		if err := b.settle(ctx, tx, c, item, subject, since, k, now); err != nil {
			return err
		}
		if err := b.unknown(ctx, tx, c, item, subject, k.reply); err != nil {
			return err
		}
		return b.trace(ctx, tx, c, item, subject, k, old)
	})
	return k.revision, err
}

// settle judges an item whose answer has just changed. The answer is in its history: an event would say it twice.
func (b *Book) settle(ctx context.Context, tx *store.Tx, c catalogue.Catalogue, item catalogue.Item, subject string, since time.Time, k kept, now time.Time) error {
	latest, err := b.Evidence.LatestTx(ctx, tx)
	if err != nil {
		return err
	}
	key, i := formKey{c.ID, subject}, b.join(item, subject, k, latest, since, now)
	if _, err := b.settleState(ctx, tx, key, i, nil, now); err != nil {
		return err
	}
	return b.settleFinding(ctx, tx, c, key, i)
}

// trace leaves the trail of an answer.
func (b *Book) trace(ctx context.Context, tx *store.Tx, c catalogue.Catalogue, item catalogue.Item, subject string, k, old kept) error {
	says := i18n.Text{Ja: fmt.Sprintf("「%s」に「%s」と答えました", itemName(item).Ja, k.reply.Label().Ja), En: fmt.Sprintf("Answered “%s” to “%s”", k.reply.Label().En, itemName(item).En)}
	_, err := trail.Append(ctx, tx, trail.Entry{At: b.Now(), Action: "assess.answer", Subject: trail.Subject{Kind: "item", ID: item.ID}, Summary: says,
		Detail: map[string]any{"catalogue": c.ID, "subject": subject, "revision": k.revision, "before": old.reply, "after": k.reply, "answer": k}})
	return err
}

// itemName is an item's number and title, as lists show it.
func itemName(i catalogue.Item) i18n.Text {
	if i.Number == "" {
		return i.Title
	}
	return i18n.Text{Ja: i.Number + " " + i.Title.Ja, En: i.Number + " " + i.Title.En}
}

// fileOwner is what the attachments of an answer hang on.
func fileOwner(catalogueID, subject, item string) string {
	return fileOwners(catalogueID) + subject + ":" + item
}

// fileOwners is how the owners of a catalogue's attachments begin.
func fileOwners(catalogueID string) string { return "assess:" + catalogueID + ":" }

func words(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", ""))
}

// check refuses what can never count; what only is missing yet may be saved, and the rounds say what it lacks.
func (k kept) check(c catalogue.Catalogue, item catalogue.Item, now time.Time) error {
	switch {
	case k.reply != catalogue.Unanswered && !slices.Contains(catalogue.Replies(), k.reply):
		return fault.New(fault.Invalid, "答えは「はい」「いいえ」「対象外」「分からない」から選んでください。", "Choose yes, no, not applicable or don't know.")
	case len([]rune(k.Note)) > maxNote || len([]rune(k.Reason)) > maxNote || len([]rune(k.Excuse)) > maxNote || len([]rune(k.Value)) > maxNote:
		return fault.Newf(fault.TooLarge, "メモと理由は、それぞれ%d文字までです。", "Notes and reasons have at most %d characters.", maxNote)
	case len([]rune(k.Approver)) > maxName:
		return fault.Newf(fault.TooLarge, "認めた人の名前は%d文字までです。", "The name of who agreed has at most %d characters.", maxName)
	}
	for _, p := range impossible(c, item, k.claim(), now) {
		return fault.New(fault.Invalid, p.Ja, p.En)
	}
	return nil
}

// put writes an answer and its history.
func (k kept) put(ctx context.Context, tx *store.Tx, catalogueID, subject, item string) error {
	content, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("write an answer: %w", err)
	}
	who := actor.From(ctx)
	n, err := tx.Exec(ctx, `INSERT INTO assess_claims (facility_id, catalogue_id, subject, item_id, reply, revision, changed_at, by_id, by_name, content)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (facility_id, catalogue_id, subject, item_id) DO UPDATE SET
			reply = excluded.reply, revision = excluded.revision, changed_at = excluded.changed_at, by_id = excluded.by_id, by_name = excluded.by_name,
			content = excluded.content WHERE assess_claims.revision = excluded.revision - 1`,
		catalogueID, subject, item, string(k.reply), k.revision, store.Micros(k.changed), who.ID, who.Name, string(content))
	if err != nil {
		return err
	}
	if n == 0 { // another copy was faster between our look and now
		return outdated(kept{})
	}
	_, err = tx.Exec(ctx, `INSERT INTO assess_history (facility_id, id, catalogue_id, subject, item_id, revision, changed_at, by_id, by_name, reply, content)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		store.NewID(), catalogueID, subject, item, k.revision, store.Micros(k.changed), who.ID, who.Name, string(k.reply), string(content))
	return err
}

func outdated(k kept) error {
	who := i18n.Text{Ja: "ほかの人", En: "Somebody else"}
	if k.byName != "" {
		who = i18n.Text{Ja: k.byName + " さん", En: k.byName}
	}
	return fault.New(fault.Conflict, who.Ja+"が先に答えを変えました。新しい答えを確かめてから、もう一度保存してください。いま入れた内容は画面に残っています。",
		who.En+" changed this answer first. Look at the newest one and save again; what you entered is still on the screen.")
}

// Saying is one answer of an item's history.
type Saying struct {
	Claim
	Note, Excuse string
	ByName       string
	Changed      time.Time
	Revision     int64
}

// Rounds returns what was answered to each item of a form in the order of days, one entry per change of the answer: the dated rounds of a printed form.
// An answer without a day is none yet.
func (b *Book) Rounds(ctx context.Context, f facility.ID, catalogueID, subject string) (map[string][]Saying, error) {
	out := map[string][]Saying{}
	err := b.db.Read(ctx, f, func(tx *store.Tx) error {
		clear(out)
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var id string
			k, err := scanClaim(r, &id)
			s := Saying{Claim: k.claim(), Note: k.Note, Excuse: k.Excuse, ByName: k.byName, Changed: k.changed, Revision: k.revision}
			switch list := out[id]; {
			case s.On.IsZero() || s.Reply == catalogue.Unanswered || s.Reply == catalogue.Unknown:
			case len(list) > 0 && list[len(list)-1].Reply == s.Reply: // the day is the first on which it was said, the target the newest
				list[len(list)-1].Target = s.Target
			default:
				out[id] = append(list, s)
			}
			return err
		}, "SELECT "+claimColumns+`, item_id FROM assess_history WHERE facility_id = $1 AND catalogue_id = $2 AND subject = $3 ORDER BY item_id, revision`, catalogueID, subject)
	})
	return out, err
}

// History returns what was ever answered to an item, the newest first.
func (b *Book) History(ctx context.Context, f facility.ID, catalogueID, subject, itemID string) (out []Saying, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out = nil
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			k, err := scanClaim(r)
			out = append(out, Saying{Claim: k.claim(), Note: k.Note, Excuse: k.Excuse, ByName: k.byName, Changed: k.changed, Revision: k.revision})
			return err
		}, "SELECT "+claimColumns+` FROM assess_history WHERE facility_id = $1 AND catalogue_id = $2 AND subject = $3 AND item_id = $4
			ORDER BY revision DESC LIMIT 1000`, catalogueID, subject, itemID)
	})
	return out, err
}
