package bearer

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"kenshin/fault"
)

// endpoint is a sign-in server on loopback; answer gives status and body for a form.
func endpoint(t *testing.T, answer func(form url.Values) (int, string)) (Grant, *int) {
	t.Helper()
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		status, body := answer(r.PostForm)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	return Grant{TokenURL: s.URL + "/token", ID: "app", Secret: "geheim", Scopes: []string{"https://outlook.office365.com/.default"}}, &asked
}

func TestClientCredentials(t *testing.T) {
	lifetime := 3600
	g, asked := endpoint(t, func(f url.Values) (int, string) {
		if f.Get("grant_type") != "client_credentials" || f.Get("client_id") != "app" || f.Get("client_secret") != "geheim" || f.Get("scope") == "" {
			return 400, `{"error":"invalid_request"}`
		}
		return 200, fmt.Sprintf(`{"token_type":"Bearer","expires_in":%d,"access_token":"a"}`, lifetime)
	})
	token, err := ClientCredentials(g)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got, err := token(t.Context(), "drill@hospital.test"); got != "a" || err != nil {
			t.Fatalf("%q %v", got, err)
		}
	}
	if *asked != 1 {
		t.Errorf("asked %d times for a token that lasts an hour", *asked)
	}
	lifetime = 30
	token, _ = ClientCredentials(g)
	token(t.Context(), "")
	token(t.Context(), "")
	if *asked != 3 {
		t.Errorf("a token that ends in half a minute was used again")
	}
}

func TestRefreshTokensAreKeptWhenTheyChange(t *testing.T) {
	valid, n := "r0", 0
	g, _ := endpoint(t, func(f url.Values) (int, string) {
		if f.Get("grant_type") != "refresh_token" || f.Get("refresh_token") != valid {
			return 400, `{"error":"invalid_grant"}`
		}
		n++
		valid = fmt.Sprint("r", n)
		return 200, fmt.Sprintf(`{"token_type":"Bearer","expires_in":1,"access_token":"a%d","refresh_token":"%s"}`, n, valid)
	})
	var kept []string
	token, err := RefreshToken(g, "r0", func(r string) { kept = append(kept, r) })
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if got, err := token(t.Context(), ""); got != fmt.Sprint("a", i+1) || err != nil {
			t.Fatalf("%q %v", got, err)
		}
	}
	if strings.Join(kept, " ") != "r1 r2 r3" {
		t.Error(kept)
	}
}

func TestServiceAccountSignsForEachMailbox(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	g, asked := endpoint(t, func(f url.Values) (int, string) {
		parts := strings.Split(f.Get("assertion"), ".")
		b, _ := base64.RawURLEncoding.DecodeString(parts[min(1, len(parts)-1)])
		var claim struct{ Iss, Sub, Aud, Scope string }
		json.Unmarshal(b, &claim)
		if f.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || claim.Iss != "svc@project.test" {
			return 400, `{"error":"invalid_request"}`
		}
		if claim.Sub == "nobody@hospital.test" {
			return 400, `{"error":"invalid_grant","error_description":"Invalid email or User ID"}`
		}
		return 200, `{"token_type":"Bearer","expires_in":3600,"access_token":"for ` + claim.Sub + `"}`
	})
	file, _ := json.Marshal(map[string]string{"client_email": "svc@project.test", "private_key_id": "k", "token_uri": "https://elsewhere.test/",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))})
	token, err := ServiceAccount(g, file)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, user := range []string{"a@hospital.test", "b@hospital.test"} {
			if got, err := token(t.Context(), user); got != "for "+user || err != nil {
				t.Errorf("%q %v", got, err)
			}
		}
	}
	if *asked != 2 {
		t.Errorf("asked %d times", *asked)
	}
	if _, err := token(t.Context(), "nobody@hospital.test"); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
	if _, err := ServiceAccount(g, []byte("PK")); !fault.Is(err, fault.Invalid) {
		t.Errorf("%v", err)
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		kind   fault.Kind
		ja     string
	}{
		{401, `{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys for app are expired. geheim"}`, fault.Denied, "シークレットの期限"},
		{400, `{"error":"unauthorized_client"}`, fault.Denied, "管理者の同意"},
		{429, `{}`, fault.Busy, "今は応えられません"},
		{503, `busy`, fault.Busy, "今は応えられません"},
		{200, `<html>proxy login</html>`, fault.Unavailable, "プロキシ"},
		{302, ``, fault.Denied, ""},
	} {
		g, _ := endpoint(t, func(url.Values) (int, string) { return c.status, c.body })
		token, err := ClientCredentials(g)
		if err != nil {
			t.Fatal(err)
		}
		_, err = token(t.Context(), "")
		if fault.KindOf(err) != c.kind || !strings.Contains(fault.Sentence(err, "ja"), c.ja) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%d: %v %s %v", c.status, fault.KindOf(err), fault.Sentence(err, "ja"), err)
		}
	}
	g, _ := endpoint(t, func(url.Values) (int, string) { return 200, "" })
	g.TokenURL = "http://login.test/token"
	if _, err := ClientCredentials(g); !fault.Is(err, fault.Invalid) {
		t.Error("a secret would go out without TLS")
	}
}
