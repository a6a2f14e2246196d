package database

import (
	"bufio"
	"fmt"
	"net"
	"strings"

	"kenshin/discover/internal/talk"
	"kenshin/observation"
)

// TalkRedis sends one PING. A server that answers +PONG lets anybody in. It returns db.greeting.
func TalkRedis(conn net.Conn) ([]observation.Observation, error) {
	c := talk.New(conn, talk.MaxText)
	if _, err := c.Write([]byte("*1\r\n$4\r\nPING\r\n")); err != nil {
		return nil, fmt.Errorf("sending PING: %w", err)
	}
	b, err := bufio.NewReaderSize(c, talk.MaxText).ReadSlice('\n')
	if err != nil && len(b) == 0 {
		return nil, fmt.Errorf("waiting for the answer: %w", err)
	}
	line := strings.TrimRight(talk.Text(b), "\r\n")
	switch {
	case line == "+PONG":
		return greeting("redis", c.Raw(), "auth", "none"), nil
	case strings.HasPrefix(line, "-NOAUTH"):
		return greeting("redis", c.Raw(), "auth", "required"), nil
	case strings.HasPrefix(line, "-DENIED"):
		return greeting("redis", c.Raw(), "auth", "protected"), nil
	}
	return nil, talk.ErrOther
}
