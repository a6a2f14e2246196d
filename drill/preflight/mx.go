package preflight

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"kenshin/fault"
	"kenshin/i18n"
)

//go:embed kinds.yaml
var kindsYAML []byte

// Kind is a service or product that receives mail.
type Kind struct {
	ID         string `yaml:"id"`
	i18n.Text  `yaml:",inline"`
	Guide      string   `yaml:"guide"`
	Confidence string   `yaml:"confidence"` // seen; counted and known are shown with 要確認
	Source     string   `yaml:"source"`
	Suffixes   []string `yaml:"suffixes"` // of MX hosts
	SPF        []string `yaml:"spf"`      // what a domain's SPF record includes when the service sends for it
}

// Unsure reports an entry that nobody read in the maker's own words.
func (k Kind) Unsure() bool { return k.Confidence != "seen" }

var kinds = sync.OnceValues(func() ([]Kind, error) {
	var f struct {
		Checked string `yaml:"checked"`
		Kinds   []Kind `yaml:"kinds"`
	}
	if err := yaml.Unmarshal(kindsYAML, &f); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "受信サービスの一覧が読めません。", "The list of receiving services cannot be read.")
	}
	return f.Kinds, nil
})

// Route is how the mail of one domain is received.
type Route struct {
	Domain string
	Hosts  []string // by preference
	Kind   Kind     // ID "own" for a server of the domain's own, "other" for an unknown one, "" when there is none
	Beside []Kind   // services that the domain's own SPF record names: mailboxes behind the gateway, or a gateway that the MX does not show
	State  State
	Says   i18n.Text
}

// Guides are the guides that an administrator of the domain needs, the gateway's first.
func (r Route) Guides() []string {
	var g []string
	for _, k := range append([]Kind{r.Kind}, r.Beside...) {
		if k.Guide != "" && !slices.Contains(g, k.Guide) {
			g = append(g, k.Guide)
		}
	}
	return g
}

// KindOf tells what an MX host belongs to; ok is false for a host that the list does not know.
func KindOf(host string) (k Kind, ok bool) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	list, err := kinds()
	if err != nil {
		return Kind{}, false
	}
	for _, k := range list {
		for _, s := range k.Suffixes {
			if host == s || strings.HasSuffix(host, "."+s) {
				return k, true
			}
		}
	}
	return Kind{}, false
}

// Routes looks up how each domain receives its mail.
func Routes(ctx context.Context, r Resolver, domains []string) []Route {
	out := make([]Route, 0, len(domains))
	for _, d := range domains {
		out = append(out, route(ctx, dotted{r}, d))
	}
	return out
}

func route(ctx context.Context, r Resolver, domain string) Route {
	t := Route{Domain: domain, State: OK}
	mxs, err := r.LookupMX(ctx, domain)
	switch {
	case err != nil && !missing(err):
		t.State, t.Says = Unknown, i18n.Text{Ja: "DNS が答えませんでした。", En: "DNS did not answer."}
		return t
	case len(mxs) == 1 && mxs[0].Host == ".": // RFC 7505
		t.State, t.Says = Bad, i18n.Text{Ja: "メールを受け取らないドメインです。", En: "The domain takes no mail."}
		return t
	case len(mxs) == 0:
		if addrs, err := r.LookupIPAddr(ctx, domain); err != nil || len(addrs) == 0 {
			t.State, t.Says = Bad, i18n.Text{Ja: "メールの受け口(MX)がありません。", En: "There is no mail server (MX)."}
			return t
		}
		t.Hosts = []string{domain}
		t.State, t.Says = Warn, i18n.Text{Ja: "MX レコードがなく、ドメイン自身が受け口になります。", En: "There is no MX record; the domain itself receives."}
	}
	for _, mx := range mxs {
		t.Hosts = append(t.Hosts, strings.ToLower(strings.TrimSuffix(mx.Host, ".")))
	}
	t.Kind = kindOfHosts(domain, t.Hosts)
	t.Beside = beside(ctx, r, domain, t.Kind.ID)
	return t
}

func kindOfHosts(domain string, hosts []string) Kind {
	for _, h := range hosts {
		if k, ok := KindOf(h); ok {
			return k
		}
	}
	for _, h := range hosts {
		if organisation(h) == organisation(domain) {
			return Kind{ID: "own", Text: i18n.Text{Ja: "自院のサーバー", En: "a server of its own"}, Guide: "own-gateway", Confidence: "seen", Source: "MX"}
		}
	}
	return Kind{ID: "other", Text: i18n.Text{Ja: "分からないサーバー", En: "an unknown server"}, Guide: "own-gateway", Confidence: "known"}
}

// beside looks at whom the domain's own SPF record lets send for it: a hospital that reads its mail in Microsoft 365 sends from there too. The
// record outlives a contract now and then, so this is a hint only.
func beside(ctx context.Context, r Resolver, domain, except string) []Kind {
	txts, err := r.LookupTXT(ctx, domain)
	list, err2 := kinds()
	if err != nil || err2 != nil {
		return nil
	}
	var out []Kind
	for _, t := range txts {
		words := strings.Fields(strings.ToLower(t))
		if len(words) == 0 || words[0] != "v=spf1" {
			continue
		}
		for _, k := range list {
			if k.ID != except && slices.ContainsFunc(k.SPF, func(s string) bool { return slices.Contains(words, "include:"+s) }) {
				out = append(out, k)
			}
		}
	}
	return out
}

func checkMX(ctx context.Context, p *pass) Result {
	if len(p.Recipients) == 0 {
		return result(Unknown, "宛先のドメインがまだありません。", "There are no recipients' domains yet.")
	}
	r := result(OK, "", "")
	var names, guides []string
	for _, t := range Routes(ctx, p.Resolver, p.Recipients) {
		r.State = worse(r.State, t.State)
		if t.State != OK {
			r.Says = i18n.Text{Ja: t.Domain + ": " + t.Says.Ja, En: t.Domain + ": " + t.Says.En}
		}
		if t.Kind.ID == "" {
			continue
		}
		value := strings.Join(t.Hosts, " ") + " = " + t.Kind.Ja
		if t.Kind.Unsure() {
			value += "(要確認)"
		}
		r.Facts = append(r.Facts, fact("メールの受け口", "Mail servers", t.Domain, value))
		for _, k := range t.Beside {
			r.Facts = append(r.Facts, fact("SPFから見て、ほかに使っていそうなもの", "Used as well, as SPF suggests", t.Domain, k.Ja+"(要確認)"))
		}
		for _, g := range t.Guides() {
			r.Facts = append(r.Facts, fact("手引き", "Guide", t.Domain, g))
			guides = append(guides, g)
		}
		names = append(names, t.Kind.Ja)
	}
	if r.State == OK {
		slices.Sort(names)
		slices.Sort(guides)
		r.Says = i18n.Text{Ja: fmt.Sprintf("受け口は %s です。手引きに沿って設定してください。", strings.Join(slices.Compact(names), "、")),
			En: fmt.Sprintf("Kinds of servers that receive the mail: %d. Follow the guides: %s.", len(slices.Compact(names)), strings.Join(slices.Compact(guides), ", "))}
	}
	return r
}
