package preflight

import (
	_ "embed"
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"kenshin/fault"
	"kenshin/i18n"
)

//go:embed guides.yaml
var guidesYAML []byte

// Guide is what the administrator of a receiving side does, with the exact values of this drill filled in.
type Guide struct {
	ID       string    `yaml:"id"`
	Name     i18n.Text `yaml:"name"`
	About    i18n.Text `yaml:"about"`
	Source   string    `yaml:"source"`
	Limits   []Limit   `yaml:"limits"`
	Steps    []Step    `yaml:"steps"`
	Cautions []Step    `yaml:"cautions"`
	Problems []Problem `yaml:"-"` // why it cannot be followed as things are
}

// Limit is how many entries the receiving side takes.
type Limit struct {
	Of   string    `yaml:"of"`
	Most int       `yaml:"most"`
	Text i18n.Text `yaml:"text"`
}

// Step is one thing to do.
type Step struct {
	Text       i18n.Text `yaml:"text"`
	Confidence string    `yaml:"confidence"`
	Names      []string  `yaml:"values"`
	Limit      string    `yaml:"limit"`
	Values     []Value   `yaml:"-"` // to type or copy
}

// Unsure reports a step from general knowledge: the page shows 要確認 beside it.
func (s Step) Unsure() bool { return s.Confidence != "seen" }

// Value is what to type into one field.
type Value struct {
	Label   i18n.Text
	Entries []string
}

// Problem is a reason why a guide does not work with this setup.
type Problem struct{ Text i18n.Text }

var guides = sync.OnceValues(func() ([]Guide, error) {
	var f struct {
		Checked string  `yaml:"checked"`
		Guides  []Guide `yaml:"guides"`
	}
	if err := yaml.Unmarshal(guidesYAML, &f); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "受信側の設定の手引きが読めません。", "The guides for receiving sides cannot be read.")
	}
	return f.Guides, nil
})

// GuideIDs lists all guides.
func GuideIDs() []string {
	list, _ := guides()
	ids := make([]string, len(list))
	for i, g := range list {
		ids[i] = g.ID
	}
	return ids
}

// GuideFor returns a guide with the values of a setup.
func GuideFor(id string, s Setup) (Guide, error) {
	list, err := guides()
	if err != nil {
		return Guide{}, err
	}
	for _, g := range list {
		if g.ID == id {
			return g.fill(s.normal()), nil
		}
	}
	return Guide{}, fault.Newf(fault.NotFound, "手引き「%s」はありません。", "There is no guide %q.", oneLine(id, 40))
}

func (g Guide) fill(s Setup) Guide {
	steps := g.Steps
	g.Steps = nil
	for _, st := range steps {
		for _, n := range st.Names {
			v := valueOf(n, s)
			if len(v.Entries) > 0 {
				st.Values = append(st.Values, v)
			} else if n == "ips" || n == "mail_from" {
				g.problem(v.Label.Ja+"がまだ設定されていません。", v.Label.En+" is not set yet.")
			}
		}
		g.check(st)
		g.Steps = append(g.Steps, st)
	}
	return g
}

func (g *Guide) problem(ja, en string) {
	for _, p := range g.Problems {
		if p.Text.Ja == ja {
			return
		}
	}
	g.Problems = append(g.Problems, Problem{i18n.Text{Ja: ja, En: en}})
}

// check finds what the receiving side would not take: too many entries, addresses that never reach it, IPv6 where only IPv4 goes.
func (g *Guide) check(st Step) {
	n := 0
	for _, v := range st.Values {
		n += len(v.Entries)
		for _, e := range v.Entries {
			ip, err := netip.ParseAddr(e)
			if err != nil {
				continue
			}
			if ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
				g.problem(e+" は院内のアドレスです。受信側から見える公開アドレスを設定してください。", e+" is an address inside. Set the public one that the receiver sees.")
			}
			if ip.Is6() && g.ID == "microsoft-365" {
				g.problem(e+" は IPv6 です。ここには IPv4 しか入力できません。", e+" is IPv6; only IPv4 can be entered here.")
			}
		}
	}
	for _, l := range g.Limits {
		if l.Of == st.Limit && n > l.Most {
			g.problem(fmt.Sprintf("%d件あり、上限を超えています(%s)。", n, l.Text.Ja), fmt.Sprintf("%d entries are too many (%s).", n, l.Text.En))
		}
	}
}

func valueOf(name string, s Setup) Value {
	one := func(ja, en string, entries ...string) Value {
		v := Value{Label: i18n.Text{Ja: ja, En: en}}
		for _, e := range entries {
			if e != "" {
				v.Entries = append(v.Entries, e)
			}
		}
		return v
	}
	switch name {
	case "mail_from":
		return one("エンベロープの差出人のドメイン", "Envelope sender's domain", s.MailFrom)
	case "dkim":
		return one("DKIM のドメイン", "DKIM domain", s.DKIM.Domain)
	case "from":
		return one("差出人(From)のドメイン", "From domain", s.From)
	case "ips":
		var ips []string
		for _, ip := range s.SendingIPs {
			ips = append(ips, ip.String())
		}
		return one("送信元IP", "Sending IP", ips...)
	case "landing":
		return one("リンク先", "Landing page", landingPattern(s.Landing.URL))
	}
	return Value{}
}

// landingPattern is the form that allow lists of addresses take: without the scheme, with everything below.
func landingPattern(u string) string {
	_, rest, ok := strings.Cut(u, "://")
	if !ok {
		return ""
	}
	return strings.TrimSuffix(rest, "/") + "/*"
}
