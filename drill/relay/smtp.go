package relay

import (
	"context"

	"kenshin/drill/internal/wire"
)

// relayed is the way over one relay.
type relayed struct {
	route   Route
	session *session
}

func (c *relayed) target() target {
	server := wire.Server{Host: c.route.Host, Port: c.route.Port, Roots: c.route.Roots}
	return target{server: server, addr: server.Where(), security: c.route.Security}
}

func (c *relayed) open(ctx context.Context) error {
	var err error
	c.session, err = dial(ctx, c.route, c.target())
	return err
}

func (c *relayed) close() {
	if c.session != nil {
		c.session.end()
		c.session = nil
	}
}

func (c *relayed) send(ctx context.Context, e Envelope, begun func() error) Result {
	for {
		if c.session == nil {
			if err := c.open(ctx); err != nil {
				return failed(err)
			}
		}
		r, stale := c.session.deliver(ctx, e, begun)
		if c.session.broken {
			c.close()
		}
		if !stale { // a fresh session is never stale, so this ends
			return r
		}
	}
}
