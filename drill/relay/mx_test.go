package relay

import (
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"kenshin/internal/mailtest"
)

// zone is a DNS server on loopback that knows the records of a test.
func zone(t *testing.T, records ...string) (r *net.Resolver, asked *atomic.Int64) {
	t.Helper()
	known := map[string][]dns.RR{}
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		known[rr.Header().Name] = append(known[rr.Header().Name], rr)
	}
	asked = &atomic.Int64{}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		asked.Add(1)
		name := strings.ToLower(q.Question[0].Name)
		m := new(dns.Msg).SetReply(q)
		m.RecursionAvailable = true
		switch rrs, ok := known[name]; {
		case strings.HasPrefix(name, "broken."):
			m.Rcode = dns.RcodeServerFailure
		case !ok:
			m.Rcode = dns.RcodeNameError
		default:
			for _, rr := range rrs {
				if rr.Header().Rrtype == q.Question[0].Qtype {
					m.Answer = append(m.Answer, rr)
				}
			}
		}
		w.WriteMsg(m)
	})}
	go s.ActivateAndServe()
	t.Cleanup(func() { s.Shutdown() })
	return NewResolver(conn.LocalAddr().String()), asked
}

func directRoute(r *net.Resolver, port int) Route {
	return Route{Kind: DirectMX, Port: port, Resolver: r, Helo: "kenshin.test",
		Patience: Patience{Connect: time.Second, Command: 2 * time.Second, Body: 2 * time.Second, Final: 2 * time.Second}}
}

func to(address string) Envelope {
	e := letter(1)
	e.To = address
	return e
}

func TestStraightToTheRecipientsServer(t *testing.T) {
	s := mailtest.Start(t)
	r, asked := zone(t,
		"one.test. 60 IN MX 20 mx.one.test.", "one.test. 60 IN MX 10 away.one.test.", "away.one.test. 60 IN A 127.0.0.9", "mx.one.test. 60 IN A 127.0.0.1",
		"two.test. 60 IN A 127.0.0.1", "null.test. 60 IN MX 0 .", "lost.test. 60 IN MX 10 nowhere.lost.test.", "down.test. 60 IN MX 10 away.one.test.")
	l := open(t, directRoute(r, s.Port()))
	for _, c := range []struct {
		to       string
		want     Outcome
		scope    Scope
		enhanced string
	}{
		{"a@one.test", Accepted, Recipient, "2.0.0"}, // the better server is away
		{"b@ONE.test", Accepted, Recipient, "2.0.0"},
		{"a@two.test", Accepted, Recipient, "2.0.0"}, // no MX: the domain's own address
		{"a@null.test", Refused, Domain, "5.1.10"},
		{"a@unknown.test", Refused, Domain, "5.1.2"},
		{"a@broken.test", Deferred, Domain, ""},
		{"a@lost.test", Deferred, Domain, ""},
		{"a@down.test", Deferred, Domain, ""},
	} {
		got, begun := send(t, l, to(c.to))
		if got.Outcome != c.want || got.Scope != c.scope || got.Enhanced != c.enhanced || begun != (c.want == Accepted) || (got.Outcome == Deferred) != (got.Retry > 0) {
			t.Errorf("%s: %+v, begun %v", c.to, got, begun)
		}
	}
	if s.Conns() != 2 {
		t.Errorf("%d connections for two domains", s.Conns())
	}
	before := asked.Load()
	if r, _ := send(t, l, to("c@one.test")); r.Outcome != Accepted || asked.Load() != before {
		t.Errorf("%+v, DNS was asked %d times more", r, asked.Load()-before)
	}
}

func TestAnswersOfOneDomainAreAboutThatDomain(t *testing.T) {
	s := mailtest.Start(t, mailtest.Nth(mailtest.To, 1, mailtest.Act{Reply: "421 4.3.2 stopped", Cut: true}), mailtest.Nth(mailtest.To, 2, mailtest.Act{Reply: "450 4.2.0 greylisted"}))
	r, _ := zone(t, "one.test. 60 IN A 127.0.0.1")
	l := open(t, directRoute(r, s.Port()))
	if got, _ := send(t, l, to("a@one.test")); got.Outcome != Deferred || got.Scope != Domain {
		t.Errorf("%+v", got)
	}
	if got, _ := send(t, l, to("a@one.test")); got.Outcome != Deferred || got.Scope != Recipient {
		t.Errorf("%+v", got)
	}
	if got, _ := send(t, l, to("a@one.test")); got.Outcome != Accepted {
		t.Errorf("%+v", got)
	}
}

// TLS is used when it is offered, whatever the certificate, and a server whose TLS does not work gets the mail without (RFC 7435).
func TestHopefulEncryption(t *testing.T) {
	config, _ := mailtest.Certificate(t, "some.other.name")
	broken := config.Clone()
	broken.Certificates = nil
	r, _ := zone(t, "one.test. 60 IN A 127.0.0.1")
	for _, c := range []struct {
		name string
		sink mailtest.Config
		tls  bool
	}{{"offered", mailtest.Config{TLS: config}, true}, {"not offered", mailtest.Config{}, false}, {"broken", mailtest.Config{TLS: broken}, false}} {
		t.Run(c.name, func(t *testing.T) {
			s := mailtest.StartWith(t, c.sink)
			if got, _ := send(t, open(t, directRoute(r, s.Port())), to("a@one.test")); got.Outcome != Accepted {
				t.Fatalf("%+v", got)
			}
			if m := s.Messages()[0]; m.TLS != c.tls {
				t.Errorf("TLS %v", m.TLS)
			}
		})
	}
}

func TestFewConnectionsStayOpen(t *testing.T) {
	s := mailtest.Start(t)
	var records []string
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}
	for _, n := range names {
		records = append(records, n+".test. 60 IN A 127.0.0.1")
	}
	r, _ := zone(t, records...)
	l := open(t, directRoute(r, s.Port()))
	for _, n := range names {
		if got, _ := send(t, l, to("x@"+n+".test")); got.Outcome != Accepted {
			t.Fatalf("%+v", got)
		}
	}
	openNow := 0
	for _, x := range l.carrier.(*direct).domains {
		if x.session != nil {
			openNow++
		}
	}
	if openNow != maxOpen {
		t.Errorf("%d connections are open", openNow)
	}
}

func TestOrderOfServers(t *testing.T) {
	seen := map[string]bool{}
	for range 50 {
		got := order([]*net.MX{{Host: "c.", Pref: 20}, {Host: "a.", Pref: 10}, {Host: "b.", Pref: 10}, {Host: "a.", Pref: 30}})
		if len(got) != 3 || got[2] != "c" {
			t.Fatal(got)
		}
		seen[got[0]] = true
	}
	if len(seen) != 2 {
		t.Error("equals are not mixed")
	}
	if got := order([]*net.MX{{Host: ".", Pref: 0}}); !slices.Equal(got, nil) {
		t.Error(got)
	}
}
