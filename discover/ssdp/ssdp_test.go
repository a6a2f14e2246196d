package ssdp

import (
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kenshin/observation"
)

var host = netip.MustParseAddr("10.77.0.50")

func TestAnswers(t *testing.T) {
	camera, err := os.ReadFile("testdata/camera.bin")
	if err != nil {
		t.Fatal(err)
	}
	a, err := parseAnswer(camera)
	if err != nil || a.server != "Linux/4 UPnP/1.0 Lab/1" || a.st != "upnp:rootdevice" {
		t.Errorf("%+v %v", a, err)
	}
	for name, in := range map[string]string{
		"a search":     "M-SEARCH * HTTP/1.1\r\nST: x\r\n\r\n",
		"a goodbye":    "NOTIFY * HTTP/1.1\r\nNTS: ssdp:byebye\r\nNT: x\r\nUSN: u\r\n\r\n",
		"an error":     "HTTP/1.1 404 Not Found\r\n\r\n",
		"too long":     "HTTP/1.1 200 OK\r\nServer: " + strings.Repeat("x", maxHeader) + "\r\n\r\n",
		"not a header": "HTTP/1.1 200 OK\r\n\xff\xfe\x00 no header at all\r\n\r\n",
		"nothing":      "",
	} {
		if got := Heard(host, []byte(in)); got != nil {
			t.Errorf("%s gave %+v", name, got)
		}
	}
	alive := "NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\nNT: upnp:rootdevice\r\nUSN: u\r\nSERVER: S/1\r\nLOCATION: http://10.77.0.50/d.xml"
	if got := Heard(host, []byte(alive)); len(got) != 1 || got[0].Value != "S/1" || got[0].Detail["st"] != "upnp:rootdevice" {
		t.Errorf("an announcement without its last line gave %+v", got)
	}
}

// A device may point us to its own page only.
func TestPage(t *testing.T) {
	for location, want := range map[string]string{
		"http://10.77.0.50:49152/d.xml?a=b": "49152 /d.xml?a=b", "http://10.77.0.50": "80 /",
		"http://10.77.0.51:49152/d.xml": "", "https://10.77.0.50/d.xml": "", "http://10.77.0.50:0/": "", "http://10.77.0.50:99999/": "",
		"http://user@10.77.0.50/": "", "http://camera.local/d.xml": "", "file:///etc/passwd": "", "http://10.77.0.50/a b\r\nX: y": "",
		"http://[::ffff:10.77.0.50]/x": "80 /x",
	} {
		port, path, ok := answer{location: location}.page(host)
		got := ""
		if ok {
			got = strings.TrimSpace(netip.AddrPortFrom(host, port).String()[len(host.String())+1:] + " " + path)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", location, got, want)
		}
	}
}

const page = `<?xml version="1.0" encoding="Shift_JIS"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device>
<deviceType>urn:schemas-upnp-org:device:Basic:1</deviceType><friendlyName>` + "\x8e\xf3\x95\x74" + `</friendlyName>
<manufacturer>A & B</manufacturer><modelName>NetCam</modelName><modelNumber>2</modelNumber><serialNumber>LAB0001</serialNumber>
<deviceList><device><modelName>inner</modelName></device></deviceList></device></root>`

func TestDescription(t *testing.T) {
	want := observation.Observation{Signal: observation.UPnP, Port: Port, Value: "NetCam", Detail: map[string]string{
		"type": "urn:schemas-upnp-org:device:Basic:1", "friendly": "受付", "maker": "A & B", "model_number": "2", "serial": "LAB0001"}}
	got, err := parseDescription([]byte(page))
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, d)
	}
	if got, err := parseDescription([]byte(page[:strings.Index(page, "<modelNumber>")])); err != nil || got.Value != "NetCam" {
		t.Errorf("a cut page: %+v %v", got, err)
	}
	bomb := `<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><root><device><modelName>&b;&b;</modelName></device></root>`
	if got, err := parseDescription([]byte(bomb)); err == nil && len(got.Value) > 20 {
		t.Errorf("entities were expanded: %+v", got)
	}
	if _, err := parseDescription([]byte(strings.Repeat("<a>", 10_000))); err == nil {
		t.Error("a page nested 10,000 deep was read")
	}
}

func TestReadPageIsBounded(t *testing.T) {
	for name, in := range map[string]string{
		"a header without end": "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2*maxDescription),
		"another status":       "HTTP/1.1 500 no\r\n\r\n",
		"not HTTP":             "hello",
	} {
		if _, err := readPage(strings.NewReader(in)); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	body, err := readPage(strings.NewReader("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + strings.Repeat("y", 2*maxDescription)))
	if err != nil || len(body) > maxDescription {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}

func FuzzAnswer(f *testing.F) {
	if b, err := os.ReadFile("testdata/camera.bin"); err == nil {
		f.Add(b)
	}
	f.Add([]byte("NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\nNT: x\r\nUSN: u\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := parseAnswer(b); err == nil {
			a.observe()
			if _, path, ok := a.page(host); ok && strings.ContainsAny(path, "\r\n") {
				t.Errorf("a path that would split our request: %q", path)
			}
		}
	})
}

func FuzzDescription(f *testing.F) {
	f.Add([]byte(page))
	f.Fuzz(func(t *testing.T, b []byte) {
		if o, err := parseDescription(b); err == nil && len(o.Value) > observation.MaxValue {
			t.Errorf("%d bytes of model", len(o.Value))
		}
	})
}
