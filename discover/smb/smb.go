// Package smb asks a file server which dialects it speaks and hears, before any login, what it calls itself. SMB1 and SMB2 are asked on
// connections of their own; a session setup is begun with NTLM's first message and left after the server's answer.
package smb

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"kenshin/discover/internal/talk"
	"kenshin/gate"
	"kenshin/observation"
)

// netbiosPort carries SMB behind a NetBIOS session request (RFC 1002 section 4.3); every other port takes SMB at once.
const netbiosPort = 139

// maxMessage is the longest message that is taken; honest answers to our questions have a few hundred bytes.
const maxMessage = 16 * 1024

// Probe asks for SMB2 first and SMB1 after it. It returns tcp.open, smb.dialect (for SMB2 with Detail smb1: accepted | refused, where that
// is sure), ntlm and smb.native-os.
func Probe(ctx context.Context, h *gate.Host, port uint16) ([]observation.Observation, error) {
	hello := func(t talk.Hello) talk.Hello { return t }
	if port == netbiosPort {
		hello = session
	}
	seen, err2 := talk.With(ctx, h, port, gate.SMBNegotiate, hello(TalkSMB2))
	if len(seen) == 0 {
		return nil, err2 // not open, or no leave
	}
	old, err1 := talk.With(ctx, h, port, gate.SMBNegotiate, hello(TalkSMB1))
	if len(old) == 0 {
		return seen, errors.Join(err2, err1)
	}
	seen = append(seen, old[1:]...) // both begin with tcp.open
	mark(seen, err1)
	if errors.Is(err1, ErrRefused) {
		err1 = nil
	}
	if errors.Is(err2, ErrRefused) {
		err2 = nil
	}
	return seen, errors.Join(err2, err1)
}

// mark writes next to the SMB2 dialect what became of SMB1, so that "SMB1 is off" is a measurement and not a silence.
func mark(seen []observation.Observation, err error) {
	verdict := ""
	if errors.Is(err, ErrRefused) {
		verdict = "refused"
	}
	for _, o := range seen {
		if o.Signal == observation.SMBDialect && o.Value == SMB1 {
			verdict = "accepted"
		}
	}
	if verdict == "" {
		return
	}
	for i := range seen {
		if seen[i].Signal == observation.SMBDialect && seen[i].Value != SMB1 {
			seen[i].Detail["smb1"] = verdict
		}
	}
}

// SMB1 is the value of smb.dialect for the one dialect "NT LM 0.12" (CIFS 1.0).
const SMB1 = "smb1"

// ErrRefused says that the server took the question and declined: it named no common dialect, or hung up as many do.
var ErrRefused = errors.New("the server does not speak this SMB version")

// session makes a NetBIOS session to the name that every server answers to, then holds the conversation.
func session(next talk.Hello) talk.Hello {
	return func(conn net.Conn) ([]observation.Observation, error) {
		c := talk.New(conn, talk.MaxText)
		request := []byte{0x81, 0, 0, 68}
		request = append(request, netbiosName("*SMBSERVER", 0x20)...)
		request = append(request, netbiosName("KENSHIN", 0x00)...)
		if _, err := c.Write(request); err != nil {
			return nil, fmt.Errorf("asking for a NetBIOS session: %w", err)
		}
		head, err := c.Take(4)
		if err != nil {
			return nil, fmt.Errorf("waiting for the NetBIOS session: %w", err)
		}
		if head[0] != 0x82 {
			return nil, fmt.Errorf("NetBIOS session refused (%#02x): %w", head[0], talk.ErrOther)
		}
		return next(conn)
	}
}

// netbiosName encodes a name of at most 15 characters (RFC 1001 section 14.1).
func netbiosName(name string, suffix byte) []byte {
	full := []byte(fmt.Sprintf("%-15s", name))
	b := []byte{32}
	for _, c := range append(full, suffix) {
		b = append(b, 'A'+c>>4, 'A'+c&15)
	}
	return append(b, 0)
}

// packet puts the length before a message (MS-SMB2 2.1).
func packet(message []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(message))), message...)
}

// receive reads one message. keepalives are skipped.
func receive(c *talk.Conn) ([]byte, error) {
	for range 3 {
		head, err := c.Take(4)
		if err != nil {
			return nil, hungUp(err)
		}
		n := int(head[1])<<16 | int(head[2])<<8 | int(head[3])
		switch {
		case head[0] == 0x85 && n == 0:
			continue
		case head[0] != 0 || n < 4:
			return nil, talk.ErrOther
		case n > maxMessage:
			return nil, talk.ErrTooMuch
		}
		return c.Take(n)
	}
	return nil, talk.ErrOther
}

// hungUp turns a regular end of the connection, before any byte of an answer, into a refusal.
func hungUp(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

// field cuts n bytes at off out of a message, nil where they are not all there.
func field(b []byte, off, n int) []byte {
	if off < 0 || n < 0 || off > len(b) || n > len(b)-off {
		return nil
	}
	return b[off : off+n]
}
