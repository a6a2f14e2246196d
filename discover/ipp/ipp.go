// Package ipp reads a printer's own description by Get-Printer-Attributes (RFC 8011 section 4.2.5). It asks for a list of
// attributes and prints nothing.
package ipp

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
	"strings"

	"kenshin/discover/internal/talk"
	"kenshin/gate"
	"kenshin/observation"
)

// maxAnswer is how many bytes of an answer are read; the attributes that are asked for fit into a few hundred.
const maxAnswer = 64 * 1024

// paths are where printers listen: RFC 8011 and IPP Everywhere, then the old way.
var paths = []string{"/ipp/print", "/"}

// errNotFound says that there is no printer at this path.
var errNotFound = errors.New("no printer at this path")

// Probe asks at /ipp/print and, where nothing is there, at /. It returns tcp.open and ipp.
func Probe(ctx context.Context, h *gate.Host, port uint16) ([]observation.Observation, error) {
	to := netip.AddrPortFrom(h.Addr().WithZone(""), port)
	var seen []observation.Observation
	var err error
	for _, path := range paths {
		seen, err = talk.With(ctx, h, port, gate.IPPAttributes, func(conn net.Conn) ([]observation.Observation, error) {
			return Talk(conn, to, path)
		})
		if !errors.Is(err, errNotFound) {
			break
		}
	}
	return seen, err
}

// Talk asks the printer at one path. It returns ipp.
func Talk(conn net.Conn, to netip.AddrPort, path string) ([]observation.Observation, error) {
	c := talk.New(conn, maxAnswer)
	uri := "ipp://" + to.String() + path
	body := request(uri)
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Kenshin\r\nContent-Type: application/ipp\r\nAccept: application/ipp\r\n"+
		"Content-Length: %d\r\nConnection: close\r\n\r\n", path, to, len(body))
	b.Write(body)
	if _, err := conn.Write(b.Bytes()); err != nil {
		return nil, fmt.Errorf("asking for attributes: %w", err)
	}
	answer, err := answered(bufio.NewReader(c))
	if err != nil {
		return nil, err
	}
	attr, err := Parse(answer)
	if err != nil {
		return nil, err
	}
	return []observation.Observation{describe(attr, uri, c.Raw())}, nil
}

// answered reads the HTTP around the answer; an interim 100 (Continue) comes first on some printers.
func answered(r *bufio.Reader) ([]byte, error) {
	for range 3 {
		start, err := r.Peek(5)
		if !bytes.Equal(start, []byte("HTTP/")) {
			if err == nil {
				err = talk.ErrOther
			}
			return nil, fmt.Errorf("waiting for the answer: %w", err)
		}
		answer, err := http.ReadResponse(r, &http.Request{Method: "POST"})
		if err != nil {
			return nil, fmt.Errorf("reading the header: %w", err)
		}
		switch {
		case answer.StatusCode/100 == 1:
			continue
		case answer.StatusCode == http.StatusNotFound:
			return nil, errNotFound
		case answer.StatusCode != http.StatusOK:
			return nil, fmt.Errorf("the server says %d: %w", answer.StatusCode, talk.ErrOther)
		case !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/ipp"):
			return nil, talk.ErrOther
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil && len(body) == 0 {
			return nil, fmt.Errorf("reading the attributes: %w", err)
		}
		return body, nil // a body that was cut is parsed as far as it goes
	}
	return nil, talk.ErrOther
}

func describe(attr map[string][]string, uri string, raw []byte) observation.Observation {
	one := func(name string) string { return strings.Join(attr[name], ", ") }
	model := one("printer-make-and-model")
	id := deviceID(one("printer-device-id"))
	if model == "" {
		model = strings.TrimSpace(id["MFG"] + " " + id["MDL"])
	}
	serial := one("printer-serial-number")
	if serial == "" {
		serial = id["SN"]
	}
	return observation.Observation{Signal: observation.IPP, Value: model, Raw: raw, Detail: talk.Detail("name", one("printer-name"),
		"info", one("printer-info"), "location", one("printer-location"), "serial", serial, "state", state(one("printer-state")),
		"firmware", one("printer-firmware-string-version"), "uri", uri, "uuid", one("printer-uuid"), "maker", id["MFG"],
		"security", one("uri-security-supported"), "auth", one("uri-authentication-supported"))}
}

// state names the values of RFC 8011 section 5.4.11.
func state(n string) string {
	switch n {
	case "3":
		return "idle"
	case "4":
		return "processing"
	case "5":
		return "stopped"
	}
	return n
}

// deviceID reads an IEEE 1284 device id, "MFG:Canon;MDL:LBP;SN:123;".
func deviceID(s string) map[string]string {
	m := make(map[string]string)
	for part := range strings.SplitSeq(s, ";") {
		k, v, ok := strings.Cut(part, ":")
		if !ok {
			continue
		}
		switch k = strings.ToUpper(strings.TrimSpace(k)); k {
		case "MFG", "MANUFACTURER":
			m["MFG"] = strings.TrimSpace(v)
		case "MDL", "MODEL":
			m["MDL"] = strings.TrimSpace(v)
		case "SN", "SERN", "SERIALNUMBER":
			m["SN"] = strings.TrimSpace(v)
		}
	}
	return m
}
