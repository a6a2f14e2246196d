// Package web asks a device for its start page, once, as a browser would, and reads the title and the headers that name the software.
package web

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"

	"kenshin/discover/internal/legacytls"
	"kenshin/discover/internal/talk"
	"kenshin/gate"
	"kenshin/observation"
)

// Limits of an answer.
const (
	maxBody   = 256 * 1024
	maxHeader = 64 * 1024
)

// Target says whom a conversation is with: the port, and whether TLS is spoken there.
type Target struct {
	Addr netip.AddrPort
	TLS  bool
}

func (t Target) scheme() string {
	if t.TLS {
		return "https"
	}
	return "http"
}

// host is the Host header: the address, with the port where it is not the scheme's own.
func (t Target) host() string {
	usual := uint16(80)
	if t.TLS {
		usual = 443
	}
	switch a := t.Addr.Addr(); {
	case t.Addr.Port() != usual:
		return t.Addr.String()
	case a.Is6():
		return "[" + a.String() + "]"
	default:
		return a.String()
	}
}

// Probe asks for the start page in clear. It returns tcp.open, http.title and http.server.
func Probe(ctx context.Context, h *gate.Host, port uint16) ([]observation.Observation, error) {
	return probe(ctx, h, port, false)
}

// ProbeTLS is Probe over TLS. The certificate is tlscert's business.
func ProbeTLS(ctx context.Context, h *gate.Host, port uint16) ([]observation.Observation, error) {
	return probe(ctx, h, port, true)
}

func probe(ctx context.Context, h *gate.Host, port uint16, tls bool) ([]observation.Observation, error) {
	to := Target{Addr: netip.AddrPortFrom(h.Addr().WithZone(""), port), TLS: tls}
	next := ""
	seen, err := talk.With(ctx, h, port, gate.HTTPGet, func(conn net.Conn) ([]observation.Observation, error) {
		seen, location, err := Talk(conn, to, "/")
		next = location
		return seen, err
	})
	if next == "" {
		return seen, err
	}
	more, err := talk.With(ctx, h, port, gate.HTTPGet, func(conn net.Conn) ([]observation.Observation, error) {
		seen, _, err := Talk(conn, to, next)
		return seen, err
	})
	return append(seen, more...), err
}

// Talk asks for one page on an open connection. It returns http.title for every answer in HTTP (the value is empty where the page has no
// title) and http.server where the header is there; next is the page that a redirect names on the same scheme, host and port, "" else.
func Talk(conn net.Conn, to Target, page string) (seen []observation.Observation, next string, err error) {
	c := talk.New(conn, maxHeader+maxBody)
	var stream io.ReadWriter = c
	if to.TLS {
		stream = legacytls.Client(c)
	}
	request := "GET " + page + " HTTP/1.1\r\nHost: " + to.host() + "\r\nUser-Agent: Kenshin\r\nAccept: text/html, */*\r\n" +
		"Accept-Language: ja, en\r\nConnection: close\r\n\r\n"
	if _, err := io.WriteString(stream, request); err != nil {
		return nil, "", fmt.Errorf("asking for the page: %w", err)
	}
	var head first
	r := bufio.NewReader(io.TeeReader(stream, &head))
	if err := begins(r); err != nil {
		return nil, "", err
	}
	answer, err := http.ReadResponse(r, &http.Request{Method: "GET"})
	if err != nil {
		return nil, "", fmt.Errorf("reading the header: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, talk.ErrTooMuch) {
		err = nil // many small servers end early; what came is enough for a title
	}
	if err != nil {
		err = fmt.Errorf("reading the page: %w", err) // the header is worth keeping
	}
	return describe(answer, body, to, head.b), redirect(answer, to, page), err
}

// begins checks that the answer is HTTP before a parser gets it.
func begins(r *bufio.Reader) error {
	start, err := r.Peek(5)
	if !bytes.Equal(start, []byte("HTTP/")) {
		if err == nil {
			err = talk.ErrOther
		}
		return fmt.Errorf("waiting for the answer: %w", err)
	}
	return nil
}

func describe(answer *http.Response, body []byte, to Target, raw []byte) []observation.Observation {
	page := read(body, answer.Header.Get("Content-Type"))
	header := func(name string) string { return talk.Text([]byte(answer.Header.Get(name))) }
	password := ""
	if page.password {
		password = "true"
	}
	seen := []observation.Observation{{Signal: observation.HTTPTitle, Value: page.title, Raw: raw, Detail: talk.Detail(
		"status", strconv.Itoa(answer.StatusCode), "server", header("Server"), "location", header("Location"),
		"realm", realm(answer.Header), "generator", page.generator, "password_field", password, "scheme", to.scheme())}}
	if server := header("Server"); server != "" {
		seen = append(seen, observation.Observation{Signal: observation.HTTPServer, Value: server, Raw: raw})
	}
	return seen
}

func realm(h http.Header) string {
	for _, v := range h.Values("WWW-Authenticate") {
		if r := talk.Realm(v); r != "" {
			return r
		}
	}
	return ""
}

// redirect returns the path and query that a redirect names, if it stays on this very server.
func redirect(answer *http.Response, to Target, page string) string {
	switch answer.StatusCode {
	case 301, 302, 303, 307, 308:
	default:
		return ""
	}
	base, err := url.Parse(to.scheme() + "://" + to.host() + page)
	if err != nil {
		return ""
	}
	u, err := base.Parse(answer.Header.Get("Location"))
	if err != nil || u.Scheme != base.Scheme || u.User != nil || !same(u, to) {
		return ""
	}
	next := u.RequestURI()
	if next == page || len(next) > 1024 || next[0] != '/' || !printable(next) {
		return ""
	}
	return next
}

// same reports that the URL's host is the address itself; a name is not looked up.
func same(u *url.URL, to Target) bool {
	a, err := netip.ParseAddr(u.Hostname())
	if err != nil || a != to.Addr.Addr() {
		return false
	}
	port := u.Port()
	if port == "" {
		port = map[bool]string{false: "80", true: "443"}[to.TLS]
	}
	return port == strconv.Itoa(int(to.Addr.Port()))
}

// printable keeps anything out of our request that could end its first line.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// first keeps the first bytes of the answer; under TLS those of the page, not of the records.
type first struct{ b []byte }

func (f *first) Write(p []byte) (int, error) {
	f.b = append(f.b, p[:min(len(p), talk.MaxRaw-len(f.b))]...)
	return len(p), nil
}
