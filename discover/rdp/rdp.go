// Package rdp asks a Remote Desktop server how it protects a session (MS-RDPBCGR 2.2.1.1) and, where it wants network level
// authentication, hears its names and build from NTLM's second message inside CredSSP (MS-CSSP 2.2.1). It never logs in.
package rdp

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"

	"kenshin/discover/internal/legacytls"
	"kenshin/discover/internal/ntlm"
	"kenshin/discover/internal/talk"
	"kenshin/gate"
	"kenshin/observation"
)

// Security protocols of MS-RDPBCGR 2.2.1.1.1 and 2.2.1.2.1.
const (
	protocolRDP    = 0
	protocolTLS    = 1
	protocolNLA    = 2
	protocolNLAEx  = 8
	hybridRequired = 5 // failure code: the server accepts network level authentication only
)

// maxAnswer bounds one whole conversation, the server's certificate included.
const maxAnswer = 64 * 1024

// Probe asks which protocol the server selects and, where that is network level authentication, on a second connection whether it would do
// without. It returns tcp.open, rdp, tls.cert and ntlm.
func Probe(ctx context.Context, h *gate.Host, port uint16) ([]observation.Observation, error) {
	seen, err := talk.With(ctx, h, port, gate.RDPNegotiate, Talk)
	for i := range seen {
		if seen[i].Signal != observation.RDP || seen[i].Value != "nla" {
			continue
		}
		_, _ = talk.With(ctx, h, port, gate.RDPNegotiate, func(conn net.Conn) ([]observation.Observation, error) {
			required, err := Requires(conn)
			if err == nil {
				seen[i].Detail = talk.Detail("nla_required", required)
			}
			return nil, err // no answer leaves "required" unknown
		})
	}
	return seen, err
}

// Talk offers TLS and network level authentication. It returns rdp, tls.cert where TLS is spoken, and ntlm.
func Talk(conn net.Conn) ([]observation.Observation, error) {
	c := talk.New(conn, maxAnswer)
	answer, err := connect(c, protocolTLS|protocolNLA)
	if err != nil {
		return nil, err
	}
	o := observation.Observation{Signal: observation.RDP, Value: answer.name(), Raw: c.Raw()}
	if answer.failure != 0 {
		o.Detail = talk.Detail("failure", fmt.Sprint(answer.failure))
	} else if o.Value != "nla" {
		o.Detail = talk.Detail("nla_required", "false")
	}
	seen := []observation.Observation{o}
	if answer.failure != 0 || answer.selected == protocolRDP {
		return seen, nil
	}
	client := legacytls.Client(c)
	if err := client.Handshake(); err != nil {
		return seen, fmt.Errorf("shaking hands: %w", err)
	}
	if o, ok := legacytls.Observe(client.ConnectionState(), nil); ok {
		seen = append(seen, o)
	}
	if answer.selected == protocolTLS {
		return seen, nil
	}
	if _, err := client.Write(tsRequest(ntlm.Negotiate())); err != nil {
		return seen, fmt.Errorf("sending CredSSP: %w", err)
	}
	b, err := element(client)
	if err != nil {
		return seen, fmt.Errorf("waiting for CredSSP: %w", err)
	}
	challenge, err := ntlm.Find(b)
	if err != nil {
		return seen, err
	}
	return append(seen, challenge.Observation("rdp", b[:min(len(b), talk.MaxRaw)])), nil
}

// Requires offers TLS without network level authentication: "true" when the server insists on it, "false" when it does not, "" when it
// gives another reason.
func Requires(conn net.Conn) (string, error) {
	answer, err := connect(talk.New(conn, maxAnswer), protocolTLS)
	switch {
	case err != nil:
		return "", err
	case answer.failure == hybridRequired:
		return "true", nil
	case answer.failure != 0:
		return "", nil
	}
	return "false", nil
}

// confirm is what a connection confirm says.
type confirm struct {
	selected uint32
	failure  uint32 // 0 = none, else the code of MS-RDPBCGR 2.2.1.2.2
}

func (a confirm) name() string {
	switch {
	case a.failure == hybridRequired || a.failure == 0 && a.selected&(protocolNLA|protocolNLAEx) != 0:
		return "nla"
	case a.failure == 0 && a.selected&protocolTLS != 0:
		return "tls"
	}
	return "rdp" // standard security: also what failures 2 (TLS not allowed) and 3 (no certificate) mean
}

// connect sends an X.224 connection request and reads the confirm.
func connect(c *talk.Conn, protocols byte) (confirm, error) {
	// TPKT (RFC 1006), X.224 CR (length 14, type E0, no references, class 0), RDP_NEG_REQ
	request := []byte{3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, protocols, 0, 0, 0}
	if _, err := c.Write(request); err != nil {
		return confirm{}, fmt.Errorf("asking to connect: %w", err)
	}
	head, err := c.Take(4)
	if err != nil {
		return confirm{}, fmt.Errorf("waiting for the confirm: %w", err)
	}
	n := int(binary.BigEndian.Uint16(head[2:]))
	if head[0] != 3 || n < 11 || n > 1024 {
		return confirm{}, talk.ErrOther
	}
	body, err := c.Take(n - 4)
	if err != nil {
		return confirm{}, fmt.Errorf("reading the confirm: %w", err)
	}
	return parseConfirm(body)
}

// parseConfirm reads an X.224 confirm with or without a negotiation (servers before Windows Vista send none).
func parseConfirm(b []byte) (confirm, error) {
	if len(b) < 7 || b[1]&0xf0 != 0xd0 {
		return confirm{}, talk.ErrOther
	}
	rest := b[7:]
	if len(rest) == 0 {
		return confirm{selected: protocolRDP}, nil
	}
	if len(rest) < 8 || binary.LittleEndian.Uint16(rest[2:]) != 8 {
		return confirm{}, talk.ErrOther
	}
	code := binary.LittleEndian.Uint32(rest[4:])
	switch {
	case rest[0] == 2:
		return confirm{selected: code}, nil
	case rest[0] == 3 && code != 0:
		return confirm{failure: code}, nil
	}
	return confirm{}, talk.ErrOther
}
