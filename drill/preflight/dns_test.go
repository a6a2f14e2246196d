package preflight

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"kenshin/drill/internal/dnstest"
)

var ourIP = netip.MustParseAddr("203.0.113.25")

func setup() Setup {
	return Setup{From: "drill.example.jp", MailFrom: "drill.example.jp", SendingIPs: []netip.Addr{ourIP}}
}

func run(t *testing.T, s *dnstest.Server, set Setup, id string) Outcome {
	t.Helper()
	out := Run(context.Background(), World{Resolver: s.Resolver()}, set, id)
	if len(out) != 1 || out[0].Says.Ja == "" || out[0].Says.En == "" {
		t.Fatalf("%+v", out)
	}
	return out[0]
}

func TestSPF(t *testing.T) {
	chain := []string{`drill.example.jp. 60 IN TXT "v=spf1 include:c0.example.jp -all"`}
	for i := range 12 {
		chain = append(chain, fmt.Sprintf(`c%d.example.jp. 60 IN TXT "v=spf1 include:c%d.example.jp -all"`, i, i+1))
	}
	for name, c := range map[string]struct {
		zone []string
		want State
		says string
	}{
		"our address": {[]string{`drill.example.jp. 60 IN TXT "v=spf1 ip4:203.0.113.0/24 -all"`}, OK, "認めています"},
		"through the relay's include": {[]string{`drill.example.jp. 60 IN TXT "v=spf1 include:relay.example.jp ~all"`, `relay.example.jp. 60 IN TXT "v=spf1 a:out.relay.example.jp -all"`,
			`out.relay.example.jp. 60 IN A 203.0.113.25`}, OK, "認めています"},
		"through mx":         {[]string{`drill.example.jp. 60 IN TXT "v=spf1 mx -all"`, `drill.example.jp. 60 IN MX 10 m.drill.example.jp.`, `m.drill.example.jp. 60 IN A 203.0.113.25`}, OK, "認めています"},
		"another address":    {[]string{`drill.example.jp. 60 IN TXT "v=spf1 ip4:198.51.100.1 -all"`}, Bad, "認めていません(fail)"},
		"soft":               {[]string{`drill.example.jp. 60 IN TXT "v=spf1 ip4:198.51.100.1 ~all"`}, Bad, "softfail"},
		"neutral":            {[]string{`drill.example.jp. 60 IN TXT "v=spf1 ?all"`}, Warn, "何も言って"},
		"none":               {[]string{`drill.example.jp. 60 IN TXT "hello"`}, Bad, "SPF レコードがありません"},
		"two records":        {[]string{`drill.example.jp. 60 IN TXT "v=spf1 -all"`, `drill.example.jp. 60 IN TXT "v=spf1 ip4:203.0.113.25 -all"`}, Bad, "2つ以上"},
		"eleven look-ups":    {chain, Bad, "10回より多く"},
		"mistyped":           {[]string{`drill.example.jp. 60 IN TXT "v=spf1 ip4:203.0.113.999 -all"`}, Bad, "誤り"},
		"parent's is not it": {[]string{`example.jp. 60 IN TXT "v=spf1 ip4:203.0.113.25 -all"`}, Bad, "SPF レコードがありません"},
	} {
		t.Run(name, func(t *testing.T) {
			o := run(t, dnstest.Start(t, c.zone...), setup(), "spf")
			if o.State != c.want || !strings.Contains(o.Says.Ja, c.says) {
				t.Errorf("%s %s %+v", o.State, o.Says.Ja, o.Facts)
			}
		})
	}
	s := dnstest.Start(t)
	s.Fail("drill.example.jp.", dns.RcodeServerFailure)
	if o := run(t, s, setup(), "spf"); o.State != Unknown {
		t.Errorf("DNS is down: %s", o.State)
	}
	none := setup()
	none.SendingIPs = nil
	if o := run(t, s, none, "spf"); o.State != Unknown {
		t.Errorf("no sending IP: %s", o.State)
	}
	two := setup()
	two.SendingIPs = append(two.SendingIPs, netip.MustParseAddr("198.51.100.9"))
	if o := run(t, dnstest.Start(t, `drill.example.jp. 60 IN TXT "v=spf1 ip4:203.0.113.25 -all"`), two, "spf"); o.State != Bad || !strings.Contains(o.Says.Ja, "198.51.100.9") {
		t.Errorf("one of two addresses is not covered: %s %s", o.State, o.Says.Ja)
	}
}

func TestDKIM(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pkix, _ := x509.MarshalPKIXPublicKey(&key.PublicKey)
	p64 := base64.StdEncoding.EncodeToString(pkix)
	bare := base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(&key.PublicKey))
	edPub, _, _ := ed25519.GenerateKey(rand.Reader)
	ed64 := base64.StdEncoding.EncodeToString(edPub)
	other, _, _ := ed25519.GenerateKey(rand.Reader)
	at := func(tags, p string) []string {
		text := tags + p
		var chunks []string // DNS strings hold 255 octets
		for len(text) > 200 {
			chunks, text = append(chunks, `"`+text[:200]+`"`), text[200:]
		}
		return []string{`k1._domainkey.drill.example.jp. 60 IN TXT ` + strings.Join(append(chunks, `"`+text+`"`), " ")}
	}
	for name, c := range map[string]struct {
		zone []string
		ed   bool
		want State
		says string
	}{
		"ours":             {zone: at("v=DKIM1; k=rsa; p=", p64), want: OK, says: "合って"},
		"without v and k":  {zone: at("p=", p64), want: OK},
		"a bare key":       {zone: at("v=DKIM1; p=", bare), want: OK},
		"spaces inside":    {zone: at("v=DKIM1; p=", p64[:100]+" "+p64[100:]), want: OK},
		"ed25519":          {zone: at("v=DKIM1; k=ed25519; p=", ed64), ed: true, want: OK},
		"another key":      {zone: at("v=DKIM1; k=ed25519; p=", base64.StdEncoding.EncodeToString(other)), ed: true, want: Bad, says: "いま署名に使う鍵"},
		"cut off":          {zone: at("v=DKIM1; p=", p64[:101]), want: Bad, says: "途中で切れ"},
		"revoked":          {zone: at("v=DKIM1; p=", ""), want: Bad, says: "取り消され"},
		"wrong kind":       {zone: at("v=DKIM1; p=", ed64), ed: true, want: Bad, says: "k="},
		"sha1 only":        {zone: at("v=DKIM1; h=sha1; p=", p64), want: Bad, says: "h="},
		"other service":    {zone: at("v=DKIM1; s=chat; p=", p64), want: Bad},
		"test mode":        {zone: at("v=DKIM1; t=y; p=", p64), want: Warn, says: "試験中"},
		"two records":      {zone: append(at("v=DKIM1; p=", p64), at("v=DKIM1; p=", p64)[0]+` "x"`), want: Bad, says: "2つ以上"},
		"no record":        {zone: []string{`example.jp. 60 IN TXT "x"`}, want: Bad, says: "公開鍵がありません"},
		"of the selector?": {zone: []string{strings.Replace(at("v=DKIM1; p=", p64)[0], "k1.", "k2.", 1)}, want: Bad},
	} {
		t.Run(name, func(t *testing.T) {
			s := setup()
			s.DKIM = DKIM{"Drill.example.jp", "k1", &key.PublicKey}
			if c.ed {
				s.DKIM.Public = edPub
			}
			if o := run(t, dnstest.Start(t, c.zone...), s, "dkim"); o.State != c.want || !strings.Contains(o.Says.Ja, c.says) {
				t.Errorf("%s %s %+v", o.State, o.Says.Ja, o.Facts)
			}
		})
	}
	if o := run(t, dnstest.Start(t), setup(), "dkim"); o.State != Warn {
		t.Errorf("unsigned: %s", o.State)
	}
}

func TestDMARC(t *testing.T) {
	pub, _, _ := ed25519.GenerateKey(rand.Reader)
	const spf, nospf = `drill.example.jp. 60 IN TXT "v=spf1 ip4:203.0.113.25 -all"`, `drill.example.jp. 60 IN TXT "v=spf1 -all"`
	key := `k1._domainkey.sign.example.jp. 60 IN TXT "v=DKIM1; k=ed25519; p=` + base64.StdEncoding.EncodeToString(pub) + `"`
	for name, c := range map[string]struct {
		zone       []string
		from, mail string
		dkim       string
		want       State
	}{
		"by SPF":                      {[]string{spf, `_dmarc.drill.example.jp. 60 IN TXT "v=DMARC1; p=reject"`}, "drill.example.jp", "drill.example.jp", "", OK},
		"by SPF, relaxed":             {[]string{spf, `_dmarc.example.jp. 60 IN TXT "v=DMARC1; p=reject"`}, "example.jp", "drill.example.jp", "", OK},
		"by SPF, strict":              {[]string{spf, `_dmarc.example.jp. 60 IN TXT "v=DMARC1; p=reject; aspf=s"`}, "example.jp", "drill.example.jp", "", Bad},
		"by DKIM":                     {[]string{nospf, key, `_dmarc.example.jp. 60 IN TXT "v=DMARC1; p=quarantine"`}, "example.jp", "drill.example.jp", "sign.example.jp", OK},
		"other organisation":          {[]string{spf, `_dmarc.hospital.example.com. 60 IN TXT "v=DMARC1; p=quarantine"`}, "hospital.example.com", "drill.example.jp", "", Bad},
		"co-tenants of a suffix":      {[]string{`a.city.kobe.jp. 60 IN TXT "v=spf1 ip4:203.0.113.25 -all"`, `_dmarc.x.b.kobe.jp. 60 IN TXT "v=DMARC1; p=reject"`}, "x.b.kobe.jp", "a.city.kobe.jp", "", Bad},
		"policy none":                 {[]string{nospf, `_dmarc.drill.example.jp. 60 IN TXT "v=DMARC1; p=none"`}, "drill.example.jp", "drill.example.jp", "", Warn},
		"subdomain policy":            {[]string{nospf, `_dmarc.example.jp. 60 IN TXT "v=DMARC1; p=none; sp=reject"`}, "drill.example.jp", "drill.example.jp", "", Bad},
		"no record":                   {[]string{spf}, "drill.example.jp", "drill.example.jp", "", Warn},
		"a record that is no record":  {[]string{spf, `_dmarc.drill.example.jp. 60 IN TXT "v=DMARC1; p=maybe"`}, "drill.example.jp", "drill.example.jp", "", Unknown},
		"key in DNS is another's key": {[]string{nospf, strings.Replace(key, "p=", "p=AAAA", 1), `_dmarc.example.jp. 60 IN TXT "v=DMARC1; p=reject"`}, "example.jp", "drill.example.jp", "sign.example.jp", Bad},
	} {
		t.Run(name, func(t *testing.T) {
			s := setup()
			s.From, s.MailFrom = c.from, c.mail
			if c.dkim != "" {
				s.DKIM = DKIM{c.dkim, "k1", pub}
			}
			if o := run(t, dnstest.Start(t, c.zone...), s, "dmarc"); o.State != c.want {
				t.Errorf("%s %s %+v", o.State, o.Says.Ja, o.Facts)
			}
		})
	}
}

func TestPTR(t *testing.T) {
	const ptr = `25.113.0.203.in-addr.arpa. 60 IN PTR out.example.jp.`
	for name, c := range map[string]struct {
		zone []string
		ip   string
		want State
	}{
		"both ways":    {[]string{ptr, `out.example.jp. 60 IN A 203.0.113.25`}, "203.0.113.25", OK},
		"not back":     {[]string{ptr, `out.example.jp. 60 IN A 203.0.113.26`}, "203.0.113.25", Warn},
		"no such name": {[]string{ptr}, "203.0.113.25", Warn},
		"none":         {nil, "203.0.113.25", Bad},
		"inside":       {nil, "10.1.2.3", Unknown},
		"IPv6":         {[]string{`1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. 60 IN PTR six.example.jp.`, `six.example.jp. 60 IN AAAA 2001:db8::1`}, "2001:db8::1", OK},
	} {
		t.Run(name, func(t *testing.T) {
			s := setup()
			s.SendingIPs = []netip.Addr{netip.MustParseAddr(c.ip)}
			if o := run(t, dnstest.Start(t, c.zone...), s, "ptr"); o.State != c.want {
				t.Errorf("%s %s", o.State, o.Says.Ja)
			}
		})
	}
}

func TestRoutes(t *testing.T) {
	s := dnstest.Start(t,
		`m365.example.jp. 60 IN MX 0 m365-example-jp.mail.protection.outlook.com.`,
		`dane.example.jp. 60 IN MX 0 dane-example-jp.o-v1.mx.microsoft.`,
		`google.example.jp. 60 IN MX 5 alt1.aspmx.l.google.com.`, `google.example.jp. 60 IN MX 1 ASPMX.L.GOOGLE.COM.`,
		`iij.example.jp. 60 IN MX 10 mx-iij.securemx.jp.`, `iij.example.jp. 60 IN TXT "v=spf1 include:spf.protection.outlook.com -all"`,
		`mf.example.jp. 60 IN MX 10 mail.system.digitalartscloud.com.`, `mf.example.jp. 60 IN TXT "v=spf1 include:spf.mail.system.digitalartscloud.com -all"`,
		`gw.example.jp. 60 IN MX 10 mx1.example.jp.`, `gw.example.jp. 60 IN TXT "v=spf1 include:_spf.guardianwall.jp include:spf.protection.outlook.com ~all"`,
		`own.example.jp. 60 IN MX 10 mail.example.jp.`, `own.example.jp. 60 IN TXT "v=spf1 include:_spf.google.com ~all"`,
		`other.example.jp. 60 IN MX 10 mx.somewhere.example.`,
		`null.example.jp. 60 IN MX 0 .`,
		`a.example.jp. 60 IN A 203.0.113.9`,
		`bc.example.jp. 60 IN MX 10 cluster1.eu.messagelabs.com.`,
		`trick.example.jp. 60 IN MX 10 mail.protection.outlook.com.evil.example.`)
	s.Fail("down.example.jp.", dns.RcodeServerFailure)
	for domain, want := range map[string]string{
		"m365.example.jp": "ok microsoft-365 [microsoft-365]", "dane.example.jp": "ok microsoft-365 [microsoft-365]",
		"google.example.jp": "ok google-workspace [google-workspace]", "iij.example.jp": "ok iij-securemx [filter-service microsoft-365]",
		"mf.example.jp": "ok m-filter-cloud [m-filter]", "gw.example.jp": "ok own [own-gateway microsoft-365 guardianwall]",
		"own.example.jp": "ok own [own-gateway google-workspace]", "other.example.jp": "ok other [own-gateway]", "null.example.jp": "bad  []",
		"a.example.jp": "warn own [own-gateway]", "gone.example.jp": "bad  []", "down.example.jp": "unknown  []", "bc.example.jp": "ok broadcom [report-only]",
		"trick.example.jp": "ok other [own-gateway]",
	} {
		r := Routes(context.Background(), s.Resolver(), []string{domain})[0]
		if got := fmt.Sprintf("%s %s %v", r.State, r.Kind.ID, r.Guides()); got != want {
			t.Errorf("%s: %s, want %s", domain, got, want)
		}
	}
	set := setup()
	set.Recipients = []string{"M365.example.jp.", "m365.example.jp", "iij.example.jp"}
	if o := run(t, s, set, "mx"); o.State != OK || len(o.Facts) != 6 || !strings.Contains(o.Facts[0].Value, "要確認") {
		t.Errorf("%+v", o)
	}
	set.Recipients = append(set.Recipients, "null.example.jp")
	if o := run(t, s, set, "mx"); o.State != Bad || !strings.Contains(o.Says.Ja, "null.example.jp") {
		t.Errorf("%+v", o)
	}
	for _, q := range s.Asked() {
		if strings.Count(q, "example.jp.") > 1 || !strings.HasSuffix(q, ".") {
			t.Errorf("asked %s", q)
		}
	}
}
