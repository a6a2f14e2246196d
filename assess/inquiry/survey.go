package inquiry

import (
	"cmp"
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
	"kenshin/jp"
	"kenshin/store"
)

// States of a survey.
const (
	SurveyOpen   = "open"
	SurveyClosed = "closed"
)

// few is the smallest number of nameless answers that is shown.
const few = 5

const maxDepartments = 200

// Poll is one survey: a catalogue that is sent to departments.
type Poll struct {
	ID        string
	State     string
	Created   time.Time
	Catalogue string    `json:"catalogue"`
	Title     string    `json:"title"`
	Named     bool      `json:"named"` // else nobody learns who answered
	Word      string    `json:"word,omitempty"`
	Due       time.Time `json:"due"`
	ByName    string    `json:"by"`
	Closed    time.Time `json:"closed,omitzero"`
}

type pollContent Poll

// Department is one that is asked; without an address its link is handed over by hand.
type Department struct{ Name, Mail string }

// ReadDepartments reads one department a line: its name, and after a comma or tab an address.
func ReadDepartments(text string) (out []Department, err error) {
	for n, line := range strings.Split(words(text), "\n") {
		line = strings.NewReplacer("\t", ",", "，", ",", "、", ",").Replace(line)
		name, mail, _ := strings.Cut(line, ",")
		d := Department{jp.Clean(name), jp.Narrow(jp.Clean(mail))}
		switch {
		case d.Name == "" && d.Mail == "":
			continue
		case d.Name == "" || len([]rune(d.Name)) > maxName:
			return nil, fault.Newf(fault.Invalid, "%d行目: 部門の名前が空か、長すぎます。", "Line %d: the department's name is empty or too long.", n+1)
		case d.Mail != "" && !mailAddress(d.Mail):
			return nil, fault.Newf(fault.Invalid, "%[1]d行目: 「%[2].60s」はメールアドレスではありません。", "Line %[1]d: %[2].60q is no mail address.", n+1, d.Mail)
		case slices.ContainsFunc(out, func(o Department) bool { return o.Name == d.Name }):
			return nil, fault.Newf(fault.Invalid, "%[1]d行目: 「%[2].60s」が二度出てきます。", "Line %[1]d: %[2].60q stands twice.", n+1, d.Name)
		}
		out = append(out, d)
	}
	switch {
	case len(out) == 0:
		return nil, fault.New(fault.Invalid, "部門を1行に一つずつ書いてください。", "Write one department a line.")
	case len(out) > maxDepartments:
		return nil, fault.Newf(fault.TooLarge, "部門は%dまでです。", "At most %d departments.", maxDepartments)
	}
	return out, nil
}

func survey(ctx context.Context, tx *store.Tx, id string) (p Poll, err error) {
	var content string
	var at int64
	err = tx.Row(ctx, "SELECT id, state, created_at, content FROM inquiry_surveys WHERE facility_id = $1 AND id = $2", id).Scan(&p.ID, &p.State, &at, &content)
	if errors.Is(err, sql.ErrNoRows) {
		return p, fault.New(fault.NotFound, "この調査はありません。", "There is no such survey.")
	}
	if err != nil {
		return p, err
	}
	return p, p.read(content, at)
}

func (p *Poll) read(content string, at int64) error {
	id, state := p.ID, p.State
	if err := json.Unmarshal([]byte(content), (*pollContent)(p)); err != nil {
		return fmt.Errorf("read a survey: %w", err)
	}
	p.ID, p.State, p.Created = id, state, store.Time(at)
	return nil
}

// Surveys lists the surveys, the newest first.
func (b *Book) Surveys(ctx context.Context, f facility.ID) (out []Poll, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out = nil
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var p Poll
			var content string
			var at int64
			if err := r.Scan(&p.ID, &p.State, &at, &content); err != nil {
				return err
			}
			err := p.read(content, at)
			out = append(out, p)
			return err
		}, "SELECT id, state, created_at, content FROM inquiry_surveys WHERE facility_id = $1 ORDER BY created_at DESC, id LIMIT 200")
	})
	return out, err
}

// Poll returns one survey.
func (b *Book) Poll(ctx context.Context, f facility.ID, id string) (p Poll, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		p, err = survey(ctx, tx, id)
		return err
	})
	return p, err
}

// StartSurvey sends a catalogue to departments. Due may be zero.
func (b *Book) StartSurvey(ctx context.Context, f facility.ID, p Poll, departments []Department) (Poll, []Letter, error) {
	set, err := b.Catalogues(ctx)
	if err != nil {
		return p, nil, err
	}
	c, ok := set.Find(p.Catalogue)
	if !ok {
		return p, nil, fault.New(fault.NotFound, "この質問票はありません。", "There is no such catalogue.")
	}
	now, house, err := b.local(ctx, f)
	if err != nil {
		return p, nil, err
	}
	if p.Title = jp.Clean(p.Title); p.Title == "" {
		p.Title = c.Title.Ja
	}
	p.Word = words(p.Word)
	switch {
	case len([]rune(p.Title)) > maxName:
		return p, nil, tooLong("題名", maxName)
	case len([]rune(p.Word)) > maxNote:
		return p, nil, tooLong("ひとこと", maxNote)
	case len(departments) == 0 || len(departments) > maxDepartments:
		return p, nil, fault.Newf(fault.Invalid, "部門を1から%dまで選んでください。", "Choose 1 to %d departments.", maxDepartments)
	}
	var letters []Letter
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		letters = nil
		s, err := SettingsKey().Get(ctx, tx)
		if err != nil {
			return err
		}
		due, err := dueDay(p.Due, now, s)
		if err != nil {
			return err
		}
		p.ID, p.State, p.Created, p.Due, p.ByName = store.NewID(), SurveyOpen, b.stamp(), due.UTC(), actor.From(ctx).Name
		if err := p.put(ctx, tx); err != nil {
			return err
		}
		for _, d := range departments {
			i := Inquiry{ID: store.NewID(), Kind: Survey, Survey: p.ID, Catalogue: c.ID, Subject: d.Name, State: Waiting, Due: p.Due, Created: p.Created}
			i.SubjectName, i.Ask, i.Named, i.SHA256, i.ByName = d.Name, p.Word, p.Named, c.SHA256, p.ByName
			if d.Mail != "" {
				i.To = []string{d.Mail}
			}
			token, err := b.link(ctx, tx, &i, life(b.Now(), due, s))
			if err != nil {
				return err
			}
			l := Letter{Name: d.Name, To: i.To, Links: []Link{{Inquiry: i, Address: address(s, token)}}}
			if err := b.deliver(ctx, tx, house, s, &l, "survey.ask", i18n.Text{Ja: "部門に調査を頼みました", En: "Sent a survey"}); err != nil {
				return err
			}
			letters = append(letters, l)
		}
		return nil
	})
	return p, letters, err
}

func (p *Poll) put(ctx context.Context, tx *store.Tx) error {
	content, err := json.Marshal(pollContent(*p))
	if err != nil {
		return fmt.Errorf("write a survey: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO inquiry_surveys (facility_id, id, state, created_at, content) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (facility_id, id) DO UPDATE SET state = excluded.state, content = excluded.content`, p.ID, p.State, store.Micros(p.Created), string(content))
	return err
}

// CloseSurvey ends a survey: its links open no more, and the answers of a nameless one are shown.
func (b *Book) CloseSurvey(ctx context.Context, f facility.ID, id string) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		p, err := survey(ctx, tx, id)
		if err != nil {
			return err
		}
		if p.State == SurveyClosed {
			return fault.New(fault.Conflict, "この調査は、もう締め切っています。", "This survey is closed already.")
		}
		p.State, p.Closed = SurveyClosed, b.stamp()
		if err := p.put(ctx, tx); err != nil {
			return err
		}
		return b.trail(ctx, tx, "survey.close", id, i18n.Text{Ja: "調査「" + p.Title + "」を締め切りました", En: "Closed the survey " + p.Title})
	})
}

// Tally is what a survey brought in.
type Tally struct {
	Poll        Poll
	Catalogue   catalogue.Catalogue
	Departments []Share // in the order asked
	Sent        int     // sheets in all
	Shown       bool    // whether answers may be shown at all
	Items       []ItemTally
}

// Share is how many of one department answered.
type Share struct {
	Inquiry Inquiry
	Sent    int
	Alone   bool // its answers may be shown by themselves
}

// ItemTally is the answers to one item.
type ItemTally struct {
	Item  catalogue.Item
	All   Counts
	By    []Counts // of the departments that stand alone, in the order of Tally.Departments; others are nil
	Words []Said   // texts, numbers, days and notes
}

// Counts is how often each choice was given.
type Counts struct {
	Of     int
	Choice []int // by the choices of Choices
}

// Said is one answer in words; Department is "" where nobody may know.
type Said struct{ Department, By, Text string }

// Choices names what can be chosen of an item; nil for words, numbers and days.
func Choices(i catalogue.Item) (out []i18n.Text) {
	switch i.Answer.Kind {
	case catalogue.YesNo:
		for _, r := range catalogue.Replies() {
			out = append(out, r.Label())
		}
	case catalogue.Choice, catalogue.Many:
		return i.Answer.Choices
	case catalogue.Quantity, catalogue.Words, catalogue.Day:
	}
	return out
}

func (a Answer) chosen(i catalogue.Item) []int {
	switch i.Answer.Kind {
	case catalogue.YesNo:
		if n := slices.Index(catalogue.Replies(), a.Reply); n >= 0 {
			return []int{n}
		}
	case catalogue.Choice:
		if n, ok := number(a.Value); ok {
			return []int{n}
		}
	case catalogue.Many:
		return a.Many
	case catalogue.Quantity, catalogue.Words, catalogue.Day:
	}
	return nil
}

// Tally gathers a survey's answers. Of a nameless one nothing is shown before it is closed, nothing of fewer than five answers, and no department from
// which, or from whose absence, fewer than five could be told.
func (b *Book) Tally(ctx context.Context, f facility.ID, id string) (t Tally, err error) {
	var all [][]Sheet
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		t, all = Tally{}, nil
		if t.Poll, err = survey(ctx, tx, id); err != nil {
			return err
		}
		asked, _, err := list(ctx, tx, Filter{Kind: Survey, Survey: id})
		if err != nil {
			return err
		}
		slices.Reverse(asked)
		for _, i := range asked {
			if i.State == Revoked {
				continue
			}
			list, err := sheets(ctx, tx, i.ID)
			if err != nil {
				return err
			}
			list = slices.DeleteFunc(list, func(s Sheet) bool { return s.State != Sent })
			all = append(all, list)
			t.Departments = append(t.Departments, Share{Inquiry: i, Sent: len(list)})
			t.Sent += len(list)
		}
		return nil
	})
	if err != nil {
		return t, err
	}
	set, err := b.Catalogues(ctx)
	if err != nil {
		return t, err
	}
	c, ok := set.Find(t.Poll.Catalogue)
	if !ok {
		return t, fault.New(fault.NotFound, "この質問票はもうありません。", "The catalogue is no longer there.")
	}
	t.Catalogue = c
	t.apart()
	if t.Shown {
		for _, i := range c.Items {
			t.Items = append(t.Items, t.item(i, all))
		}
	}
	return t, nil
}

// apart decides what may be shown by itself.
func (t *Tally) apart() {
	if t.Poll.Named {
		t.Shown = true
		for k := range t.Departments {
			t.Departments[k].Alone = t.Departments[k].Sent > 0
		}
		return
	}
	t.Shown = t.Poll.State == SurveyClosed && t.Sent >= few
	if !t.Shown {
		return
	}
	hidden := 0
	order := make([]int, len(t.Departments))
	for k, d := range t.Departments {
		order[k] = k
		t.Departments[k].Alone = d.Sent >= few
		if d.Sent < few {
			hidden += d.Sent
		}
	}
	// what is hidden must not follow from the total: the smallest of the others are hidden with it
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(t.Departments[a].Sent, t.Departments[b].Sent) })
	for _, k := range order {
		if hidden == 0 || hidden >= few {
			break
		}
		if t.Departments[k].Alone {
			t.Departments[k].Alone = false
			hidden += t.Departments[k].Sent
		}
	}
}

func (t *Tally) item(i catalogue.Item, all [][]Sheet) ItemTally {
	choices := len(Choices(i))
	out := ItemTally{Item: i, All: Counts{Choice: make([]int, choices)}, By: make([]Counts, len(all))}
	for k, list := range all {
		alone := t.Departments[k].Alone
		if alone {
			out.By[k].Choice = make([]int, choices)
		}
		for _, s := range list {
			a, ok := s.Answers[i.ID]
			if !ok {
				continue
			}
			chosen := a.chosen(i)
			if len(chosen) > 0 {
				out.All.Of++
				out.By[k].Of++
			}
			for _, n := range chosen {
				if n < 0 || n >= choices {
					continue
				}
				out.All.Choice[n]++
				if alone {
					out.By[k].Choice[n]++
				}
			}
			text := a.Note
			if choices == 0 {
				text = strings.TrimSpace(a.Shown(i).Ja + " " + a.Note)
			}
			if text != "" {
				said := Said{Text: text}
				if t.Poll.Named {
					said.Department, said.By = t.Departments[k].Inquiry.SubjectName, s.By
				}
				out.Words = append(out.Words, said)
			}
		}
		if !alone {
			out.By[k] = Counts{}
		}
	}
	if !t.Poll.Named { // in an order that says nothing of who wrote
		slices.SortFunc(out.Words, func(a, b Said) int { return cmp.Compare(a.Text, b.Text) })
	}
	return out
}

// Note is what a visitor wrote beside an item.
type Note struct {
	Item     string
	Text     string
	ByName   string
	Changed  time.Time
	Revision int64
}

// Notes returns a visitor's notes on one department's sheet, by item.
func (b *Book) Notes(ctx context.Context, f facility.ID, inquiry string) (map[string]Note, error) {
	out := map[string]Note{}
	err := b.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var n Note
			var at int64
			err := r.Scan(&n.Item, &n.Text, &n.ByName, &at, &n.Revision)
			n.Changed = store.Time(at)
			out[n.Item] = n
			return err
		}, "SELECT item_id, note, by_name, changed_at, revision FROM inquiry_notes WHERE facility_id = $1 AND inquiry_id = $2", inquiry)
	})
	return out, err
}

// SaveNotes keeps a visitor's notes, each against the revision that was on the screen. Where one of them was changed meanwhile none is kept.
func (b *Book) SaveNotes(ctx context.Context, f facility.ID, inquiry string, notes []Note) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		i, err := get(ctx, tx, inquiry)
		if err != nil {
			return err
		}
		_, items, err := b.Items(ctx, i)
		if err != nil {
			return err
		}
		for _, n := range notes {
			if n.Text = words(n.Text); len([]rune(n.Text)) > maxNote {
				return tooLong("メモ", maxNote)
			}
			if !slices.ContainsFunc(items, func(i catalogue.Item) bool { return i.ID == n.Item }) {
				return fault.New(fault.NotFound, "この項目は質問票にありません。", "There is no such item in the catalogue.")
			}
			if n.Text == "" && n.Revision == 0 {
				continue
			}
			changed, err := tx.Exec(ctx, `INSERT INTO inquiry_notes (facility_id, inquiry_id, item_id, revision, changed_at, by_name, note) VALUES ($1, $2, $3, $4, $5, $6, $7)
				ON CONFLICT (facility_id, inquiry_id, item_id) DO UPDATE SET revision = excluded.revision, changed_at = excluded.changed_at, by_name = excluded.by_name,
					note = excluded.note WHERE inquiry_notes.revision = excluded.revision - 1`,
				inquiry, n.Item, n.Revision+1, store.Micros(b.stamp()), actor.From(ctx).Name, n.Text)
			if err != nil {
				return err
			}
			if changed == 0 {
				return stale()
			}
		}
		return b.trail(ctx, tx, "survey.visit", inquiry, i18n.Text{Ja: "訪問のメモを書きました（" + i.SubjectName + "）", En: "Wrote notes of a visit (" + i.SubjectName + ")"})
	})
}
