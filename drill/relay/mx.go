package relay

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/drill/internal/wire"
	"kenshin/fault"
)

const (
	maxOpen     = 8 // connections to different domains
	maxHosts    = 5 // of a domain that are tried for one mail
	mxFresh     = 5 * time.Minute
	lookupLimit = 10 * time.Second
)

// NewResolver asks one DNS server (HOST:PORT) only, whatever the machine's own settings are.
func NewResolver(server string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: lookupLimit}).DialContext(ctx, network, server)
	}}
}

// direct is the way to the recipients' own servers: one connection for each domain, the least used closed when there are too many.
type direct struct {
	route   Route
	domains map[string]*exchange
	clock   int
}

// exchange is what we know about a domain.
type exchange struct {
	hosts   []string // in the order to try
	looked  time.Time
	session *session
	used    int
}

func (c *direct) open(context.Context) error { return nil }

func (c *direct) close() {
	for _, x := range c.domains {
		x.close()
	}
}

func (x *exchange) close() {
	if x.session != nil {
		x.session.end()
		x.session = nil
	}
}

func (c *direct) send(ctx context.Context, e Envelope, begun func() error) Result {
	domain := domainOf(e.To)
	x := c.domains[domain]
	if x == nil {
		x = &exchange{}
		c.domains[domain] = x
	}
	c.clock++
	x.used = c.clock
	for {
		if x.session == nil {
			c.makeRoom()
			if r := c.connect(ctx, domain, x); r.Err != nil {
				return ours(r)
			}
		}
		r, stale := x.session.deliver(ctx, e, begun)
		if x.session.broken {
			x.close()
		}
		if !stale {
			return ours(r)
		}
	}
}

// ours narrows a result: another domain's servers may think otherwise.
func ours(r Result) Result {
	if r.Scope == Relay && r.Outcome != NotTried { // what was stopped was stopped for all
		r.Scope = Domain
	}
	return r
}

func (c *direct) makeRoom() {
	var open []*exchange
	for _, x := range c.domains {
		if x.session != nil {
			open = append(open, x)
		}
	}
	if len(open) >= maxOpen {
		slices.MinFunc(open, func(a, b *exchange) int { return cmp.Compare(a.used, b.used) }).close()
	}
}

// connect opens a session with the first of the domain's hosts that talks to us; the result is about the domain when none does.
func (c *direct) connect(ctx context.Context, domain string, x *exchange) Result {
	if time.Since(x.looked) > mxFresh {
		hosts, r := c.lookUp(ctx, domain)
		if r.Err != nil {
			return r
		}
		x.hosts, x.looked = hosts, time.Now()
	}
	var last error
	for _, host := range x.hosts {
		s, err := c.dial(ctx, host)
		if err == nil {
			x.session = s
			return Result{}
		}
		if ended(ctx) {
			return stopped(ctx.Err())
		}
		last = err
	}
	x.looked = time.Time{}
	r := failed(last)
	if r.Outcome != Refused {
		r.Outcome, r.Retry = Deferred, max(r.Retry, later)
	}
	return r
}

// dial tries a host's addresses, each with TLS and, where that fails, without (RFC 7435).
func (c *direct) dial(ctx context.Context, host string) (*session, error) {
	server := wire.Server{Host: host, Port: c.route.Port}
	look, cancel := context.WithTimeout(ctx, lookupLimit)
	addrs, err := c.route.Resolver.LookupHost(look, host+".") // the dot: never a name of this machine's own domain
	cancel()
	if err != nil {
		return nil, wire.Explain(server.Where(), err)
	}
	for _, a := range addrs[:min(len(addrs), 3)] {
		t := target{server: server, addr: net.JoinHostPort(a, strconv.Itoa(c.route.Port)), security: STARTTLS, hopeful: true}
		var s *session
		if s, err = dial(ctx, c.route, t); err == nil {
			return s, nil
		}
		if errors.Is(err, errHandshake) {
			t.security = None
			if s, err = dial(ctx, c.route, t); err == nil {
				return s, nil
			}
		}
	}
	return nil, err
}

// lookUp gives the hosts that take mail for a domain (RFC 5321 section 5.1), or a result that says why there is none.
func (c *direct) lookUp(ctx context.Context, domain string) ([]string, Result) {
	ctx, cancel := context.WithTimeout(ctx, lookupLimit)
	defer cancel()
	nobody := func(enhanced, ja, en string) Result {
		return Result{Outcome: Refused, Scope: Domain, Enhanced: enhanced, Text: en, Err: fault.New(fault.Invalid, ja, en)}
	}
	found, err := c.route.Resolver.LookupMX(ctx, domain+".")
	if len(found) > 0 {
		hosts := order(found)
		if len(hosts) == 0 { // RFC 7505
			return nil, nobody("5.1.10", "ドメイン "+domain+" はメールを受け取らないと宣言しています。", "The domain "+domain+" says that it takes no mail.")
		}
		return hosts, Result{}
	}
	if err != nil && !notFound(err) {
		return nil, unresolved(domain, err)
	}
	// no MX: the domain itself, if it has an address
	if _, err := c.route.Resolver.LookupHost(ctx, domain+"."); err != nil {
		if notFound(err) {
			return nil, nobody("5.1.2", "ドメイン "+domain+" にメールサーバが見つかりません。綴りを確かめてください。", "No mail server is known for the domain "+domain+". Check its spelling.")
		}
		return nil, unresolved(domain, err)
	}
	return []string{domain}, Result{}
}

func notFound(err error) bool {
	e, ok := errors.AsType[*net.DNSError](err)
	return ok && e.IsNotFound
}

func unresolved(domain string, err error) Result {
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		err = errors.New("DNS: " + e.Err) // without the server: a resolver of ours asks another than it names
	}
	return Result{Outcome: Deferred, Scope: Domain, Text: clean(err.Error()), Retry: grey,
		Err: fault.Wrap(fault.Unavailable, err, "ドメイン "+domain+" のメールサーバをDNSで調べられません。この機械のDNSの設定を確かめてください。",
			"DNS does not tell the mail server of the domain "+domain+". Check this machine's DNS settings.")}
}

// order sorts by preference and mixes equals; "." stands for no host.
func order(found []*net.MX) []string {
	rand.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
	slices.SortStableFunc(found, func(a, b *net.MX) int { return cmp.Compare(a.Pref, b.Pref) })
	var hosts []string
	for _, mx := range found {
		if host := strings.TrimSuffix(mx.Host, "."); host != "" && !unsafe(host) && !slices.Contains(hosts, host) && len(hosts) < maxHosts {
			hosts = append(hosts, host)
		}
	}
	return hosts
}
