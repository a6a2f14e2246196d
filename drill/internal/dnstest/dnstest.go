// Package dnstest answers DNS questions on a loopback port for tests, so that no test ever asks the machine's own resolver.
package dnstest

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// Server is a small authoritative server whose records a test may change while it runs.
type Server struct {
	Addr string

	mu      sync.Mutex
	records map[string][]dns.RR
	fails   map[string]int // answer code by name
	asked   []string
}

// Start serves zone-file lines ("example.jp. 60 IN MX 10 mx.example.jp.") until the test ends.
func Start(t *testing.T, lines ...string) *Server {
	t.Helper()
	pc, l := bothPorts(t)
	s := &Server{Addr: pc.LocalAddr().String(), records: map[string][]dns.RR{}, fails: map[string]int{}}
	s.Add(t, lines...)
	for _, d := range []*dns.Server{{PacketConn: pc, Handler: dns.HandlerFunc(s.answer)}, {Listener: l, Handler: dns.HandlerFunc(s.answer)}} {
		up := make(chan struct{})
		d.NotifyStartedFunc = func() { close(up) }
		go func() { _ = d.ActivateAndServe() }()
		<-up
		t.Cleanup(func() { _ = d.Shutdown() })
	}
	return s
}

// bothPorts opens a port for UDP and TCP: what is free for one may be taken for the other.
func bothPorts(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 50 {
		pc, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if l, err := net.Listen("tcp", pc.LocalAddr().String()); err == nil {
			return pc, l
		}
		_ = pc.Close()
	}
	t.Fatal("no port is free for UDP and TCP")
	return nil, nil
}

// Add puts more records in.
func (s *Server) Add(t *testing.T, lines ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		name := strings.ToLower(rr.Header().Name)
		s.records[name] = append(s.records[name], rr)
	}
}

// Drop forgets every record of a name.
func (s *Server) Drop(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.records, name)
}

// Fail makes a name answer with an error code such as dns.RcodeServerFailure.
func (s *Server) Fail(name string, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails[name] = code
}

// Asked returns the questions so far, "TXT example.jp.".
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

// Resolver is Go's resolver pointed at this server only.
func (s *Server) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.Addr)
	}}
}

func (s *Server) answer(w dns.ResponseWriter, q *dns.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := new(dns.Msg)
	m.SetReply(q)
	m.Authoritative = true
	name := strings.ToLower(q.Question[0].Name)
	s.asked = append(s.asked, dns.TypeToString[q.Question[0].Qtype]+" "+name)
	records, known := s.records[name]
	switch code, fails := s.fails[name]; {
	case fails:
		m.Rcode = code
	case !known:
		m.Rcode = dns.RcodeNameError
	default:
		for _, rr := range records {
			if rr.Header().Rrtype == q.Question[0].Qtype {
				m.Answer = append(m.Answer, rr)
			}
		}
	}
	if w.LocalAddr().Network() == "udp" {
		m.Truncate(1232)
	}
	_ = w.WriteMsg(m)
}
