package exposure

import (
	_ "embed"
	"fmt"
	"regexp"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"
)

//go:embed support.yaml
var supportYAML []byte

type support struct {
	Match  string `yaml:"match"`
	End    string `yaml:"end"`
	Source string `yaml:"source"`

	match *regexp.Regexp
	end   time.Time
}

// supports reads the table once; that it can be read is a test, so a broken one stops the build's tests and never a hospital.
var supports = sync.OnceValues(func() ([]support, error) {
	var list []support
	if err := yaml.Unmarshal(supportYAML, &list); err != nil {
		return nil, fmt.Errorf("support.yaml: %w", err)
	}
	for i := range list {
		var err error
		if list[i].match, err = regexp.Compile("(?i)" + list[i].Match); err != nil {
			return nil, fmt.Errorf("support.yaml, row %d: %w", i+1, err)
		}
		if list[i].end, err = time.Parse(time.DateOnly, list[i].End); err != nil {
			return nil, fmt.Errorf("support.yaml, row %d: %w", i+1, err)
		}
	}
	return list, nil
})

// supportEnd returns the day on which the maker's repairs for an operating system end. ok is false when the name is not in the table
// or not exact enough.
func supportEnd(name string) (end time.Time, ok bool) {
	list, err := supports()
	if err != nil {
		return time.Time{}, false
	}
	for i := range list {
		if list[i].match.MatchString(name) {
			return list[i].end, true
		}
	}
	return time.Time{}, false
}
