package web

import (
	"context"
	"net/http/httptest"
	"testing"

	"kenshin/account"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/seal"
	"kenshin/seal/authority"
	"kenshin/setting"
	"kenshin/store"
)

func settingsFields(change ...string) []string {
	fields := map[string]string{"facility": "みなと中央病院", "reading": "みなと", "beds": "２０５", "address": "東京都", "zone": "Asia/Tokyo", "session_minutes": "20",
		"password_length": "14", "retention_days": "365", "raw_days": "7", "event_days": "1000", "pace": "normal", "language": "ja"}
	for i := 0; i+1 < len(change); i += 2 {
		fields[change[i]] = change[i+1]
	}
	var out []string
	for k, v := range fields {
		out = append(out, k, v)
	}
	return out
}

func TestSettings(t *testing.T) {
	s := openSite(t, nil)
	b, _, _ := s.setUp()
	b.get("/settings").is(200, "みなと病院", "199", s.Site.URL, "SQLite", "この機械の中だけ")
	for field, value := range map[string]string{"session_minutes": "3", "password_length": "8", "retention_days": "always", "beds": "-1", "zone": "Mars/Base", "facility": " ", "pace": "warp"} {
		b.post("/settings", settingsFields(field, value)...).is(422, "まだ保存していません")
	}
	b.get("/settings").is(200, `value="30"`, `value="13"`, "!みなと中央病院") // none of it was stored
	b.post("/settings", settingsFields("closed", "true")...).leads("/settings")
	b.get("/settings").is(200, "みなと中央病院", `value="20"`, `value="14"`, "保存しました", `value="true" checked`)
	b.get("/trail?what=setting.").is(200, "設定を変えました")
}

func TestMailSettings(t *testing.T) {
	sent := fault.New(fault.Unavailable, "メールサーバ につながりません。", "The mail server cannot be reached.")
	var result error = sent
	s := openSite(t, func(d *Deps, _ *account.Options, _ *httptest.Server) {
		d.Mail = func(context.Context, facility.ID, string, string) error { return result }
	})
	b, _, _ := s.setUp()
	fields := func(host string) []string {
		return []string{"host", host, "port", "587", "security", "starttls", "user", "kenshin", "mail-from", "kenshin@minato.example", "mail-to", "sato@minato.example、it@minato.example"}
	}
	b.post("/settings/mail", append(fields("mail.minato.example"), "mail-password", "relay secret")...).leads("/settings#mail")
	b.get("/settings").is(200, "mail.minato.example", "保存済み", "!relay secret")
	kept := func() (r setting.Relay) {
		s.must(s.DB.Read(context.Background(), s.facility(), func(tx *store.Tx) (err error) {
			r, err = setting.Mail().Get(context.Background(), tx)
			return err
		}))
		return r
	}
	plain, err := s.Box.Open(s.facility(), setting.RelayPurpose, kept().Password)
	if err != nil || string(plain) != "relay secret" || len(kept().To) != 2 {
		t.Errorf("kept %q (%v), to %q", plain, err, kept().To)
	}
	b.post("/settings/mail", append(fields("mail.minato.example"), "mail-password", "")...).leads("/settings#mail")
	if len(kept().Password) == 0 {
		t.Error("an empty field threw the password away")
	}
	// The password never goes to another server than the one it was entered for.
	b.post("/settings/mail", append(fields("evil.example"), "mail-password", "")...).leads("/settings#mail")
	if len(kept().Password) != 0 {
		t.Error("the password would be sent to another server")
	}
	b.post("/settings/mail", append(fields("mail server"), "mail-password", "")...).is(422, "メールサーバの名前かIPアドレス")
	b.post("/settings/mail/test").leads("/settings#mail")
	b.get("/settings").is(200, "メールサーバ につながりません")
	result = nil
	b.post("/settings/mail/test").leads("/settings#mail")
	b.get("/settings").is(200, "ためしのメールを送りました")
	b.get("/trail?what=setting.").is(200, "!relay secret")
}

func TestRootCertificate(t *testing.T) {
	var a *authority.Authority
	s := openSite(t, func(d *Deps, _ *account.Options, _ *httptest.Server) {
		var err error
		a, err = authority.Open(context.Background(), dbtest.SQLite(t), seal.NewBox(), []string{"kenshin.minato.example"}, d.Now)
		if err != nil {
			t.Fatal(err)
		}
		d.Site.Authority = a
	})
	g := s.browser().get("/ca?format=der").is(200) // a PC fetches it before it can trust anything
	if authority.Fingerprint([]byte(g.body)) != a.Fingerprint() || g.header.Get("Content-Type") != "application/pkix-cert" {
		t.Error("not the root certificate")
	}
	s.browser().get("/ca").is(200, "BEGIN CERTIFICATE")
	b, _, _ := s.setUp()
	b.get("/settings").is(200, a.Fingerprint())
	b.get("/settings/ca").is(200, a.Fingerprint(), "certutil", "グループ ポリシー")
	bare := openSite(t, nil)
	bare.browser().get("/ca").is(404)
}
