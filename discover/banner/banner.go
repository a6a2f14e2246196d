// Package banner reads the greetings of services that speak first: FTP, Telnet, SMTP, POP3, VNC. It answers nothing.
package banner

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"kenshin/discover/internal/talk"
	"kenshin/gate"
	"kenshin/observation"
)

const (
	maxLines = 30 // lines of a greeting
	maxLine  = 1024
	quiet    = 1500 * time.Millisecond // a Telnet server that says nothing for so long has said what it says
)

// Open connects, sends nothing, and closes. It returns tcp.open.
func Open(ctx context.Context, h *gate.Host, port uint16) ([]observation.Observation, error) {
	return talk.With(ctx, h, port, gate.TCPConnect, talk.Nothing)
}

// FTP, Telnet, SMTP, POP3 and VNC connect and read the greeting. They return tcp.open and the signal of their name.
func FTP(ctx context.Context, h *gate.Host, port uint16) ([]observation.Observation, error) {
	return talk.With(ctx, h, port, gate.BannerWait, TalkFTP)
}

func Telnet(ctx context.Context, h *gate.Host, port uint16) ([]observation.Observation, error) {
	return talk.With(ctx, h, port, gate.BannerWait, TalkTelnet)
}

func SMTP(ctx context.Context, h *gate.Host, port uint16) ([]observation.Observation, error) {
	return talk.With(ctx, h, port, gate.BannerWait, TalkSMTP)
}

func POP3(ctx context.Context, h *gate.Host, port uint16) ([]observation.Observation, error) {
	return talk.With(ctx, h, port, gate.BannerWait, TalkPOP3)
}

func VNC(ctx context.Context, h *gate.Host, port uint16) ([]observation.Observation, error) {
	return talk.With(ctx, h, port, gate.BannerWait, TalkVNC)
}

// TalkFTP reads the reply of several lines with which an FTP server greets (RFC 959 section 4.2), also one that refuses (421, 530).
func TalkFTP(conn net.Conn) ([]observation.Observation, error) {
	return reply(conn, observation.FTPBanner, func(s string) bool { return !mail(s) })
}

// TalkSMTP reads the greeting of a mail server (RFC 5321 section 4.3).
func TalkSMTP(conn net.Conn) ([]observation.Observation, error) {
	return reply(conn, observation.SMTPBanner, func(s string) bool { return !strings.HasPrefix(s, "FTP") })
}

// mail tells the greeting of a mail server on an FTP port; both begin with 220.
func mail(s string) bool { return strings.Contains(s, "ESMTP") }

// reply reads "220-text" lines up to "220 text" and returns the texts, joined by " / ".
func reply(conn net.Conn, signal observation.Signal, ours func(string) bool) ([]observation.Observation, error) {
	c := talk.New(conn, maxLines*maxLine)
	r := bufio.NewReaderSize(c, maxLine)
	var code string
	var texts []string
	var err error
	for len(texts) < maxLines {
		var line []byte
		line, err = r.ReadSlice('\n')
		last, text, ok := replyLine(line, &code)
		if !ok {
			break
		}
		if text != "" {
			texts = append(texts, text)
		}
		if last || err != nil {
			break
		}
	}
	value := strings.Join(texts, " / ")
	if code == "" || !ours(value) {
		if err == nil {
			err = talk.ErrOther
		}
		return nil, fmt.Errorf("reading the greeting: %w", err)
	}
	return []observation.Observation{{Signal: signal, Value: value, Raw: c.Raw(), Detail: talk.Detail("code", code)}}, nil
}

// replyLine takes one line of a reply apart. The first sets code; later ones may lack it. last is true for "220 text".
func replyLine(line []byte, code *string) (last bool, text string, ok bool) {
	line = bytes.TrimRight(line, "\r\n")
	digits := len(line) >= 3 && line[0] >= '1' && line[0] <= '5' && digit(line[1]) && digit(line[2]) &&
		(len(line) == 3 || line[3] == ' ' || line[3] == '-')
	switch {
	case digits && (*code == "" || string(line[:3]) == *code):
		*code = string(line[:3])
		if len(line) == 3 {
			return true, "", true
		}
		return line[3] == ' ', strings.TrimSpace(talk.Text(line[4:])), true
	case *code != "" && len(line) > 0:
		return false, strings.TrimSpace(talk.Text(line)), true
	}
	return false, "", *code != ""
}

func digit(b byte) bool { return b >= '0' && b <= '9' }

// TalkPOP3 reads the "+OK" greeting (RFC 1939 section 4).
func TalkPOP3(conn net.Conn) ([]observation.Observation, error) {
	return line(conn, observation.POP3Banner, "+OK", "-ERR")
}

// TalkVNC reads the protocol version (RFC 6143 section 7.1.1), "RFB 003.008".
func TalkVNC(conn net.Conn) ([]observation.Observation, error) {
	return line(conn, observation.VNCBanner, "RFB ")
}

func line(conn net.Conn, signal observation.Signal, prefixes ...string) ([]observation.Observation, error) {
	c := talk.New(conn, maxLine)
	got, err := bufio.NewReaderSize(c, maxLine).ReadSlice('\n')
	for _, p := range prefixes {
		if bytes.HasPrefix(got, []byte(p)) {
			return []observation.Observation{{Signal: signal, Value: strings.TrimSpace(talk.Text(got)), Raw: c.Raw()}}, nil
		}
	}
	if err == nil {
		err = talk.ErrOther
	}
	return nil, fmt.Errorf("reading the greeting: %w", err)
}

// TalkTelnet listens until the server falls silent, asks for a name, or hangs up, and strips the negotiation (RFC 854). The value is empty
// where only negotiation came: that is Telnet for sure, waiting for an answer that it does not get.
func TalkTelnet(conn net.Conn) ([]observation.Observation, error) {
	c := talk.New(conn, 4*talk.MaxText)
	end := time.Now().Add(talk.Budget)
	var got []byte
	var err error
	buf := make([]byte, talk.MaxText)
	for {
		until := time.Now().Add(quiet)
		if len(got) == 0 || until.After(end) {
			until = end // the first byte may take long: some look up our name first
		}
		_ = conn.SetReadDeadline(until)
		var n int
		n, err = c.Read(buf)
		got = append(got, buf[:n]...)
		if err != nil || asks(got) {
			break
		}
	}
	text, negotiated := Strip(got)
	if len(got) == 0 || !negotiated && strings.TrimSpace(text) == "" || binary(text) {
		if err == nil || errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, talk.ErrOther
		}
		return nil, fmt.Errorf("reading the greeting: %w", err)
	}
	o := observation.Observation{Signal: observation.TelnetBanner, Value: talk.Text([]byte(text)), Raw: c.Raw()}
	if negotiated {
		o.Detail = talk.Detail("negotiation", "true")
	}
	return []observation.Observation{o}, nil
}

// asks reports that the server waits for a name or a password.
func asks(b []byte) bool {
	tail := strings.ToLower(strings.TrimSpace(string(b[max(0, len(b)-64):])))
	return strings.HasSuffix(tail, "login:") || strings.HasSuffix(tail, "username:") || strings.HasSuffix(tail, "password:")
}

// binary reports text that no person was meant to read.
func binary(s string) bool { return strings.Count(s, "\x00") > len(s)/4 && len(s) > 0 }

// Telnet's commands, RFC 854.
const (
	iac  = 255
	will = 251
	dont = 254
	sb   = 250
	se   = 240
)

// Strip takes the Telnet commands out of what was received and reports whether there were any. A command that is cut off at the end is dropped.
func Strip(b []byte) (text string, negotiated bool) {
	var out []byte
	for i := 0; i < len(b); i++ {
		if b[i] != iac {
			out = append(out, b[i])
			continue
		}
		if i+1 >= len(b) {
			break
		}
		switch cmd := b[i+1]; {
		case cmd == iac: // an escaped 255
			out = append(out, iac)
			i++
		case cmd >= will && cmd <= dont:
			negotiated = true
			i += 2
		case cmd == sb:
			negotiated = true
			j := bytes.Index(b[i:], []byte{iac, se})
			if j < 0 {
				return string(out), true
			}
			i += j + 1
		case cmd >= se:
			negotiated = true
			i++
		default: // no command: text in another encoding
			out = append(out, iac)
		}
	}
	return string(out), negotiated
}
