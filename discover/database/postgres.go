package database

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"kenshin/discover/internal/legacytls"
	"kenshin/discover/internal/talk"
	"kenshin/observation"
)

// TalkPostgres asks for TLS, then begins as user "kenshin" and looks at what the server demands of it (PostgreSQL frontend/backend protocol
// 3.0). It ends there, with Terminate where the server would let us in. It returns db.greeting.
func TalkPostgres(conn net.Conn) ([]observation.Observation, error) {
	c := talk.New(conn, talk.MaxBytes)
	if _, err := c.Write([]byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}); err != nil { // SSLRequest
		return nil, fmt.Errorf("asking for TLS: %w", err)
	}
	said, err := c.Take(1)
	if err != nil {
		return nil, fmt.Errorf("waiting for the answer about TLS: %w", err)
	}
	var stream io.ReadWriter = c
	tls := "no"
	switch said[0] {
	case 'S':
		tls, stream = "yes", legacytls.Client(c)
	case 'N':
	default:
		return nil, talk.ErrOther
	}
	if _, err := stream.Write(startup()); err != nil {
		return nil, fmt.Errorf("beginning: %w", err)
	}
	p := pg{tls: tls}
	if err := p.listen(stream); err != nil {
		return nil, err
	}
	if p.auth == "trust" {
		_, _ = stream.Write([]byte{'X', 0, 0, 0, 4}) // Terminate; the server may have hung up by itself
	}
	value := "postgresql"
	if p.version != "" {
		value += " " + p.version
	}
	return greeting(value, c.Raw(), "tls", tls, "auth", p.auth, "error", p.fault), nil
}

func startup() []byte {
	b := []byte{0, 3, 0, 0}
	b = append(b, "user\x00kenshin\x00database\x00postgres\x00application_name\x00Kenshin\x00\x00"...)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b)+4)), b...)
}

// pg collects what the server says up to the point where a client would have to answer.
type pg struct{ tls, auth, version, fault string }

// listen reads messages until the server waits for us or ends.
func (p *pg) listen(r io.Reader) error {
	for range 50 {
		kind, body, err := pgMessage(r)
		if err != nil {
			if p.auth != "" {
				return nil // it let us in and went away: known already
			}
			return fmt.Errorf("waiting for what the server demands: %w", err)
		}
		done, err := p.message(kind, body)
		if done || err != nil {
			return err
		}
	}
	return nil
}

// message takes one message; done is true when nothing more is to be learned.
func (p *pg) message(kind byte, body []byte) (done bool, err error) {
	switch kind {
	case 'R':
		if len(body) < 4 {
			return true, talk.ErrOther
		}
		p.auth = pgAuth(binary.BigEndian.Uint32(body))
		return p.auth != "trust", nil
	case 'E':
		p.error(body)
		return true, nil
	case 'S':
		if name, value, ok := bytes.Cut(body, []byte{0}); ok && string(name) == "server_version" {
			p.version = talk.Text(bytes.TrimRight(value, "\x00"))
		}
		return p.version != "", nil
	case 'N', 'K', 'v':
		return false, nil
	case 'Z':
		return true, nil
	}
	return true, talk.ErrOther
}

// error keeps the code and text of an ErrorResponse. After AuthenticationOk it only says that there is no such role: the door was open.
func (p *pg) error(body []byte) {
	var code, text string
	for part := range bytes.SplitSeq(body, []byte{0}) {
		if len(part) < 2 {
			continue
		}
		switch part[0] {
		case 'C':
			code = string(part[1:])
		case 'M':
			text = talk.Text(part[1:])
		}
	}
	p.fault = code + " " + text
	if p.auth == "" {
		p.auth = "refused"
	}
}

func pgAuth(n uint32) string {
	switch n {
	case 0:
		return "trust"
	case 3:
		return "password"
	case 5:
		return "md5"
	case 7:
		return "gss"
	case 9:
		return "sspi"
	case 10:
		return "scram"
	}
	return fmt.Sprintf("method %d", n)
}

var errLength = errors.New("a message of impossible length")

func pgMessage(r io.Reader) (kind byte, body []byte, err error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n < 4 || n > maxMessage {
		return 0, nil, errLength
	}
	body = make([]byte, n-4)
	_, err = io.ReadFull(r, body)
	return head[0], body, err
}
