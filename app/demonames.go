package app

import (
	"context"
	"net"
	"strings"
	"time"

	"kenshin/drill/preflight"
)

// demoNames are the DNS of fictitious facilities: a few names, from memory.
type demoNames map[string][]string

// demoZone is what can be asked at any time; the proof of a domain is added where it is made.
func demoZone() demoNames {
	return demoNames{"kunren.mihon-byouin.invalid": {"v=spf1 ip4:192.0.2.25 -all"}, "_dmarc.kunren.mihon-byouin.invalid": {"v=DMARC1; p=reject"}}
}

func (n demoNames) world(now func() time.Time) preflight.World {
	return preflight.World{Resolver: n, Now: now, Dial: func(_ context.Context, network, address string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Err: &net.AddrError{Err: "a fictitious hospital reaches nobody", Addr: address}}
	}}
}

func (demoNames) missing(name string) error {
	return &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// LookupTXT answers from memory.
func (n demoNames) LookupTXT(_ context.Context, name string) ([]string, error) {
	if t, ok := n[strings.TrimSuffix(name, ".")]; ok {
		return t, nil
	}
	return nil, n.missing(name)
}

// LookupMX answers from memory.
func (n demoNames) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	if strings.TrimSuffix(name, ".") == "mihon-byouin.invalid" {
		return []*net.MX{{Host: "mail.mihon-byouin.invalid.", Pref: 10}}, nil
	}
	return nil, n.missing(name)
}

// LookupIPAddr answers from memory.
func (n demoNames) LookupIPAddr(_ context.Context, name string) ([]net.IPAddr, error) {
	switch strings.TrimSuffix(name, ".") {
	case "mail.mihon-byouin.invalid":
		return []net.IPAddr{{IP: net.IPv4(192, 0, 2, 25)}}, nil
	}
	return nil, n.missing(name)
}

// LookupAddr answers from memory.
func (n demoNames) LookupAddr(_ context.Context, address string) ([]string, error) {
	if address == "192.0.2.25" {
		return []string{"mail.mihon-byouin.invalid."}, nil
	}
	return nil, n.missing(address)
}
