// Package rtsp asks a camera which methods it knows (RFC 2326 section 10.1): its software's name comes with the answer, no picture is asked for.
package rtsp

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/textproto"
	"strings"

	"kenshin/discover/internal/talk"
	"kenshin/gate"
	"kenshin/observation"
)

// maxHeader is how many bytes of an answer are read.
const maxHeader = 16 * 1024

// Probe connects and holds the conversation. It returns tcp.open and rtsp.
func Probe(ctx context.Context, h *gate.Host, port uint16) ([]observation.Observation, error) {
	return talk.With(ctx, h, port, gate.RTSPOptions, func(conn net.Conn) ([]observation.Observation, error) {
		return Talk(conn, netip.AddrPortFrom(h.Addr().WithZone(""), port))
	})
}

// Talk sends OPTIONS for the address that the connection leads to. It returns rtsp; its value is empty where the server keeps its name to itself.
func Talk(conn net.Conn, to netip.AddrPort) ([]observation.Observation, error) {
	c := talk.New(conn, maxHeader)
	if _, err := fmt.Fprintf(conn, "OPTIONS rtsp://%s/ RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: Kenshin\r\n\r\n", to); err != nil {
		return nil, fmt.Errorf("sending OPTIONS: %w", err)
	}
	r := textproto.NewReader(bufio.NewReader(c))
	status, err := r.ReadLine()
	if err != nil {
		return nil, fmt.Errorf("reading the status: %w", err)
	}
	version, rest, _ := strings.Cut(status, " ")
	if !strings.HasPrefix(version, "RTSP/") {
		return nil, talk.ErrOther
	}
	code, _, _ := strings.Cut(rest, " ")
	header, err := r.ReadMIMEHeader()
	if len(header) == 0 && err != nil {
		err = fmt.Errorf("reading the header: %w", err)
	} else {
		err = nil // what came before the fault is good
	}
	realm := talk.Realm(header.Get("WWW-Authenticate"))
	return []observation.Observation{{Signal: observation.RTSP, Value: talk.Text([]byte(header.Get("Server"))), Raw: c.Raw(),
		Detail: talk.Detail("status", code, "public", header.Get("Public"), "realm", realm)}}, err
}
