package intake

import (
	"strings"
)

// proof says what shows that the From address is true. Only the facility's own server's word counts: anybody can write the others' fields, and
// the own server's stands above all that came with the mail.
func proof(h head, from string, given Given) Proof {
	if given.Trusted != "" {
		for _, v := range h.all("Authentication-Results") {
			if p, ours := results(v, from, given.Trusted); ours {
				return p
			}
		}
	}
	if given.MailFrom != "" && strings.EqualFold(strings.Trim(given.MailFrom, "<> "), from) {
		return ByEnvelope
	}
	return NoProof
}

// results reads one Authentication-Results field (RFC 8601): DMARC decides; without it SPF or DKIM of the same domain.
func results(v, from, trusted string) (p Proof, ours bool) {
	clauses := strings.Split(stripComments(v), ";")
	id := strings.Fields(clauses[0])
	if len(id) == 0 || !strings.EqualFold(id[0], trusted) {
		return NoProof, false
	}
	_, domain, _ := strings.Cut(from, "@")
	var aligned bool
	for _, c := range clauses[1:] {
		words := strings.Fields(strings.ToLower(c))
		if len(words) == 0 {
			continue
		}
		props := map[string]string{}
		for _, w := range words[1:] {
			if k, val, ok := strings.Cut(w, "="); ok {
				_, after, mailbox := strings.Cut(val, "@")
				if !mailbox {
					after = val
				}
				props[k] = strings.Trim(after, `"<>`)
			}
		}
		switch words[0] {
		case "dmarc=pass":
			if d := props["header.from"]; d == "" || d == domain {
				return ByServer, true
			}
		case "dmarc=fail":
			return Refuted, true
		case "spf=pass":
			aligned = aligned || props["smtp.mailfrom"] == domain
		case "dkim=pass":
			aligned = aligned || props["header.d"] == domain || props["header.i"] == domain
		}
	}
	if aligned {
		return ByServer, true
	}
	return NoProof, true
}

// stripComments takes out what stands in brackets.
func stripComments(s string) string {
	var b strings.Builder
	depth := 0
	for _, c := range s {
		switch {
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case depth == 0:
			b.WriteRune(c)
		}
	}
	return b.String()
}
