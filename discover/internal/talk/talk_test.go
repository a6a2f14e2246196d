package talk

import "testing"

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"院内":                       "院内",
		"\x95\xa1\x8d\x87\x8b@":    "複合機",
		"\xca\xa3\xb9\xe7\xb5\xa1": "複合機",
		"caf\xe9 au lait":          "caf  au lait",
		"":                         "",
	} {
		if got := Text([]byte(in)); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestRealm(t *testing.T) {
	for in, want := range map[string]string{
		`Basic realm="RT-AC68U"`:               "RT-AC68U",
		`Digest qop="auth", REALM="a \"b\" c"`: `a "b" c`,
		`Basic realm=router, charset="UTF-8"`:  "router",
		`Basic realm="cut`:                     "cut",
		`Basic realm=`:                         "",
		`Negotiate`:                            "",
	} {
		if got := Realm(in); got != want {
			t.Errorf("%s gave %q", in, got)
		}
	}
}

func FuzzRealm(f *testing.F) {
	f.Add(`Basic realm="x\`)
	f.Fuzz(func(t *testing.T, s string) { Realm(s) })
}
