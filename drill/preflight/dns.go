package preflight

import (
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"blitiri.com.ar/go/spf"
	"github.com/emersion/go-msgauth/dmarc"
	"golang.org/x/net/publicsuffix"

	"kenshin/i18n"
)

func dnsChecks() []Check {
	return []Check{{
		ID:       "spf",
		Title:    i18n.Text{Ja: "送信元のサーバーが SPF で認められている", En: "SPF allows our sending server"},
		Why:      i18n.Text{Ja: "SPF で認められていないサーバーからのメールは、迷惑メールにされるか、受け取られません。", En: "Mail from a server that SPF does not allow is junked or refused."},
		Fix:      i18n.Text{Ja: "送信用ドメインの TXT レコード(v=spf1)に、送信元のIPアドレス(ip4:)か中継サーバーの include を加えます。DNS を引く語は全部で10までです。", En: "Add the sending IP (ip4:) or the relay's include to the domain's TXT record (v=spf1). All terms together may ask DNS ten times."},
		Severity: High, Source: "RFC 7208", run: checkSPF,
	}, {
		ID:       "dkim",
		Title:    i18n.Text{Ja: "DKIM の公開鍵が DNS にあり、署名の鍵と合う", En: "The DKIM key in DNS is ours"},
		Why:      i18n.Text{Ja: "署名を確かめられないメールは信用されません。Microsoft 365 の訓練用の許可では、署名のドメインを使うこともできます。", En: "Mail whose signature cannot be checked is not trusted. Microsoft 365's permission for drills can rest on the signature's domain."},
		Fix:      i18n.Text{Ja: "設定画面に表示される TXT レコードを セレクター._domainkey.ドメイン にそのまま登録します。", En: "Publish the TXT record that the settings page shows at selector._domainkey.domain, unchanged."},
		Severity: High, Source: "RFC 6376, RFC 8463", run: checkDKIM,
	}, {
		ID:       "dmarc",
		Title:    i18n.Text{Ja: "差出人のドメインで DMARC に通る", En: "The sender's domain passes DMARC"},
		Why:      i18n.Text{Ja: "差出人(From)のドメインと SPF か DKIM のドメインがそろわないと、なりすましとして扱われます。", En: "If neither SPF's nor DKIM's domain fits the From domain, the mail counts as forged."},
		Fix:      i18n.Text{Ja: "From・エンベロープ・DKIM を同じドメインにそろえ、_dmarc の TXT レコード(v=DMARC1; p=none でもよい)を登録します。", En: "Use one domain for From, envelope and DKIM, and publish a TXT record at _dmarc (v=DMARC1; p=none will do)."},
		Severity: High, Source: "RFC 7489", run: checkDMARC,
	}, {
		ID:       "ptr",
		Title:    i18n.Text{Ja: "送信元IPの逆引き(PTR)がある", En: "The sending IP has a reverse name"},
		Why:      i18n.Text{Ja: "逆引きがない、または正引きと合わないサーバーのメールは、多くの受信側が断るか疑います。", En: "Many receivers refuse or distrust servers without a reverse name that points back."},
		Fix:      i18n.Text{Ja: "回線やサーバーの事業者に、IPアドレスの逆引きと同じ名前の正引きの登録を頼みます。", En: "Ask the provider of the line or server for a reverse name, and register the same name forward."},
		Severity: Medium, Source: "RFC 1912 2.1; Google's sender guidelines", run: checkPTR,
	}, {
		ID:       "mx",
		Title:    i18n.Text{Ja: "宛先のメールの受け口と、その種類", En: "Where the recipients' mail is received, and by what"},
		Why:      i18n.Text{Ja: "受け口の種類によって、訓練メールを通すための設定が違います。", En: "What has to be set so that drill mails pass depends on what receives them."},
		Fix:      i18n.Text{Ja: "表示された手引きのとおりに、受信側の管理者が設定します。", En: "The administrator of the receiving side follows the guide that is shown."},
		Severity: High, Source: "RFC 5321 5.1, RFC 7505", run: checkMX,
	}}
}

type spfAnswer struct {
	result spf.Result
	err    error
}

func (p *pass) spfOf(ctx context.Context, ip netip.Addr) spfAnswer {
	if a, ok := p.spf[ip]; ok {
		return a
	}
	r, err := spf.CheckHostWithSender(ip.Unmap().AsSlice(), p.HELO, "postmaster@"+p.MailFrom, spf.WithContext(ctx), spf.WithResolver(p.Resolver))
	a := spfAnswer{r, err}
	p.spf[ip] = a
	return a
}

func checkSPF(ctx context.Context, p *pass) Result {
	if p.MailFrom == "" || len(p.SendingIPs) == 0 {
		return result(Unknown, "送信元のIPアドレスが設定されていないので、調べられません。", "No sending IP is set, so this cannot be checked.")
	}
	r := result(OK, "SPF は送信元のサーバーを認めています。", "SPF allows the sending server.")
	if txts, err := p.Resolver.LookupTXT(ctx, p.MailFrom); err == nil {
		for _, t := range txts {
			if strings.HasPrefix(strings.ToLower(t), "v=spf1") {
				r.Facts = append(r.Facts, fact("SPFレコード", "SPF record", p.MailFrom, t))
			}
		}
	}
	for _, ip := range p.SendingIPs {
		a := p.spfOf(ctx, ip)
		value := string(a.result)
		if a.err != nil {
			value += " (" + a.err.Error() + ")"
		}
		r.Facts = append(r.Facts, fact("SPFの結果", "SPF result", ip.String(), value))
		if s, says := spfSays(a, ip); s != OK {
			if worse(r.State, s) != r.State {
				r.Says = says
			}
			r.State = worse(r.State, s)
		}
	}
	return r
}

func spfSays(a spfAnswer, ip netip.Addr) (State, i18n.Text) {
	switch a.result {
	case spf.Pass:
		return OK, i18n.Text{}
	case spf.TempError:
		return Unknown, i18n.Text{Ja: "DNS が答えなかったので、SPF は分かりません。", En: "DNS did not answer: SPF is not known."}
	case spf.None:
		return Bad, i18n.Text{Ja: "SPF レコードがありません。", En: "There is no SPF record."}
	case spf.Neutral:
		return Warn, i18n.Text{Ja: fmt.Sprintf("SPF は %s について何も言っていません(?all)。", ip), En: fmt.Sprintf("SPF says nothing of %s (?all).", ip)}
	case spf.PermError:
		if errors.Is(a.err, spf.ErrLookupLimitReached) {
			return Bad, i18n.Text{Ja: "SPF が DNS を10回より多く引くため、無効とみなされます。include を減らしてください。", En: "SPF asks DNS more than ten times and counts as broken. Use fewer includes."}
		}
		if errors.Is(a.err, spf.ErrMultipleRecords) {
			return Bad, i18n.Text{Ja: "SPF レコードが2つ以上あり、無効とみなされます。1つにまとめてください。", En: "There is more than one SPF record: none counts. Merge them."}
		}
		return Bad, i18n.Text{Ja: "SPF レコードの書き方に誤りがあります。", En: "The SPF record is malformed."}
	}
	return Bad, i18n.Text{Ja: fmt.Sprintf("SPF は %s からの送信を認めていません(%s)。", ip, a.result), En: fmt.Sprintf("SPF does not allow %s (%s).", ip, a.result)}
}

type dkimAnswer struct {
	state State
	says  i18n.Text
	facts []Fact
}

func checkDKIM(ctx context.Context, p *pass) Result {
	a := p.dkimOf(ctx)
	return Result{State: a.state, Says: a.says, Facts: a.facts}
}

func (p *pass) dkimOf(ctx context.Context) *dkimAnswer {
	if p.dkim == nil {
		r := lookDKIM(ctx, p)
		p.dkim = &dkimAnswer{r.State, r.Says, r.Facts}
	}
	return p.dkim
}

func lookDKIM(ctx context.Context, p *pass) Result {
	if p.DKIM.Domain == "" || p.DKIM.Selector == "" || p.DKIM.Public == nil {
		return result(Warn, "DKIM の署名をしない設定です。", "Mails are not signed with DKIM.")
	}
	name := p.DKIM.Selector + "._domainkey." + p.DKIM.Domain
	txts, err := p.Resolver.LookupTXT(ctx, name)
	if err != nil && !missing(err) {
		return result(Unknown, "DNS が答えなかったので、DKIM は分かりません。", "DNS did not answer: DKIM is not known.", fact("エラー", "Error", name, err.Error()))
	}
	var records []map[string]string
	var facts []Fact
	for _, t := range txts {
		if tags := tagList(t); tags["p"] != "" || strings.Contains(t, "p=") {
			records = append(records, tags)
			facts = append(facts, fact("DKIMレコード", "DKIM record", name, t))
		}
	}
	say := func(s State, ja, en string) Result { return result(s, ja, en, facts...) }
	switch len(records) {
	case 0:
		return say(Bad, name+" に DKIM の公開鍵がありません。", "There is no DKIM key at "+name+".")
	case 1:
	default:
		return say(Bad, name+" に DKIM のレコードが2つ以上あります。1つだけ残してください。", "There is more than one DKIM record at "+name+". Keep one.")
	}
	return judgeDKIM(records[0], p, say)
}

func judgeDKIM(rec map[string]string, p *pass, say func(State, string, string) Result) Result {
	kind, want := "rsa", []byte(nil)
	switch k := p.DKIM.Public.(type) {
	case *rsa.PublicKey:
		want, _ = x509.MarshalPKIXPublicKey(k)
		if k.N.BitLen() < 1024 {
			return say(Bad, "DKIM の鍵が短すぎます(1024ビット以上が必要です)。", "The DKIM key is too short (1024 bits at least).")
		}
	case ed25519.PublicKey:
		kind, want = "ed25519", k
	default:
		return say(Unknown, "この種類の鍵は調べられません。", "This kind of key cannot be checked.")
	}
	if rec["p"] == "" {
		return say(Bad, "DKIM の公開鍵が取り消されています(p= が空)。", "The DKIM key is revoked (p= is empty).")
	}
	got, err := base64.StdEncoding.DecodeString(rec["p"])
	if err != nil {
		return say(Bad, "DKIM の公開鍵が途中で切れているか、書き写しが誤っています。", "The DKIM key is cut off or mistyped.")
	}
	same := string(got) == string(want)
	if k, ok := p.DKIM.Public.(*rsa.PublicKey); ok && !same { // RFC 6376 3.6.1 lets p= be a bare RSAPublicKey as well
		same = string(got) == string(x509.MarshalPKCS1PublicKey(k))
	}
	hashes, services := rec["h"], rec["s"]
	switch {
	case rec["v"] != "" && rec["v"] != "DKIM1", rec["k"] != "" && rec["k"] != kind || rec["k"] == "" && kind != "rsa":
		return say(Bad, "DKIM レコードの v= か k= が鍵の種類と合いません。", "v= or k= of the DKIM record does not fit the key.")
	case !same:
		return say(Bad, "DNS の DKIM 公開鍵は、いま署名に使う鍵のものではありません。", "The DKIM key in DNS is not that of the key that signs.")
	case hashes != "" && !has(hashes, ":", "sha256"), services != "" && !has(services, ":", "*") && !has(services, ":", "email"):
		return say(Bad, "DKIM レコードの h= か s= が、この署名を認めていません。", "h= or s= of the DKIM record does not allow this signature.")
	case has(rec["t"], ":", "y"):
		return say(Warn, "DKIM レコードが試験中(t=y)です。受信側は署名を無視することがあります。", "The DKIM record is in test mode (t=y): receivers may ignore the signature.")
	}
	return say(OK, "DKIM の公開鍵は署名の鍵と合っています。", "The DKIM key in DNS is ours.")
}

func has(list, sep, want string) bool {
	for _, s := range strings.Split(list, sep) {
		if strings.TrimSpace(s) == want {
			return true
		}
	}
	return false
}

// tagList reads k=v; k=v (RFC 6376 3.2), without white space inside values.
func tagList(s string) map[string]string {
	m := map[string]string{}
	for _, f := range strings.Split(s, ";") {
		if k, v, ok := strings.Cut(f, "="); ok {
			m[strings.TrimSpace(k)] = strings.Join(strings.Fields(v), "")
		}
	}
	return m
}

// checkDMARC works out what a receiver will find: SPF or DKIM has to pass with a domain that fits the From domain.
func checkDMARC(ctx context.Context, p *pass) Result {
	if p.From == "" {
		return result(Unknown, "差出人のドメインが設定されていません。", "The From domain is not set.")
	}
	rec, at, err := p.dmarcRecord(ctx)
	if err != nil {
		return result(Unknown, "DNS が答えなかったか、DMARC のレコードが読めません。", "DNS did not answer, or the DMARC record cannot be read.", fact("エラー", "Error", at, err.Error()))
	}
	policy := "none"
	strictSPF, strictDKIM := false, false
	var facts []Fact
	if rec != nil {
		policy = string(rec.Policy)
		if at != "_dmarc."+p.From && rec.SubdomainPolicy != "" {
			policy = string(rec.SubdomainPolicy)
		}
		strictSPF, strictDKIM = rec.SPFAlignment == dmarc.AlignmentStrict, rec.DKIMAlignment == dmarc.AlignmentStrict
		facts = append(facts, fact("DMARCの方針", "DMARC policy", at, "p="+policy))
	}
	spfAligned, dkimAligned := aligned(p.From, p.MailFrom, strictSPF), aligned(p.From, p.DKIM.Domain, strictDKIM)
	spfState := p.spfState(ctx)
	dkimState := p.dkimOf(ctx).state
	if p.DKIM.Public == nil {
		dkimAligned = false
	}
	facts = append(facts, fact("SPFのドメインが差出人とそろう", "SPF's domain fits From", p.MailFrom, yes(spfAligned)),
		fact("DKIMのドメインが差出人とそろう", "DKIM's domain fits From", p.DKIM.Domain, yes(dkimAligned)))
	passes := spfAligned && spfState == OK || dkimAligned && dkimState == OK
	maybe := spfAligned && spfState == Unknown || dkimAligned && dkimState == Unknown
	switch {
	case passes && rec != nil:
		return result(OK, "DMARC に通ります。", "DMARC will pass.", facts...)
	case passes:
		return result(Warn, "SPF と DKIM は足りていますが、DMARC のレコードがありません。", "SPF and DKIM will do, but there is no DMARC record.", facts...)
	case maybe:
		return result(Unknown, "SPF か DKIM が調べられないので、DMARC は分かりません。", "SPF or DKIM could not be checked, so DMARC is not known.", facts...)
	case policy == "none":
		return result(Warn, "DMARC に通りません。方針は none なので拒否はされませんが、迷惑メールになりやすくなります。", "DMARC will not pass. The policy is none, so mails are not refused, but they are easily junked.", facts...)
	}
	return result(Bad, "DMARC に通らず、方針("+policy+")により隔離か拒否をされます。", "DMARC will not pass; by its policy ("+policy+") mails are quarantined or refused.", facts...)
}

func (p *pass) spfState(ctx context.Context) State {
	if len(p.SendingIPs) == 0 {
		return Unknown
	}
	s := OK
	for _, ip := range p.SendingIPs {
		one, _ := spfSays(p.spfOf(ctx, ip), ip)
		s = worse(s, one)
	}
	return s
}

// dmarcRecord looks at the domain, then at its organisation (RFC 7489 6.6.3). nil means that there is none.
func (p *pass) dmarcRecord(ctx context.Context) (*dmarc.Record, string, error) {
	names := []string{"_dmarc." + p.From}
	if org := organisation(p.From); org != p.From {
		names = append(names, "_dmarc."+org)
	}
	for _, name := range names {
		txts, err := p.Resolver.LookupTXT(ctx, name)
		if err != nil && !missing(err) {
			return nil, name, err
		}
		var found []string
		for _, t := range txts {
			if strings.HasPrefix(strings.TrimSpace(t), "v=DMARC1") {
				found = append(found, t)
			}
		}
		if len(found) == 1 {
			rec, err := dmarc.Parse(found[0])
			return rec, name, err
		}
	}
	return nil, names[0], nil
}

func organisation(d string) string {
	if org, err := publicsuffix.EffectiveTLDPlusOne(d); err == nil {
		return org
	}
	return d
}

func aligned(from, other string, strict bool) bool {
	if other == "" {
		return false
	}
	return from == other || !strict && organisation(from) == organisation(other)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func checkPTR(ctx context.Context, p *pass) Result {
	if len(p.SendingIPs) == 0 {
		return result(Unknown, "送信元のIPアドレスが設定されていないので、調べられません。", "No sending IP is set, so this cannot be checked.")
	}
	r := result(OK, "逆引きと正引きが合っています。", "Reverse and forward names agree.")
	add := func(s State, ip netip.Addr, value, ja, en string) {
		r.Facts = append(r.Facts, fact("逆引き", "Reverse name", ip.String(), value))
		if worse(r.State, s) != r.State {
			r.State, r.Says = s, i18n.Text{Ja: ja, En: en}
		}
	}
	for _, ip := range p.SendingIPs {
		if ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
			add(Unknown, ip, "-", fmt.Sprintf("%s は院内のアドレスです。外から見える送信元のアドレスを設定してください。", ip), fmt.Sprintf("%s is an address inside. Set the one that the outside sees.", ip))
			continue
		}
		names, err := p.Resolver.LookupAddr(ctx, ip.String())
		switch {
		case err != nil && !missing(err):
			add(Unknown, ip, "?", "DNS が答えなかったので、逆引きは分かりません。", "DNS did not answer: the reverse name is not known.")
		case len(names) == 0:
			add(Bad, ip, "-", fmt.Sprintf("%s に逆引きがありません。", ip), fmt.Sprintf("%s has no reverse name.", ip))
		case !p.pointsBack(ctx, names, ip):
			add(Warn, ip, strings.Join(names, " "), fmt.Sprintf("%s の逆引きの名前が、そのアドレスに戻りません。", ip), fmt.Sprintf("The reverse name of %s does not point back to it.", ip))
		default:
			add(OK, ip, strings.Join(names, " "), "", "")
		}
	}
	return r
}

func (p *pass) pointsBack(ctx context.Context, names []string, ip netip.Addr) bool {
	for _, n := range names[:min(len(names), 5)] {
		addrs, err := p.Resolver.LookupIPAddr(ctx, n)
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if got, ok := netip.AddrFromSlice(a.IP); ok && got.Unmap() == ip.Unmap() {
				return true
			}
		}
	}
	return false
}
