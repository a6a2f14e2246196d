package drill

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"

	"kenshin/drill/bearer"
	"kenshin/fault"
)

// What a token is asked for, by who gives it.
const (
	mailScopeMicrosoft  = "https://outlook.office365.com/.default"
	mailScopeGoogle     = "https://mail.google.com/"
	graphScope          = "https://graph.microsoft.com/.default"
	gmailScope          = "https://www.googleapis.com/auth/gmail.insert"
	googleTokenAddress  = "https://oauth2.googleapis.com/token"
	microsoftTokenHosts = "login.microsoftonline.com login.microsoftonline.us login.partner.microsoftonline.cn"
)

// mailTokens gives tokens for SMTP and IMAP. The secret is an application's, or the key file (JSON) of a Google service account. Tokens are kept until they run out.
func (b *Book) mailTokens(address, client, secret string) (bearer.Source, error) {
	scope := ""
	if u, err := url.Parse(address); err == nil && strings.Contains(" "+microsoftTokenHosts+" ", " "+u.Hostname()+" ") {
		scope = mailScopeMicrosoft
	}
	return b.tokens(address, client, secret, scope, mailScopeGoogle)
}

// tokens gives tokens with one scope for applications and another for service accounts of Google.
func (b *Book) tokens(address, client, secret, scope, google string) (bearer.Source, error) {
	account := strings.HasPrefix(strings.TrimSpace(secret), "{")
	if account && address == "" {
		address = googleTokenAddress
	}
	if account {
		scope = google
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{address, client, secret, scope}, "\x00")))
	key := hex.EncodeToString(sum[:])
	if s, ok := b.sources.Load(key); ok {
		return s.(bearer.Source), nil
	}
	if secret == "" || address == "" {
		return nil, fault.New(fault.Invalid, "トークンのアドレスと、アプリのシークレット(またはサービスアカウントの鍵ファイル)を入れてください。",
			"Enter the token address and the application's secret (or the key file of a service account).")
	}
	g := bearer.Grant{TokenURL: address, ID: client, Secret: secret, Roots: b.roots}
	if scope != "" {
		g.Scopes = []string{scope}
	}
	var s bearer.Source
	var err error
	if account {
		s, err = bearer.ServiceAccount(g, []byte(secret))
	} else {
		s, err = bearer.ClientCredentials(g)
	}
	if err != nil {
		return nil, err
	}
	b.sources.Store(key, s)
	return s, nil
}
