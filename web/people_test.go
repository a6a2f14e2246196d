package web

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"kenshin/account"
	"kenshin/actor"
)

func TestPeople(t *testing.T) {
	s := openSite(t, nil)
	admin, _, _ := s.setUp()
	admin.post("/people/invite", "email", "no address", "role", "department").is(422, "メールアドレスの形", "no address")
	admin.post("/people/invite", "email", "d@minato.example", "role", "desk").is(422, "1年以内の期限")
	admin.post("/people/invite", "email", "d@minato.example", "role", "king").is(422, "役割を選んでください")

	b, _ := s.join(admin, "suzuki@minato.example", actor.Department)
	b.get("/").is(200, "鈴木 一郎")
	for _, path := range []string{"/people", "/trail", "/settings", "/trail/export?format=csv"} {
		b.get(path).is(403)
	}
	b.post("/people/invite", "email", "x@minato.example", "role", "admin").is(403)
	if linkIn.MatchString(admin.get("/people").is(200, "suzuki@minato.example").body) {
		t.Error("the invitation's link is shown twice")
	}

	members, err := s.Account.Members(context.Background(), s.facility())
	s.must(err)
	var me, other string
	for _, m := range members {
		if m.Role == actor.Admin {
			me = string(m.Person.ID)
		} else {
			other = string(m.Person.ID)
		}
	}
	admin.post("/people/"+me+"/role", "role", "trainer").is(409, "情報担当が1人は必要")
	admin.post("/people/"+other+"/role", "role", "auditor").leads("/people")
	b.get("/trail").is(200) // the new role counts at once
	admin.post("/people/" + other + "/signout").leads("/people")
	b.get("/").leads("/signin?next=%2F")
	admin.post("/people/" + other + "/remove").leads("/people")
	admin.get("/people").is(200, "!suzuki@minato.example")
	admin.post("/people/" + other + "/signout").is(404)
}

// Somebody who has an account takes an invitation of a second facility by signing in, and can switch.
func TestSecondFacility(t *testing.T) {
	s := openSite(t, nil)
	admin, secret, _ := s.setUp()
	command := actor.With(context.Background(), actor.Actor{Kind: actor.Command, ID: "root", Name: "root"})
	yama, err := s.Account.AddFacility(command, account.Facility{Name: "やま病院"})
	s.must(err)
	_, err = s.Account.AddPerson(command, yama.ID, account.NewPerson{Email: "y@yama.example", Name: "山田", Password: password}, actor.Admin, time.Time{})
	s.must(err)
	link, _, err := s.Account.Invite(command, yama.ID, "sato@minato.example", actor.Director, time.Time{})
	s.must(err)

	s.browser().get("/invite/"+link).is(200, "やま病院", "もう登録されています", "!new-password")
	b := s.browser()
	b.post("/invite/" + link).leads("/signin?next=%2Finvite%2F" + link)
	b.post("/signin", "email", "sato@minato.example", "password", password, "next", "/invite/"+link).leads("/signin/second")
	b.post("/signin/second", "code", s.code(secret)).leads("/invite/" + link)
	b.get("/invite/"+link).is(200, "参加する")
	b.post("/invite/" + link).leads("/")
	b.get("/").is(200, "やま病院", "みなと病院")
	b.get("/people").is(403) // a director there
	b.post("/facility", "facility", string(s.facility())).is(303)
	b.post("/facility", "facility", "no-such-facility").is(404)
	s.browser().get("/invite/"+link).is(404, "この招待は使えません")

	// Removed from the facility on the screen, the person falls back to the one that is left.
	admin.post("/facility", "facility", string(yama.ID)).leads("/")
	members, err := s.Account.Memberships(command, s.person("sato@minato.example"))
	s.must(err)
	if len(members) != 2 {
		t.Fatalf("%d memberships", len(members))
	}
	s.must(s.Account.RemoveMember(command, yama.ID, s.person("sato@minato.example")))
	admin.get("/").is(200, "みなと病院", "!やま病院")
}

func (s *site) person(mail string) actor.PersonID {
	s.t.Helper()
	p, err := s.Account.PersonByEmail(context.Background(), mail)
	s.must(err)
	return p.ID
}

var tokenIn = regexp.MustCompile(`id="new-token">(ken_[A-Za-z0-9_-]+)<`)

func TestTokens(t *testing.T) {
	s := openSite(t, nil)
	b, _, _ := s.setUp()
	until := s.Now().AddDate(0, 1, 0).Format("2006-01-02")
	b.post("/people/tokens", "token-name", "連携", "token-role", "auditor", "token-until", "2001-01-01").is(422, "今日より後")
	b.post("/people/tokens", "token-name", "連携", "token-role", "auditor", "token-until", "").is(422, "期限を選んで")
	b.post("/people/tokens", "token-name", "連携", "token-role", "auditor", "token-until", until).leads("/people")
	m := tokenIn.FindStringSubmatch(b.get("/people").is(200).body)
	if m == nil {
		t.Fatal("the token is not shown")
	}
	if tokenIn.MatchString(b.get("/people").body) {
		t.Error("the token is shown twice")
	}
	x, err := s.Account.Token(t.Context(), m[1])
	if err != nil || x.Role != actor.Auditor {
		t.Fatalf("the token does not work: %v", err)
	}
	b.post("/people/tokens/" + x.ID + "/revoke").leads("/people")
	if _, err := s.Account.Token(t.Context(), m[1]); err == nil {
		t.Error("the token still works")
	}
}

// What is shown once is sealed for one person: another's browser makes nothing of the cookie.
func TestOnceIsPersonal(t *testing.T) {
	s := openSite(t, nil)
	admin, _, _ := s.setUp()
	b, _ := s.join(admin, "a2@minato.example", actor.Admin)
	g := admin.post("/people/tokens", "token-name", "x", "token-role", "admin", "token-until", s.Now().AddDate(0, 1, 0).Format("2006-01-02"))
	var once string
	for _, line := range g.header.Values("Set-Cookie") {
		if v, ok := strings.CutPrefix(line, onceCookie+"="); ok {
			once, _, _ = strings.Cut(v, ";")
		}
	}
	if once == "" || strings.Contains(once, "ken_") {
		t.Fatalf("cookie %q", once)
	}
	r := b.request("/people")
	r.Header.Set("Cookie", onceCookie+"="+once+"; "+s.cookieName()+"="+b.token())
	b.Jar = nil
	b.send(r).is(200, "!ken_")
}

func TestMe(t *testing.T) {
	s := openSite(t, nil)
	b, secret, codes := s.setUp()
	other := s.browser()
	other.post("/signin", "email", "sato@minato.example", "password", password)
	other.post("/signin/second", "code", s.code(secret)).leads("/")
	b.get("/me").is(200, "(127.0.0.1)", "みなと病院", "使っていない復旧コード: 10", "ここ以外をすべてサインアウト")

	b.post("/me/password", "old", "wrong words here", "password", "tokei-mado-yuki-hana", "again", "tokei-mado-yuki-hana").is(403, "今のパスワードが違います")
	b.post("/me/password", "old", password, "password", "tokei-mado-yuki-hana", "again", "other").is(422, "2回の入力が違います")
	b.post("/me/password", "old", password, "password", "tokei-mado-yuki-hana", "again", "tokei-mado-yuki-hana").leads("/me")
	other.get("/").leads("/signin?next=%2F")
	b.get("/me").is(200, "パスワードを変えました")

	b.post("/me/profile", "name", "", "reading", "さとう").is(422, "名前を入れて")
	b.post("/me/profile", "name", "佐藤 めぐみ", "reading", "さとう めぐみ").leads("/me")
	b.post("/language", "lang", "en", "back", "/me").leads("/me")
	b.get("/me").is(200, "My account", "佐藤 めぐみ")

	fresh := b.get("/me/totp").is(200).secret()
	b.post("/me/totp", "code", "000000").is(422, "does not fit")
	b.post("/me/totp", "code", s.code(fresh)).leads("/me")
	b.post("/me/totp/remove").is(409) // the last factor stays
	b.post("/me/codes").leads("/me")
	if n := len(recoveryIn.FindAllString(b.get("/me").body, -1)); n != 10 {
		t.Errorf("%d new codes", n)
	}
	late := s.browser()
	late.post("/signin", "email", "sato@minato.example", "password", "tokei-mado-yuki-hana").leads("/signin/second")
	late.post("/signin/recovery", "code", codes[1]).is(403) // the old codes are over
	late.post("/signin/second", "code", s.code(secret)).is(403)
	s.add(time.Minute)
	late.post("/signin/second", "code", s.code(fresh)).leads("/")
	b.post("/me/sessions/end").leads("/me")
	late.get("/").leads("/signin?next=%2F")
}

// Who types the 31st as the last day reads the 31st, not the 1st.
func TestLastDay(t *testing.T) {
	midnight := time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC)
	if got := lastDay(midnight).Day(); got != 31 {
		t.Errorf("day %d", got)
	}
	if !lastDay(time.Time{}).IsZero() {
		t.Error("no end became one")
	}
}
