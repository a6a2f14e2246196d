package main

import (
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/width"
)

// columns prints a table for eyes; a full-width character takes two places on a terminal.
type columns struct{ rows [][]string }

func (c *columns) add(cells ...string) { c.rows = append(c.rows, cells) }

func (c *columns) print(w io.Writer) error {
	var wide []int
	for _, r := range c.rows {
		for i, s := range r {
			if i == len(wide) {
				wide = append(wide, 0)
			}
			wide[i] = max(wide[i], places(s))
		}
	}
	var b strings.Builder
	for _, r := range c.rows {
		line := ""
		for i, s := range r {
			line += s + strings.Repeat(" ", wide[i]-places(s)+2)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, err := fmt.Fprint(w, b.String())
	return err
}

func places(s string) (n int) {
	for _, r := range s {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
