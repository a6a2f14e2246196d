package web

import (
	"net/url"
	"strings"
	"testing"
)

// Whatever a form asks to come back to stays on this server, also when a browser reads it: browsers drop tabs and line breaks and take a
// backslash for a slash (WHATWG URL).
func FuzzLocal(f *testing.F) {
	for _, s := range []string{"/", "/devices?q=1", "//evil", "/\t/evil", "/\\evil", "https://evil", "", "/%2f/evil", "/@evil", "\n//evil", "/\u2028/evil"} {
		f.Add(s)
	}
	home, err := url.Parse("https://kenshin.example/signin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, to string) {
		if !local(to) {
			return
		}
		read := strings.NewReplacer("\t", "", "\n", "", "\r", "", "\\", "/").Replace(to)
		u, err := home.Parse(read)
		if err == nil && (u.Host != home.Host || u.Scheme != home.Scheme) {
			t.Errorf("%q leads to %s", to, u)
		}
	})
}
