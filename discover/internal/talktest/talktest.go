// Package talktest is the other side of the conversations, for tests: servers that say given bytes, and servers that mean harm.
package talktest

import (
	"bytes"
	"encoding/hex"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kenshin/discover/internal/talk"
	"kenshin/observation"
)

// Server plays one connection on loopback with the given script and returns the client's end.
func Server(t testing.TB, script func(net.Conn)) net.Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		close(accepted) // closing the listener before would reset the connection
		if err != nil {
			return
		}
		defer c.Close()
		script(c)
	}()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); <-done })
	<-accepted
	return client
}

// Says is a script that sends the bytes at once, closes its direction and swallows what comes.
func Says(answer []byte) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = c.Write(answer)
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	}
}

// Turns is a script that answers the client's messages one by one: it waits until the client has sent something, then sends the next answer.
func Turns(answers ...[]byte) func(net.Conn) {
	return func(c net.Conn) {
		buf := make([]byte, 64*1024)
		for _, a := range answers {
			if _, err := c.Read(buf); err != nil {
				return
			}
			if _, err := c.Write(a); err != nil {
				return
			}
		}
		_, _ = io.Copy(io.Discard, c)
	}
}

// Replay is a connection in memory for fuzzing: reads come from Answer, writes vanish.
func Replay(answer []byte) net.Conn { return &replay{r: bytes.NewReader(answer)} }

type replay struct{ r *bytes.Reader }

func (c *replay) Read(p []byte) (int, error)       { return c.r.Read(p) }
func (c *replay) Write(p []byte) (int, error)      { return len(p), nil }
func (c *replay) Close() error                     { return nil }
func (c *replay) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *replay) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *replay) SetDeadline(time.Time) error      { return nil }
func (c *replay) SetReadDeadline(time.Time) error  { return nil }
func (c *replay) SetWriteDeadline(time.Time) error { return nil }

// Hostile holds the conversation with servers that mean harm and demands that each ends in time and in bytes. honest is a good answer,
// which is cut everywhere, dripped, and followed by an endless stream. Time is simulated, so slow servers cost nothing.
func Hostile(t *testing.T, hello talk.Hello, honest []byte) {
	t.Helper()
	servers := map[string]func(net.Conn){
		"one byte a second": func(c net.Conn) {
			for i := 0; ; i++ {
				b := byte(' ')
				if i < len(honest) {
					b = honest[i]
				}
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		},
		"silence":                         func(c net.Conn) { time.Sleep(time.Hour) },
		"hangs up":                        func(c net.Conn) {},
		"endless FF":                      endless(nil, bytes.Repeat([]byte{0xff}, 4096)),
		"endless 00":                      endless(nil, bytes.Repeat([]byte{0}, 4096)),
		"endless text without a line end": endless(nil, bytes.Repeat([]byte{'A'}, 4096)),
		"endless lines":                   endless(nil, bytes.Repeat([]byte("220-x\r\n"), 500)),
		"honest, then endless":            endless(honest, bytes.Repeat([]byte("\r\nx: y"), 500)),
	}
	for name, script := range servers {
		t.Run(name, func(t *testing.T) { ends(t, hello, script) })
	}
	t.Run("cut anywhere", func(t *testing.T) {
		for i := range honest {
			checked(t, hello, honest[:i])
		}
	})
	t.Run("any byte changed", func(t *testing.T) {
		for i := range honest {
			for _, b := range []byte{0, 0x7f, 0xff} {
				bad := bytes.Clone(honest)
				bad[i] = b
				checked(t, hello, bad)
			}
		}
	})
}

func checked(t testing.TB, hello talk.Hello, answer []byte) {
	seen, _ := hello(Replay(answer))
	Sane(t, seen)
}

// Sane checks what every observation of a conversation must keep.
func Sane(t testing.TB, seen []observation.Observation) {
	t.Helper()
	for _, o := range seen {
		if o.Signal == "" || len(o.Raw) > talk.MaxRaw || o.Port != 0 || o.IP.IsValid() || o.Sensor != "" {
			t.Fatalf("not what a conversation may return: %+v", o)
		}
	}
}

func ends(t *testing.T, hello talk.Hello, script func(net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		count := &counter{Conn: client}
		var others sync.WaitGroup
		others.Go(func() { _, _ = io.Copy(io.Discard, server) }) // a real TCP stack takes the request in
		others.Go(func() { script(server); server.Close() })
		start := time.Now()
		seen, _ := hello(count)
		client.Close()
		if took := time.Since(start); took > talk.Budget+time.Second {
			t.Errorf("took %v", took)
		}
		if count.n > 512*1024 {
			t.Errorf("read %d bytes", count.n)
		}
		others.Wait()
		Sane(t, seen)
	})
}

type counter struct {
	net.Conn
	n int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.n += n
	return n, err
}

func endless(first, then []byte) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := c.Write(first); err != nil {
			return
		}
		for {
			if _, err := c.Write(then); err != nil {
				return
			}
		}
	}
}

// Hex reads a file of hex digits; lines that begin with # say where the bytes come from.
func Hex(t testing.TB, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var digits strings.Builder
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			digits.WriteString(strings.TrimSpace(line))
		}
	}
	b, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return b
}

// Fact is an observation without its raw bytes, for comparing.
type Fact struct {
	Signal observation.Signal
	Value  string
	Detail map[string]string
}

// Facts strips observations and checks that each carries evidence.
func Facts(t testing.TB, seen []observation.Observation) []Fact {
	t.Helper()
	Sane(t, seen)
	var out []Fact
	for _, o := range seen {
		if len(o.Raw) == 0 && o.Signal != observation.TLSCert {
			t.Errorf("%s has no raw bytes", o.Signal)
		}
		out = append(out, Fact{o.Signal, o.Value, o.Detail})
	}
	return out
}

// Of makes a Fact.
func Of(signal observation.Signal, value string, detail map[string]string) Fact {
	return Fact{Signal: signal, Value: value, Detail: detail}
}
