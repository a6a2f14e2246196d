package drill

import (
	"context"
	"strings"

	"kenshin/drill/letter"
	"kenshin/drill/preflight"
	"kenshin/facility"
	"kenshin/fault"
)

// Guides are what the receiving side's administrator does (Microsoft 365, Google Workspace, filters), with the values of the facility's settings.
func (b *Book) Guides(ctx context.Context, f facility.ID) (out []preflight.Guide, err error) {
	s, err := b.Settings(ctx, f)
	if err != nil {
		return nil, err
	}
	set := preflight.Setup{From: s.Domain, MailFrom: s.Domain, HELO: s.Relay.Helo, SendingIPs: s.Outgoing, Landing: preflight.Landing{URL: s.Base}}
	if s.DKIM.Selector != "" {
		set.DKIM = preflight.DKIM{Domain: s.Domain, Selector: s.DKIM.Selector}
	}
	for _, id := range preflight.GuideIDs() {
		g, err := preflight.GuideFor(id, set)
		if err != nil {
			return out, err
		}
		out = append(out, g)
	}
	return out, nil
}

// Signing is the key that signs mails, as DNS must tell it (RFC 6376, 3.6). The private part never leaves the settings.
type Signing struct {
	Selector string
	Host     string // where the TXT record belongs, "" while the senders' domain is not set
	Record   string
}

// Signing says which key signs; Selector is "" when none does.
func (s Settings) Signing() Signing {
	x := Signing{Selector: s.DKIM.Selector, Record: s.DKIM.Record}
	if s.Domain != "" && x.Selector != "" {
		x.Host = letter.RecordName(x.Selector, s.Domain)
	}
	return x
}

// MakeKey makes a new signing key under a selector; the old one is gone.
func (b *Book) MakeKey(ctx context.Context, f facility.ID, selector string) (Signing, error) {
	s, err := b.Settings(ctx, f)
	if err != nil {
		return Signing{}, err
	}
	selector = strings.ToLower(strings.TrimSpace(selector))
	if n := len(selector); n == 0 || n > 63 || strings.Trim(selector, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.Trim(selector, "-") != selector {
		return Signing{}, fault.New(fault.Invalid, "英小文字と数字と - で入れてください。", "Use lower-case letters, digits and -.")
	}
	key, err := letter.NewKey()
	if err != nil {
		return Signing{}, err
	}
	s.DKIM.Selector, s.DKIM.Record = selector, key.Value()
	return s.Signing(), b.SaveSettings(ctx, f, s, Secrets{DKIM: string(key.PEM())})
}
