package ipp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kenshin/discover/internal/talk"
	"kenshin/discover/internal/talktest"
	"kenshin/observation"
)

var printer = netip.MustParseAddrPort("10.0.0.40:631")

func hello(conn net.Conn) ([]observation.Observation, error) {
	return Talk(conn, printer, "/ipp/print")
}

func TestRealPrinter(t *testing.T) {
	seen, err := hello(talktest.Server(t, talktest.Turns(talktest.Hex(t, "testdata/ippeveprinter.hex"))))
	want := []talktest.Fact{talktest.Of(observation.IPP, "Lab LBP-Lab", map[string]string{"name": "printer1", "info": "printer1", "maker": "Lab",
		"state": "idle", "uri": "ipp://10.0.0.40:631/ipp/print", "uuid": "urn:uuid:625933cc-a89b-3101-7579-00e018965e4f",
		"auth": "none, none", "security": "none, tls"})}
	if diff := cmp.Diff(want, talktest.Facts(t, seen)); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

// answer builds an IPP answer with the given attributes of the printer.
func answer(status uint16, attributes ...string) []byte {
	b := []byte{2, 0, byte(status >> 8), byte(status), 0, 0, 0, 1, tagOperation}
	b = attribute(b, tagCharset, "attributes-charset", "utf-8")
	b = append(b, tagPrinter)
	for i := 0; i+1 < len(attributes); i += 2 {
		b = attribute(b, 0x41, attributes[i], attributes[i+1])
	}
	return append(b, tagEnd)
}

func wrapped(status, contentType string, body []byte) []byte {
	return append(fmt.Appendf(nil, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", status, contentType, len(body)), body...)
}

func TestAnswers(t *testing.T) {
	full := answer(0, "printer-make-and-model", "複合機 IM C3000", "printer-device-id", "MFG:RICOH;MDL:IM C3000;SN:3120X;",
		"printer-location", "2F 病棟")
	named := func(detail ...string) []talktest.Fact {
		d := talk.Detail(append(detail, "uri", "ipp://10.0.0.40:631/ipp/print")...)
		return []talktest.Fact{talktest.Of(observation.IPP, "複合機 IM C3000", d)}
	}
	short := full[:bytes.Index(full, []byte("printer-location"))+4]
	for name, c := range map[string]struct {
		sent []byte
		want []talktest.Fact
		err  error
	}{
		"all":         {wrapped("200 OK", "application/ipp", full), named("maker", "RICOH", "serial", "3120X", "location", "2F 病棟"), nil},
		"cut":         {wrapped("200 OK", "application/ipp", short), named("maker", "RICOH", "serial", "3120X"), nil},
		"continue":    {append([]byte("HTTP/1.1 100 Continue\r\n\r\n"), wrapped("200 OK", "application/ipp", full)...), named("maker", "RICOH", "serial", "3120X", "location", "2F 病棟"), nil},
		"404":         {wrapped("404 Not Found", "text/html", []byte("no")), nil, errNotFound},
		"no printer":  {wrapped("200 OK", "application/ipp", answer(0x0406)), nil, errNotFound},
		"a web page":  {wrapped("200 OK", "text/html", []byte("<title>x</title>")), nil, talk.ErrOther},
		"needs login": {wrapped("401 Unauthorized", "text/html", nil), nil, talk.ErrOther},
		"not HTTP":    {[]byte("220 hello\r\n"), nil, talk.ErrOther},
	} {
		t.Run(name, func(t *testing.T) {
			seen, err := hello(talktest.Server(t, talktest.Turns(c.sent)))
			if diff := cmp.Diff(c.want, talktest.Facts(t, seen)); diff != "" || !errors.Is(err, c.err) {
				t.Error(err, diff)
			}
		})
	}
}

// The request must be one that RFC 8011 allows: operation 0x000B, charset and language first, nothing but a list of attributes.
func TestRequest(t *testing.T) {
	b := request("ipp://x/")
	if binary.BigEndian.Uint16(b[2:]) != 0x000b || b[len(b)-1] != tagEnd || !bytes.Contains(b, []byte("requested-attributes")) {
		t.Errorf("% x", b)
	}
	if i, j := bytes.Index(b, []byte("attributes-charset")), bytes.Index(b, []byte("attributes-natural-language")); i < 0 || j < i {
		t.Error("charset and language are not first")
	}
}

func TestManyValuesAreBounded(t *testing.T) {
	b := answer(0)
	b = b[:len(b)-1]
	for i := range 5000 {
		b = attribute(b, tagKeyword, fmt.Sprint("a", i), "v")
		b = attribute(b, tagKeyword, "", "w")
	}
	b = attribute(b, tagKeyword, "a0", "v")
	for range 5000 {
		b = attribute(b, tagKeyword, "", "w")
	}
	got, _ := Parse(b)
	if len(got) > maxAttributes || len(got["a0"]) > maxValues {
		t.Error(len(got), len(got["a0"]))
	}
}

func TestHostile(t *testing.T) {
	talktest.Hostile(t, hello, talktest.Hex(t, "testdata/ippeveprinter.hex"))
}

func FuzzParse(f *testing.F) {
	whole := talktest.Hex(f, "testdata/ippeveprinter.hex")
	f.Add(whole[bytes.Index(whole, []byte("\r\n\r\n"))+4:])
	f.Add(answer(0, "printer-name", "x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if attr, err := Parse(b); err == nil && len(attr) == 0 {
			t.Error("nothing, and no error")
		}
	})
}

func FuzzTalk(f *testing.F) {
	f.Add(talktest.Hex(f, "testdata/ippeveprinter.hex"))
	f.Fuzz(func(t *testing.T, b []byte) {
		seen, _ := hello(talktest.Replay(b))
		talktest.Sane(t, seen)
	})
}
