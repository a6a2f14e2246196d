package browsertest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/chromedp/chromedp"
)

// axeSource is axe-core from web/asset/node_modules, read once; "" when npm has not run.
var axeSource = sync.OnceValue(func() string {
	// tests run in their package's folder; with -trimpath a source file does not know where it lies
	dir, err := os.Getwd()
	for ; err == nil && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if text, err := os.ReadFile(filepath.Join(dir, "web", "asset", "node_modules", "axe-core", "axe.min.js")); err == nil {
			return string(text)
		}
	}
	return ""
})

// HasAxe reports whether axe-core is there (npm ci in web/asset brings it).
func HasAxe() bool { return axeSource() != "" }

type violation struct {
	ID     string `json:"id"`
	Help   string `json:"help"`
	Impact string `json:"impact"`
	Nodes  []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// Axe fails the test for every rule of WCAG 2.2 A and AA, and of axe's good practices, that the page breaks.
func (p *Tab) Axe(name string) {
	p.t.Helper()
	if !HasAxe() {
		p.t.Logf("%s: accessibility not checked: no axe-core; run npm ci in web/asset", name)
		return
	}
	for _, v := range p.violations() {
		var places []string
		for i, n := range v.Nodes {
			if i == 4 {
				places = append(places, fmt.Sprintf("... and %d more", len(v.Nodes)-i))
				break
			}
			places = append(places, fmt.Sprintf("    %.220s\n      %s", n.HTML, strings.ReplaceAll(n.Summary, "\n", "\n      ")))
		}
		p.t.Errorf("%s: axe %s (%s): %s\n%s", name, v.ID, v.Impact, v.Help, strings.Join(places, "\n"))
	}
}

func (p *Tab) violations() []violation {
	p.t.Helper()
	Run(p, chromedp.Evaluate[bool](axeSource()+"\n;true"))
	text := Run(p, chromedp.Evaluate[string](
		`axe.run(document, {runOnly: ["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa","best-practice"]}).then(r => JSON.stringify(r.violations))`,
		chromedp.EvalAwaitPromise))
	var all []violation
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		p.t.Fatalf("reading what axe found: %v", err)
	}
	return all
}
