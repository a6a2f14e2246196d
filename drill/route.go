package drill

import (
	"context"

	"kenshin/drill/relay"
	"kenshin/facility"
)

// Route is the facility's way to send, with its secret opened.
func (b *Book) Route(ctx context.Context, f facility.ID, s Settings) (relay.Route, error) {
	secret, err := b.secret(f, relayPurpose, s.Relay.Sealed)
	if err != nil {
		return relay.Route{}, err
	}
	r := relay.Route{Kind: relay.Kind(s.Relay.Kind), Host: s.Relay.Host, Port: s.Relay.Port, Security: relay.Security(s.Relay.Security), Auth: relay.Auth(s.Relay.Auth),
		User: s.Relay.User, Secret: secret, Helo: s.Relay.Helo}
	if s.Relay.Auth == "password" {
		r.Auth = relay.Plain
	}
	if s.Relay.Resolver != "" {
		r.Resolver = relay.NewResolver(s.Relay.Resolver)
	}
	r.Roots = b.roots
	switch {
	case r.Kind == relay.Graph:
		r.Token, err = b.tokens(s.Relay.TokenURL, s.Relay.Client, secret, graphScope, gmailScope)
	case r.Kind == relay.Gmail:
		r.Token, err = b.tokens(s.Relay.TokenURL, s.Relay.Client, secret, "", gmailScope)
	case r.Kind == relay.SMTP && r.Auth == relay.XOAUTH2:
		r.Token, err = b.mailTokens(s.Relay.TokenURL, s.Relay.Client, secret)
	}
	return r, err
}

// OpenLine opens the facility's way to send: an Opener. A fictitious facility's mails go nowhere.
func (b *Book) OpenLine(ctx context.Context, f facility.ID, s Settings) (Line, error) {
	if no, err := b.fictitious(ctx, f); err != nil {
		return nil, err
	} else if no {
		return Nowhere{}, nil
	}
	r, err := b.Route(ctx, f, s)
	if err != nil {
		return nil, err
	}
	return relay.Open(ctx, r)
}
