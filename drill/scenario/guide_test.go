package scenario_test

import (
	"os"
	"strings"
	"testing"

	"kenshin/drill/scenario"
)

// The example in the guide is one that a person copies: its mail must pass as it stands there.
func TestTheGuidesExampleIsRight(t *testing.T) {
	b, err := os.ReadFile("../../docs/guide/drill-scenarios.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "```yaml\n")
	example, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("no example")
	}
	s, err := scenario.Parse(strings.NewReader(example))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range s[0].Check(rules(t)) {
		if !strings.Contains(e.Error(), "there must be three mails") { // the guide shows one and says so
			t.Error(e)
		}
	}
}
