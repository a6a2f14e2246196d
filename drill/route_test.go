package drill

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"kenshin/internal/dbtest"
	"kenshin/internal/mailtest"
)

// What the settings page offers as a sign-in works with a relay, by password and by token.
func TestRelaySignsIn(t *testing.T) {
	config, pool := mailtest.Certificate(t, "127.0.0.1")
	asked := ""
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.FormValue("client_id") + "/" + r.FormValue("client_secret")
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "t0ken", "token_type": "Bearer", "expires_in": 3600})
	}))
	defer tokens.Close()
	for _, c := range []struct{ auth, methods, secret, right string }{
		{"password", "PLAIN LOGIN", "himitsu", "himitsu"}, {"password", "LOGIN", "himitsu", "himitsu"}, {"xoauth2", "XOAUTH2", "app-secret", "t0ken"},
	} {
		r := newRig(t, dbtest.SQLite(t), 1)
		r.roots = pool
		r.sink = mailtest.StartWith(t, mailtest.Config{TLS: config, Users: map[string]string{"drill": c.right}, Methods: c.methods})
		s, err := r.Settings(t.Context(), r.f)
		r.must(err)
		s.Relay = RelaySettings{Kind: "smtp", Host: "127.0.0.1", Port: r.sink.Port(), Security: "starttls", Auth: c.auth, User: "drill", TokenURL: tokens.URL, Client: "app"}
		r.must(r.SaveSettings(as(t.Context(), trainer), r.f, s, Secrets{Relay: c.secret}))
		r.approved(1000)
		r.sendAll(20 * time.Second)
		if got := r.sink.Messages(); len(got) != 1 || got[0].User != "drill" || !got[0].TLS {
			t.Errorf("%s by %s: %d mails, %v", c.auth, c.methods, len(got), r.sink.Lines())
		}
	}
	if asked != "app/app-secret" {
		t.Errorf("the token was asked for with %q", asked)
	}
}
