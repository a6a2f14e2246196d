package kenshin_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What ADR 20 names as a rule's proof is there.
func TestEveryRuleOfTheDrillHasItsTest(t *testing.T) {
	text, err := os.ReadFile("docs/adr/0020-what-the-drill-cannot-do.md")
	if err != nil {
		t.Fatal(err)
	}
	rules, n := 0, 0
	for line := range strings.Lines(string(text)) {
		if regexp.MustCompile(`^\| [1-9]\. `).MatchString(line) {
			rules++
		}
		for _, m := range regexp.MustCompile("`([a-z/]+)\\.(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(line, -1) {
			n++
			files, err := filepath.Glob(m[1] + "/*_test.go")
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, f := range files {
				b, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				found = found || strings.Contains(string(b), "func "+m[2]+"(t *testing.T)")
			}
			if !found {
				t.Errorf("%s has no %s", m[1], m[2])
			}
		}
	}
	if rules != 9 || n < 40 {
		t.Errorf("%d rules with %d tests were read", rules, n)
	}
}
