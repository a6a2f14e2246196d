package nbns

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kenshin/netid"
	"kenshin/observation"
)

func texts(list []observation.Observation) []string {
	var out []string
	for _, o := range list {
		s := string(o.Signal) + " " + o.Value
		if o.Detail["mac"] != "" {
			s += " " + o.Detail["mac"]
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// answer builds a node status response of these 18-byte names and a MAC.
func answer(id uint16, mac string, names ...string) []byte {
	b := make([]byte, 12)
	binary.BigEndian.PutUint16(b, id)
	b[2], b[7] = 0x84, 1
	b = append(b, question(0)[12:46]...)
	b = append(b, 0, 0x21, 0, 1, 0, 0, 0, 0, 0, 0, byte(len(names)))
	for _, n := range names {
		b = append(b, n...)
	}
	m, _ := hex.DecodeString(mac)
	return append(append(b, m...), make([]byte, 40)...)
}

func name18(s string, suffix byte, flags byte) string {
	b := bytes.Repeat([]byte(" "), 15)
	copy(b, s)
	return string(append(b, suffix, flags, 0))
}

func TestStatus(t *testing.T) {
	samba, err := os.ReadFile("testdata/samba.bin")
	if err != nil {
		t.Fatal(err)
	}
	const id = 0x1234
	cases := map[string]struct {
		in   []byte
		want []string
	}{
		"samba": {samba, []string{"nbns.group HOSPITAL", "nbns.name NAS-OLD"}},
		"windows": {answer(id, "68847e000012", name18("EMR-PC2", 0, 4), name18("WARD", 0, 0x84), name18("EMR-PC2", 0x20, 4), name18("WARD", 0x1e, 0x84)),
			[]string{"nbns.group WARD", "nbns.name EMR-PC2 68:84:7e:00:00:12"}},
		"a name in CP932": {answer(id, "", name18("\x8e\xf3\x95\x74", 0, 4)), []string{"nbns.name 受付"}},
		"control bytes":   {answer(id, "", name18("A\x01B", 0, 4)), []string{"nbns.name A B"}},
	}
	for name, c := range cases {
		st, err := parseStatus(c.in, binary.BigEndian.Uint16(c.in))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(c.want, texts(st.observe(netip.Addr{}, netid.MAC{}, time.Time{}))); d != "" {
			t.Errorf("%s: (-want +got)\n%s", name, d)
		}
	}
	full := cases["windows"].in
	if _, err := parseStatus(full, id+1); err == nil {
		t.Error("an answer to another question was read")
	}
	for n := range 57 + 4*18 { // anything cut within the names
		if _, err := parseStatus(full[:n], id); err == nil {
			t.Errorf("the first %d bytes were read as whole", n)
		}
	}
}

func TestHeardRegistration(t *testing.T) {
	reg := []byte{0x12, 0x34, 0x29, 0x10, 0, 1, 0, 0, 0, 0, 0, 1}
	reg = append(reg, 32)
	for _, c := range []byte("NURSE-PC1      \x00") {
		reg = append(reg, 'A'+c>>4, 'A'+c&15)
	}
	reg = append(reg, 0, 0, 0x20, 0, 1, 0xc0, 0x0c, 0, 0x20, 0, 1, 0, 4, 0x93, 0xe0, 0, 6, 0x60, 0, 10, 77, 1, 172)
	if d := cmp.Diff([]string{"nbns.name NURSE-PC1"}, texts(Heard(netip.Addr{}, reg))); d != "" {
		t.Error(d)
	}
	query := bytes.Clone(reg)
	query[2] = 1 // a query names somebody else
	if got := Heard(netip.Addr{}, query); got != nil {
		t.Errorf("a query gave %v", got)
	}
}

func FuzzStatus(f *testing.F) {
	if b, err := os.ReadFile("testdata/samba.bin"); err == nil {
		f.Add(b)
	}
	f.Add(answer(7, "68847e000012", name18("EMR-PC2", 0, 4)))
	f.Fuzz(func(t *testing.T, b []byte) {
		Heard(netip.Addr{}, b)
		if len(b) < 2 {
			return
		}
		if st, err := parseStatus(b, binary.BigEndian.Uint16(b)); err == nil && len(st.names) > maxNames {
			t.Errorf("%d names", len(st.names))
		}
	})
}
