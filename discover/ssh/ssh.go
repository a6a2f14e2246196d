// Package ssh hears the identification line of an SSH server (RFC 4253 section 4.2), says its own, and closes before any key is exchanged.
package ssh

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"

	"kenshin/discover/internal/talk"
	"kenshin/gate"
	"kenshin/observation"
)

const (
	ours     = "SSH-2.0-Kenshin\r\n"
	maxLines = 20       // lines that a server may send before its identification
	maxBytes = 8 * 1024 // the identification itself is at most 255 bytes
)

// Probe connects and holds the conversation. It returns tcp.open and ssh.banner.
func Probe(ctx context.Context, h *gate.Host, port uint16) ([]observation.Observation, error) {
	return talk.With(ctx, h, port, gate.SSHHello, Talk)
}

// Talk hears the identification on an open connection. It returns ssh.banner, or talk.ErrOther when the server speaks something else.
func Talk(conn net.Conn) ([]observation.Observation, error) {
	c := talk.New(conn, maxBytes)
	r := bufio.NewReaderSize(c, 1024)
	for range maxLines {
		line, err := r.ReadSlice('\n')
		if !bytes.HasPrefix(line, []byte("SSH-")) {
			if err != nil {
				return nil, fmt.Errorf("waiting for the identification: %w", err)
			}
			continue
		}
		// a line that ends with the connection instead of a line feed is taken as it is
		line = bytes.TrimRight(line[:min(len(line), 255)], "\r\n")
		seen := []observation.Observation{{Signal: observation.SSHBanner, Value: talk.Text(line), Raw: c.Raw()}}
		if _, err := conn.Write([]byte(ours)); err != nil {
			return seen, fmt.Errorf("sending our identification: %w", err)
		}
		return seen, nil
	}
	return nil, talk.ErrOther
}
