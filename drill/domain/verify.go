package domain

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"kenshin/drill/internal/address"
	"kenshin/fault"
)

const (
	Validity  = 90 * 24 * time.Hour // how long a proof counts
	RenewFrom = 14 * 24 * time.Hour // before its end, when to ask for the next one
	AnswerBy  = 7 * 24 * time.Hour  // how long the codes of a round trip count
	AskedFor  = 30 * 24 * time.Hour // how long a DNS challenge stays open

	record    = "_drill-verify."
	prefix    = "kenshin-drill="
	codeBytes = 20
	slack     = 5 * time.Minute // how far our clock may step back before a proof "from the future" stops counting
)

var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Method is how ownership is proven.
type Method string

const (
	DNS       Method = "dns"        // a TXT record
	RoundTrip Method = "round-trip" // codes mailed to postmaster and to the security contact, both typed in
)

// State is what a domain's proof is worth at a moment.
type State string

const (
	Unverified State = "unverified" // nobody was asked, or the answer did not come in time
	Pending    State = "pending"
	Verified   State = "verified"
	Expired    State = "expired"
	Withdrawn  State = "withdrawn"
)

// Leg is one mailbox of a round trip. The code itself is in the mail only.
type Leg struct {
	To        string    `json:"to"`
	CodeHash  string    `json:"code_hash"` // hex SHA-256
	Confirmed time.Time `json:"confirmed,omitzero"`
}

// Verification is the proof of one domain of one facility, as stored. Its methods return the changed value; nothing is changed in place.
type Verification struct {
	Domain     Name      `json:"domain"`
	Method     Method    `json:"method"`
	Code       string    `json:"code,omitempty"` // of the DNS method: public by nature
	Postmaster Leg       `json:"postmaster,omitzero"`
	Contact    Leg       `json:"contact,omitzero"`
	Asked      time.Time `json:"asked,omitzero"`
	Proven     time.Time `json:"proven,omitzero"` // the last time it was proven; kept while a renewal is open
	Ended      time.Time `json:"ended,omitzero"`  // withdrawn by a person
	Why        string    `json:"why,omitempty"`   // of the withdrawal
}

// Challenge is what the owner is asked to do.
type Challenge struct {
	Host  string // of a DNS record, without a trailing dot
	Value string // of a DNS record
	Mails []Mail // of a round trip: to be sent, then forgotten
}

// Mail is one mail of a round trip.
type Mail struct{ To, Code string }

// Ask opens the proof by a DNS record, or its renewal: the time of the last proof goes on counting. The code of an open or earlier DNS
// challenge is kept, so that a record that stands in DNS need not be typed again. random gives the code.
func (v Verification) Ask(n Name, random io.Reader, now time.Time) (Verification, Challenge, error) {
	if err := v.mayAsk(n); err != nil {
		return v, Challenge{}, err
	}
	if v.Code == "" || !v.Ended.IsZero() {
		code, err := newCode(random)
		if err != nil {
			return v, Challenge{}, err
		}
		v.Code = code
	}
	v = v.open(n, DNS, now)
	return v, Challenge{Host: record + string(n), Value: prefix + v.Code}, nil
}

// Record is the DNS record that proves the domain, both "" where no DNS challenge was opened.
func (v Verification) Record() (host, value string) {
	if v.Method != DNS || v.Code == "" {
		return "", ""
	}
	return record + string(v.Domain), prefix + v.Code
}

// AskByMail opens the proof by a round trip to postmaster@ and to the named security contact, who must be another mailbox of the very domain.
func (v Verification) AskByMail(n Name, contact string, random io.Reader, now time.Time) (Verification, Challenge, error) {
	if err := v.mayAsk(n); err != nil {
		return v, Challenge{}, err
	}
	to, err := contactOf(n, contact)
	if err != nil {
		return v, Challenge{}, err
	}
	var mails []Mail
	for _, addr := range []string{"postmaster@" + string(n), to} {
		code, err := newCode(random)
		if err != nil {
			return v, Challenge{}, err
		}
		mails = append(mails, Mail{addr, code})
	}
	v = v.open(n, RoundTrip, now)
	v.Postmaster = Leg{To: mails[0].To, CodeHash: hash(mails[0].Code)}
	v.Contact = Leg{To: mails[1].To, CodeHash: hash(mails[1].Code)}
	return v, Challenge{Mails: mails}, nil
}

func (v Verification) mayAsk(n Name) error {
	again, err := Parse(string(n))
	if err != nil {
		return err
	}
	if again != n || v.Domain != "" && v.Domain != n {
		return fault.Newf(fault.Invalid, "「%s」は別のドメインです。", "%s is another domain.", n.Unicode())
	}
	return nil
}

func (v Verification) open(n Name, m Method, now time.Time) Verification {
	if !v.Ended.IsZero() { // what was withdrawn starts from nothing
		v.Proven = time.Time{}
	}
	v.Domain, v.Method, v.Asked, v.Ended, v.Why = n, m, now, time.Time{}, ""
	v.Postmaster, v.Contact = Leg{}, Leg{}
	return v
}

// contactOf refuses mailboxes that nobody reads or that are postmaster once more: two people have to agree.
func contactOf(n Name, contact string) (string, error) {
	a, err := address.Parse(contact)
	if err != nil {
		return "", err
	}
	if a.Domain != string(n) {
		return "", fault.Newf(fault.Invalid, "セキュリティ担当のアドレスは @%[1]s のものを書いてください。",
			"The security contact's address must end in @%[1]s.", n.Unicode())
	}
	local, _, _ := strings.Cut(strings.ToLower(a.Local), "+")
	if slices.Contains([]string{"postmaster", "mailer-daemon", "noreply", "no-reply", "nobody", "root", "hostmaster", "webmaster", "abuse"}, local) {
		return "", fault.New(fault.Invalid, "セキュリティ担当には、postmaster とは別の、人が読むアドレスを書いてください。",
			"Name a security contact with a mailbox of their own that a person reads, not postmaster or the like.")
	}
	return a.String(), nil
}

// Prove records that the DNS record was found now (see CheckTXT).
func (v Verification) Prove(now time.Time) (Verification, error) {
	if v.Method != DNS || v.Code == "" {
		return v, fault.New(fault.Conflict, "DNSによる確認は始まっていません。", "No proof by DNS was asked for.")
	}
	if !v.Ended.IsZero() {
		return v, fault.New(fault.Conflict, "このドメインは取り下げられています。はじめからやり直してください。", "This domain was withdrawn. Start again.")
	}
	v.Proven = now
	return v, nil
}

// Confirm takes one code of a round trip; the domain is proven when both mailboxes have confirmed. A wrong code changes nothing.
func (v Verification) Confirm(code string, now time.Time) (Verification, error) {
	code = strings.ToLower(address.Tidy(code))
	h := hash(code)
	var leg *Leg
	for _, l := range []*Leg{&v.Postmaster, &v.Contact} {
		if l.CodeHash != "" && subtle.ConstantTimeCompare([]byte(l.CodeHash), []byte(h)) == 1 {
			leg = l
		}
	}
	switch {
	case v.Method != RoundTrip || !v.Ended.IsZero():
		return v, fault.New(fault.Conflict, "メールによる確認は始まっていません。", "No proof by mail was asked for.")
	case leg == nil:
		return v, fault.New(fault.Invalid, "コードが違います。メールのコードをそのまま貼り付けてください。", "The code is wrong. Paste the code of the mail as it is.")
	case now.Sub(v.Asked) > AnswerBy || now.Before(v.Asked.Add(-slack)):
		return v, fault.New(fault.Conflict, "コードの期限(7日)が過ぎています。もう一度メールを送ってください。", "The code is older than 7 days. Send the mails again.")
	case leg.Confirmed.IsZero():
		leg.Confirmed = now
	}
	if !v.Postmaster.Confirmed.IsZero() && !v.Contact.Confirmed.IsZero() && v.Proven.Before(v.Asked) {
		v.Proven = now
	}
	return v, nil
}

// Withdraw ends the proof at once. The reason is for the record.
func (v Verification) Withdraw(why string, now time.Time) Verification {
	v.Ended, v.Why = now, why
	return v
}

// Until is when the last proof stops counting, zero when there is none.
func (v Verification) Until() time.Time {
	if v.Proven.IsZero() || !v.Ended.IsZero() {
		return time.Time{}
	}
	return v.Proven.Add(Validity)
}

// Renew reports that the proof should be asked for again soon.
func (v Verification) Renew(now time.Time) bool {
	u := v.Until()
	return !u.IsZero() && !now.Before(u.Add(-RenewFrom))
}

// State says what the proof is worth at now. A proof from the future (a clock that stepped back) does not count.
func (v Verification) State(now time.Time) State {
	switch {
	case !v.Ended.IsZero():
		return Withdrawn
	case !v.Proven.IsZero() && !now.Before(v.Proven.Add(-slack)) && now.Before(v.Until()):
		return Verified
	case v.waiting(now):
		return Pending
	case !v.Proven.IsZero() && !now.Before(v.Until()):
		return Expired
	}
	return Unverified
}

func (v Verification) waiting(now time.Time) bool {
	if v.Asked.IsZero() || !v.Proven.Before(v.Asked) {
		return false
	}
	return now.Sub(v.Asked) <= map[Method]time.Duration{DNS: AskedFor, RoundTrip: AnswerBy}[v.Method]
}

// Covers reports whether a drill may write to addr at now: the very domain is verified. Errors are sentences with the domain in them.
func Covers(proofs []Verification, addr string, now time.Time) error {
	n, err := Of(addr)
	if err != nil {
		return err
	}
	state := Unverified
	for _, v := range proofs {
		if v.Domain != n {
			continue
		}
		if state = v.State(now); state == Verified {
			return nil
		}
	}
	if state == Expired {
		return fault.Newf(fault.Denied, "「%[1]s」の確認の期限(90日)が切れています。ドメインの確認をやり直してください。",
			"The proof for %[1]s is older than 90 days. Prove the domain again.", n.Unicode())
	}
	return fault.Newf(fault.Denied, "「%[1]s」は自院のドメインと確認されていません。", "%[1]s has not been proven to be the hospital's domain.", n.Unicode())
}

// Resolver looks up TXT records; *net.Resolver is one.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// Finding is what DNS said about a challenge.
type Finding string

const (
	Found     Finding = "found"
	Missing   Finding = "missing"   // no such record
	Different Finding = "different" // a record of ours with another code
	NoAnswer  Finding = "no-answer" // DNS did not answer: nothing is known
)

// Answer is the result of CheckTXT with what was seen.
type Answer struct {
	Finding Finding
	Host    string
	Records []string // as far as they are ours, at most 10
	Err     error    // of NoAnswer
}

// CheckTXT looks for the record of a challenge at exactly _drill-verify.<domain>; records of parent domains never count.
func CheckTXT(ctx context.Context, r Resolver, n Name, code string) Answer {
	a := Answer{Finding: Missing, Host: record + string(n)}
	if len(code) != letters.EncodedLen(codeBytes) {
		return a
	}
	records, err := r.LookupTXT(ctx, a.Host+".") // the dot keeps this machine's search list out of it
	if err != nil {
		if dns := (*net.DNSError)(nil); !errors.As(err, &dns) || !dns.IsNotFound {
			a.Finding, a.Err = NoAnswer, fmt.Errorf("look up TXT %s: %w", a.Host, err)
		}
		return a
	}
	for _, t := range records {
		value, ours := strings.CutPrefix(strings.Trim(strings.TrimSpace(t), `"`), prefix)
		if !ours {
			continue
		}
		if len(a.Records) < 10 {
			a.Records = append(a.Records, t[:min(len(t), 255)])
		}
		if strings.EqualFold(strings.TrimSpace(value), code) {
			a.Finding = Found
		} else if a.Finding == Missing {
			a.Finding = Different
		}
	}
	return a
}

func newCode(random io.Reader) (string, error) {
	b := make([]byte, codeBytes)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", fmt.Errorf("make a code: %w", err)
	}
	return letters.EncodeToString(b), nil
}

func hash(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}
