// Package mailtest has mail servers for tests and measurements: a sink of our own that takes mail at speed and fails on demand, and Debian's
// postfix and dovecot on loopback, each in a folder that is thrown away.
package mailtest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// Stage is where in a conversation the server is about to answer.
type Stage string

// The stages in their order; Dot is the answer to a whole mail.
const (
	Banner Stage = "banner"
	Hello  Stage = "hello"
	Auth   Stage = "auth"
	From   Stage = "from"
	To     Stage = "to"
	Data   Stage = "data"
	Dot    Stage = "dot"
)

// Moment is one answer that is due.
type Moment struct {
	Stage Stage
	Conn  int    // the number of the connection, from 1
	Nth   int    // how often this stage was reached, over all connections, from 1
	To    string // the recipient, from stage To on
	Tries int    // how often this stage was reached for this recipient, from 1
}

// Act is what a rule does instead of the ordinary answer.
type Act struct {
	Reply string        // without its last CRLF; "": the ordinary answer, or silence when Cut is set
	Keep  bool          // at Dot: the mail is taken although the answer says otherwise, or is lost
	Half  bool          // without the last CRLF
	Cut   bool          // the connection is closed afterwards
	Wait  time.Duration // before the answer
	Drip  time.Duration // between two bytes of the answer
}

// Rule may change an answer; the first rule that says true decides. It is called by one connection at a time.
type Rule func(Moment) (Act, bool)

// Nth acts once, the nth time that a stage is reached.
func Nth(stage Stage, n int, act Act) Rule {
	return func(m Moment) (Act, bool) { return act, m.Stage == stage && m.Nth == n }
}

// Every acts at each nth time that a stage is reached.
func Every(stage Stage, n int, act Act) Rule {
	return func(m Moment) (Act, bool) { return act, m.Stage == stage && m.Nth%n == 0 }
}

// For acts for one recipient.
func For(to string, stage Stage, act Act) Rule {
	return func(m Moment) (Act, bool) { return act, m.Stage == stage && strings.EqualFold(m.To, to) }
}

// Greylist defers each recipient the first n times, as postgrey does.
func Greylist(n int) Rule {
	return func(m Moment) (Act, bool) {
		return Act{Reply: "451 4.7.1 <" + m.To + ">: Recipient address rejected: Greylisted, try again in 300 seconds"}, m.Stage == To && m.Tries <= n
	}
}

// Message is a mail that was taken.
type Message struct {
	From, To string
	ID       string // Message-ID with its brackets
	Body     []byte // as it came, dots unstuffed; nil with Config.Discard
	TLS      bool
	User     string // who signed in
	Conn     int
	At       time.Time
}

// Config is a sink that is more than an open relay without TLS.
type Config struct {
	TLS      *tls.Config       // offers STARTTLS
	Implicit bool              // TLS from the first byte
	Users    map[string]string // user to password, or to token for XOAUTH2; nil: nobody needs to sign in
	Methods  string            // "PLAIN LOGIN CRAM-MD5 XOAUTH2" when empty
	Size     int               // offered as SIZE
	Old      bool              // knows HELO only
	Seven    bool              // no 8BITMIME, no SMTPUTF8
	Discard  bool              // keep no bodies
}

// Sink is an SMTP server that keeps what it gets.
type Sink struct {
	config Config
	rules  []Rule
	addr   string

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	conn     int
	nth      map[Stage]int
	tries    map[string]int
	messages []Message
	lines    []string
	open     sync.WaitGroup
}

// Start runs an open sink on loopback for as long as the test.
func Start(t testing.TB, rules ...Rule) *Sink {
	t.Helper()
	return StartWith(t, Config{}, rules...)
}

// StartWith is Start with a configuration.
func StartWith(t testing.TB, c Config, rules ...Rule) *Sink {
	t.Helper()
	s, err := Listen(c, rules...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Listen runs a sink where there is no test.
func Listen(c Config, rules ...Rule) (*Sink, error) {
	s := &Sink{config: c, rules: rules, addr: "127.0.0.1:0", conns: map[net.Conn]bool{}, nth: map[Stage]int{}, tries: map[string]int{}}
	return s, s.Up()
}

// Addr is 127.0.0.1 with the port.
func (s *Sink) Addr() string { return s.addr }

// Port is the port of Addr.
func (s *Sink) Port() int {
	var p int
	fmt.Sscanf(s.addr[strings.LastIndexByte(s.addr, ':')+1:], "%d", &p)
	return p
}

// Messages are the mails in the order of their coming.
func (s *Sink) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.messages...)
}

// Count is the number of mails.
func (s *Sink) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.messages)
}

// ByRecipient gives the Message-IDs that each recipient got: two are a mail too many.
func (s *Sink) ByRecipient() map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	by := make(map[string][]string, len(s.messages))
	for _, m := range s.messages {
		by[m.To] = append(by[m.To], m.ID)
	}
	return by
}

// Lines are the first 10,000 commands that clients sent, without mails.
func (s *Sink) Lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.lines...)
}

// Conns is how many connections there were.
func (s *Sink) Conns() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn
}

// Down cuts all connections and refuses new ones, as a server that restarts.
func (s *Sink) Down() {
	s.mu.Lock()
	if s.listener != nil {
		s.listener.Close()
		s.listener = nil
	}
	for c := range maps.Keys(s.conns) {
		c.Close()
	}
	s.mu.Unlock()
}

// Up listens again at the same address.
func (s *Sink) Up() error {
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.listener, s.addr = l, l.Addr().String()
	s.mu.Unlock()
	s.open.Go(func() { s.accept(l) })
	return nil
}

// Close ends the sink.
func (s *Sink) Close() {
	s.Down()
	s.open.Wait()
}

func (s *Sink) accept(l net.Listener) {
	for {
		raw, err := l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.listener != l { // Down came between
			raw.Close()
			s.mu.Unlock()
			return
		}
		s.conn++
		c := &conversation{sink: s, raw: raw, number: s.conn}
		s.conns[raw] = true
		s.mu.Unlock()
		s.open.Go(func() {
			c.run()
			raw.Close()
			s.mu.Lock()
			delete(s.conns, raw)
			s.mu.Unlock()
		})
	}
}

func (s *Sink) rule(stage Stage, conn int, to string) (Act, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nth[stage]++
	m := Moment{Stage: stage, Conn: conn, Nth: s.nth[stage], To: to}
	if to != "" {
		key := string(stage) + " " + to
		s.tries[key]++
		m.Tries = s.tries[key]
	}
	for _, r := range s.rules {
		if a, ok := r(m); ok {
			return a, true
		}
	}
	return Act{}, false
}

func (s *Sink) note(line string) {
	s.mu.Lock()
	if len(s.lines) < 10000 {
		s.lines = append(s.lines, line)
	}
	s.mu.Unlock()
}

func (s *Sink) keep(m Message) {
	head, _, _ := bytes.Cut(m.Body, []byte("\r\n\r\n"))
	for line := range bytes.Lines(head) {
		if len(line) > 11 && strings.EqualFold(string(line[:11]), "message-id:") {
			m.ID = strings.TrimSpace(string(line[11:]))
		}
	}
	if s.config.Discard {
		m.Body = nil
	}
	m.At = time.Now()
	s.mu.Lock()
	s.messages = append(s.messages, m)
	s.mu.Unlock()
}

var errCut = errors.New("cut by a rule")

// readMail reads to the dot that ends a mail and takes the stuffed dots away.
func readMail(r *bufio.Reader) ([]byte, error) {
	var body []byte
	start := true // of a line
	for {
		part, err := r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		if start && bytes.HasPrefix(part, []byte(".")) {
			if bytes.Equal(part, []byte(".\r\n")) {
				return body, nil
			}
			part = part[1:]
		}
		body = append(body, part...)
		start = err == nil
	}
}
