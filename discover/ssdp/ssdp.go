// Package ssdp asks cameras, NAS boxes and the like for their UPnP model (UPnP Device Architecture 1.1): one search, to one host or to the
// link where the gate allows, and the description page that the answer points to, if that page lies on the same host.
package ssdp

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/htmlindex"

	"kenshin/observation"
)

// Port is SSDP, UDP.
const Port = 1900

// Limits of what a device may send.
const (
	maxHeader      = 4 << 10
	maxDescription = 256 << 10
	maxTokens      = 20_000
	maxDepth       = 32
)

// answer is one search response or NOTIFY.
type answer struct {
	server, usn, st, location string
}

var errMalformed = errors.New("malformed SSDP message")

// parseAnswer reads a search response, or a NOTIFY that says "alive"; anything else is an error.
func parseAnswer(b []byte) (answer, error) {
	if len(b) > maxHeader {
		return answer{}, errMalformed
	}
	line, rest, ok := bytes.Cut(b, []byte("\n"))
	first := strings.ToUpper(strings.TrimSpace(string(line)))
	notify := strings.HasPrefix(first, "NOTIFY * HTTP/1.")
	if !ok || !notify && !strings.HasPrefix(first, "HTTP/1.1 200") && !strings.HasPrefix(first, "HTTP/1.0 200") {
		return answer{}, errMalformed
	}
	h, err := textproto.NewReader(bufio.NewReader(io.MultiReader(bytes.NewReader(rest), strings.NewReader("\r\n\r\n")))).ReadMIMEHeader()
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", errMalformed, err)
	}
	a := answer{server: h.Get("Server"), usn: h.Get("Usn"), st: h.Get("St"), location: h.Get("Location")}
	if notify {
		a.st = h.Get("Nt")
		if !strings.EqualFold(strings.TrimSpace(h.Get("Nts")), "ssdp:alive") {
			return answer{}, errMalformed
		}
	}
	return a, nil
}

func (a answer) observe() []observation.Observation {
	if a.server == "" && a.usn == "" {
		return nil
	}
	o := observation.Observation{Signal: observation.SSDPServer, Port: Port, Value: a.server,
		Detail: map[string]string{"usn": a.usn, "st": a.st, "location": a.location}}
	o.Clean()
	return []observation.Observation{o}
}

// page returns port and path of the description when it lies on the host itself, in plain HTTP: a device must not send us elsewhere.
func (a answer) page(host netip.Addr) (port uint16, path string, ok bool) {
	u, err := url.Parse(strings.TrimSpace(a.location))
	if err != nil || u.Scheme != "http" || u.User != nil || len(a.location) > 1024 {
		return 0, "", false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if err != nil || ip.Unmap().WithZone("") != host {
		return 0, "", false
	}
	n := uint64(80)
	if u.Port() != "" {
		if n, err = strconv.ParseUint(u.Port(), 10, 16); err != nil || n == 0 {
			return 0, "", false
		}
	}
	path = u.RequestURI()
	return uint16(n), path, !strings.ContainsAny(path, " \r\n")
}

// request is the one HTTP request that we send.
func request(host netip.AddrPort, path string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Kenshin\r\nAccept: text/xml\r\nConnection: close\r\n\r\n", path, host)
}

// readPage reads an HTTP answer of at most maxDescription bytes and returns its body.
func readPage(r io.Reader) ([]byte, error) {
	// a header without an end would be buffered whole, so the limit stands before the parser
	resp, err := http.ReadResponse(bufio.NewReader(io.LimitReader(r, maxDescription)), nil)
	if err != nil {
		return nil, fmt.Errorf("reading the description: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("reading the description: status %d", resp.StatusCode)
	}
	body, err := io.ReadAll(resp.Body)
	if len(body) > 0 { // what came before a cut is worth reading
		return body, nil
	}
	return nil, err
}

// parseDescription reads the root device of a UPnP description (UDA 1.1, 2.3). Go's XML reader knows no entities but the five of XML itself.
func parseDescription(b []byte) (observation.Observation, error) {
	d := xml.NewDecoder(bytes.NewReader(b[:min(len(b), maxDescription)]))
	d.CharsetReader = charset
	d.Strict = false // vendors forget to escape "&"
	texts := map[string]*strings.Builder{}
	var path []string
	for range maxTokens {
		t, err := d.Token()
		if err != nil {
			if texts["modelName"] != nil || texts["friendlyName"] != nil {
				break // a cut page still has its first lines
			}
			return observation.Observation{}, fmt.Errorf("reading the description: %w", err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if path = append(path, t.Name.Local); len(path) > maxDepth {
				return observation.Observation{}, errors.New("reading the description: nested too deeply")
			}
		case xml.EndElement:
			if len(path) == 2 && path[1] == "device" {
				return describe(texts), nil
			}
			path = path[:max(len(path)-1, 0)]
		case xml.CharData:
			if len(path) == 3 && path[0] == "root" && path[1] == "device" && len(t) <= observation.MaxValue {
				if texts[path[2]] == nil && len(texts) < 64 {
					texts[path[2]] = new(strings.Builder)
				}
				if s := texts[path[2]]; s != nil && s.Len() <= observation.MaxValue {
					s.Write(t)
				}
			}
		}
	}
	return describe(texts), nil
}

func charset(name string, in io.Reader) (io.Reader, error) {
	e, err := htmlindex.Get(name)
	if err != nil {
		return nil, fmt.Errorf("the description's character set: %w", err)
	}
	return e.NewDecoder().Reader(in), nil
}

func describe(texts map[string]*strings.Builder) observation.Observation {
	get := func(k string) string {
		if s := texts[k]; s != nil {
			return strings.TrimSpace(s.String())
		}
		return ""
	}
	o := observation.Observation{Signal: observation.UPnP, Port: Port, Value: get("modelName"), Detail: map[string]string{
		"type": get("deviceType"), "friendly": get("friendlyName"), "maker": get("manufacturer"),
		"model_number": get("modelNumber"), "serial": get("serialNumber")}}
	o.Clean()
	return o
}

// Heard reads a datagram that a host sent to UDP 1900: a NOTIFY tells of itself. MAC, IP and time are for the caller to fill in.
func Heard(_ netip.Addr, b []byte) []observation.Observation {
	a, err := parseAnswer(b)
	if err != nil {
		return nil
	}
	return a.observe()
}
