package wsd

import (
	"bytes"
	"net/netip"
	"os"
	"strings"
	"testing"

	"kenshin/observation"
)

func TestHeard(t *testing.T) {
	wsdd, err := os.ReadFile("testdata/wsdd.bin")
	if err != nil {
		t.Fatal(err)
	}
	got := Heard(netip.Addr{}, wsdd)
	if len(got) != 1 || got[0].Value != "Device Computer" || !strings.HasPrefix(got[0].Detail["address"], "urn:uuid:") {
		t.Errorf("%+v", got)
	}
	copier := `<s:Envelope xmlns:s="s"><s:Body><d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:1</a:Address></a:EndpointReference>
<d:Types>wsdp:Device  wprt:PrintDeviceType</d:Types><d:Scopes>onvif://x/name/A</d:Scopes><d:XAddrs>http://10.0.0.2/</d:XAddrs></d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>`
	got = Heard(netip.Addr{}, []byte(copier))
	if len(got) != 1 || got[0].Value != "Device PrintDeviceType" || got[0].Detail["scopes"] != "onvif://x/name/A" || got[0].Detail["xaddrs"] != "http://10.0.0.2/" {
		t.Errorf("%+v", got)
	}
	own, err := probe()
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string][]byte{"our own probe": own, "nothing": nil, "not XML": []byte("\x00\x01"),
		"outside the body": []byte(`<Envelope><Header><Hello><Types>x</Types></Hello></Header></Envelope>`),
		"too long":         append(bytes.Repeat([]byte(" "), maxBytes), wsdd...),
		"too deep":         []byte(strings.Repeat("<Envelope>", 1000)),
		"an entity":        []byte(`<!DOCTYPE x [<!ENTITY e "boom">]><Envelope><Body><Hello><Types>&e;</Types></Hello></Body></Envelope>`)} {
		for _, o := range Heard(netip.Addr{}, in) {
			if o.Value != "" {
				t.Errorf("%s gave %+v", name, o)
			}
		}
	}
}

// Some responders compare the text of the type.
func TestProbeKeepsThePrefix(t *testing.T) {
	b, err := probe()
	if err != nil || !bytes.Contains(b, []byte("<wsd:Types>wsdp:Device</wsd:Types>")) {
		t.Errorf("%s %v", b, err)
	}
}

func FuzzHeard(f *testing.F) {
	if b, err := os.ReadFile("testdata/wsdd.bin"); err == nil {
		f.Add(b)
	}
	f.Add([]byte(`<Envelope><Body><Hello><Types>a:b</Types></Hello></Body></Envelope>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		list := Heard(netip.Addr{}, b)
		if len(list) > 8 {
			t.Errorf("%d observations of one message", len(list))
		}
		for _, o := range list {
			if len(o.Value) > observation.MaxValue {
				t.Errorf("%d bytes", len(o.Value))
			}
		}
	})
}
