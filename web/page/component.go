package page

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Field is one input of a form.
type Field struct {
	Name, Label  string
	Value        string
	Type         string // "" is text
	Hint         string // how to fill it in
	Machine      string // what Kenshin measured, shown beside a person's field
	Err          string
	Required     bool
	Autocomplete string // of the HTML standard; "off" when ""
	Placeholder  string
	Wide         bool     // over both columns
	List         []string // suggestions
	Inputmode    string
	Max          int // characters; 200 when 0
	Rows         int // of a text of several lines; 2 when 0
	Focus        bool
}

func (f Field) rows() string { return strconv.Itoa(max(f.Rows, 2)) }

func (f Field) typ() string {
	if f.Type == "" {
		return "text"
	}
	return f.Type
}

func (f Field) auto() string {
	if f.Autocomplete == "" {
		return "off"
	}
	return f.Autocomplete
}

func (f Field) max() string {
	if f.Max == 0 {
		return "200"
	}
	return strconv.Itoa(f.Max)
}

// describes names the elements that explain the field, for aria-describedby.
func (f Field) describes() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.Name+"-hint")
	}
	if f.Machine != "" {
		ids = append(ids, f.Name+"-machine")
	}
	if f.Err != "" {
		ids = append(ids, f.Name+"-err")
	}
	return strings.Join(ids, " ")
}

// Choice is a select, or a list of radio buttons when it is shown by pick.
type Choice struct {
	Name, Label string
	Value       string
	Options     []Option
	Hint        string
	Machine     string
	Err         string
	Required    bool
	Wide        bool
}

func (c Choice) field() Field {
	return Field{Name: c.Name, Label: c.Label, Hint: c.Hint, Machine: c.Machine, Err: c.Err, Required: c.Required, Wide: c.Wide}
}

// Pager leads through a long list. Total < 0: not counted.
type Pager struct {
	From, To, Total int
	Prev, Next      string // addresses; "" at an end
}

// Chip is one ready-made filter with its count.
type Chip struct {
	Key   string
	Text  string
	Count int
	URL   string
	On    bool
}

// Column is a table head that can be sorted by.
type Column struct {
	Key, Text string // Key "" cannot be sorted by
	Right     bool
}

// col and right are heads that cannot be sorted by; right is for numbers.
func col(text string) Column   { return Column{Text: text} }
func right(text string) Column { return Column{Text: text, Right: true} }

// Day is how often something was seen on one day.
type Day struct {
	Date  time.Time
	Count int
}

// Change is one line of a history.
type Change struct {
	At   time.Time
	Who  string   // a person's name, or the signal
	What string   // whole sentence
	Also []string // further sentences of the same moment and hand
	URL  string   // what it is about; "" when there is no page
	Undo string   // POST address, "" when it cannot be undone
}

// Attachment is a file that somebody put beside a record.
type Attachment struct {
	ID, Name string
	Bytes    int64
	By       string
	At       time.Time
	URL      string // GET: the file as a download
	Remove   string // POST; "" when this person may not
}

// Files are the attachments of a record.
type Files struct {
	List []Attachment
	Add  string // POST: file; "" when this person may not
	Says string // while there is none; "" is the usual word
}

// bar is a rectangle of a drawing, in percent of its width and height.
type bar struct {
	x, y, w, h float64
	class      string
	label      string
}

// fewDays is how many days a strip has room for at least: one day alone is still a bar, not a wall.
const fewDays = 30

// stripBars lays days side by side; a day without a sighting is a flat grey line, so that silence is seen as such.
func stripBars(ctx context.Context, days []Day) []bar {
	top := 1
	for _, d := range days {
		top = max(top, d.Count)
	}
	var out []bar
	width := 100 / float64(max(len(days), fewDays))
	for i, d := range days {
		b := bar{x: float64(i) * width, w: width * 0.72, h: 8, class: "none", label: t(ctx, "%s: 見えない", "%s: not seen", date(ctx, d.Date))}
		if d.Count > 0 {
			b.h = 25 + 75*math.Sqrt(float64(d.Count)/float64(top))
			b.class, b.label = "seen", t(ctx, "%s: %d回", "%s: %d times", date(ctx, d.Date), d.Count)
		}
		b.y = 100 - b.h
		out = append(out, b)
	}
	return out
}

func unseen(days []Day) int {
	count := 0
	for _, d := range days {
		if d.Count == 0 {
			count++
		}
	}
	return count
}

func pct(f float64) string { return fmt.Sprintf("%.2f%%", f) }

// markIcon is the sign that stands for a mark beside its colour and word.
func markIcon(m Mark) string {
	switch m {
	case MarkOK:
		return "check"
	case MarkWarn:
		return "alert"
	case MarkBad:
		return "findings"
	case MarkMed:
		return "shield"
	case MarkQuiet:
		return "minus"
	}
	return "info"
}

func first(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}

// or shows a dash where nothing is known.
func or(s string) string { return first(s, "—") }

// join puts a middle dot between what is there.
func join(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, " · ")
}

func dec(f float64) string { return strconv.FormatFloat(f, 'f', 2, 64) }

func sortedKeys(m Errors) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
