// Package tlscert shakes hands over TLS and reads the server's certificate and version. Nothing is verified and nothing is sent after it.
package tlscert

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"

	"kenshin/discover/internal/legacytls"
	"kenshin/discover/internal/talk"
	"kenshin/gate"
	"kenshin/observation"
)

// Probe connects and shakes hands. It returns tcp.open and tls.cert.
func Probe(ctx context.Context, h *gate.Host, port uint16) ([]observation.Observation, error) {
	return talk.With(ctx, h, port, gate.TLSHello, Talk)
}

// Talk shakes hands on an open connection. It returns tls.cert; where the handshake fails although the answer was TLS, what the server said
// before (its version, its certificate) is returned all the same, with Detail "failure".
func Talk(conn net.Conn) ([]observation.Observation, error) {
	c := &recorder{Conn: talk.New(conn, 2*talk.MaxBytes)}
	client := legacytls.Client(c)
	err := client.Handshake()
	if err == nil {
		o, ok := legacytls.Observe(client.ConnectionState(), c.Raw())
		if !ok {
			return nil, talk.ErrOther
		}
		return []observation.Observation{o}, nil
	}
	said, ok := overhear(c.heard)
	if !ok {
		return nil, fmt.Errorf("shaking hands: %w", err)
	}
	o := said.observation(c.Raw())
	o.Detail["failure"] = err.Error()
	return []observation.Observation{o}, nil
}

// recorder keeps what the server said in clear, for when the handshake fails.
type recorder struct {
	*talk.Conn
	heard []byte
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.heard = append(r.heard, p[:min(n, talk.MaxBytes-len(r.heard))]...)
	return n, err
}

// overheard is what a server said before the handshake failed.
type overheard struct {
	version string
	cert    []byte // DER of the server's certificate, nil where none came in clear
}

func (o overheard) observation(raw []byte) observation.Observation {
	if o.cert != nil {
		if c, err := x509.ParseCertificate(o.cert); err == nil {
			return legacytls.Certificate(c, o.version, raw)
		}
		if c, err := lenient(o.cert); err == nil {
			return legacytls.Certificate(c, o.version, raw)
		}
	}
	return observation.Observation{Signal: observation.TLSCert, Raw: raw, Detail: map[string]string{"version": o.version}}
}
