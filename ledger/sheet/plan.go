package sheet

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/ledger"
	"kenshin/netid"
)

// Action is what an import does with a row.
type Action string

const (
	Create   Action = "new"      // a device that the ledger does not have
	Changed  Action = "changed"  // fills or updates fields
	Same     Action = "same"     // says what the ledger says
	Conflict Action = "conflict" // would replace what a person entered
	Failed   Action = "error"    // cannot be taken in: see its issues
	Skipped  Action = "skip"     // no device: a heading, a note, a repeated line
)

// By is how a row found its device.
type By string

const (
	ByID       By = "id"       // the id that an export wrote
	ByMAC      By = "mac"      // MACアドレス
	ByNumber   By = "number"   // 管理番号
	BySerial   By = "serial"   // 製造番号
	ByIPName   By = "ip+name"  // IPアドレスと名前
	ByName     By = "name"     // a host name that only one device has
	ByContents By = "contents" // every value of the row is that device's
)

// FieldChange is one field that a row changes.
type FieldChange struct {
	Field    string `json:"field"`
	Before   string `json:"before"`
	After    string `json:"after"`
	Conflict bool   `json:"conflict,omitempty"` // Before is a person's entry
	Kept     bool   `json:"kept,omitempty"`     // not done: the person's entry stayed
}

// fieldState is the field of a FieldChange that is the device's state, not its word.
const fieldState = "state"

// Row is one row of an import.
type Row struct {
	Row     int            `json:"row"` // in the sheet, as Excel counts
	Action  Action         `json:"action"`
	Name    string         `json:"name"`
	Device  netid.DeviceID `json:"device,omitempty"`
	By      By             `json:"by,omitempty"`
	Changes []FieldChange  `json:"changes,omitempty"`
	Issues  []Issue        `json:"issues,omitempty"`
	State   RowState       `json:"state"`
}

// RowState is how far a row is.
type RowState string

const (
	Pending RowState = "pending"
	Done    RowState = "done"
	Undone  RowState = "undone"
	Stayed  RowState = "stayed" // not taken back: somebody edited it since
)

// known is the ledger as an import compares with it.
type known struct {
	keys      []ledger.Key
	by        map[string][]int // "mac:..", "number:..", "serial:..", "ip:..", "name:..", "contents:.."
	imported  map[string]string
	ambiguous map[string]bool // host names that several rows of the sheet carry
}

func index(keys []ledger.Key) *known {
	k := &known{keys: keys, by: map[string][]int{}, imported: map[string]string{}, ambiguous: map[string]bool{}}
	for i := range keys {
		k.add(i)
	}
	return k
}

func (k *known) add(i int) {
	d := &k.keys[i]
	put := func(kind, value string) {
		if value == "" {
			return
		}
		key := kind + ":" + value
		if !slices.Contains(k.by[key], i) {
			k.by[key] = append(k.by[key], i)
		}
	}
	put("id", string(d.ID))
	for _, m := range append(slices.Clone(d.MACs), macsIn(d.Word.MACText)...) {
		put("mac", m.String())
	}
	put("number", jp.Fold(d.Word.Number))
	put("serial", serialKey(d.Serial))
	put("serial", serialKey(d.Word.Serial))
	for _, a := range d.IPs {
		put("ip", a.String())
	}
	for _, a := range addrsIn(d.Word.IPText) {
		put("ip", a)
	}
	put("name", jp.Fold(d.Name))
	put("name", jp.Fold(d.Word.Name))
	for _, h := range d.Word.Extra {
		if isHost(h) {
			put("name", jp.Fold(h))
		}
	}
	put("contents", contents(&d.Word))
}

// serialKey leaves out what people write when there is no number.
func serialKey(s string) string {
	f := jp.Fold(s)
	if len(f) < 4 || strings.Trim(f, "0-xX*.?") == "" || lexis().sets["blank"][f] || strings.Contains(f, "不明") {
		return ""
	}
	return f
}

// contents is a fingerprint of all that a word says.
func contents(w *ledger.Word) string {
	var b strings.Builder
	keys := w.Keys()
	slices.Sort(keys)
	for _, key := range keys {
		fmt.Fprintf(&b, "%s=%s\n", key, jp.Narrow(w.Get(key)))
	}
	if b.Len() == 0 {
		return ""
	}
	sum := sha256.Sum256([]byte(b.String()))
	return string(sum[:])
}

// match finds the device that a row speaks of; other is set when the row's keys name two.
func (k *known) match(p *parsed) (at int, by By, other int) {
	at, other = -1, -1
	hit := func(b By, list []int) {
		for _, i := range list {
			switch {
			case at < 0:
				at, by = i, b
			case at != i && other < 0:
				other = i
			}
		}
	}
	if p.id != "" {
		hit(ByID, k.by["id:"+string(p.id)])
	}
	for _, m := range p.macs {
		hit(ByMAC, k.by["mac:"+m.String()])
	}
	if n := jp.Fold(p.word.Number); n != "" {
		if list := k.by["number:"+n]; len(list) == 1 || at < 0 {
			hit(ByNumber, list)
		}
	}
	if s := serialKey(p.word.Serial); s != "" {
		list := slices.DeleteFunc(slices.Clone(k.by["serial:"+s]), func(i int) bool { return !sameMaker(&k.keys[i].Word, &p.word) })
		hit(BySerial, list)
	}
	if at < 0 {
		at, by = k.weak(p)
	}
	return at, by, other
}

func sameMaker(a, b *ledger.Word) bool {
	x, y := jp.Fold(a.Maker), jp.Fold(b.Maker)
	return x == "" || y == "" || strings.Contains(x, y) || strings.Contains(y, x)
}

// weak matches rows that carry no key of their own: address and name together, a host name that only one has, or everything.
func (k *known) weak(p *parsed) (int, By) {
	names := map[string]bool{jp.Fold(p.word.Name): true, jp.Fold(p.host): true}
	delete(names, "")
	for _, a := range addrsIn(p.word.IPText) {
		for _, i := range k.by["ip:"+a] {
			for n := range names {
				if slices.Contains(k.by["name:"+n], i) && !k.against(i, p) {
					return i, ByIPName
				}
			}
		}
	}
	for _, n := range []string{jp.Fold(p.host), jp.Fold(p.word.Name)} {
		if list := k.by["name:"+n]; isHost(n) && len(list) == 1 && !k.ambiguous[n] && !k.against(list[0], p) {
			return list[0], ByName
		}
	}
	for n := range names {
		for _, i := range k.by["name:"+n] {
			if k.covers(i, p) {
				return i, ByContents
			}
		}
	}
	if list := k.by["contents:"+contents(&p.word)]; len(list) > 0 {
		return list[0], ByContents
	}
	return -1, ""
}

// against reports keys of a row that speak against a device.
func (k *known) against(i int, p *parsed) bool {
	d := &k.keys[i]
	differ := func(a, b string) bool { return a != "" && b != "" && a != b }
	macs := append(slices.Clone(d.MACs), macsIn(d.Word.MACText)...)
	return differ(jp.Fold(d.Word.Number), jp.Fold(p.word.Number)) || differ(serialKey(d.Serial), serialKey(p.word.Serial)) ||
		len(macs) > 0 && len(p.macs) > 0
}

// covers reports whether a device's word says all that the row says.
func (k *known) covers(i int, p *parsed) bool {
	for _, key := range p.keys {
		if !sameText(k.keys[i].Word.Get(key), p.word.Get(key)) {
			return false
		}
	}
	return true
}

// isHost reports names that look like a computer's: letters and digits of ASCII, with a digit. 血圧計 and PC are shared by many.
func isHost(s string) bool {
	digit := false
	for _, r := range jp.Narrow(s) {
		switch {
		case r >= '0' && r <= '9':
			digit = true
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '-', r == '_', r == '.':
		default:
			return false
		}
	}
	return digit && len(s) >= 4 && len(s) <= 64 && len(addrsIn(s)) == 0
}

// sameText: width and dashes make no difference.
func sameText(a, b string) bool { return a == b || jp.Narrow(a) == jp.Narrow(b) }

// plan decides for every row. Rows of one sheet that mean the same device are told apart here.
func (k *known) plan(rows []parsed) []Row {
	hosts := map[string]int{}
	for i := range rows {
		for n := range map[string]bool{jp.Fold(rows[i].host): true, jp.Fold(rows[i].word.Name): true} {
			hosts[n]++
		}
	}
	for n, times := range hosts {
		k.ambiguous[n] = times > 1
	}
	out := make([]Row, len(rows))
	took := map[int]int{}       // device -> row of the sheet
	seen := map[string]int{}    // fingerprint -> row
	claimed := map[string]int{} // a new row's own keys -> row
	for i := range rows {
		out[i] = k.planRow(&rows[i], took, seen, claimed)
	}
	return out
}

func (k *known) planRow(p *parsed, took map[int]int, seen, claimed map[string]int) Row {
	r := Row{Row: p.row, Name: title(p), Issues: p.issues, State: Pending}
	fail := func(ja, en string, args ...any) Row {
		r.Action = Failed
		r.Issues = append(r.Issues, Issue{Text: say(ja, en, args...)})
		return r
	}
	if p.skip.Ja != "" {
		r.Action, r.Issues = Skipped, append(r.Issues, Issue{Text: p.skip})
		return r
	}
	print := contents(&p.word) + string(p.id)
	if before, twice := seen[print]; twice {
		r.Action = Skipped
		r.Issues = append(r.Issues, Issue{Text: say("%d行目と同じ内容です。", "The same as row %d.", before)})
		return r
	}
	seen[print] = p.row
	at, by, other := k.match(p)
	if other >= 0 {
		return fail("この行は台帳の2台を指しています(「%s」と「%s」)。番号とアドレスのどちらが正しいか確かめてください。",
			"This row names two devices of the ledger (%q and %q). Check which of the number and the address is right.", k.title(at), k.title(other))
	}
	if at >= 0 {
		if before, twice := took[at]; twice {
			return fail("%d行目と同じ機器を指しています。どちらかの番号かアドレスを直してください。", "This row names the same device as row %d. Correct the number or the address of one.", before)
		}
		took[at] = p.row
		r.Device, r.By = k.keys[at].ID, by
		k.compare(at, p, &r)
		return r
	}
	for _, key := range p.ownKeys() {
		if before, twice := claimed[key]; twice {
			return fail("%d行目と同じ機器を指しています(%s)。どちらかを直してください。", "This row names the same device as row %d (%s). Correct one of them.", before, key)
		}
	}
	for _, key := range p.ownKeys() {
		claimed[key] = p.row
	}
	r.Action = Create
	for _, key := range p.keys {
		r.Changes = append(r.Changes, FieldChange{Field: key, After: p.word.Get(key)})
	}
	return r
}

// ownKeys are what no two devices share.
func (p *parsed) ownKeys() []string {
	var out []string
	for _, m := range p.macs {
		out = append(out, "MAC "+m.String())
	}
	if n := jp.Fold(p.word.Number); n != "" {
		out = append(out, "管理番号 "+p.word.Number)
	}
	if s := serialKey(p.word.Serial); s != "" {
		out = append(out, "製造番号 "+jp.Fold(p.word.Maker)+" "+p.word.Serial)
	}
	return out
}

func (k *known) compare(at int, p *parsed, r *Row) {
	d := &k.keys[at]
	r.Action = Same
	if d.State == ledger.New { // the hospital's own ledger names it: somebody knows what it is
		r.Action = Changed
		r.Changes = append(r.Changes, FieldChange{Field: fieldState, Before: string(ledger.New), After: string(ledger.Registered)})
	}
	for _, key := range p.keys {
		before, after := d.Word.Get(key), p.word.Get(key)
		if sameText(before, after) {
			continue
		}
		c := FieldChange{Field: key, Before: before, After: after}
		// what an earlier import wrote, and nobody touched since, is the sheet's own word
		last, ours := k.imported[string(d.ID)+"\n"+key]
		c.Conflict = before != "" && !(ours && last == before)
		r.Changes = append(r.Changes, c)
		if c.Conflict {
			r.Action = Conflict
		} else if r.Action == Same {
			r.Action = Changed
		}
	}
}

func (k *known) title(i int) string {
	d := &k.keys[i]
	for _, s := range []string{d.Name, d.Word.Number, d.Word.Serial} {
		if s != "" {
			return cut(s, 40)
		}
	}
	if len(d.MACs) > 0 {
		return d.MACs[0].String()
	}
	return string(d.ID)
}

func title(p *parsed) string {
	for _, s := range []string{p.word.Name, p.host, p.word.Number, p.word.Model, p.word.IPText, p.word.MACText} {
		if s != "" {
			return cut(s, 60)
		}
	}
	return ""
}

// Count is how many rows an import has of each action.
type Count struct {
	New      int `json:"new"`
	Changed  int `json:"changed"`
	Same     int `json:"same"`
	Conflict int `json:"conflict"`
	Failed   int `json:"error"`
	Skipped  int `json:"skip"`
}

func (c *Count) add(a Action) {
	switch a {
	case Create:
		c.New++
	case Changed:
		c.Changed++
	case Same:
		c.Same++
	case Conflict:
		c.Conflict++
	case Failed:
		c.Failed++
	case Skipped:
		c.Skipped++
	}
}

// Label is the action's name.
func (a Action) Label() i18n.Text {
	switch a {
	case Create:
		return i18n.Text{Ja: "新しい", En: "New"}
	case Changed:
		return i18n.Text{Ja: "変わる", En: "Changed"}
	case Same:
		return i18n.Text{Ja: "同じ", En: "Same"}
	case Conflict:
		return i18n.Text{Ja: "食い違い", En: "Conflict"}
	case Failed:
		return i18n.Text{Ja: "読めない", En: "Error"}
	}
	return i18n.Text{Ja: "対象外の行", En: "Skipped"}
}
