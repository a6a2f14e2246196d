// Package talk is the manners that all conversations over TCP share: one connection, one budget of time and bytes for the whole exchange,
// the first bytes of the answer kept as evidence, and a regular close.
package talk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"kenshin/gate"
	"kenshin/observation"
)

// Limits of every conversation. The time is for the whole exchange, so a device that answers one byte a second cannot stall a sweep.
const (
	Budget   = 6 * time.Second
	MaxRaw   = 512       // bytes of an answer that are kept in Observation.Raw
	MaxBytes = 64 * 1024 // bytes read from a device, where a conversation sets no other limit
	MaxText  = 1024      // bytes of a banner that are looked at
)

// ErrTooMuch ends a conversation in which the device sends more than any honest answer has.
var ErrTooMuch = errors.New("the answer is longer than any honest one")

// ErrOther says that something answered, but not in the protocol that was asked.
var ErrOther = errors.New("another protocol answered")

// Conn is a connection with a deadline for everything, a limit on what is read, and a memory of the first bytes.
type Conn struct {
	net.Conn
	left int
	raw  []byte
}

// New starts a conversation on c: the clock of Budget runs from now, at most limit bytes will be read.
func New(c net.Conn, limit int) *Conn {
	_ = c.SetDeadline(time.Now().Add(Budget)) // an unusable connection shows at the first read or write
	return &Conn{Conn: c, left: limit}
}

// Read reads what is left of the limit and fails with ErrTooMuch after it.
func (c *Conn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, ErrTooMuch
	}
	if len(p) > c.left {
		p = p[:c.left]
	}
	n, err := c.Conn.Read(p)
	c.left -= n
	if room := MaxRaw - len(c.raw); room > 0 {
		c.raw = append(c.raw, p[:min(n, room)]...)
	}
	return n, err
}

// Raw returns a copy of the first bytes that the device sent.
func (c *Conn) Raw() []byte { return append([]byte(nil), c.raw...) }

// Take reads exactly n bytes; n comes from the device, so it is checked against the limit before memory is taken.
func (c *Conn) Take(n int) ([]byte, error) {
	if n < 0 || n > c.left {
		return nil, ErrTooMuch
	}
	b := make([]byte, n)
	_, err := io.ReadFull(c, b)
	return b, err
}

// Hello is a conversation: it speaks on a connection that is open and returns what it learned, also when it ends in an error.
type Hello func(net.Conn) ([]observation.Observation, error)

// With opens one connection to the host by leave of the gate, holds the conversation, closes politely, and fills in whose answers they are.
// The first observation is always tcp.open. An error of the connection itself (refused, timed out, no leave) comes without observations.
func With(ctx context.Context, h *gate.Host, port uint16, frame gate.Frame, hello Hello) ([]observation.Observation, error) {
	conn, err := h.TCP(ctx, port, frame)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	open := observation.Observation{Signal: observation.TCPOpen, Value: strconv.Itoa(int(port))}
	said, err := hello(conn)
	goodbye(conn)
	seen := append([]observation.Observation{open}, said...)
	for i := range seen {
		seen[i].IP, seen[i].MAC, seen[i].Port, seen[i].At = h.Addr(), h.MAC(), port, time.Now()
		seen[i].Clean()
	}
	if err != nil {
		err = fmt.Errorf("%s to %s port %d: %w", frame, h.Addr(), port, err)
	}
	return seen, err
}

// Nothing is the conversation of a port that is only connected to.
func Nothing(net.Conn) ([]observation.Observation, error) { return nil, nil }

// goodbye ends with FIN instead of the reset that closing with unread bytes would cause.
func goodbye(conn net.Conn) {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = conn.SetDeadline(time.Now().Add(200 * time.Millisecond))
	_, _ = io.CopyN(io.Discard, conn, MaxBytes)
}
