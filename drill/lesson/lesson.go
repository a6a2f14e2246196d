// Package lesson holds what staff read: a short lesson for each cue, the page after a click, words for everybody who took part, lessons
// beyond mail for each role, first aid for whoever opened something, a director's notice, and questions to check oneself. It also marks the
// cues in the mail that somebody got.
package lesson

import (
	"fmt"
	"io"
	"slices"
	"strings"

	_ "embed"

	"go.yaml.in/yaml/v3"

	"kenshin/drill/internal/cue"
	"kenshin/fault"
	"kenshin/i18n"
)

//go:embed book.yaml
var bookYAML string

//go:embed roles.yaml
var rolesYAML string

//go:embed pages.yaml
var pagesYAML string

// Book is everything that is taught. Texts may hold the placeholders {{施設}}, {{通報先}}, {{内線}}, {{担当}}, {{日数}}: see Fill.
type Book struct {
	Cues     []CueLesson // one for each of the 23, in the order of the worksheet
	Sets     []Set       // what is taught and checked together: five families of cues, then the role lessons
	After    After
	Feedback []Feedback // one for each Outcome
	FirstAid FirstAid
	Notice   Notice
}

// CueLesson is the short lesson of one cue, read in under a minute.
type CueLesson struct {
	Cue  cue.ID    `yaml:"cue"`
	Text i18n.Text `yaml:"text"` // paragraphs apart by a newline
}

// Set is a lesson of a few minutes with a check of three questions.
type Set struct {
	ID        string     `yaml:"id"`
	Title     i18n.Text  `yaml:"title"`
	For       i18n.Text  `yaml:"for"`   // who should read it
	Cues      []cue.ID   `yaml:"cues"`  // the cue lessons that belong to it
	Text      i18n.Text  `yaml:"text"`  // paragraphs apart by a newline
	Steps     []Step     `yaml:"steps"` // what to do, in order
	Questions []Question `yaml:"questions"`
}

// Step is one thing to do.
type Step struct {
	Do  i18n.Text `yaml:"do"`
	Why i18n.Text `yaml:"why"`
}

// Question has two to four options of which exactly one is right.
type Question struct {
	Ask     i18n.Text   `yaml:"ask"`
	Options []i18n.Text `yaml:"options"`
	Right   int         `yaml:"right"` // from 0
	Explain i18n.Text   `yaml:"explain"`
}

// After is the page that somebody sees after pressing the link or opening the file: what this was, three cues in place, what to do next time.
type After struct {
	Title    i18n.Text   `yaml:"title"`
	What     i18n.Text   `yaml:"what"`
	CuesHead i18n.Text   `yaml:"cues_head"`
	NextHead i18n.Text   `yaml:"next_head"`
	Next     []i18n.Text `yaml:"next"`
	HowHead  i18n.Text   `yaml:"how_head"`
	How      []i18n.Text `yaml:"how"`
	Closing  i18n.Text   `yaml:"closing"`
	Typed    i18n.Text   `yaml:"typed"` // for whoever typed something into the page
}

// Outcome is what somebody did with the mail; it chooses the words of the feedback mail.
type Outcome string

const (
	Reported        Outcome = "reported"
	ClickedReported Outcome = "clicked-reported" // opened it and told somebody: worth as much
	Clicked         Outcome = "clicked"
	Quiet           Outcome = "quiet" // nothing was seen: not opened, or opened and left alone
	Released        Outcome = "released"
)

// Outcomes lists all outcomes.
func Outcomes() []Outcome { return []Outcome{Reported, ClickedReported, Clicked, Quiet, Released} }

// Feedback is the mail that everybody gets after a drill.
type Feedback struct {
	Outcome Outcome   `yaml:"outcome"`
	Subject i18n.Text `yaml:"subject"`
	Text    i18n.Text `yaml:"text"`
}

// FirstAid is what to do after 開いてしまった.
type FirstAid struct {
	Title   i18n.Text `yaml:"title"`
	Lead    i18n.Text `yaml:"lead"`
	Steps   []Step    `yaml:"steps"`
	Closing i18n.Text `yaml:"closing"`
}

// Notice is what the director tells everybody before the first drill.
type Notice struct {
	Title i18n.Text `yaml:"title"`
	Text  i18n.Text `yaml:"text"`
}

// Load reads the book that comes with the product.
func Load() (Book, error) {
	var b Book
	var roles struct {
		Sets []Set `yaml:"sets"`
	}
	var book struct {
		Cues []CueLesson `yaml:"cues"`
		Sets []Set       `yaml:"sets"`
	}
	var pages struct {
		After    After      `yaml:"after"`
		Feedback []Feedback `yaml:"feedback"`
		FirstAid FirstAid   `yaml:"first_aid"`
		Notice   Notice     `yaml:"notice"`
	}
	for _, f := range []struct {
		name, text string
		into       any
	}{{"book.yaml", bookYAML, &book}, {"roles.yaml", rolesYAML, &roles}, {"pages.yaml", pagesYAML, &pages}} {
		d := yaml.NewDecoder(strings.NewReader(f.text))
		d.KnownFields(true)
		if err := d.Decode(f.into); err != nil && err != io.EOF {
			return b, fmt.Errorf("lesson: read %s: %w", f.name, err)
		}
	}
	b = Book{Cues: book.Cues, Sets: append(book.Sets, roles.Sets...), After: pages.After, Feedback: pages.Feedback, FirstAid: pages.FirstAid, Notice: pages.Notice}
	return b, b.check()
}

// check refuses a book in which something is missing: a reader must never meet an empty page.
func (b Book) check() error {
	for _, c := range cue.All() {
		if _, ok := b.Lesson(c.ID); !ok {
			return fmt.Errorf("lesson: no lesson for the cue %s", c.ID)
		}
	}
	for _, o := range Outcomes() {
		if _, ok := b.For(o); !ok {
			return fmt.Errorf("lesson: no feedback for %s", o)
		}
	}
	for _, s := range b.Sets {
		if len(s.Questions) != 3 {
			return fmt.Errorf("lesson: %s has %d questions, not 3", s.ID, len(s.Questions))
		}
		for _, q := range s.Questions {
			if len(q.Options) < 2 || len(q.Options) > 4 || q.Right < 0 || q.Right >= len(q.Options) {
				return fmt.Errorf("lesson: %s: “%s” needs two to four options and one right answer", s.ID, q.Ask.En)
			}
		}
	}
	return nil
}

// Lesson returns the lesson of a cue.
func (b Book) Lesson(id cue.ID) (CueLesson, bool) {
	i := slices.IndexFunc(b.Cues, func(c CueLesson) bool { return c.Cue == id })
	if i < 0 {
		return CueLesson{}, false
	}
	return b.Cues[i], true
}

// Set returns the lesson set of an id.
func (b Book) Set(id string) (Set, bool) {
	i := slices.IndexFunc(b.Sets, func(s Set) bool { return s.ID == id })
	if i < 0 {
		return Set{}, false
	}
	return b.Sets[i], true
}

// For returns the feedback for an outcome.
func (b Book) For(o Outcome) (Feedback, bool) {
	i := slices.IndexFunc(b.Feedback, func(f Feedback) bool { return f.Outcome == o })
	if i < 0 {
		return Feedback{}, false
	}
	return b.Feedback[i], true
}

// SetFor returns the family of lessons that suits the cues of a mail best: the one with most of its marks.
func (b Book) SetFor(cues []Cue) (Set, bool) {
	best, most := -1, 0
	for i, s := range b.Sets {
		n := 0
		for _, c := range cues {
			if slices.Contains(s.Cues, c.Cue) {
				n++
			}
		}
		if n > most {
			best, most = i, n
		}
	}
	if best < 0 {
		return Set{}, false
	}
	return b.Sets[best], true
}

// Result is how a check went.
type Result struct {
	Right, Of int
	Wrong     []int // the questions to look at again, from 0
}

// Passed reports whether at least two of three were right.
func (r Result) Passed() bool { return r.Of > 0 && r.Right*3 >= r.Of*2 }

// Answer checks the chosen options, one for each question.
func (s Set) Answer(chosen []int) (Result, error) {
	if len(chosen) != len(s.Questions) {
		return Result{}, fault.Newf(fault.Invalid, "質問は %d 問です。全部に答えてください。", "there are %d questions; answer all of them", len(s.Questions))
	}
	r := Result{Of: len(chosen)}
	for i, c := range chosen {
		switch {
		case c < 0 || c >= len(s.Questions[i].Options):
			return Result{}, fault.Newf(fault.Invalid, "%d 問目の答えを選び直してください。", "choose an answer to question %d", i+1)
		case c == s.Questions[i].Right:
			r.Right++
		default:
			r.Wrong = append(r.Wrong, i)
		}
	}
	return r, nil
}

// Values fill the placeholders of the texts.
type Values struct {
	Facility  string // the hospital's name
	Report    string // where to report: a mail address or a button's name
	Extension string // the number to call
	Person    string // whom one reaches there
	Days      string // after how many days names are erased
}

// Fill puts values into a text. A value that is missing is said in words, so that no page shows a bare placeholder.
func Fill(t i18n.Text, v Values) i18n.Text {
	or := func(s, missing string) string {
		if strings.TrimSpace(s) == "" {
			return missing
		}
		return s
	}
	t.Ja = strings.NewReplacer("{{施設}}", or(v.Facility, "当院"), "{{通報先}}", or(v.Report, "情報システム担当"), "{{内線}}", or(v.Extension, "情報システム担当"), "{{担当}}", or(v.Person, "情報システム担当"), "{{日数}}", or(v.Days, "180")).Replace(t.Ja)
	t.En = strings.NewReplacer("{{施設}}", or(v.Facility, "our hospital"), "{{通報先}}", or(v.Report, "the IT desk"), "{{内線}}", or(v.Extension, "of the IT desk"), "{{担当}}", or(v.Person, "the IT desk"), "{{日数}}", or(v.Days, "180")).Replace(t.En)
	return t
}

// Paragraphs splits a text at its line ends.
func Paragraphs(text string) []string {
	var out []string
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}
