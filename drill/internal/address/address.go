// Package address reads mail addresses and domains as people type them and brings each to the one form in which it is compared, stored and mailed.
package address

import (
	"net/netip"
	"strings"
	"unicode"

	"golang.org/x/net/idna"

	"kenshin/fault"
	"kenshin/jp"
)

const (
	maxAddress = 254 // octets: RFC 5321 4.5.3.1.3 without the angle brackets
	maxLocal   = 64  // octets: RFC 5321 4.5.3.1.1
	maxTyped   = 1000
)

// Address is one mailbox. Local keeps its case, Domain is an A-label in lower case without a trailing dot.
type Address struct{ Local, Domain string }

// String is the form that a mail is sent to.
func (a Address) String() string { return a.Local + "@" + a.Domain }

// Key is the form by which two spellings of one mailbox are found: nobody has two mailboxes that differ in case only.
func (a Address) Key() string { return strings.ToLower(a.String()) }

// Tidy takes off what people cannot see or do not mean: full-width forms, spaces around, zero-width characters from web pages.
func Tidy(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, jp.Narrow(s))
	return strings.TrimSpace(s)
}

// Parse reads one address: taro@example.jp, 山田 <taro@example.jp>, mailto:taro@example.jp, also in full-width letters. It takes a plain
// local part only (RFC 5322 dot-atom): no quotes, no comments, no second address, nothing that could end a header line.
func Parse(s string) (Address, error) {
	if len(s) > maxTyped {
		return Address{}, fault.New(fault.Invalid, "メールアドレスが長すぎます。", "The mail address is too long.")
	}
	t := Tidy(s)
	if open := strings.IndexByte(t, '<'); open >= 0 && strings.HasSuffix(t, ">") && strings.Count(t, "<") == 1 {
		t = strings.TrimSpace(t[open+1 : len(t)-1])
	}
	if len(t) > 7 && strings.EqualFold(t[:7], "mailto:") {
		t = t[7:]
	}
	if t == "" {
		return Address{}, fault.New(fault.Invalid, "メールアドレスがありません。", "The mail address is missing.")
	}
	switch strings.Count(t, "@") {
	case 0:
		return Address{}, fault.New(fault.Invalid, "メールアドレスに @ がありません。", "The mail address has no @.")
	case 1:
	default:
		return Address{}, fault.New(fault.Invalid, "1つの欄に @ が2つ以上あります。1行に1つのアドレスを書いてください。", "There is more than one @. Write one address per row.")
	}
	local, host, _ := strings.Cut(t, "@")
	if err := checkLocal(local); err != nil {
		return Address{}, err
	}
	d, err := Domain(host)
	if err != nil {
		return Address{}, err
	}
	a := Address{local, d}
	if len(a.String()) > maxAddress {
		return Address{}, fault.New(fault.Invalid, "メールアドレスが長すぎます。", "The mail address is too long.")
	}
	return a, nil
}

func checkLocal(s string) error {
	switch {
	case s == "":
		return fault.New(fault.Invalid, "@ の前に何もありません。", "There is nothing before the @.")
	case len(s) > maxLocal:
		return fault.New(fault.Invalid, "@ の前が長すぎます(64文字まで)。", "The part before the @ is too long (up to 64 characters).")
	case strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") || strings.Contains(s, ".."):
		return fault.New(fault.Invalid, "@ の前の「.」の位置が正しくありません。", "A dot before the @ is in the wrong place.")
	}
	for _, r := range s {
		if r > unicode.MaxASCII {
			return fault.Newf(fault.Invalid, "@ の前に使えない文字「%c」があります。", "The part before the @ has a character that cannot be used: %c.", r)
		}
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", r)) {
			return fault.Newf(fault.Invalid, "@ の前に使えない文字 %q があります。", "The part before the @ has a character that cannot be used: %q.", r)
		}
	}
	return nil
}

// Domain brings a domain to its A-label in lower case without a trailing dot (UTS 46, RFC 5890). It refuses addresses in numbers, names
// without a dot and whatever DNS could not hold.
func Domain(s string) (string, error) {
	bad := func() error {
		return fault.Newf(fault.Invalid, "「%s」はドメイン名として読めません。", "%q is not a domain name.", cut(s, 80))
	}
	if len(s) > maxTyped {
		return "", bad()
	}
	t := strings.TrimSuffix(strings.ReplaceAll(Tidy(s), "。", "."), ".")
	if _, err := netip.ParseAddr(strings.Trim(t, "[]")); err == nil || strings.HasPrefix(t, "[") {
		return "", fault.Newf(fault.Invalid, "「%s」は数字のアドレスです。ドメイン名を書いてください。", "%q is an address in numbers. Write the domain name.", cut(s, 80))
	}
	profile := idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true), idna.Transitional(false))
	a, err := profile.ToASCII(t)
	if err != nil || a == "" || strings.HasSuffix(a, ".") {
		return "", bad()
	}
	labels := strings.Split(a, ".")
	if len(labels) < 2 || strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return "", bad()
	}
	return a, nil
}

func cut(s string, n int) string {
	r := []rune(strings.ToValidUTF8(s, "?"))
	if len(r) > n {
		return string(r[:n]) + "…"
	}
	return string(r)
}
