package domain

import (
	"bytes"
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"kenshin/drill/internal/dnstest"
	"kenshin/fault"
)

var t0 = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in, want string
		kind     fault.Kind // of the refusal
	}{
		{in: "Hospital.Example.JP.", want: "hospital.example.jp"},
		{in: "ｈｏｓｐｉｔａｌ．ｅｘａｍｐｌｅ．ｊｐ", want: "hospital.example.jp"},
		{in: "中央病院.jp", want: "xn--fiq11ym7wg42a.jp"},
		{in: "hosp.city.kawasaki.jp", want: "hosp.city.kawasaki.jp"},
		{in: "gmail.com", kind: fault.Denied},
		{in: "ＧＭＡＩＬ．ｃｏｍ", kind: fault.Denied},
		{in: "yahoo.co.jp", kind: fault.Denied},
		{in: "docomo.ne.jp", kind: fault.Denied},
		{in: "ezweb.ne.jp", kind: fault.Denied},
		{in: "i.softbank.jp", kind: fault.Denied},
		{in: "icloud.com", kind: fault.Denied},
		{in: "outlook.jp", kind: fault.Denied},
		{in: "nifty.com", kind: fault.Denied},
		{in: "clinic.ocn.ne.jp", kind: fault.Denied}, // below a provider's domain
		{in: "163.com", kind: fault.Denied},
		{in: "or.jp", kind: fault.Denied},
		{in: "jp", kind: fault.Invalid},
		{in: "github.io", kind: fault.Denied},
		{in: "10.0.0.1", kind: fault.Invalid},
		{in: "*.example.jp", kind: fault.Invalid},
		{in: "a@example.jp", kind: fault.Invalid},
	} {
		n, err := Parse(c.in)
		if c.want == "" {
			if !fault.Is(err, c.kind) {
				t.Errorf("%s: %v, %v; want a refusal of kind %d", c.in, n, err, c.kind)
			}
		} else if err != nil || string(n) != c.want {
			t.Errorf("%s: %v, %v; want %s", c.in, n, err, c.want)
		}
	}
	if got := Name("xn--fiq11ym7wg42a.jp").Unicode(); got != "中央病院.jp" {
		t.Errorf("for people: %q", got)
	}
}

func TestEveryRefusedDomainIsInItsOneForm(t *testing.T) {
	groups, err := Refused()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, g := range groups {
		if g.Ja == "" || g.En == "" || g.Source == "" || g.Confidence == "" {
			t.Errorf("a group without name, source or confidence: %+v", g)
		}
		for _, d := range g.Domains {
			if n, err := Parse(d); string(n) != d || !fault.Is(err, fault.Denied) || seen[d] {
				t.Errorf("%s: reads as %q (%v), twice %v", d, n, err, seen[d])
			}
			seen[d] = true
		}
	}
}

func TestProofByDNS(t *testing.T) {
	n, _ := Parse("hospital.example.jp")
	v, ask, err := Verification{}.Ask(n, rand.Reader, t0)
	if err != nil || v.State(t0) != Pending {
		t.Fatal(v.State(t0), err)
	}
	if ask.Host != "_drill-verify.hospital.example.jp" || !strings.HasPrefix(ask.Value, "kenshin-drill=") || len(ask.Value) != 14+32 {
		t.Fatalf("%+v", ask)
	}
	s := dnstest.Start(t, `_drill-verify.example.jp. 60 IN TXT "`+ask.Value+`"`) // the parent's record
	r, ctx := s.Resolver(), context.Background()
	if a := CheckTXT(ctx, r, n, v.Code); a.Finding != Missing {
		t.Errorf("the parent's record counted: %+v", a)
	}
	s.Add(t, ask.Host+`. 60 IN TXT "kenshin-drill=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"`, ask.Host+`. 60 IN TXT "v=spf1 -all"`)
	if a := CheckTXT(ctx, r, n, v.Code); a.Finding != Different || len(a.Records) != 1 {
		t.Errorf("another code: %+v", a)
	}
	s.Add(t, ask.Host+`. 60 IN TXT "`+strings.ToUpper(ask.Value[:20])+`" "`+ask.Value[20:]+`"`)
	if a := CheckTXT(ctx, r, n, v.Code); a.Finding != Different { // the key word is in the wrong case
		t.Errorf("%+v", a)
	}
	s.Add(t, ask.Host+`. 60 IN TXT "`+ask.Value[:20]+`" "`+ask.Value[20:]+`"`) // split in two strings
	if a := CheckTXT(ctx, r, n, v.Code); a.Finding != Found {
		t.Errorf("%+v", a)
	}
	if a := CheckTXT(ctx, r, n, ""); a.Finding == Found {
		t.Error("an empty code was found")
	}
	s.Fail(ask.Host+".", dns.RcodeServerFailure)
	if a := CheckTXT(ctx, r, n, v.Code); a.Finding != NoAnswer || a.Err == nil {
		t.Errorf("a DNS failure is no answer: %+v", a)
	}
	for _, q := range s.Asked() {
		if q != "TXT _drill-verify.hospital.example.jp." {
			t.Errorf("asked %s", q)
		}
	}

	v, err = v.Prove(t0.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		after time.Duration
		want  State
	}{{-time.Hour, Pending}, {59 * time.Minute, Verified}, {time.Hour, Verified}, {time.Hour + Validity - 1, Verified}, {time.Hour + Validity, Expired}} {
		if got := v.State(t0.Add(c.after)); got != c.want && !(c.after < 0 && got != Verified) {
			t.Errorf("after %v: %s, want %s", c.after, got, c.want)
		}
	}
	if v.Renew(t0.Add(70*24*time.Hour)) || !v.Renew(t0.Add(80*24*time.Hour)) {
		t.Error("renewal is asked for at the wrong time")
	}
	again, ask2, err := v.Ask(n, rand.Reader, t0.Add(80*24*time.Hour))
	if err != nil || ask2.Value != ask.Value || again.State(t0.Add(80*24*time.Hour)) != Verified || again.State(t0.Add(92*24*time.Hour)) != Pending {
		t.Errorf("a renewal loses the proof or changes the record: %+v %v", again, err)
	}
	w := v.Withdraw("移転", t0.Add(2*time.Hour))
	if w.State(t0.Add(3*time.Hour)) != Withdrawn || !w.Until().IsZero() {
		t.Error("a withdrawn domain counts")
	}
	if _, err := w.Prove(t0.Add(3 * time.Hour)); err == nil {
		t.Error("a withdrawn domain can be proven without being asked again")
	}
	fresh, ask3, err := w.Ask(n, rand.Reader, t0.Add(4*time.Hour))
	if err != nil || fresh.State(t0.Add(4*time.Hour)) != Pending || ask3.Value == ask.Value {
		t.Errorf("after a withdrawal the old proof or code lives on: %+v %v", fresh, err)
	}
	if late := (Verification{Domain: n, Method: DNS, Asked: t0}); late.State(t0.Add(31*24*time.Hour)) != Unverified {
		t.Error("a challenge stays open for ever")
	}
}

func TestProofByRoundTrip(t *testing.T) {
	n, _ := Parse("hospital.example.jp")
	for _, bad := range []string{"sec@other.example.jp", "sec@sub.hospital.example.jp", "postmaster@hospital.example.jp", "PostMaster+x@hospital.example.jp",
		"noreply@hospital.example.jp", "x"} {
		if _, _, err := (Verification{}).AskByMail(n, bad, rand.Reader, t0); err == nil {
			t.Errorf("the contact %s was taken", bad)
		}
	}
	v, ask, err := Verification{}.AskByMail(n, "Anzen＠Hospital.example.jp", rand.Reader, t0)
	if err != nil || len(ask.Mails) != 2 || ask.Mails[0].To != "postmaster@hospital.example.jp" || ask.Mails[1].To != "Anzen@hospital.example.jp" ||
		ask.Mails[0].Code == ask.Mails[1].Code {
		t.Fatalf("%+v %v", ask, err)
	}
	for _, m := range ask.Mails {
		if v.Postmaster.CodeHash == m.Code || v.Contact.CodeHash == m.Code || v.Code != "" {
			t.Error("a code is stored in clear")
		}
	}
	if _, err := v.Confirm("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", t0); !fault.Is(err, fault.Invalid) {
		t.Errorf("a wrong code: %v", err)
	}
	if _, err := v.Confirm("", t0); err == nil {
		t.Error("an empty code was taken")
	}
	one, err := v.Confirm(ask.Mails[0].Code, t0.Add(time.Hour))
	if err != nil || one.State(t0.Add(time.Hour)) != Pending {
		t.Fatalf("one mailbox is not enough: %s %v", one.State(t0), err)
	}
	if twice, err := one.Confirm(ask.Mails[0].Code, t0.Add(2*time.Hour)); err != nil || twice.State(t0.Add(2*time.Hour)) != Pending {
		t.Error("the same mailbox twice counts as two")
	}
	if _, err := one.Confirm(ask.Mails[1].Code, t0.Add(8*24*time.Hour)); !fault.Is(err, fault.Conflict) {
		t.Errorf("a code after its week: %v", err)
	}
	both, err := one.Confirm(" "+strings.ToUpper(ask.Mails[1].Code)+"\n", t0.Add(24*time.Hour))
	if err != nil || both.State(t0.Add(25*time.Hour)) != Verified || !both.Until().Equal(t0.Add(24*time.Hour+Validity)) {
		t.Fatalf("%+v %v", both, err)
	}
	if again, err := both.Confirm(ask.Mails[1].Code, t0.Add(6*24*time.Hour)); err != nil || !again.Until().Equal(both.Until()) {
		t.Error("an old code prolongs the proof")
	}
	if _, err := v.Prove(t0); err == nil {
		t.Error("a round trip was proven without an answer")
	}
	if _, _, err := (Verification{}).AskByMail(n, "sec@hospital.example.jp", bytes.NewReader(nil), t0); err == nil {
		t.Error("a code without randomness")
	}
}

func TestCoversTheVeryDomainOnly(t *testing.T) {
	proofs := []Verification{{Domain: "hospital.example.jp", Method: DNS, Proven: t0}, {Domain: "old.example.jp", Method: DNS, Proven: t0.Add(-100 * 24 * time.Hour)},
		{Domain: "gmail.com", Method: DNS, Proven: t0}}
	for addr, want := range map[string]bool{"a@hospital.example.jp": true, "a@HOSPITAL.example.jp.": true, "a@ward.hospital.example.jp": false,
		"a@example.jp": false, "a@xhospital.example.jp": false, "a@hospital.example.jp.evil.example": false, "a@old.example.jp": false, "a@gmail.com": false, "a": false} {
		err := Covers(proofs, addr, t0.Add(time.Hour))
		if (err == nil) != want {
			t.Errorf("%s: %v", addr, err)
		}
	}
	if err := Covers(proofs, "a@old.example.jp", t0); !strings.Contains(fault.Sentence(err, "ja"), "期限") {
		t.Errorf("an expired domain is not told as such: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("病院.jp")
	f.Add("gmail.com.")
	f.Add("ＧＭＡＩＬ。com")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := Parse(s)
		if err != nil {
			return
		}
		if again, err := Parse(string(n)); err != nil || again != n {
			t.Fatalf("%q: %q then %q %v", s, n, again, err)
		}
		if u, err := Parse(n.Unicode()); err != nil || u != n {
			t.Fatalf("%q: the form for people %q reads as %q, %v", s, n.Unicode(), u, err)
		}
	})
}
