package relay

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kenshin/fault"
)

// exchange is one request and its answer. The files were written by hand after the public documentation of both services; no tenant was used.
type recorded struct {
	Why     string
	Request struct {
		Method, Path, Query string
		Header              map[string]string
		Base64              bool // the body is the mail in base64
	}
	Response struct {
		Status int
		Header map[string]string
		Body   json.RawMessage
	}
	Want struct {
		Outcome, Scope string
		Retry          string
		Ja             string // in the sentence
	}
}

func play(t *testing.T, e recorded, mail []byte) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != e.Request.Method || r.URL.EscapedPath() != e.Request.Path || r.URL.RawQuery != e.Request.Query {
			t.Errorf("asked %s %s ? %s", r.Method, r.URL.EscapedPath(), r.URL.RawQuery)
		}
		for k, v := range e.Request.Header {
			if r.Header.Get(k) != v {
				t.Errorf("%s: %s", k, r.Header.Get(k))
			}
		}
		body, _ := io.ReadAll(r.Body)
		if e.Request.Base64 {
			body, _ = base64.StdEncoding.DecodeString(string(body))
		}
		if string(body) != string(mail) {
			t.Errorf("sent %q", body)
		}
		for k, v := range e.Response.Header {
			w.Header().Set(k, v)
		}
		w.WriteHeader(e.Response.Status)
		if len(e.Response.Body) > 0 {
			w.Write(e.Response.Body)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestRecordedExchanges(t *testing.T) {
	files, _ := filepath.Glob("testdata/*/*.json")
	if len(files) < 12 {
		t.Fatalf("%d exchanges", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(strings.TrimPrefix(file, "testdata/"), ".json"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var e recorded
			if err := json.Unmarshal(b, &e); err != nil {
				t.Fatal(err)
			}
			mail := letter(1)
			s := play(t, e, mail.Body)
			l := open(t, Route{Kind: Kind(filepath.Base(filepath.Dir(file))), Base: s.URL, User: "drill@hospital.test", Token: func(_ context.Context, user string) (string, error) { return "t-" + user, nil }})
			r, begun := send(t, l, mail)
			if r.Outcome.String() != e.Want.Outcome || r.Scope.String() != e.Want.Scope || r.Code != e.Response.Status || !begun {
				t.Errorf("%+v", r)
			}
			if e.Want.Retry != "" && r.Retry.String() != e.Want.Retry || (r.Retry > 0) != (r.Outcome == Deferred) {
				t.Errorf("retry %v", r.Retry)
			}
			if r.Err != nil && !strings.Contains(fault.Sentence(r.Err, "ja"), e.Want.Ja) {
				t.Errorf("%s", fault.Sentence(r.Err, "ja"))
			}
		})
	}
}

func cloudRoute(kind Kind, base string) Route {
	return Route{Kind: kind, Base: base, User: "drill@hospital.test", Token: func(context.Context, string) (string, error) { return "t", nil }}
}

// A service that reads the recipients from the mail must find the one that was approved and nobody else.
func TestGraphSendsToTheEnvelopeOnly(t *testing.T) {
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked++; w.WriteHeader(202) }))
	defer s.Close()
	l := open(t, cloudRoute(Graph, s.URL))
	for _, head := range []string{"To: other@hospital.test", "To: staff1@hospital.test, other@hospital.test", "To: staff1@hospital.test\r\nCc: other@hospital.test",
		"To: staff1@hospital.test\r\nbcc: other@hospital.test", "To: staff1@hospital.test\r\nTo: other@hospital.test", "Subject: nobody"} {
		r, begun := send(t, l, Envelope{To: "staff1@hospital.test", Body: []byte(head + "\r\n\r\nx\r\n")})
		if r.Outcome != Refused || begun {
			t.Errorf("%q: %+v", head, r)
		}
	}
	if asked != 0 {
		t.Errorf("%d mails left", asked)
	}
	if r, _ := send(t, l, Envelope{To: "staff1@hospital.test", Body: []byte("To: =?utf-8?B?6Iqx5a2Q?= <Staff1@hospital.test>\r\n\r\nx\r\n")}); r.Outcome != Accepted {
		t.Errorf("%+v", r)
	}
	large := append(letter(1).Body, strings.Repeat("0123456789\r\n", 200_000)...)
	if r, begun := send(t, l, Envelope{To: "staff1@hospital.test", Body: large}); r.Outcome != Refused || r.Enhanced != "5.3.4" || begun {
		t.Errorf("%+v", r)
	}
}

func TestCloudThatCannotBeReached(t *testing.T) {
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	reached := make(chan struct{}, 1)
	for _, c := range []struct {
		name   string
		handle http.HandlerFunc
		want   Outcome
	}{
		{"cut", func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			c, _, _ := w.(http.Hijacker).Hijack()
			c.Close()
		}, Unknown},
		{"a page that leads elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		}, Unknown},
		{"stopped", func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			reached <- struct{}{}
			<-hang
		}, Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := httptest.NewServer(c.handle)
			if c.name != "stopped" {
				defer s.Close()
			}
			l := open(t, cloudRoute(Gmail, s.URL))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var at time.Time
			if c.name == "stopped" {
				go func() { <-reached; at = time.Now(); cancel() }()
			}
			if r := l.Send(ctx, letter(1), nothing); r.Outcome != c.want {
				t.Errorf("%+v", r)
			}
			if d := time.Since(at); c.name == "stopped" && d > time.Second {
				t.Errorf("after %v", d)
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		s := httptest.NewServer(nil)
		s.Close()
		r, _ := send(t, open(t, cloudRoute(Gmail, s.URL)), letter(1))
		if r.Outcome != NotTried || r.Scope != Relay || r.Retry == 0 || strings.Contains(r.Err.Error(), "staff1") {
			t.Errorf("%+v", r)
		}
	})
	t.Run("not begun", func(t *testing.T) {
		asked := 0
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
		defer s.Close()
		r := open(t, cloudRoute(Gmail, s.URL)).Send(t.Context(), letter(1), func() error { return errors.New("disk full") })
		if r.Outcome != NotTried || asked != 0 {
			t.Errorf("%+v, asked %d", r, asked)
		}
	})
}

func TestMailboxThatTheSignInDoesNotKnow(t *testing.T) {
	r := cloudRoute(Gmail, "http://127.0.0.1:1")
	r.Token = func(context.Context, string) (string, error) { return "", fault.New(fault.NotFound, "なし", "none") }
	if got, _ := send(t, open(t, r), letter(1)); got.Outcome != Refused || got.Scope != Recipient {
		t.Errorf("%+v", got)
	}
	r.Token = func(context.Context, string) (string, error) {
		return "", fault.New(fault.Denied, "期限切れ", "expired")
	}
	if got, _ := send(t, open(t, r), letter(1)); got.Outcome != NotTried || got.Scope != Relay || got.Retry != 0 {
		t.Errorf("%+v", got)
	}
}
