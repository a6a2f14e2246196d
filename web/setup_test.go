package web

import (
	"context"
	"strings"
	"testing"
)

func TestSetup(t *testing.T) {
	s := openSite(t, nil)
	b := s.browser()
	b.get("/").leads("/signin?next=%2F")
	b.get("/signin").leads("/setup")
	b.get("/setup").is(200, "合言葉")

	b.post("/setup", "step", "code", "code", "AAAA-BBBB").is(403, "はじめの設定の合言葉が違います", "!step=facility")
	b.post("/setup", "step", "admin", "name", "x", "email", "x@minato.example", "password", password, "again", password).is(403)
	if needed, err := s.Account.NeedsSetup(context.Background()); err != nil || !needed {
		t.Fatal("set up without the code")
	}
	code, err := s.Account.SetupCode(context.Background())
	s.must(err)
	b.post("/setup", "step", "code", "code", strings.ToLower(code)).leads("/setup")
	b.get("/setup").is(200, "病床数")
	b.post("/setup", "step", "facility", "facility", "", "beds", "199").is(422, "施設の名前を")
	b.post("/setup", "step", "facility", "facility", "みなと病院", "beds", "たくさん").is(422, "病床数は", "みなと病院")
	b.post("/setup", "step", "facility", "facility", "みなと病院", "beds", "１９９").leads("/setup")
	b.post("/setup", "step", "admin", "name", "佐藤", "email", "sato@minato.example", "password", password, "again", "other").is(422, "2回の入力が違います", "sato@minato.example")
	b.post("/setup", "step", "admin", "name", "佐藤", "email", "sato@minato.example", "password", "short", "again", "short").is(422, "文字以上", "!short")
	b.post("/setup", "step", "admin", "name", "佐藤", "email", "no address", "password", password, "again", password).is(422, "メールアドレスの形")
	b.post("/setup", "step", "admin", "name", "佐藤", "email", "sato@minato.example", "password", password, "again", password).leads("/setup")

	// Nothing opens before a second factor is set up.
	for _, path := range []string{"/", "/devices", "/me", "/people", "/settings", "/help"} {
		if g := b.get(path); g.code != 303 || !strings.HasPrefix(g.header.Get("Location"), "/signin") {
			t.Errorf("%s is open before the second factor: %d", path, g.code)
		}
	}
	secret := b.get("/setup").is(200, "data:image/svg+xml,").secret()
	b.post("/setup", "step", "second", "totp", "000000").is(422, "コードが合いません")
	if again := b.get("/setup").secret(); again != secret {
		t.Error("a mistyped code threw away what the phone had read")
	}
	pending := b.token()
	b.post("/setup", "step", "second", "totp", s.code(secret)).leads("/setup/done")
	if b.token() == pending {
		t.Error("the cookie is still the one from before the second factor")
	}
	if n := len(recoveryIn.FindAllString(b.get("/setup/done").is(200).body, -1)); n != 10 {
		t.Errorf("%d recovery codes", n)
	}
	if recoveryIn.MatchString(b.get("/setup/done").body) {
		t.Error("the recovery codes are shown twice")
	}
	b.get("/").is(200, "みなと病院", "佐藤")

	// A second setup is not possible, with the same code or another browser.
	other := s.browser()
	other.get("/setup?code=" + code).leads("/signin")
	other.post("/setup", "step", "code", "code", code).is(409)
}

func TestSetupCodesCannotBeGuessed(t *testing.T) {
	s := openSite(t, nil)
	b := s.browser()
	for range 6 {
		b.post("/setup", "step", "code", "code", "AAAA-BBBB-CCCC-DDDD").is(403)
	}
	b.post("/setup", "step", "code", "code", "AAAA-BBBB-CCCC-DDDD").is(429, "待ってから")
}
