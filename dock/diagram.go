package dock

import (
	"cmp"
	"context"
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode"

	"kenshin/ledger"
)

// net is one box of the drawing.
type net struct {
	name, prefix string
	medical      bool
	kinds        map[string]int
	systems      []string
	devices      int
}

// way is one way to the outside.
type way struct{ name, how string }

// network draws the segments with what is in them, the systems that live there and the ways to the outside: simple enough for A4.
func (w *packing) network(ctx context.Context) error {
	p := Part{ID: "network", Title: "ネットワーク構成図", Wide: true, Empty: "区画がまだ登録されていません。「区画」に、病院のネットワークを書いてください。"}
	nets, ways, err := w.nets(ctx)
	if err != nil {
		return err
	}
	if len(nets) > 0 {
		p.Says = []string{"区画と機器の数は、台帳と測った結果から描いています。"}
		p.Drawing = draw(nets, ways)
	}
	w.add(p)
	return nil
}

func (w *packing) nets(ctx context.Context) (nets []*net, ways []way, err error) {
	segments, err := w.Gates.Segments(ctx, w.f)
	if err != nil {
		return nil, nil, err
	}
	byID := map[string]*net{}
	for i := range segments {
		n := &net{name: segments[i].Name, prefix: segments[i].Prefix.String(), medical: segments[i].Medical, kinds: map[string]int{}}
		nets, byID[segments[i].ID] = append(nets, n), n
	}
	lines := map[string]bool{}
	for d, err := range devices(ctx, w.Ledger, w.f) {
		if err != nil {
			return nil, nil, err
		}
		if line := d.Word.RemoteType; line != "" && line != "none" && line != "なし" {
			lines[cmp.Or(d.Word.RemoteBy, d.Word.Vendor, "業者")+"\x00遠隔保守（"+line+"）"] = true
		}
		seen := map[*net]bool{}
		for _, card := range d.Interfaces {
			if n := byID[card.Segment]; n != nil && !seen[n] {
				seen[n] = true
				n.devices++
				n.kinds[d.Kind()]++
				for _, id := range d.Systems {
					if name := w.names[id]; name != "" && !slices.Contains(n.systems, name) {
						n.systems = append(n.systems, name)
					}
				}
			}
		}
	}
	list, err := w.rows(ctx, w.f, "outside", w.names)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range list {
		lines[r["name"]+"\x00"+strings.TrimSpace(r["kind"]+" "+r["open"])] = true
	}
	for line := range lines {
		name, how, _ := strings.Cut(line, "\x00")
		ways = append(ways, way{name, how})
	}
	slices.SortFunc(ways, func(a, b way) int { return cmp.Or(cmp.Compare(a.how, b.how), cmp.Compare(a.name, b.name)) })
	return nets, ways, nil
}

// The drawing's measures, in units of which 1000 are the width of the sheet.
const (
	sheet    = 1000
	boxWidth = 300
	lineStep = 19
	fontSize = 14
	columns  = 3
)

// svg collects a drawing's text. What people wrote is escaped; there are no styles in it, so that it fits a strict page.
type svg struct{ strings.Builder }

func (s *svg) text(x, y int, size int, bold bool, words string) {
	weight := "400"
	if bold {
		weight = "700"
	}
	fmt.Fprintf(s, `<text x="%d" y="%d" font-size="%d" font-weight="%s" fill="#1a1a1c">%s</text>`, x, y, size, weight, html.EscapeString(words))
}

func (s *svg) box(x, y, width, height int, fill, stroke string, dashed bool) {
	dash := ""
	if dashed {
		dash = ` stroke-dasharray="6 4"`
	}
	fmt.Fprintf(s, `<rect x="%d" y="%d" width="%d" height="%d" rx="6" fill="%s" stroke="%s" stroke-width="1.5"%s/>`, x, y, width, height, fill, stroke, dash)
}

func (s *svg) line(x1, y1, x2, y2 int) {
	fmt.Fprintf(s, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="#626264" stroke-width="1.5"/>`, x1, y1, x2, y2)
}

func draw(nets []*net, ways []way) string {
	s := &svg{}
	y := 10
	if len(ways) > 0 {
		y = s.outside(ways, y)
	}
	trunk := y + 14 // a line from the ways and along the boxes
	s.line(sheet/2, y, sheet/2, trunk)
	y = trunk
	for row := range slices.Chunk(nets, columns) {
		height := 0
		texts := make([][]string, len(row))
		for i, n := range row {
			texts[i] = n.words()
			height = max(height, 52+lineStep*len(texts[i]))
		}
		left := func(i int) int { return 25 + i*(boxWidth+25) }
		end := left(len(row)-1) + boxWidth/2
		if y == trunk {
			end = max(end, sheet/2)
		}
		s.line(left(0)+boxWidth/2, y, end, y)
		for i, n := range row {
			x := left(i)
			s.line(x+boxWidth/2, y, x+boxWidth/2, y+16)
			fill := "#ffffff"
			if n.medical {
				fill = "#e9f7f9"
			}
			s.box(x, y+16, boxWidth, height, fill, "#0031d8", false)
			for k, line := range wrap(cmp.Or(n.name, n.prefix), 18)[:1] {
				s.text(x+12, y+40+k*lineStep, 16, true, line)
			}
			medical := ""
			if n.medical {
				medical = "　医療機器の区画"
			}
			s.text(x+12, y+60, 12, false, fmt.Sprintf("%s　%d台%s", n.prefix, n.devices, medical))
			for k, line := range texts[i] {
				s.text(x+12, y+60+(k+1)*lineStep, fontSize, false, line)
			}
		}
		next := y + 16 + height + 22
		if len(nets) > columns && row[len(row)-1] != nets[len(nets)-1] {
			s.line(12, y, left(0)+boxWidth/2, y)
			s.line(12, y, 12, next)
			s.line(12, next, left(0)+boxWidth/2, next)
		}
		y = next
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="ネットワーク構成図" font-family="sans-serif">%s</svg>`, sheet, y, s.String())
}

// outside draws the ways to the outside in a dashed box, at most a dozen; the rest is a number.
func (s *svg) outside(ways []way, y int) int {
	const most = 12
	shown := ways[:min(len(ways), most)]
	rows := (len(shown) + 1) / 2
	height := 40 + rows*lineStep
	if len(ways) > most {
		height += lineStep
	}
	s.box(25, y, sheet-50, height, "#f8f8fb", "#626264", true)
	s.text(40, y+24, 15, true, "院外とのつながり（インターネット・業者・クラウド）")
	for i, v := range shown {
		s.text(40+(i%2)*470, y+46+(i/2)*lineStep, fontSize, false, clipped("・"+v.name+"　"+v.how, 31))
	}
	if n := len(ways) - most; n > 0 {
		s.text(40, y+46+rows*lineStep, fontSize, false, fmt.Sprintf("ほか%d件（外部接続の一覧にあります）", n))
	}
	return y + height
}

// words are the lines in a box: the systems, then the devices by kind.
func (n *net) words() []string {
	var out []string
	if len(n.systems) > 0 {
		slices.Sort(n.systems)
		out = append(out, few(wrap("システム："+strings.Join(n.systems, "、"), 20), 5)...)
	}
	var kinds []string
	for _, k := range ledger.Kinds() {
		if c := n.kinds[k.Value]; c > 0 {
			kinds = append(kinds, fmt.Sprintf("%s %d", k.Label.Ja, c))
		}
	}
	return append(out, few(wrap(strings.Join(kinds, "、"), 20), 6)...)
}

// few cuts a long list short and says so.
func few(lines []string, n int) []string {
	if len(lines) <= n {
		return lines
	}
	return append(slices.Clone(lines[:n-1]), "ほか（台帳を参照）")
}

// width counts in full-width characters, in halves.
func width(r rune) int {
	if r < 0x1100 || unicode.In(r, unicode.Latin) && r < 0xFF00 || r >= 0xFF61 && r <= 0xFF9F {
		return 1
	}
	return 2
}

// wrap breaks a text into lines of so many full-width characters; nothing is lost, and no line begins with 、 or 。.
func wrap(text string, full int) []string {
	if text == "" {
		return nil
	}
	var out []string
	line, used := "", 0
	for _, r := range text {
		if used+width(r) > 2*full && !strings.ContainsRune("、。）」ー", r) {
			out = append(out, line)
			line, used = "", 0
		}
		line += string(r)
		used += width(r)
	}
	return append(out, line)
}

func clipped(text string, full int) string {
	lines := wrap(text, full)
	if len(lines) > 1 {
		return lines[0] + "…"
	}
	return text
}
