package gate

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"kenshin/fault"
)

// conn is one conversation. Every write is a question to Decide; a protected device's connection is closed under the sender's hands.
type conn struct {
	net.Conn
	g       *Gate
	r       request
	tcp     bool
	until   time.Time // end of its life
	release func()
	life    context.Context
	end     context.CancelFunc

	mu    sync.Mutex
	left  int // bytes that may still be read
	why   *Refusal
	first bool
	once  sync.Once

	closing  bool
	gone     context.Context // ends when the socket is closed
	markGone context.CancelFunc
}

func newConn(g *Gate, r request, nc net.Conn, tcp bool, release func()) *conn {
	c := &conn{Conn: nc, g: g, r: r, tcp: tcp, release: release, first: true, until: time.Now().Add(UDPLifetime), left: maxUDPRead}
	if tcp {
		c.until, c.left = time.Now().Add(g.tcpLife), MaxRead
	}
	c.life, c.end = context.WithDeadline(context.Background(), c.until)
	c.gone, c.markGone = context.WithCancel(context.Background())
	_ = nc.SetDeadline(c.until)
	g.register(c)
	context.AfterFunc(c.life, func() { // a sender that forgets to close does not keep the device's turn
		if errors.Is(c.life.Err(), context.DeadlineExceeded) {
			_ = c.Close()
		}
	})
	return c
}

func (c *conn) refused() *Refusal { return c.g.refusal(c.r) }

// stopped is the error of a conversation that the gate ended.
func (c *conn) stopped(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != nil {
		return c.why
	}
	if errors.Is(err, net.ErrClosed) && errors.Is(c.life.Err(), context.DeadlineExceeded) {
		return os.ErrDeadlineExceeded
	}
	return err
}

// segmentSize is a cautious TCP segment; maxDatagram fits an unfragmented frame of an ordinary link, IPv6 header included.
const (
	segmentSize = 1200
	maxDatagram = 1452
)

func (c *conn) Write(p []byte) (int, error) {
	if !c.tcp {
		return c.writeDatagram(p)
	}
	done := 0
	for done < len(p) {
		n := min(len(p)-done, 4*segmentSize)
		if err := c.g.leave(c.life, c.r, (n+segmentSize-1)/segmentSize); err != nil {
			return done, c.stopped(err)
		}
		w, err := c.Conn.Write(p[done : done+n])
		done += w
		if err != nil {
			return done, c.stopped(err)
		}
	}
	return done, nil
}

func (c *conn) writeDatagram(p []byte) (int, error) {
	if len(p) > maxDatagram {
		return 0, fault.Newf(fault.TooLarge, "送ろうとした電文が大きすぎます(%d バイト、上限 %d)。分割された電文は送りません。",
			"The datagram is too large (%d bytes, limit %d); fragments are never sent.", len(p), maxDatagram)
	}
	c.mu.Lock()
	frames := 1
	if c.first {
		frames, c.first = 2, false // the kernel's ARP question
	}
	c.mu.Unlock()
	if err := c.g.leave(c.life, c.r, frames); err != nil {
		return 0, c.stopped(err)
	}
	n, err := c.Conn.Write(p)
	return n, c.stopped(err)
}

// Read takes a few segments at a time: what is read opens the window again, so reading slowly keeps the kernel's own frames (the
// acknowledgements) inside the pace.
func (c *conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	left := c.left
	c.mu.Unlock()
	if left <= 0 {
		return 0, fault.Newf(fault.TooLarge, "機器の答えが大きすぎるため、読むのをやめました(上限 %d バイト)。",
			"The device's answer is too large; reading stopped after %d bytes.", MaxRead)
	}
	p = p[:min(len(p), left)]
	if c.tcp {
		p = p[:min(len(p), 2*1460)]
		if err := sleep(c.life, reserveAll(c.g.buckets(c.r.segment), 0)); err != nil {
			return 0, c.stopped(net.ErrClosed)
		}
	}
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	c.left -= n
	c.mu.Unlock()
	if c.tcp && n > 0 {
		c.g.spend(c.r, 1+n/1460)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = c.stopped(err)
	}
	return n, err
}

// Close says goodbye inside the pace: a FIN and the acknowledgement of the other's.
func (c *conn) Close() error {
	c.mu.Lock()
	again := c.closing
	c.closing = true
	c.mu.Unlock()
	if again {
		return net.ErrClosed
	}
	if c.tcp {
		bye, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer context.AfterFunc(c.gone, cancel)()
		defer cancel()
		_ = sleep(bye, reserveAll(c.g.buckets(c.r.segment), 2))
		c.g.count(c.r, 2, "")
	}
	return c.finish()
}

// abort ends the conversation at once: with a FIN, or after the kill switch with a single RST.
func (c *conn) abort() {
	c.mu.Lock()
	if c.why == nil {
		c.why = c.refused()
	}
	c.mu.Unlock()
	if t, ok := c.Conn.(*net.TCPConn); ok && c.g.Killed() {
		_ = t.SetLinger(0)
	}
	_ = c.finish()
}

func (c *conn) finish() error {
	err := net.ErrClosed
	c.once.Do(func() {
		err = c.Conn.Close()
		c.end()
		c.markGone()
		c.g.forget(c)
		c.release()
	})
	return err
}

// SetDeadline and its two halves never reach beyond the conversation's life.
func (c *conn) SetDeadline(t time.Time) error      { return c.Conn.SetDeadline(c.bound(t)) }
func (c *conn) SetReadDeadline(t time.Time) error  { return c.Conn.SetReadDeadline(c.bound(t)) }
func (c *conn) SetWriteDeadline(t time.Time) error { return c.Conn.SetWriteDeadline(c.bound(t)) }

func (c *conn) bound(t time.Time) time.Time {
	if t.IsZero() || t.After(c.until) {
		return c.until
	}
	return t
}
