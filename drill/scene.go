package drill

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/drill/internal/token"
	"kenshin/drill/lesson"
	"kenshin/drill/letter"
	"kenshin/drill/scale"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
)

// Answered is one answer in a lesson's check.
const Answered Signal = "answer"

// Scene is what the pages behind a mail's links tell. It names no recipient: a link may have been forwarded.
type Scene struct {
	Facility string
	Contact  string
	Drill    Drill
	Values   lesson.Values
	Brand    string // the fictitious sender
	Shown    lesson.Shown
	Best     []lesson.CueLesson // the lessons of the three cues that teach most
	Set      lesson.Set
	Book     *lesson.Book
	Notice   []string // lines of a director's notice, for a course without a lesson
}

// sceneFor is how long a scene is kept: pages of one drill are asked for many times at once.
const sceneFor = 10 * time.Second

type keptScene struct {
	scene Scene
	until time.Time
}

// Scene returns what the pages of an arrival tell.
func (b *Book) Scene(ctx context.Context, at Landed) (Scene, error) {
	key := string(at.Facility) + at.Drill
	if k, ok := b.scenes.Load(key); ok && time.Now().Before(k.(keptScene).until) {
		return k.(keptScene).scene, nil
	}
	s, err := b.scene(ctx, at)
	if err == nil {
		b.scenes.Store(key, keptScene{s, time.Now().Add(sceneFor)})
	}
	return s, err
}

func (b *Book) scene(ctx context.Context, at Landed) (s Scene, err error) {
	fac, err := b.houses.Facility(ctx, at.Facility)
	if err != nil {
		return s, err
	}
	set, err := b.Settings(ctx, at.Facility)
	if err != nil {
		return s, err
	}
	book, err := b.lessons()
	if err != nil {
		return s, err
	}
	s = Scene{Facility: fac.Name, Contact: set.Contact, Book: book}
	if set.Org != "" {
		s.Facility = set.Org
	}
	s.Values = lesson.Values{Facility: s.Facility, Report: set.ReportTo, Extension: set.Extension, Person: set.Contact, Days: strconv.Itoa(set.Nameless)}
	if at.Drill == "" {
		return s, nil
	}
	if s.Drill, err = b.Get(ctx, at.Facility, at.Drill); err != nil {
		return s, err
	}
	s.Brand = s.Drill.Mail.FromName
	s.Shown = shown(s.Drill, set, s.Facility)
	s.Best, s.Set = best(book, s.Drill)
	if s.Drill.Mode == Course && s.Drill.Mail.Lesson == "" {
		s.Set, s.Notice = lesson.Set{}, noticeLines(s.Drill, s.Facility)
	}
	return s, nil
}

// lessons is the book that comes with the product, read once.
func (b *Book) lessons() (*lesson.Book, error) {
	b.read.Do(func() {
		var book lesson.Book
		if book, b.readErr = lesson.Load(); b.readErr == nil {
			b.book = &book
		}
	})
	return b.book, b.readErr
}

func (d Drill) marks() (out []lesson.Cue) {
	for _, c := range d.Rating.Cues {
		out = append(out, lesson.Cue{Cue: scale.ID(c.ID), Text: c.Text, Part: lesson.Part(c.Part)})
	}
	return out
}

// shown is the mail with its cues marked in place; nobody's name stands in it.
func shown(d Drill, s Settings, facility string) lesson.Shown {
	nobody := letter.Fields{Surname: "〇〇", Given: "〇〇", Department: "〇〇部", Email: "あなた@" + "…", Facility: facility, Link: strings.TrimRight(s.Base, "/") + "/…", QR: "（QRコード）"}
	fill := func(text string, html bool) string {
		t, err := letter.Fill(text, nobody, html)
		if err != nil { // the drill was checked when it was made: what cannot be filled is shown as it stands
			return text
		}
		return t
	}
	m := lesson.Mail{Subject: fill(d.Mail.Subject, false), Text: fill(d.Mail.Text, false), HTML: fill(d.Mail.HTML, true), Attachment: d.Mail.FileName,
		From: mail.Address{Name: d.Mail.FromName, Address: d.Mail.FromLocal + "@" + s.Domain}}
	return lesson.Show(m, d.marks())
}

// best picks the lessons of the cues that teach most, and the set with a check that fits them, or the course's own.
func best(book *lesson.Book, d Drill) (cues []lesson.CueLesson, set lesson.Set) {
	for _, c := range lesson.Pick(d.marks(), 3) {
		if i := slices.IndexFunc(book.Cues, func(l lesson.CueLesson) bool { return l.Cue == c.Cue }); i >= 0 {
			cues = append(cues, book.Cues[i])
		}
	}
	set = book.Sets[0]
	for _, s := range book.Sets {
		if d.Mail.Lesson == s.ID || d.Mail.Lesson == "" && len(cues) > 0 && slices.Contains(s.Cues, cues[0].Cue) {
			return cues, s
		}
	}
	return cues, set
}

// FinishLesson counts the right answers of a recipient and writes the lesson into the training roll, once.
func (b *Book) FinishLesson(ctx context.Context, at Landed, set lesson.Set) (right int, err error) {
	err = b.db.Write(ctx, at.Facility, func(tx *store.Tx) error {
		if right, err = rightAnswers(ctx, tx, at, set); err != nil {
			return err
		}
		t, err := scanTarget(tx.Row(ctx, "SELECT "+targetColumns+" FROM drill_targets t WHERE t.facility_id = $1 AND t.drill_id = $2 AND t.id = $3", at.Drill, at.Target))
		if err != nil {
			return fmt.Errorf("finish a lesson: %w", err)
		}
		var n int
		if err := tx.Row(ctx, "SELECT count(*) FROM drill_roll r WHERE r.facility_id = $1 AND r.drill_id = $2 AND r.person_id = $3 AND r.lesson = $4", at.Drill, t.Person, set.ID).Scan(&n); err != nil || n > 0 {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO drill_roll (facility_id, id, person_id, name, department, lesson, at, score, questions, drill_id)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, store.NewID(), t.Person, t.Name(), t.Department, set.ID, store.Micros(b.stamp()), right, len(set.Questions), at.Drill); err != nil {
			return err
		}
		if err := b.addEvent(ctx, tx, Event{Drill: at.Drill, Target: at.Target, Signal: Lesson, At: b.stamp(), Method: "POST", Detail: fmt.Sprintf("%s %d/%d", set.ID, right, len(set.Questions))}); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE drill_drills SET dirty = dirty + 1 WHERE facility_id = $1 AND id = $2", at.Drill)
		return err
	})
	return right, err
}

// rightAnswers counts the questions whose first answer was right.
func rightAnswers(ctx context.Context, tx *store.Tx, at Landed, set lesson.Set) (right int, err error) {
	first := map[int]int{}
	err = store.Each(ctx, tx, func(r *sql.Rows) error {
		var text string
		if err := r.Scan(&text); err != nil {
			return err
		}
		var c eventContent
		if err := unmarshal(text, &c); err != nil {
			return err
		}
		q, o, ok := parseAnswer(c.Detail)
		if _, known := first[q]; ok && !known {
			first[q] = o
		}
		return nil
	}, "SELECT e.content FROM drill_events e WHERE e.facility_id = $1 AND e.drill_id = $2 AND e.target_id = $3 AND e.signal = 'answer' ORDER BY e.at, e.id", at.Drill, at.Target)
	for q, o := range first {
		if q < len(set.Questions) && set.Questions[q].Right == o {
			right++
		}
	}
	return right, err
}

// Answer is how an answer is written down: the question and the option, both from 0.
func Answer(question, option int) string { return fmt.Sprintf("%d=%d", question, option) }

func parseAnswer(s string) (q, o int, ok bool) {
	a, b, found := strings.Cut(s, "=")
	q, err1 := strconv.Atoi(a)
	o, err2 := strconv.Atoi(b)
	return q, o, found && err1 == nil && err2 == nil && q >= 0 && o >= 0
}

// About is what /verify tells an administrator who found one of our mails.
type About struct {
	Facility, Contact string
	Started           time.Time
	State             i18n.Text
}

// About says whose drill a token belongs to. It records nothing.
func (b *Book) About(ctx context.Context, text string) (About, error) {
	unknown := fault.New(fault.NotFound, "この番号の訓練はありません。", "There is no drill of this number.")
	at, known, err := b.Peek(ctx, text)
	if err != nil {
		return About{}, err
	}
	if !known {
		return About{}, unknown
	}
	s, err := b.Scene(ctx, at)
	if err != nil {
		return About{}, err
	}
	return About{Facility: s.Facility, Contact: s.Contact, Started: s.Drill.Started, State: s.Drill.State.Label()}, nil
}

// Peek finds whose a token is without writing anything down.
func (b *Book) Peek(ctx context.Context, text string) (at Landed, known bool, err error) {
	t, ok := token.Parse(text)
	if !ok {
		return at, false, nil
	}
	if at.Facility, ok, err = b.house(ctx, t.Door); err != nil || !ok {
		return at, false, err
	}
	err = b.db.Read(ctx, at.Facility, func(tx *store.Tx) error {
		return tx.Row(ctx, "SELECT t.drill_id, t.target_id, t.signal FROM drill_tokens t WHERE t.facility_id = $1 AND t.hash = $2", t.Hash()).Scan(&at.Drill, &at.Target, &at.Of)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return at, false, nil
	}
	return at, err == nil, err
}
