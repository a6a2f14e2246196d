package page

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"kenshin/i18n"
	"kenshin/ledger"
)

// LedgerView is one page of the ledger's list.
type LedgerView struct {
	Query       LedgerQuery
	Counts      map[string]int // of the chips by key ("" is all of them)
	Rows        []LedgerRow
	Pager       Pager
	Departments []string
	Segments    []Option
	Vendors     []Option // for the bulk change
	Nothing     bool     // the ledger is empty altogether, not only under this filter
	Errors      Errors   // of a refused bulk change
}

// LedgerRow is one device with what its line needs from elsewhere.
type LedgerRow struct {
	*ledger.Device
	Switch    string // name of the switch that Summary.Switch is
	Protected bool   // the gate protects it now
	Conflicts int
	Examined  time.Time // when its weak points were last looked for; zero: never, so that "no weak point" cannot be said
}

// LedgerPage is the list of 台帳.
func LedgerPage(s Shell, v LedgerView) templ.Component {
	return within(s, SectionLedger, i18n.Text{Ja: "台帳", En: "Ledger"}, ledgerList(v))
}

// chipWord is one of the ready-made filters.
type chipWord struct {
	key string
	i18n.Text
}

func chipWords() []chipWord {
	w := func(key, ja, en string) chipWord { return chipWord{key, i18n.Text{Ja: ja, En: en}} }
	return []chipWord{w("", "すべて", "All"), w("new", "新しい", "New"), w("medical", "医療機器", "Medical"), w("findings", "要対応", "To do"),
		w("unsupported", "サポート切れ", "Unsupported"), w("unseen", "30日見ていない", "Not seen 30 days"), w("ownerless", "持ち主なし", "No owner"),
		w("conflict", "食い違い", "Differing"), w("retired", "廃棄", "Retired")}
}

func (v LedgerView) chips(ctx context.Context) []Chip {
	var out []Chip
	for _, w := range chipWords() {
		count, known := v.Counts[w.key]
		if !known {
			continue
		}
		out = append(out, Chip{Key: w.key, Text: w.For(ctx), Count: count, URL: v.Query.chip(w.key), On: v.Query.Chip == w.key})
	}
	return out
}

// ports reports whether the switch of any device on this page is known; without one, or a wish to sort by it, the column would only be dashes.
func (v LedgerView) ports() bool {
	return strings.TrimPrefix(v.Query.Sort, "-") == "port" || slices.ContainsFunc(v.Rows, func(r LedgerRow) bool { return r.Switch != "" })
}

func ledgerColumns(ctx context.Context, ports bool) []Column {
	all := []Column{
		{Key: "name", Text: t(ctx, "機器", "Device")}, {Key: "maker", Text: t(ctx, "メーカー・型", "Maker, model")}, {Key: "os", Text: "OS"},
		{Key: "place", Text: t(ctx, "場所", "Place")}, {Key: "port", Text: t(ctx, "つながり", "Connected to")}, {Key: "ip", Text: "IP"},
		{Key: "seen", Text: t(ctx, "最後に見た", "Last seen")}, {Key: "worst", Text: t(ctx, "状態", "State")},
	}
	if !ports {
		all = slices.DeleteFunc(all, func(c Column) bool { return c.Key == "port" })
	}
	return all
}

// unseenAfter is how long a device may be silent before the list says so.
const unseenAfter = 30 * 24 * time.Hour

// slash puts a switch and its port together; the port may be unknown.
func slash(sw, port string) string {
	if port == "" {
		return sw
	}
	return sw + " / " + port
}

// title is what a device is called in a list: its name, else what it seems to be.
func title(ctx context.Context, d *ledger.Device) string {
	return callIt(ctx, d.Name(), d.Maker(), d.Kind(), address(d))
}

// unnamed reports that title is only a description; it is shown in a quieter style.
func unnamed(d *ledger.Device) bool { return d.Name() == "" }

// callIt calls a device by its name, else Ricohのプリンタ, Ricohの機器, スマートフォン, its address; (名前なし) when nothing is known.
func callIt(ctx context.Context, name, maker, kind, address string) string {
	known := kind != "" && kind != "unknown"
	switch {
	case name != "":
		return name
	case kind == "kenshin":
		return KindText(kind).For(ctx)
	case maker != "" && known:
		return t(ctx, "%sの%s", "%s %s", maker, inSentence(ctx, kind))
	case maker != "":
		return t(ctx, "%sの機器", "%s device", maker)
	case known:
		return join(KindText(kind).For(ctx), address)
	}
	return first(address, t(ctx, "(名前なし)", "(no name)"))
}

// inSentence is a kind's name after a maker's: in English it begins small unless it is an abbreviation.
func inSentence(ctx context.Context, kind string) string {
	word := strings.TrimPrefix(strings.TrimPrefix(KindText(kind).For(ctx), "その他の"), "Other ")
	if i18n.From(ctx) == i18n.En && len(word) > 1 && strings.ToLower(word[1:]) == word[1:] {
		return strings.ToLower(word)
	}
	return word
}

// under is the small line below the name.
func (r LedgerRow) under(ctx context.Context) string {
	line := kindLine(ctx, r.Device)
	if r.Word.Kind == "" && r.State == ledger.New && r.Identity.Confidence > 0 && r.Identity.Confidence < 0.9 {
		line = t(ctx, "たぶん%s · 確からしさ %s", "probably %s · %s sure", line, percent(r.Identity.Confidence))
	}
	if r.Identity.Random {
		line = join(line, t(ctx, "ランダムMAC", "random MAC"))
	}
	return join(line, r.Word.Number)
}

func place(d *ledger.Device) string {
	w := d.Word
	out := ""
	for _, p := range []string{w.Building, w.Floor, w.Room} {
		if p != "" {
			if out != "" {
				out += " "
			}
			out += p
		}
	}
	return first(out, w.Department)
}

func address(d *ledger.Device) string {
	for _, i := range d.Interfaces {
		if len(i.IPv4) > 0 {
			return i.IPv4[0].String()
		}
	}
	for _, i := range d.Interfaces {
		if len(i.IPv6) > 0 {
			return i.IPv6[0].String()
		}
	}
	return d.Word.IPText
}

// verdict is the state of a device in one badge: the most urgent thing that is known.
func (r LedgerRow) verdict(ctx context.Context) (Mark, string) {
	switch {
	case r.State == ledger.Retired:
		return MarkQuiet, StateText(r.State).For(ctx)
	case r.Summary.Findings > 0 && r.Summary.Worst >= 3:
		return MarkBad, t(ctx, "要対応 %d", "To do %d", r.Summary.Findings)
	case r.Summary.Findings > 0:
		return MarkWarn, t(ctx, "要対応 %d", "To do %d", r.Summary.Findings)
	case r.State == ledger.New:
		return MarkWarn, StateText(r.State).For(ctx)
	case r.Conflicts > 0:
		return MarkWarn, t(ctx, "食い違い %d", "Differs %d", r.Conflicts)
	case r.NeverTouch:
		return MarkMed, t(ctx, "何も送らない", "Never touch")
	case r.Protected:
		return MarkMed, t(ctx, "保護中", "Protected")
	case r.LastSeen.IsZero():
		return MarkQuiet, t(ctx, "見ていない", "Never seen")
	case shell(ctx).Now.Sub(r.LastSeen) > unseenAfter:
		return MarkWarn, t(ctx, "30日見ていない", "Not seen 30 d")
	case r.State == ledger.Excluded:
		return MarkQuiet, StateText(r.State).For(ctx)
	}
	if r.Examined.IsZero() {
		return MarkQuiet, t(ctx, "調べていない", "Not examined")
	}
	return MarkOK, t(ctx, "弱点は見つからず", "Nothing found")
}

func ledgerWhen(ctx context.Context, v LedgerView) string {
	if v.Nothing {
		return ""
	}
	all, known := v.Counts[""]
	if !known {
		return ""
	}
	return join(t(ctx, "%s台", "%s devices", n(all)), t(ctx, "新しい %s", "%s new", n(v.Counts["new"])))
}
