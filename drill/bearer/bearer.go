// Package bearer gets the access tokens that Microsoft 365 and Google want instead of a password, and keeps each until it runs out. It talks to
// the token address that it was given and to no other.
package bearer

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/oauth2/jwt"

	"kenshin/fault"
)

const (
	timeout  = 15 * time.Second
	maxUsers = 50_000 // tokens that are kept; a hospital has fewer mailboxes
)

// Source gives a token that is valid now. User is the mailbox; only service accounts have a token for each. The error is a fault: Denied when a
// person must act, NotFound for an unknown mailbox, else worth another try.
type Source func(ctx context.Context, user string) (string, error)

// Grant is what an administrator registered for us.
type Grant struct {
	TokenURL string // https://login.microsoftonline.com/TENANT/oauth2/v2.0/token, https://oauth2.googleapis.com/token
	ID       string
	Secret   string
	Scopes   []string
	Roots    *x509.CertPool // nil: the machine's
}

func (g Grant) check() error {
	u, err := url.Parse(g.TokenURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && !loopback(u.Hostname()) {
		return fault.New(fault.Invalid, "トークンのURLは https:// で始まるものを入れてください。", "The token address must begin with https://.")
	}
	return nil
}

func loopback(host string) bool { return host == "127.0.0.1" || host == "::1" }

// ClientCredentials signs in as the registered program itself (RFC 6749 section 4.4).
func ClientCredentials(g Grant) (Source, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	c := clientcredentials.Config{ClientID: g.ID, ClientSecret: g.Secret, TokenURL: g.TokenURL, Scopes: g.Scopes, AuthStyle: oauth2.AuthStyleInParams}
	return (&cache{grant: g, fetch: func(ctx context.Context, _ string) (*oauth2.Token, error) { return c.Token(ctx) }}).token, nil
}

// RefreshToken signs in as the person who gave us a refresh token (RFC 6749 section 6). renewed, if not nil, gets each new refresh token, to
// be kept instead of the old one.
func RefreshToken(g Grant, refresh string, renewed func(string)) (Source, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	c := oauth2.Config{ClientID: g.ID, ClientSecret: g.Secret, Scopes: g.Scopes, Endpoint: oauth2.Endpoint{TokenURL: g.TokenURL, AuthStyle: oauth2.AuthStyleInParams}}
	fetch := func(ctx context.Context, _ string) (*oauth2.Token, error) {
		t, err := c.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
		if err == nil && t.RefreshToken != "" && t.RefreshToken != refresh {
			refresh = t.RefreshToken
			if renewed != nil {
				renewed(refresh)
			}
		}
		return t, err
	}
	return (&cache{grant: g, fetch: fetch}).token, nil
}

// ServiceAccount signs in with a key file of Google on behalf of each mailbox (RFC 7523, domain-wide delegation). The file is JSON with
// client_email, private_key and private_key_id; its own token address is not used.
func ServiceAccount(g Grant, keyFile []byte) (Source, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	var k struct {
		Email string `json:"client_email"`
		Key   string `json:"private_key"`
		ID    string `json:"private_key_id"`
	}
	if err := json.Unmarshal(keyFile, &k); err != nil || k.Email == "" || k.Key == "" {
		return nil, fault.Wrap(fault.Invalid, err, "サービスアカウントの鍵ファイル(JSON)ではありません。", "This is not the key file (JSON) of a service account.")
	}
	fetch := func(ctx context.Context, user string) (*oauth2.Token, error) {
		c := jwt.Config{Email: k.Email, PrivateKey: []byte(k.Key), PrivateKeyID: k.ID, Subject: user, Scopes: g.Scopes, TokenURL: g.TokenURL}
		return c.TokenSource(ctx).Token()
	}
	return (&cache{grant: g, fetch: fetch, perUser: true}).token, nil
}

// cache keeps tokens until a minute before they run out.
type cache struct {
	grant   Grant
	perUser bool
	fetch   func(ctx context.Context, user string) (*oauth2.Token, error)

	mu     sync.Mutex
	tokens map[string]*oauth2.Token
}

func (c *cache) token(ctx context.Context, user string) (string, error) {
	if !c.perUser {
		user = ""
	}
	c.mu.Lock()
	defer c.mu.Unlock() // one request at a time: a refresh token may be used once only
	if t := c.tokens[user]; t != nil && time.Until(t.Expiry) > time.Minute {
		return t.AccessToken, nil
	}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, oauth2.HTTPClient, c.grant.client()), timeout)
	defer cancel()
	t, err := c.fetch(ctx, user)
	if err != nil {
		return "", c.explain(err)
	}
	if c.tokens == nil || len(c.tokens) >= maxUsers {
		c.tokens = map[string]*oauth2.Token{}
	}
	c.tokens[user] = t
	return t.AccessToken, nil
}

// client follows no redirection: a secret goes to the address that was given.
func (g Grant) client() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: g.Roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (c *cache) explain(err error) error {
	u, _ := url.Parse(c.grant.TokenURL)
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		code := e.Response.StatusCode
		reason := e.ErrorCode
		if reason == "" { // a service account's library leaves that to us
			var b struct {
				Error string `json:"error"`
			}
			if json.Unmarshal(e.Body, &b) == nil {
				reason = b.Error
			}
		}
		cause := errors.New("token endpoint: " + e.Response.Status + " " + printable(reason)) // the body may carry what we sent
		if code == http.StatusTooManyRequests || code >= 500 {
			return fault.Wrap(fault.Busy, cause, "認証サーバ "+u.Host+" が今は応えられません。しばらくして自動で試し直します。", "The sign-in server "+u.Host+" cannot answer now. It is tried again later.")
		}
		if c.perUser && reason == "invalid_grant" && bytes.Contains(e.Body, []byte("Invalid email")) {
			return fault.Wrap(fault.NotFound, cause, "このアドレスのメールボックスはありません。", "There is no mailbox with this address.")
		}
		return fault.Wrap(fault.Denied, cause, "認証サーバ "+u.Host+" がサインインを断りました。アプリのID、シークレットの期限、権限(管理者の同意)を確かめてください。",
			"The sign-in server "+u.Host+" refused the sign-in. Check the application's ID, whether its secret has expired, and its permissions (administrator's consent).")
	}
	return fault.Wrap(fault.Unavailable, err, "認証サーバ "+u.Host+" につながりません。インターネットへの出口(プロキシ、ファイアウォール)を確かめてください。",
		"The sign-in server "+u.Host+" cannot be reached. Check the way to the internet (proxy, firewall).")
}

func printable(s string) string {
	b := []rune(s)
	if len(b) > 80 {
		b = b[:80]
	}
	for i, r := range b {
		if r < ' ' || r > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}
