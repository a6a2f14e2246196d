package assess

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"kenshin/actor"
	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
	"kenshin/trail"
)

// Addressee is whom a question goes to.
type Addressee string

const (
	ToVendor  Addressee = "vendor"
	ToSupport Addressee = "support" // the support body
)

// QuestionState is where a question stands.
type QuestionState string

const (
	Asked     QuestionState = "open"
	Replied   QuestionState = "answered"
	Withdrawn QuestionState = "withdrawn" // the answer was found otherwise
)

// Label is what a state is called on screens.
func (s QuestionState) Label() i18n.Text {
	switch s {
	case Replied:
		return i18n.Text{Ja: "返事あり", En: "Answered"}
	case Withdrawn:
		return i18n.Text{Ja: "取り下げ", En: "Withdrawn"}
	}
	return i18n.Text{Ja: "返事待ち", En: "Waiting for an answer"}
}

// Question is what somebody did not know and asks a vendor or the support body.
type Question struct {
	ID        string
	Catalogue string
	Subject   string // "" or a system's id
	Item      string
	To        Addressee
	Vendor    string // the supplier's id, for ToVendor where one is known
	Text      string
	State     QuestionState
	Asked     time.Time
	ByName    string
	Answer    string
	Answered  time.Time
	AnswerBy  string
	Auto      bool // somebody answered 分からない; nobody was asked yet
	Revision  int64
}

// Label is what a question is called on screens: one that nobody was asked yet waits for no answer.
func (q Question) Label() i18n.Text {
	if q.Auto && q.State == Asked {
		return i18n.Text{Ja: "まだ聞いていません", En: "Nobody was asked yet"}
	}
	return q.State.Label()
}

type questionContent struct {
	To       Addressee `json:"to"`
	Vendor   string    `json:"vendor,omitempty"`
	Text     string    `json:"text"`
	Answer   string    `json:"answer,omitempty"`
	Answered time.Time `json:"answered,omitzero"`
	AnswerBy string    `json:"answer_by,omitempty"`
	Auto     bool      `json:"auto,omitempty"`
}

const questionColumns = "id, catalogue_id, subject, item_id, state, asked_at, by_name, revision, content"

func scanQuestion(r interface{ Scan(...any) error }) (q Question, err error) {
	var at int64
	var text string
	var c questionContent
	if err := r.Scan(&q.ID, &q.Catalogue, &q.Subject, &q.Item, &q.State, &at, &q.ByName, &q.Revision, &text); err != nil {
		return q, err
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return q, fmt.Errorf("read a question: %w", err)
	}
	q.Asked, q.To, q.Vendor, q.Text, q.Answer, q.Answered, q.AnswerBy, q.Auto = store.Time(at), c.To, c.Vendor, c.Text, c.Answer, c.Answered, c.AnswerBy, c.Auto
	return q, nil
}

// questionsOf returns the question of each item of a form: the open one, else the newest.
func questionsOf(ctx context.Context, tx *store.Tx, catalogueID, subject string) (map[string]*Question, error) {
	out := map[string]*Question{}
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		q, err := scanQuestion(r)
		if old := out[q.Item]; old == nil || old.State != Asked {
			out[q.Item] = &q
		}
		return err
	}, "SELECT "+questionColumns+" FROM assess_questions WHERE facility_id = $1 AND catalogue_id = $2 AND subject = $3 ORDER BY asked_at, id", catalogueID, subject)
	return out, err
}

// Ask keeps a question; an item has at most one that is open, which is returned with the new words.
func (b *Book) Ask(ctx context.Context, f facility.ID, q Question) (Question, error) {
	c, err := b.form(ctx, f, q.Catalogue)
	if err != nil {
		return q, err
	}
	item, ok := c.Item(q.Item)
	if !ok {
		return q, fault.New(fault.NotFound, "この項目は点検表にありません。", "There is no such item in the catalogue.")
	}
	if q.Text = words(q.Text); q.Text == "" {
		q.Text = asking(item)
	}
	switch {
	case q.To != ToVendor && q.To != ToSupport:
		return q, fault.New(fault.Invalid, "誰に聞くかを選んでください(業者、支援団体)。", "Choose whom to ask: the vendor or the support body.")
	case len([]rune(q.Text)) > maxNote:
		return q, fault.Newf(fault.TooLarge, "質問は%d文字までです。", "A question has at most %d characters.", maxNote)
	}
	now := b.Now().UTC().Truncate(time.Microsecond)
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		if _, err := b.subject(ctx, tx, &Assessment{Subject: q.Subject, At: now}); err != nil {
			return err
		}
		all, err := questionsOf(ctx, tx, q.Catalogue, q.Subject)
		if err != nil {
			return err
		}
		q.ID, q.Revision, q.Auto = store.NewID(), 0, false
		if old := all[q.Item]; old != nil && old.State == Asked {
			q.ID, q.Revision = old.ID, old.Revision
		}
		q.State, q.Asked, q.ByName, q.Answer, q.Answered, q.AnswerBy = Asked, now, actor.From(ctx).Name, "", time.Time{}, ""
		if err := q.put(ctx, tx); err != nil {
			return err
		}
		return b.noted(ctx, tx, "assess.ask", q, i18n.Text{Ja: "分からない項目を質問にしました", En: "Made a question of an item"})
	})
	return q, err
}

// asking is what is asked of an item when nobody found other words.
func asking(item catalogue.Item) string {
	return fmt.Sprintf("「%s」について、はい・いいえのどちらで答えればよいか、教えてください。", itemName(item).Ja)
}

// unknown makes a question of an item that somebody answered with 分からない, and takes one that nobody was asked yet back when the answer was found.
// It goes to the vendor where the item is the vendor's to know, unless that vendor is who does not know.
func (b *Book) unknown(ctx context.Context, tx *store.Tx, c catalogue.Catalogue, item catalogue.Item, subject string, reply catalogue.Reply) error {
	if c.Kind == catalogue.Survey || c.Kind == catalogue.Visit {
		return nil
	}
	all, err := questionsOf(ctx, tx, c.ID, subject)
	if err != nil {
		return err
	}
	old := all[item.ID]
	open := old != nil && old.State == Asked
	switch {
	case open && old.Auto && reply != catalogue.Unknown:
		old.State = Withdrawn
		if err := old.put(ctx, tx); err != nil {
			return err
		}
		return b.noted(ctx, tx, "assess.withdraw", *old, i18n.Text{Ja: "答えが分かり、質問を取り下げました", En: "Withdrew a question: the answer was found"})
	case open || reply != catalogue.Unknown:
		return nil
	}
	q := Question{ID: store.NewID(), Catalogue: c.ID, Subject: subject, Item: item.ID, To: ToSupport, Text: asking(item), State: Asked, Asked: b.Now().UTC().Truncate(time.Microsecond),
		ByName: actor.From(ctx).Name, Auto: true}
	if len(item.Ask) > 0 && slices.Contains([]catalogue.Who{"vendor", "network-vendor", "maker"}, item.Ask[0]) && c.Form != catalogue.VendorForm {
		q.To = ToVendor
	}
	if err := q.put(ctx, tx); err != nil {
		return err
	}
	return b.noted(ctx, tx, "assess.ask", q, i18n.Text{Ja: "「分からない」を質問にしました", En: "Made a question of “don't know”"})
}

// Sent notes that a question went out: it waits for an answer now.
func (b *Book) Sent(ctx context.Context, f facility.ID, id string) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		q, err := question(ctx, tx, id)
		if err != nil || !q.Auto {
			return err
		}
		q.Auto = false
		return q.put(ctx, tx)
	})
}

// dropQuestions takes back what was never asked of forms that are used no more.
func dropQuestions(ctx context.Context, tx *store.Tx, used map[formKey]bool) error {
	var old []Question
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		q, err := scanQuestion(r)
		if q.Auto && !used[formKey{q.Catalogue, q.Subject}] {
			q.State = Withdrawn
			old = append(old, q)
		}
		return err
	}, "SELECT "+questionColumns+" FROM assess_questions WHERE facility_id = $1 AND state = 'open' ORDER BY id")
	for _, q := range old {
		if err == nil {
			err = q.put(ctx, tx)
		}
	}
	return err
}

func (q *Question) put(ctx context.Context, tx *store.Tx) error {
	text, err := json.Marshal(questionContent{q.To, q.Vendor, q.Text, q.Answer, q.Answered, q.AnswerBy, q.Auto})
	if err != nil {
		return fmt.Errorf("write a question: %w", err)
	}
	q.Revision++
	_, err = tx.Exec(ctx, `INSERT INTO assess_questions (facility_id, id, catalogue_id, subject, item_id, state, asked_at, by_id, by_name, revision, content)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (facility_id, id) DO UPDATE SET state = excluded.state, asked_at = excluded.asked_at,
			by_id = excluded.by_id, by_name = excluded.by_name, revision = excluded.revision, content = excluded.content`,
		q.ID, q.Catalogue, q.Subject, q.Item, string(q.State), store.Micros(q.Asked), actor.From(ctx).ID, q.ByName, q.Revision, string(text))
	return err
}

func (b *Book) noted(ctx context.Context, tx *store.Tx, action string, q Question, says i18n.Text) error {
	_, err := trail.Append(ctx, tx, trail.Entry{At: b.Now(), Action: action, Subject: trail.Subject{Kind: "question", ID: q.ID}, Summary: says,
		Detail: map[string]any{"catalogue": q.Catalogue, "item": q.Item, "subject": q.Subject, "to": q.To, "vendor": q.Vendor}})
	return err
}

// QuestionFilter chooses questions. Zero fields choose all.
type QuestionFilter struct {
	State     QuestionState
	To        Addressee
	Catalogue string
}

// Questions lists questions, the open ones first, then the newest.
func (b *Book) Questions(ctx context.Context, f facility.ID, q QuestionFilter) (out []Question, err error) {
	var w store.Where
	if q.State != "" {
		w.And("state = ?", string(q.State))
	}
	if q.Catalogue != "" {
		w.And("catalogue_id = ?", q.Catalogue)
	}
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out = nil
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			one, err := scanQuestion(r)
			if q.To == "" || one.To == q.To {
				out = append(out, one)
			}
			return err
		}, "SELECT "+questionColumns+" FROM assess_questions WHERE facility_id = $1"+w.SQL()+" ORDER BY CASE WHEN state = 'open' THEN 0 ELSE 1 END, asked_at DESC, id LIMIT 1000", w.Args...)
	})
	return out, err
}

// Answer keeps what somebody replied to a question. It is no answer to the item: a person reads it and answers.
func (b *Book) Answer(ctx context.Context, f facility.ID, id, text, by string) (q Question, err error) {
	if text = words(text); text == "" || len([]rune(text)) > maxNote {
		return q, fault.Newf(fault.Invalid, "返事を%d文字までで入れてください。", "Enter an answer of at most %d characters.", maxNote)
	}
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		if q, err = question(ctx, tx, id); err != nil {
			return err
		}
		q.State, q.Answer, q.Answered, q.AnswerBy = Replied, text, b.Now().UTC().Truncate(time.Microsecond), by
		if err := q.put(ctx, tx); err != nil {
			return err
		}
		return b.noted(ctx, tx, "assess.reply", q, i18n.Text{Ja: "質問に返事が来ました", En: "A question was answered"})
	})
	return q, err
}

// Withdraw ends a question without an answer.
func (b *Book) Withdraw(ctx context.Context, f facility.ID, id string) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		q, err := question(ctx, tx, id)
		if err != nil || q.State != Asked {
			return err
		}
		q.State = Withdrawn
		if err := q.put(ctx, tx); err != nil {
			return err
		}
		return b.noted(ctx, tx, "assess.withdraw", q, i18n.Text{Ja: "質問を取り下げました", En: "Withdrew a question"})
	})
}

func question(ctx context.Context, tx *store.Tx, id string) (Question, error) {
	q, err := scanQuestion(tx.Row(ctx, "SELECT "+questionColumns+" FROM assess_questions WHERE facility_id = $1 AND id = $2", id))
	if errors.Is(err, sql.ErrNoRows) {
		return q, fault.New(fault.NotFound, "この質問はありません。", "There is no such question.")
	}
	return q, err
}
