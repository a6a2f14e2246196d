package ntlm

import (
	"encoding/binary"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// message builds a CHALLENGE_MESSAGE as MS-NLMP 2.2.1.2 lays it out: target name, then the AV pairs, behind a header of 56 bytes.
func message(target string, build [4]byte, pairs map[uint16]string) []byte {
	u := func(s string) (b []byte) {
		for _, c := range utf16.Encode([]rune(s)) {
			b = binary.LittleEndian.AppendUint16(b, c)
		}
		return b
	}
	var av []byte
	for id := uint16(1); id < 8; id++ {
		if v, ok := pairs[id]; ok {
			av = binary.LittleEndian.AppendUint16(av, id)
			av = binary.LittleEndian.AppendUint16(av, uint16(len(u(v))))
			av = append(av, u(v)...)
		}
	}
	av = append(av, 0, 0, 0, 0)
	b := make([]byte, 56)
	copy(b, "NTLMSSP\x00\x02")
	put := func(at, n, off int) {
		binary.LittleEndian.PutUint16(b[at:], uint16(n))
		binary.LittleEndian.PutUint16(b[at+2:], uint16(n))
		binary.LittleEndian.PutUint32(b[at+4:], uint32(off))
	}
	put(12, len(u(target)), 56)
	binary.LittleEndian.PutUint32(b[20:], 0x02898201|unicodeText|withVersion|targetInfo)
	put(40, len(av), 56+len(u(target)))
	copy(b[48:], build[:])
	b[55] = 15
	return append(append(b, u(target)...), av...)
}

var windows = message("HOSPITAL", [4]byte{10, 0, 0x65, 0x4a}, map[uint16]string{
	1: "MODALITY-PC", 2: "HOSPITAL", 3: "modality-pc.hosp.example", 4: "hosp.example", 5: "hosp.example"})

func TestFind(t *testing.T) {
	want := Challenge{Target: "HOSPITAL", Computer: "MODALITY-PC", Domain: "HOSPITAL", DNSName: "modality-pc.hosp.example",
		DNSDomain: "hosp.example", Forest: "hosp.example", Build: "10.0.19045"}
	got, err := Find(append([]byte("\xa1\x81\xde wrapped in something "), windows...))
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	xp := message("XP-CT", [4]byte{5, 1, 0x28, 0x0a}, map[uint16]string{1: "XP-CT"})
	if got, err := Find(xp); err != nil || got.Build != "5.1.2600" || got.Computer != "XP-CT" {
		t.Error(got, err)
	}
	if _, err := Find([]byte("NTLMSSP\x00\x03\x00\x00\x00 not a challenge, but long enough to be read as one")); err == nil {
		t.Error("took a message of type 3")
	}
}

// A length or offset from the wire must not reach outside the message.
func TestLiesAboutLengths(t *testing.T) {
	for at := 12; at < 48; at++ {
		b := append([]byte(nil), windows...)
		b[at] = 0xff
		_, _ = Parse(b)
	}
	b := append([]byte(nil), windows...)
	binary.LittleEndian.PutUint32(b[44:], 0xffffffff)
	got, err := Parse(b)
	if err != nil || got.Computer != "" || got.Build != "10.0.19045" {
		t.Error("what is still right must be kept:", got, err)
	}
}

func TestNegotiateIsNoLogin(t *testing.T) {
	b := Negotiate()
	if b[8] != 1 || len(b) != 40 {
		t.Errorf("% x", b)
	}
}

func FuzzFind(f *testing.F) {
	f.Add(windows)
	f.Add([]byte("NTLMSSP\x00\x02\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Find(b)
		if err == nil && len(c.Computer) > 3*len(b) {
			t.Error("grew")
		}
	})
}
