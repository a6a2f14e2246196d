package store

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
)

// The scope check reads a statement before it runs and refuses one that could reach another facility's rows. It is the whole
// protection on SQLite and the early one on PostgreSQL, where row-level security stands behind it. It knows the SQL that Kenshin uses,
// not all SQL: what it cannot follow it refuses.
//
// In a facility's transaction every table of facilities must be tied, by "=" in WHERE or ON, to $1, to a tied table, or by USING
// (facility_id); an INSERT must give $1 or a tied table's facility_id to that column. In a shared transaction no such table may appear.
type scope struct {
	tables  map[string]bool // tables that have a facility_id
	checked sync.Map        // scopeKey -> error or nil: a text is looked at once
	size    atomic.Int64
}

// scopeKey stands for a statement; bulk inserts are long, so their texts are not kept.
type scopeKey struct {
	sum    [sha256.Size]byte
	shared bool
}

const maxChecked = 50_000 // statements that are remembered; later ones are looked at each time

func (s *scope) check(query string, shared bool) error {
	key := scopeKey{sha256.Sum256([]byte(query)), shared}
	if v, ok := s.checked.Load(key); ok {
		err, _ := v.(error)
		return err
	}
	err := s.look(query, shared)
	if err != nil {
		err = fmt.Errorf("store: %w: %s", err, firstWords(query))
	}
	if s.size.Load() < maxChecked {
		s.size.Add(1)
		s.checked.Store(key, err)
	}
	return err
}

func (s *scope) look(query string, shared bool) error {
	tokens, err := tokenize(query)
	if err != nil {
		return err
	}
	if len(tokens) > 0 && tokens[len(tokens)-1].text == ";" {
		tokens = tokens[:len(tokens)-1]
	}
	if len(tokens) == 0 {
		return fmt.Errorf("an empty statement")
	}
	switch tokens[0].text {
	case "select", "with", "insert", "update", "delete", "values":
	default:
		return fmt.Errorf("only SELECT, INSERT, UPDATE and DELETE are allowed")
	}
	for _, t := range tokens {
		if t.text == ";" {
			return fmt.Errorf("two statements in one text")
		}
		if shared && t.kind == word && s.tables[t.text] {
			return fmt.Errorf("%s belongs to facilities and cannot be used in a shared transaction", t.text)
		}
	}
	if shared {
		return nil
	}
	c := checker{tables: s.tables, ctes: map[string]bool{}}
	c.findCTEs(tokens)
	return c.query(tokens, nil)
}

type checker struct {
	tables map[string]bool
	ctes   map[string]bool
}

func (c *checker) findCTEs(t []token) {
	for i := range t {
		if t[i].kind != word || (i > 0 && t[i-1].text != "with" && t[i-1].text != "recursive" && t[i-1].text != ",") {
			continue
		}
		j := i + 1
		if j < len(t) && t[j].text == "(" {
			j = closing(t, j) + 1
		}
		if j < len(t) && t[j].text == "as" {
			for j++; j < len(t) && (t[j].text == "not" || t[j].text == "materialized"); j++ {
			}
			if j+1 < len(t) && t[j].text == "(" && isQuery(t[j+1]) && i > 0 {
				c.ctes[t[i].text] = true
			}
		}
	}
}

func isQuery(t token) bool {
	switch t.text {
	case "select", "with", "insert", "update", "delete", "values":
		return t.kind == word
	}
	return false
}

// query checks one query and what is nested in it; outer names what it may tie itself to.
func (c *checker) query(t []token, outer map[string]bool) error {
	var flat []token // the query without nested ones; brackets that hold no query are kept, one level deeper
	var nested [][]token
	depth := 0
	for i := 0; i < len(t); i++ {
		if t[i].text == "(" && i+1 < len(t) && isQuery(t[i+1]) && !(t[i+1].text == "values" && i > 0 && t[i-1].text == "into") {
			end := closing(t, i)
			nested = append(nested, t[i+1:end])
			flat = append(flat, token{kind: sub, text: "(query)", depth: depth})
			i = end
			continue
		}
		tok := t[i]
		switch tok.text {
		case "(":
			tok.depth = depth
			depth++
		case ")":
			depth--
			tok.depth = depth
		default:
			tok.depth = depth
		}
		flat = append(flat, tok)
	}
	visible := map[string]bool{}
	for name := range outer {
		visible[name] = true
	}
	for _, part := range splitSets(flat) {
		b := block{checker: c, t: part, outer: outer}
		if err := b.check(); err != nil {
			return err
		}
		for _, r := range b.refs {
			visible[r.name] = true
		}
	}
	for _, n := range nested {
		if err := c.query(n, visible); err != nil {
			return err
		}
	}
	return nil
}

// splitSets cuts a query at UNION, EXCEPT and INTERSECT.
func splitSets(t []token) (parts [][]token) {
	from := 0
	for i := range t {
		if t[i].depth == 0 && t[i].kind == word && (t[i].text == "union" || t[i].text == "except" || t[i].text == "intersect") {
			parts = append(parts, t[from:i])
			from = i + 1
		}
	}
	return append(parts, t[from:])
}

// item returns the n-th part of a comma-separated list.
func item(t []token, n, depth int) []token {
	from, at := 0, 0
	for i := range t {
		if t[i].text == "," && t[i].depth == depth {
			if at == n {
				return t[from:i]
			}
			at, from = at+1, i+1
		}
	}
	if at == n {
		return t[from:]
	}
	return nil
}

func position(t []token, column string, depth int) int {
	for n := 0; ; n++ {
		v := item(t, n, depth)
		if v == nil {
			return -1
		}
		if len(v) == 1 && v[0].text == column {
			return n
		}
	}
}

func closingFlat(t []token, i int) int {
	for j := i + 1; j < len(t); j++ {
		if t[j].text == ")" && t[j].depth == t[i].depth {
			return j
		}
	}
	return len(t)
}

func closing(t []token, i int) int {
	depth := 0
	for j := i; j < len(t); j++ {
		switch t[j].text {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return j
			}
		}
	}
	return len(t)
}

var keyword = setOf(strings.Fields(`as where on using join left right inner outer full cross natural group order having limit offset set values select
	union except intersect returning window fetch for and or not default from do conflict nothing`))
