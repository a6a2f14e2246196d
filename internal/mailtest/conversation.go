package mailtest

import (
	"bufio"
	"crypto/hmac"
	"crypto/md5"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"strings"
	"time"
)

// conversation is one connection to the sink.
type conversation struct {
	sink   *Sink
	raw    net.Conn
	conn   net.Conn
	r      *bufio.Reader
	number int
	tls    bool
	user   string
	from   string
	to     []string
}

func (c *conversation) run() {
	c.use(c.raw)
	if c.sink.config.Implicit {
		if !c.encrypt() {
			return
		}
	}
	if c.answer(Banner, "", "220 sink.test ESMTP") != nil {
		return
	}
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		c.sink.note(line)
		if c.command(line) != nil {
			return
		}
	}
}

func (c *conversation) use(conn net.Conn) {
	c.conn, c.r = conn, bufio.NewReaderSize(conn, 64<<10)
}

func (c *conversation) encrypt() bool {
	t := tls.Server(c.raw, c.sink.config.TLS)
	if t.Handshake() != nil {
		return false
	}
	c.use(t)
	c.tls = true
	return true
}

// say writes lines that are separated by \n.
func (c *conversation) say(reply string, drip time.Duration) error {
	text := []byte(strings.ReplaceAll(reply, "\n", "\r\n") + "\r\n")
	if drip == 0 {
		_, err := c.conn.Write(text)
		return err
	}
	for i := range text {
		if _, err := c.conn.Write(text[i : i+1]); err != nil {
			return err
		}
		time.Sleep(drip) // being slow is what this server is asked for
	}
	return nil
}

// answer gives the ordinary reply unless a rule wants another; errCut ends the conversation.
func (c *conversation) answer(stage Stage, to, ordinary string) error {
	_, err := c.decide(stage, to, ordinary)
	return err
}

// decide also tells what was decided, for the stages that a refusal ends.
func (c *conversation) decide(stage Stage, to, ordinary string) (Act, error) {
	act, _ := c.sink.rule(stage, c.number, to)
	return act, c.perform(act, ordinary)
}

func (c *conversation) perform(act Act, ordinary string) error {
	time.Sleep(act.Wait)
	if act.Reply == "" && !act.Cut {
		act.Reply = ordinary
	}
	if act.Reply != "" {
		if act.Half {
			c.conn.Write([]byte(act.Reply))
		} else if err := c.say(act.Reply, act.Drip); err != nil {
			return err
		}
	}
	if act.Cut {
		return errCut
	}
	return nil
}

func refuses(a Act) bool { return a.Reply != "" && a.Reply[0] != '2' && a.Reply[0] != '3' }

func (c *conversation) command(line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "EHLO":
		if c.sink.config.Old {
			return c.say("502 5.5.1 not implemented", 0)
		}
		return c.answer(Hello, "", c.offers())
	case "HELO":
		return c.answer(Hello, "", "250 sink.test")
	case "STARTTLS":
		if c.sink.config.TLS == nil || c.tls {
			return c.say("502 5.5.1 not offered", 0)
		}
		if err := c.say("220 2.0.0 go on", 0); err != nil {
			return err
		}
		if !c.encrypt() {
			return errCut
		}
		return nil
	case "AUTH":
		return c.signIn(rest)
	case "MAIL":
		return c.mail(rest)
	case "RCPT":
		return c.rcpt(rest)
	case "DATA":
		return c.data()
	case "RSET":
		c.from, c.to = "", nil
		return c.say("250 2.0.0 OK", 0)
	case "NOOP":
		return c.say("250 2.0.0 OK", 0)
	case "QUIT":
		c.say("221 2.0.0 bye", 0)
		return errCut
	}
	return c.say("500 5.5.2 what?", 0)
}

func (c *conversation) offers() string {
	k := c.sink.config
	lines := []string{"sink.test", "PIPELINING", "ENHANCEDSTATUSCODES"}
	if !k.Seven {
		lines = append(lines, "8BITMIME", "SMTPUTF8")
	}
	if k.Size > 0 {
		lines = append(lines, fmt.Sprintf("SIZE %d", k.Size))
	}
	if k.TLS != nil && !c.tls {
		lines = append(lines, "STARTTLS")
	}
	if k.Users != nil {
		lines = append(lines, "AUTH "+c.methods())
	}
	return "250-" + strings.Join(lines[:len(lines)-1], "\n250-") + "\n250 " + lines[len(lines)-1]
}

func (c *conversation) methods() string {
	if m := c.sink.config.Methods; m != "" {
		return m
	}
	return "PLAIN LOGIN CRAM-MD5 XOAUTH2"
}

// ask sends a challenge and reads the answer.
func (c *conversation) ask(challenge string) (string, error) {
	if err := c.say("334 "+base64.StdEncoding.EncodeToString([]byte(challenge)), 0); err != nil {
		return "", err
	}
	line, err := c.r.ReadString('\n')
	if err != nil {
		return "", err
	}
	c.sink.note(strings.TrimRight(line, "\r\n"))
	b, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(line))
	return string(b), nil
}

func (c *conversation) signIn(rest string) error {
	method, first, _ := strings.Cut(rest, " ")
	b, _ := base64.StdEncoding.DecodeString(first)
	user, ok, err := c.proof(strings.ToUpper(method), string(b))
	if err != nil {
		return err
	}
	if !ok {
		return c.answer(Auth, "", "535 5.7.8 authentication failed")
	}
	act, err := c.decide(Auth, "", "235 2.7.0 welcome")
	if !refuses(act) {
		c.user = user
	}
	return err
}

// proof tells who shows the right password, or the right token.
func (c *conversation) proof(method, first string) (user string, ok bool, err error) {
	users := c.sink.config.Users
	switch method {
	case "PLAIN":
		if first == "" {
			if first, err = c.ask(""); err != nil {
				return "", false, err
			}
		}
		p := strings.Split(first, "\x00")
		return p[min(1, len(p)-1)], len(p) == 3 && users[p[1]] != "" && users[p[1]] == p[2], nil
	case "LOGIN":
		if user, err = c.ask("Username:"); err != nil {
			return "", false, err
		}
		password, err := c.ask("Password:")
		return user, password != "" && users[user] == password, err
	case "CRAM-MD5":
		challenge := "<1.2@sink.test>"
		reply, err := c.ask(challenge)
		user, digest, _ := strings.Cut(reply, " ")
		mac := hmac.New(md5.New, []byte(users[user]))
		mac.Write([]byte(challenge))
		return user, users[user] != "" && digest == hex.EncodeToString(mac.Sum(nil)), err
	case "XOAUTH2":
		user, rest, _ := strings.Cut(strings.TrimPrefix(first, "user="), "\x01")
		token := strings.TrimSuffix(strings.TrimPrefix(rest, "auth=Bearer "), "\x01\x01")
		if users[user] != "" && users[user] == token {
			return user, true, nil
		}
		_, err := c.ask(`{"status":"401","schemes":"bearer","scope":"mail"}`) // the client owes an empty answer before the refusal
		return user, false, err
	}
	return "", false, nil
}

func address(rest string) string {
	_, a, _ := strings.Cut(rest, "<")
	a, _, _ = strings.Cut(a, ">")
	return a
}

func (c *conversation) mail(rest string) error {
	if c.sink.config.Users != nil && c.user == "" {
		return c.say("530 5.7.0 sign in first", 0)
	}
	act, err := c.decide(From, "", "250 2.1.0 OK")
	if !refuses(act) {
		c.from, c.to = address(rest), nil
	}
	return err
}

func (c *conversation) rcpt(rest string) error {
	to := address(rest)
	act, err := c.decide(To, to, "250 2.1.5 OK")
	if !refuses(act) {
		c.to = append(c.to, to)
	}
	return err
}

func (c *conversation) data() error {
	if len(c.to) == 0 {
		return c.say("503 5.5.1 no recipient", 0)
	}
	act, err := c.decide(Data, c.to[0], "354 go on")
	if err != nil || refuses(act) {
		return err
	}
	body, err := readMail(c.r)
	if err != nil {
		return err
	}
	act, _ = c.sink.rule(Dot, c.number, c.to[0])
	if act.Keep || !refuses(act) && !act.Cut {
		for _, to := range c.to {
			c.sink.keep(Message{From: c.from, To: to, Body: body, TLS: c.tls, User: c.user, Conn: c.number})
		}
	}
	c.from, c.to = "", nil
	return c.perform(act, "250 2.0.0 taken")
}
