package ledger

import (
	"encoding/hex"
	"net/netip"
	"strings"

	"kenshin/jp"
)

const maxKey = 200 // bytes of a sort key

// sortKey makes names sort as people expect: folded, and 端末2 before 端末10.
func sortKey(s string) string {
	folded := jp.Fold(cut(s, maxLine))
	var b strings.Builder
	for i := 0; i < len(folded) && b.Len() < maxKey; {
		n := 0
		for i+n < len(folded) && folded[i+n] >= '0' && folded[i+n] <= '9' {
			n++
		}
		if n == 0 {
			b.WriteByte(folded[i])
			i++
			continue
		}
		b.WriteString(strings.Repeat("0", max(0, 10-n)))
		b.WriteString(folded[i : i+n])
		i += n
	}
	return strings.ToValidUTF8(b.String(), "")
}

// ipKey sorts IPv4 before IPv6 and each by number.
func ipKey(a netip.Addr) string {
	if a.Is4() {
		return "4" + hex.EncodeToString(a.AsSlice())
	}
	return "6" + hex.EncodeToString(a.AsSlice())
}

// search is what a search runs over: one folded line per thing.
func (d *Device) search() string {
	w, i := &d.Word, &d.Identity
	lines := []string{w.Name, w.Reading, i.Name, w.Number, w.Building + w.Floor + w.Room, w.Department, w.Owner, d.Maker(), d.Model(), d.Serial(),
		w.Vendor, w.IPText, w.MACText, d.OS() + d.OSVersion()}
	lines = append(lines, i.Hostnames...)
	for _, in := range d.Interfaces {
		mac := in.MAC.String()
		lines = append(lines, mac, strings.ReplaceAll(mac, ":", ""))
		for _, a := range append(in.IPv4[:len(in.IPv4):len(in.IPv4)], in.IPv6...) {
			lines = append(lines, a.String())
		}
	}
	seen := map[string]bool{"": true}
	var b strings.Builder
	for _, s := range lines {
		s = jp.Fold(cut(s, 120))
		if seen[s] || b.Len() > 2000 {
			continue
		}
		seen[s] = true
		b.WriteString(s)
		b.WriteByte('\n')
	}
	return b.String()
}

// terms cuts what a person typed into words that must all be there, each in the writings in which it may stand.
func terms(text string) [][]string {
	var out [][]string
	for _, word := range strings.Fields(cut(text, maxLine)) {
		folded := jp.Fold(word)
		if folded == "" || len(out) == 8 {
			continue
		}
		writings := []string{folded}
		plain := strings.NewReplacer(":", "", "-", "", ".", "").Replace(folded)
		if len(plain) >= 4 && plain != folded && strings.Trim(plain, "0123456789abcdef") == "" && !strings.Contains(folded, ".") {
			writings = append(writings, plain) // a MAC in another writing
		}
		if cisco := strings.Split(folded, "."); len(cisco) == 3 && len(plain) == 12 && strings.Trim(plain, "0123456789abcdef") == "" {
			writings = append(writings, plain)
		}
		out = append(out, writings)
	}
	return out
}

// like writes a text so that LIKE finds it anywhere, with \ as the escape character.
func like(s string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(s) + "%"
}
