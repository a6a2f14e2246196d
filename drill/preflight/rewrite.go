package preflight

import (
	"html"
	"net/url"
	"regexp"
	"strings"
)

// rewriters are the services that put their own address before a link. Names of hosts are general knowledge (要確認) but for Safe Links.
var rewriters = []struct{ suffix, name string }{
	{"safelinks.protection.outlook.com", "Microsoft Safe Links"},
	{"safelinks.protection.office365.us", "Microsoft Safe Links"},
	{"urldefense.com", "Proofpoint URL Defense"},
	{"urldefense.proofpoint.com", "Proofpoint URL Defense"},
	{"mimecast.com", "Mimecast"},
	{"mimecastprotect.com", "Mimecast"},
	{"linkprotect.cudasvc.com", "Barracuda Link Protection"},
	{"secure-web.cisco.com", "Cisco Secure Email"},
	{"clicktime.symantec.com", "Symantec Click-time Protection"},
	{"protection.sophos.com", "Sophos Time-of-Click"},
	{"trendmicro.com", "Trend Micro"},
	{"fortimail.com", "FortiMail"},
	{"google.com", "Google"},
}

func rewriterOf(host string) string {
	host = strings.ToLower(host)
	for _, r := range rewriters {
		if host == r.suffix || strings.HasSuffix(host, "."+r.suffix) {
			return r.name
		}
	}
	return ""
}

var urlInText = regexp.MustCompile(`(?i)\bhttps?://[^\s<>"'()\x{3000}-\x{303F}\x{FF00}-\x{FF0F}]+`)

// tokenIn returns the part of a link that survives every wrapping: its last long word, else host and path.
func tokenIn(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return link
	}
	last := u.Path[strings.LastIndexByte(u.Path, '/')+1:]
	last, _, _ = strings.Cut(last, ".")
	if len(last) >= 16 {
		return strings.ToLower(last)
	}
	return strings.ToLower(u.Host + u.Path)
}

// carries reports whether a delivered link still leads to what key names, behind whatever wrapping.
func carries(link, key string) bool {
	for range 3 {
		if strings.Contains(strings.ToLower(link), key) {
			return true
		}
		next, err := url.QueryUnescape(html.UnescapeString(link))
		if err != nil || next == link {
			return false
		}
		link = next
	}
	return false
}
