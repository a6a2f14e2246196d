package store

import (
	"fmt"
	"strings"
)

// ref is one mention of a table: its alias or name, and whether its rows are known to belong to the facility.
type ref struct {
	table, name string
	pos         int // its token
	tied        bool
	left        bool // of a LEFT JOIN: what stands in its ON says nothing about the tables before it
	joined      bool // by USING (facility_id)
}

type block struct {
	*checker
	t     []token
	outer map[string]bool
	refs  []ref
}

func (b *block) at(i int) string {
	if i < 0 || i >= len(b.t) {
		return ""
	}
	return b.t[i].text
}

func (b *block) check() error {
	if err := b.collect(); err != nil {
		return err
	}
	inserted, err := b.inserts()
	if err != nil {
		return err
	}
	if err := b.tie(); err != nil {
		return err
	}
	for _, r := range b.refs {
		if !r.tied && r.name != inserted {
			return fmt.Errorf("%s is not tied to its facility (write %s.facility_id = $1)", r.table, r.name)
		}
	}
	return nil
}

// collect finds the tables of FROM, JOIN, USING, UPDATE and the lists after them. The table of an INSERT is left to inserts.
func (b *block) collect() error {
	for i := range b.t {
		if b.t[i].kind != word {
			continue
		}
		switch b.t[i].text {
		case "from":
			if b.at(i-1) == "distinct" { // IS DISTINCT FROM
				continue
			}
		case "join":
		case "using":
			if b.at(i+1) == "(" { // JOIN .. USING (columns)
				b.using(i + 1)
				continue
			}
		case "update":
			if b.at(i-1) == "do" || b.at(i-1) == "for" || b.at(i-1) == "key" {
				continue
			}
		default:
			continue
		}
		for j := i + 1; j < len(b.t); {
			next := b.table(j)
			if next < 0 {
				return fmt.Errorf("the table after %s cannot be read", strings.ToUpper(b.t[i].text))
			}
			switch before := b.at(i-1) + " " + b.at(i-2); {
			case b.t[i].text != "join":
			case strings.Contains(before, "right") || strings.Contains(before, "full") || strings.Contains(before, "natural"):
				return fmt.Errorf("RIGHT, FULL and NATURAL joins are not used here")
			case b.at(i-1) == "left" || b.at(i-1) == "outer":
				b.refs[len(b.refs)-1].left = true
			}
			if b.at(next) != "," || b.t[next].depth != b.t[i].depth {
				break
			}
			j = next + 1
		}
	}
	return nil
}

// table reads one table with its alias from token i and returns the token after it.
func (b *block) table(i int) int {
	for b.at(i) == "only" || b.at(i) == "lateral" || b.at(i) == "(" {
		i++
	}
	if i >= len(b.t) {
		return -1
	}
	name, derived := b.t[i].text, b.t[i].kind == sub
	if !derived && b.t[i].kind != word {
		return -1
	}
	i++
	if b.at(i) == "." { // schema.table
		name = b.at(i + 1)
		i += 2
	}
	call := !derived && b.at(i) == "(" // json_each(..)
	if call {
		i = closingFlat(b.t, i) + 1
	}
	alias := name
	if b.at(i) == "as" {
		i++
	}
	if i < len(b.t) && b.t[i].kind == word && !keyword[b.t[i].text] {
		alias = b.t[i].text
		i++
	}
	r := ref{table: name, name: alias, pos: i, tied: derived || call || b.ctes[name] || !b.tables[name]}
	if b.ctes[name] && b.tables[name] {
		r.tied = false // a CTE named like a table: refused as soon as it is not tied
	}
	b.refs = append(b.refs, r)
	return i
}

// using marks the last two tables as joined by facility_id.
func (b *block) using(i int) {
	for ; i < len(b.t) && b.t[i].text != ")"; i++ {
		if b.t[i].text == "facility_id" && len(b.refs) > 0 {
			b.refs[len(b.refs)-1].joined = true
		}
	}
}

// clause is where a token stands: "where", "on", "set", "select" ..., and how deep the key word stood that opened it.
type clause struct {
	name  string
	depth int
}

func (b *block) clauses() []clause {
	out := make([]clause, len(b.t))
	now := clause{name: "start"}
	var stack []clause
	for i, t := range b.t {
		switch {
		case t.text == "(":
			stack = append(stack, now)
			if b.at(i-1) == "filter" {
				now = clause{"filter", -1}
			}
		case t.text == ")" && len(stack) > 0:
			now, stack = stack[len(stack)-1], stack[:len(stack)-1]
		case t.kind == word && now.name != "filter" && clauseWord[t.text] && !(t.text == "on" && b.at(i+1) == "conflict") &&
			!(t.text == "from" && b.at(i-1) == "distinct"):
			now = clause{t.text, t.depth}
		}
		out[i] = now
	}
	return out
}

var clauseWord = setOf(strings.Fields("select from on where set group order having limit offset returning values join using window"))

// tie is one equality: a belongs to the facility when c does, and the other way round unless it is one-way.
type tie struct {
	a, c   string
	oneWay string // the only name that may become known by it
}

// tie finds the equalities of WHERE and ON and spreads "belongs to the facility" along them.
func (b *block) tie() error {
	var ties []tie
	in := b.clauses()
	for i := range b.t {
		if b.t[i].text != "facility_id" || b.t[i].kind != word {
			continue
		}
		if in[i].name == "set" && (b.at(i+1) == "=" || b.at(i+1) == "," || b.at(i+1) == ")") && b.at(i-1) != "." {
			return fmt.Errorf("facility_id is not to be changed")
		}
		a, c, ok := b.equality(i)
		if !ok || in[i].name != "where" && in[i].name != "on" || in[i].depth != b.t[i].depth {
			continue // a comparison elsewhere, or deeper inside brackets, restricts nothing for sure
		}
		if b.loose(i, in) {
			return fmt.Errorf("OR beside facility_id: put the alternatives in brackets")
		}
		e := tie{a: a, c: c}
		if in[i].name == "on" {
			for _, r := range b.refs {
				if r.pos < i {
					e.oneWay = ""
					if r.left {
						e.oneWay = r.name
					}
				}
			}
		}
		ties = append(ties, e)
	}
	b.spread(ties)
	return nil
}

// equality reads "x.facility_id = $1" or "x.facility_id = y.facility_id" around token i, its left half.
func (b *block) equality(i int) (left, right string, ok bool) {
	left, start := b.qualifier(i)
	if b.at(start-1) == "not" || b.at(i+1) != "=" {
		return "", "", false // "$1 = facility_id" is no tie either: one way to write it is enough
	}
	switch {
	case b.at(i+2) == "$1" && b.ends(i+3):
		return left, "$1", true
	case b.at(i+2) == "facility_id" && b.ends(i+3):
		return left, "", true
	case b.at(i+3) == "." && b.at(i+4) == "facility_id" && b.ends(i+5):
		return left, b.at(i + 2), true
	}
	return "", "", false
}

// ends reports whether a comparison is over at token i.
func (b *block) ends(i int) bool {
	return i >= len(b.t) || b.t[i].kind == word || b.t[i].text == ")"
}

func (b *block) qualifier(i int) (name string, start int) {
	if b.at(i-1) == "." {
		return b.at(i - 2), i - 2
	}
	return "", i
}

// loose reports whether an OR stands beside token i, in the same clause and between the same brackets.
func (b *block) loose(i int, in []clause) bool {
	same := func(j int) bool { return j >= 0 && j < len(b.t) && (in[j] == in[i] || b.t[j].depth > b.t[i].depth) }
	or := func(j int) bool {
		return b.t[j].depth == b.t[i].depth && b.t[j].kind == word && (b.t[j].text == "or" || b.t[j].text == "case")
	}
	for j := i; same(j); j-- {
		if or(j) {
			return true
		}
	}
	for j := i; same(j); j++ {
		if or(j) {
			return true
		}
	}
	return false
}

func (b *block) spread(ties []tie) {
	known := map[string]bool{"$1": true, "excluded": true}
	for name := range b.outer {
		known[name] = true
	}
	only, own := "", 0 // an unqualified facility_id belongs to the block's only table that has one
	for i, r := range b.refs {
		known[r.name] = r.tied // hides an outer table of the same name
		if b.tables[r.table] {
			only, own = r.name, own+1
		}
		if r.joined && i > 0 {
			e := tie{a: r.name, c: b.refs[i-1].name}
			if r.left {
				e.oneWay = r.name
			}
			ties = append(ties, e)
		}
	}
	resolve := func(name string) string {
		switch {
		case name != "":
			return name
		case own == 1:
			return only
		case own > 1 && b.refs[1].joined: // the merged column of USING
			return b.refs[0].name
		}
		return ""
	}
	for changed := true; changed; {
		changed = false
		for _, e := range ties {
			a, c := resolve(e.a), resolve(e.c)
			if a == "" || c == "" || known[a] == known[c] {
				continue
			}
			if known[a] {
				a, c = c, a
			}
			if e.oneWay == "" || e.oneWay == a {
				known[a], changed = true, true
			}
		}
	}
	for i := range b.refs {
		b.refs[i].tied = known[b.refs[i].name]
	}
}

// inserts checks what an INSERT gives to facility_id and returns the name of its table.
func (b *block) inserts() (string, error) {
	for i := range b.t {
		if b.t[i].text != "into" || b.t[i].kind != word {
			continue
		}
		name := b.at(i + 1)
		j := i + 2
		if b.at(j) == "as" {
			j += 2
		}
		if !b.tables[name] {
			return name, nil
		}
		if b.at(j) != "(" {
			return name, fmt.Errorf("INSERT INTO %s without its columns", name)
		}
		end := closingFlat(b.t, j)
		column := position(b.t[j+1:end], "facility_id", b.t[j].depth+1)
		if column < 0 {
			return name, fmt.Errorf("INSERT INTO %s without facility_id", name)
		}
		return name, b.source(name, end+1, column)
	}
	return "", nil
}

// source checks the rows of an INSERT: VALUES (..), (..) or SELECT.
func (b *block) source(name string, i, column int) error {
	bad := fmt.Errorf("INSERT INTO %s gives facility_id something else than $1", name)
	switch b.at(i) {
	case "values":
		for i++; i < len(b.t) && b.t[i].text == "("; i++ {
			end := closingFlat(b.t, i)
			if v := item(b.t[i+1:end], column, b.t[i].depth+1); len(v) != 1 || v[0].text != "$1" {
				return bad
			}
			if i = end + 1; b.at(i) != "," {
				break
			}
		}
		return nil
	case "select":
		from := i + 1
		for from < len(b.t) && !(b.t[from].text == "from" && b.t[from].depth == b.t[i].depth) {
			from++
		}
		v := item(b.t[i+1:from], column, b.t[i].depth)
		if len(v) == 1 && (v[0].text == "$1" || v[0].text == "facility_id") || len(v) == 3 && v[1].text == "." && v[2].text == "facility_id" {
			return nil
		}
		return bad
	}
	return bad
}
