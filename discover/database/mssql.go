package database

import (
	"encoding/binary"
	"fmt"
	"net"

	"kenshin/discover/internal/talk"
	"kenshin/observation"
)

// TalkMSSQL sends PRELOGIN (MS-TDS 2.2.6.5), in which Microsoft SQL Server tells its version and whether it encrypts. It returns db.greeting.
func TalkMSSQL(conn net.Conn) ([]observation.Observation, error) {
	c := talk.New(conn, 2*maxMessage)
	if _, err := c.Write(prelogin()); err != nil {
		return nil, fmt.Errorf("sending PRELOGIN: %w", err)
	}
	head, err := c.Take(8)
	if err != nil {
		return nil, fmt.Errorf("waiting for PRELOGIN: %w", err)
	}
	n := int(binary.BigEndian.Uint16(head[2:]))
	if head[0] != 4 || n < 8+6 || n > maxMessage {
		return nil, talk.ErrOther
	}
	b, err := c.Take(n - 8)
	if err != nil {
		return nil, fmt.Errorf("reading PRELOGIN: %w", err)
	}
	version, encrypt, err := parsePrelogin(b)
	if err != nil {
		return nil, err
	}
	return greeting("mssql "+version, c.Raw(), "tls", encrypt), nil
}

// prelogin is one packet of type 18 with VERSION, ENCRYPTION (off), INSTOPT, THREADID and MARS.
func prelogin() []byte {
	options := []struct {
		token byte
		data  []byte
	}{{0, make([]byte, 6)}, {1, []byte{0}}, {2, []byte{0}}, {3, make([]byte, 4)}, {4, []byte{0}}}
	var table, data []byte
	for _, o := range options {
		table = append(table, o.token)
		table = binary.BigEndian.AppendUint16(table, uint16(5*len(options)+1+len(data)))
		table = binary.BigEndian.AppendUint16(table, uint16(len(o.data)))
		data = append(data, o.data...)
	}
	body := append(append(table, 0xff), data...)
	head := []byte{0x12, 1, 0, byte(8 + len(body)), 0, 0, 1, 0}
	return append(head, body...)
}

// parsePrelogin reads the answer's options. VERSION must come first.
func parsePrelogin(b []byte) (version, encrypt string, err error) {
	for at := 0; at+5 <= len(b) && b[at] != 0xff; at += 5 {
		off, n := int(binary.BigEndian.Uint16(b[at+1:])), int(binary.BigEndian.Uint16(b[at+3:]))
		if off+n > len(b) {
			return "", "", talk.ErrOther
		}
		switch v := b[off : off+n]; {
		case (at == 0) != (b[at] == 0) || at == 0 && n < 6:
			return "", "", talk.ErrOther
		case at == 0:
			version = fmt.Sprintf("%d.%d.%d", v[0], v[1], binary.BigEndian.Uint16(v[2:]))
		case b[at] == 1 && n >= 1:
			encrypt = map[byte]string{0: "yes", 1: "yes", 2: "no", 3: "required"}[v[0]]
		}
	}
	if version == "" {
		return "", "", talk.ErrOther
	}
	return version, encrypt, nil
}
