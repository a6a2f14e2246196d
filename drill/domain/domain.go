// Package domain decides which mail domains a drill may write to: exactly those whose owner proved within the last 90 days that they are his,
// by a record in DNS or by answers from postmaster and the security contact. Pure rules; the caller stores, asks and mails.
package domain

import (
	_ "embed"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"kenshin/drill/internal/address"
	"kenshin/fault"
	"kenshin/i18n"
)

//go:embed refused.yaml
var refusedYAML []byte

// Name is a mail domain in its one form: A-label, lower case, no trailing dot. Two Names are the same domain only if they are equal; a domain
// below or above a proven one is another domain.
type Name string

// Unicode is the form for people.
func (n Name) Unicode() string {
	if u, err := idna.Display.ToUnicode(string(n)); err == nil {
		return u
	}
	return string(n)
}

// Parse reads a domain as typed (full-width, upper case, 病院.jp, a dot at the end) and refuses those that no drill may ever write to.
func Parse(s string) (Name, error) {
	d, err := address.Domain(s)
	if err != nil {
		return "", err
	}
	return Name(d), Refusal(Name(d))
}

// Of reads the domain of a mail address, with the same refusals as Parse.
func Of(addr string) (Name, error) {
	a, err := address.Parse(addr)
	if err != nil {
		return "", err
	}
	return Name(a.Domain), Refusal(Name(a.Domain))
}

// Group is one kind of domains that are always refused.
type Group struct {
	i18n.Text  `yaml:",inline"`
	Source     string   `yaml:"source"`
	Confidence string   `yaml:"confidence"`
	Domains    []string `yaml:"domains"`
}

// refusedList is read once: it is asked for every recipient.
var refusedList = sync.OnceValues(func() (list struct {
	Groups []Group `yaml:"groups"`
	byName map[string]*Group
}, err error) {
	if err := yaml.Unmarshal(refusedYAML, &list); err != nil {
		return list, fault.Wrap(fault.Internal, err, "拒否するドメインの一覧が読めません。", "The list of refused domains cannot be read.")
	}
	list.byName = map[string]*Group{}
	for i, g := range list.Groups {
		for _, d := range g.Domains {
			list.byName[d] = &list.Groups[i]
		}
	}
	return list, nil
})

// Refused lists the domains that are always refused, by kind, for the page that explains the rule.
func Refused() ([]Group, error) {
	list, err := refusedList()
	return list.Groups, err
}

// Refusal says why a domain can never be ours: a public suffix, free mail, a carrier, a provider. nil when it may be proven. Domains below
// a listed one are refused too. A list that cannot be read refuses everything.
func Refusal(n Name) error {
	if suffix, _ := publicsuffix.PublicSuffix(string(n)); suffix == string(n) {
		return fault.Newf(fault.Denied, "「%[1]s」は多くの組織が共有する名前です。自院のドメインを書いてください。",
			"%[1]s is shared by many organisations. Write the hospital's own domain.", n.Unicode())
	}
	list, err := refusedList()
	if err != nil {
		return err
	}
	for d, more := string(n), true; more; _, d, more = strings.Cut(d, ".") {
		if g := list.byName[d]; g != nil {
			return &fault.Error{Kind: fault.Denied,
				Ja: "「" + n.Unicode() + "」は" + g.Ja + "のドメインです。訓練メールは自院のドメインにだけ送れます。",
				En: n.Unicode() + " is the domain of " + g.En + ". Drill mails go to the hospital's own domains only."}
		}
	}
	return nil
}
