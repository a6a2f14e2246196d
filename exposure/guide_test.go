package exposure

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The guide for the hospital tells every check with the facts that the screens show; a check without its part, or with other facts, is a mistake.
func TestGuideTellsEveryCheck(t *testing.T) {
	const file = "../docs/guide/04-findings.md"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	weights := map[int]string{Low: "低", Middle: "中", High: "高", Critical: "緊急"} // as finding.Severity calls them
	parts := map[string]string{}                                                // by the id that ends a heading: ### 見出し (`id`)
	for part := range strings.SplitSeq(string(b), "\n### ") {
		head, rest, _ := strings.Cut(part, "\n")
		if _, id, ok := strings.Cut(head, "(`"); ok {
			parts[strings.TrimSuffix(id, "`)")] = rest
		}
	}
	for _, c := range Checks() {
		part, ok := parts[c.ID]
		if !ok {
			t.Errorf("%s does not tell of %q: a heading \"### ... (`%s`)\" is missing", file, c.ID, c.ID)
			continue
		}
		delete(parts, c.ID)
		want := fmt.Sprintf("重さ: %s · 最初の一歩: %d分 · 期限の目安: %d日 · 電話する先: %s", weights[c.Severity], c.Minutes, c.Days, c.Call.Ja)
		line, words, _ := strings.Cut(part, "\n")
		if line != want {
			t.Errorf("%s, %q:\n have %s\n want %s", file, c.ID, line, want)
		}
		if words, _, _ = strings.Cut(strings.TrimSpace(words), "\n\n"); len([]rune(words)) < 40 {
			t.Errorf("%s, %q: it does not say why it matters and what to do", file, c.ID)
		}
	}
	for id := range parts {
		t.Errorf("%s tells of %q, which is no check", file, id)
	}
}
