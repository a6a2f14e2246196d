package database

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"strings"

	"kenshin/discover/internal/talk"
	"kenshin/observation"
)

// clientSSL is the capability by which a MySQL server offers TLS.
const clientSSL = 0x0800

// TalkMySQL hears the greeting of MySQL or MariaDB (initial handshake packet, protocol 10) and hangs up. A server that refuses our address by
// an error packet is MySQL too. It returns db.greeting.
func TalkMySQL(conn net.Conn) ([]observation.Observation, error) {
	c := talk.New(conn, maxMessage)
	head, err := c.Take(4)
	if err != nil {
		return nil, fmt.Errorf("waiting for the greeting: %w", err)
	}
	n := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
	if n < 3 || n > 1024 || head[3] > 1 {
		return nil, talk.ErrOther
	}
	b, err := c.Take(n)
	if err != nil {
		return nil, fmt.Errorf("reading the greeting: %w", err)
	}
	switch b[0] {
	case 10:
		return mysqlGreeting(b[1:], c.Raw())
	case 0xff:
		text := strings.TrimPrefix(talk.Text(b[3:]), "#")
		value := "mysql"
		if strings.Contains(text, "MariaDB") {
			value = "mariadb"
		}
		return greeting(value, c.Raw(), "auth", "refused", "error", text), nil
	}
	return nil, talk.ErrOther
}

func mysqlGreeting(b, raw []byte) ([]observation.Observation, error) {
	version, rest, ok := bytes.Cut(b, []byte{0})
	if !ok || len(version) == 0 || len(rest) < 4+8+1+2 {
		return nil, talk.ErrOther
	}
	tls := "no"
	if binary.LittleEndian.Uint16(rest[13:])&clientSSL != 0 {
		tls = "yes"
	}
	return greeting(mysqlName(talk.Text(version)), raw, "tls", tls), nil
}

// mysqlName makes "mariadb 10.11.6" of "5.5.5-10.11.6-MariaDB-0+deb12u1": MariaDB says 5.5.5 first for the sake of old clients.
func mysqlName(version string) string {
	if !strings.Contains(version, "MariaDB") {
		return "mysql " + version
	}
	version = strings.TrimPrefix(version, "5.5.5-")
	number, _, _ := strings.Cut(version, "-")
	return "mariadb " + number
}
