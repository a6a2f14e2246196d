package page

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/a-h/templ"

	"kenshin/actor"
	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/i18n"
)

// LevelView is the level of network control, the way there, and what to build next.
type LevelView struct {
	Catalogue catalogue.Catalogue // of the gates
	Standing  assess.Standing
	Gates     []assess.Step // every gate, in the order of the flowchart
	Actions   []assess.Action
	Closes    map[string]string // titles of checklist items, by id
	Staff     catalogue.Reply   // the two questions of the reference pattern
	Cloud     catalogue.Reply
	Pattern   *catalogue.Pattern
	Class     catalogue.BedClass
	Configs   []catalogue.Config // that fit
	Beyond    []catalogue.Catalogue
}

// LevelPage is the flowchart with the path taken. GET: staff, cloud (yes or no).
func LevelPage(s Shell, v LevelView) templ.Component {
	return within(s, SectionLevel, i18n.Text{Ja: "レベルと構成", En: "Level and network"}, levelPage(v))
}

// flowBox is one gate or level of the drawing.
type flowBox struct {
	X, Y, W, H float64
	Lines      []string
	Class      string
	Sign       string
	Label      string
}

// flow is the flowchart, computed: gates of a level in a row, the level at its end.
type flow struct {
	W, H   float64
	Boxes  []flowBox
	Way    string // path of all boxes
	Word   string // how far the claims lead
	Proof  string // how far the evidence leads
	Levels []flowBox
}

const (
	boxW       = 178.0
	gapX, gapY = 16.0, 40.0
	lineH      = 16.5 // of a drawing's text
	lineWide   = 27   // breadth of a line in a box
)

// flowOf lays the gates out. The two paths run beside each other, so that both are seen where they are the same.
func flowOf(ctx context.Context, v LevelView) flow {
	var f flow
	f.W = 5*(boxW+gapX) + 130
	word, proof := true, true
	most := 1
	for _, g := range v.Gates {
		most = max(most, len(wrapped(g.Gate.Title.For(ctx), lineWide)))
	}
	boxH := float64(most)*lineH + 34
	rail := func(level int) float64 { return float64(level)*(boxH+gapY) + boxH + 14 } // the height of the line below a level's gates
	at := func(col int, level int) (x, y float64) {
		return float64(col) * (boxW + gapX), float64(level) * (boxH + gapY)
	}
	move := func(p *string, x, y float64) { *p += fmt.Sprintf("L%.0f %.0f", x, y) }
	begin := func(p *string, x, y float64) { *p += fmt.Sprintf("M%.0f %.0f", x, y) }
	for level := 0; level <= 3; level++ {
		col := 0
		line := rail(level)
		begin(&f.Way, 0, line)
		if word {
			begin(&f.Word, 0, line+5)
		}
		if proof {
			begin(&f.Proof, 0, line-2)
		}
		for _, g := range v.Gates {
			if g.Gate.Gate == nil || g.Gate.Gate.Level != level {
				continue
			}
			x, y := at(col, level)
			f.Boxes = append(f.Boxes, flowBox{X: x, Y: y, W: boxW, H: boxH, Lines: wrapped(g.Gate.Title.For(ctx), lineWide), Class: "box " + boxClass(g.State), Sign: g.State.Mark() + " " + g.State.Label().For(ctx), Label: g.Gate.Title.For(ctx)})
			middle := rail(level)
			if word {
				move(&f.Word, x+boxW*half(g.Claimed), middle+5)
			}
			if proof {
				move(&f.Proof, x+boxW*half(g.Proven), middle-2)
			}
			word, proof = word && g.Claimed, proof && g.Proven
			col++
		}
		x, y := at(5, level)
		for p, on := range map[*string]bool{&f.Way: true, &f.Word: word, &f.Proof: proof} {
			if on { // up into the level
				shift := map[*string]float64{&f.Way: 0, &f.Word: 5, &f.Proof: -2}[p]
				move(p, x+60+shift, line+shift)
				move(p, x+60+shift, y+boxH)
			}
		}
		class := "box out"
		if word {
			class = "box info"
		}
		if proof {
			class = "box ok"
		}
		f.Levels = append(f.Levels, flowBox{X: x, Y: y, W: 120, H: boxH, Class: class, Lines: []string{assess.Level(level).Label().For(ctx)}, Sign: levelSign(ctx, word, proof)})
		f.H = y + boxH + gapY
	}
	return f
}

func levelSign(ctx context.Context, word, proof bool) string {
	switch {
	case proof:
		return t(ctx, "● 証拠で到達", "● by evidence")
	case word:
		return t(ctx, "○ 申告で到達", "○ by word")
	}
	return t(ctx, "✕ まだ", "✕ not yet")
}

// half ends a path in the middle of the gate that stops it.
func half(passed bool) float64 {
	if passed {
		return 1
	}
	return 0.5
}

func boxClass(s assess.State) string {
	if m := stateMark(s); m != MarkQuiet {
		return string(m)
	}
	return ""
}

// Marks that no Japanese line begins with, and those that none ends with.
const (
	notFirst = "、。，．・：；？！）」』】］〉》〕ー〜々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ,.:;?!)]}%％"
	notLast  = "（「『【［〈《〔([{"
)

// pieces are the parts of a text that stay in one line: a word of letters and figures, or a sign with the marks that belong to it.
func pieces(text string) (out []string) {
	word, open := false, false // the last piece may grow: by letters, by anything
	for _, r := range text {
		latin := r < 0x80 && r != ' '
		switch {
		case len(out) > 0 && (open || strings.ContainsRune(notFirst, r) || word && latin):
			out[len(out)-1] += string(r)
		default:
			out = append(out, string(r))
		}
		word, open = latin, strings.ContainsRune(notLast, r)
	}
	return out
}

// breadth is how wide a text is drawn: 2 for a full-width sign, about 1 for a letter; three capitals are as wide as four.
func breadth(s string) (w int) {
	capitals := 0
	for _, r := range s {
		if w++; r >= 0x1100 {
			w++
		}
		if 'A' <= r && r <= 'Z' {
			capitals++
		}
	}
	return w + (capitals+2)/3
}

// wrapped breaks a text of a drawing into lines of a breadth; nothing of it is left out.
func wrapped(text string, most int) (out []string) {
	line := ""
	for _, p := range pieces(text) {
		if line != "" && breadth(line)+breadth(p) > most {
			out, line = append(out, strings.TrimSpace(line)), ""
		}
		line += p
	}
	if line = strings.TrimSpace(line); line != "" {
		out = append(out, line)
	}
	return out
}

// drawingOf places the boxes of a configuration.
func drawingOf(ctx context.Context, c catalogue.Config) (boxes []flowBox, lines [][4]float64, w, h float64) {
	place := map[string]flowBox{}
	for _, b := range c.Boxes {
		box := flowBox{X: 4 + b.X*150, Y: 4 + b.Y*66, W: 128, H: 48, Lines: wrapped(b.Text.For(ctx), 19), Class: "box " + b.Mark}
		place[b.ID] = box
		boxes = append(boxes, box)
		w, h = math.Max(w, box.X+box.W+4), math.Max(h, box.Y+box.H+4)
	}
	for _, l := range c.Lines {
		a, b := place[l[0]], place[l[1]]
		lines = append(lines, [4]float64{a.X + a.W/2, a.Y + a.H/2, b.X + b.W/2, b.Y + b.H/2})
	}
	return boxes, lines, w, h
}

// YardstickRow is one published figure beside the hospital's own state.
type YardstickRow = assess.Yard

// YardstickView is the national figures beside one's own.
type YardstickView struct {
	Class catalogue.BedClass
	Beds  int
	Rows  []YardstickRow
	Form  string // id of the checklist
}

func (v YardstickView) class(ctx context.Context) string {
	if v.Beds == 0 {
		return t(ctx, "全病院", "all hospitals")
	}
	return v.Class.Label().For(ctx)
}

// YardstickPage shows the published figures.
func YardstickPage(s Shell, v YardstickView) templ.Component {
	return within(s, SectionAssess, i18n.Text{Ja: "全国とくらべる", En: "National yardstick"}, yardstick(v))
}

// keepsPattern chooses between what those see who may keep the two answers, and those who only look.
func keepsPattern(ctx context.Context, keeps, looks string) string {
	if may(ctx, actor.EditAssess) {
		return keeps
	}
	return looks
}
