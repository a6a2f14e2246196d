package register

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"kenshin/i18n"
	"kenshin/jp"
)

// Mentions reports whether a row holds query in any writing, in its values as they are shown or in its owner.
func (k Kind) Mentions(r Row, query string, l i18n.Lang, names map[string]string) bool {
	fold := jp.Fold(query)
	if fold == "" || strings.Contains(jp.Fold(r.Owner), fold) {
		return true
	}
	return slices.ContainsFunc(k.Columns, func(c Column) bool {
		return strings.Contains(jp.Fold(c.Shown(r.Values[c.Key], l, names)), fold)
	})
}

// Sort orders rows by a column's key, owner or due; empty values come last. An unknown key, or "", is the register's own order: of things
// that happened the newest first, of other rows by their number column where there is one, else as they were made.
func (k Kind) Sort(rows []Row, key string, desc bool, l i18n.Lang, names map[string]string) {
	c, known := k.Column(key)
	text := func(r Row) string { return jp.Fold(c.Shown(r.Values[key], l, names)) }
	switch {
	case key == ownerKey:
		text = func(r Row) string { return jp.Fold(r.Owner) }
	case key == "due":
		text = func(r Row) string { return r.Due }
	case !known && k.Event:
		text, desc = func(r Row) string { return r.Values[k.Proof] }, true
	case !known && k.ID == "contacts":
		c, _ = k.Column("order")
		text = func(r Row) string { return r.Values["order"] }
	case !known:
		return
	case c.Type == Date:
		text = func(r Row) string { return r.Values[key] }
	}
	slices.SortStableFunc(rows, func(a, b Row) int {
		x, y := text(a), text(b)
		if x == "" || y == "" {
			return cmp.Compare(len(y), len(x)) // what is empty comes last, in both directions
		}
		order := strings.Compare(x, y)
		if c.Type == Number {
			n, _ := strconv.ParseFloat(x, 64)
			m, _ := strconv.ParseFloat(y, 64)
			order = cmp.Compare(n, m)
		}
		if desc {
			order = -order
		}
		return order
	})
}

// Was is what a removed row said (Change.Before), in words.
func (k Kind) Was(before string, l i18n.Lang) string {
	var values map[string]string
	if json.Unmarshal([]byte(before), &values) != nil {
		return ""
	}
	return k.Told(Row{Values: values}, l)
}

// Told is what a row says, in words.
func (k Kind) Told(r Row, l i18n.Lang) string {
	var parts []string
	for _, c := range k.Columns {
		v := r.Values[c.Key]
		if id := (c.Type == System || c.Type == Vendor) && len(v) == 36 && strings.Count(v, "-") == 4; v != "" && !id { // an id tells nobody anything
			parts = append(parts, c.Label.In(l)+" "+c.Shown(v, l, nil))
		}
	}
	return strings.Join(parts, "、")
}

// Spread is a register set out by two of its columns.
type Spread struct {
	Rows, Columns []string  // values
	Cells         [][][]Row // [row][column]
}

// Spread sets rows out by the columns of the matrix. rows and columns that are expected stand there first, also where nothing is.
func (k Kind) Spread(rows []Row, expectRows, expectColumns []string) Spread {
	s := Spread{Rows: slices.Clone(expectRows), Columns: slices.Clone(expectColumns)}
	at := func(list *[]string, value string) int {
		i := slices.Index(*list, value)
		if i < 0 {
			*list = append(*list, value)
			i = len(*list) - 1
		}
		return i
	}
	for _, r := range rows {
		at(&s.Rows, r.Values[k.Matrix.Rows])
		at(&s.Columns, r.Values[k.Matrix.Columns])
	}
	if len(s.Columns) == 0 && len(s.Rows) > 0 { // nothing is there yet: every row is a hole
		s.Columns = []string{""}
	}
	s.Cells = make([][][]Row, len(s.Rows))
	for i := range s.Cells {
		s.Cells[i] = make([][]Row, len(s.Columns))
	}
	for _, r := range rows {
		i, j := at(&s.Rows, r.Values[k.Matrix.Rows]), at(&s.Columns, r.Values[k.Matrix.Columns])
		s.Cells[i][j] = append(s.Cells[i][j], r)
	}
	return s
}
