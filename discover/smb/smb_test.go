package smb

import (
	"encoding/binary"
	"errors"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kenshin/discover/internal/talk"
	"kenshin/discover/internal/talktest"
	"kenshin/observation"
)

type fact = talktest.Fact

var of = talktest.Of

var nas = of(observation.NTLM, "NAS-OLD", map[string]string{"dns": "nas-old.hosp.example", "dns_domain": "hosp.example",
	"domain": "NAS-OLD", "build": "6.1.0", "via": "smb"})

func TestSMB2(t *testing.T) {
	seen, err := TalkSMB2(talktest.Server(t, talktest.Says(talktest.Hex(t, "testdata/samba-smb2.hex"))))
	want := []fact{of(observation.SMBDialect, "3.1.1", map[string]string{"signing": "enabled", "capabilities": "0x7",
		"guid": "2d73616e-6c6f-0064-0000-000000000000"}), nas}
	if diff := cmp.Diff(want, talktest.Facts(t, seen)); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestSMB1(t *testing.T) {
	seen, err := TalkSMB1(talktest.Server(t, talktest.Says(talktest.Hex(t, "testdata/samba-smb1.hex"))))
	want := []fact{of(observation.SMBDialect, SMB1, map[string]string{"signing": "disabled"}),
		of(observation.SMBNativeOS, "Windows 6.1", map[string]string{"manager": "Samba 4.17.12-Debian"}), nas}
	if diff := cmp.Diff(want, talktest.Facts(t, seen)); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

// answer1 builds an SMB1 answer by MS-CIFS 2.2.3.
func answer1(status uint32, words, data []byte) []byte {
	b := message1(cmdNegotiate1, words, data)
	binary.LittleEndian.PutUint32(b[5:], status)
	b[9] |= flagsReply
	return packet(b)
}

func words1(index uint16, mode byte, capabilities uint32, key byte) []byte {
	w := make([]byte, 34)
	binary.LittleEndian.PutUint16(w, index)
	w[2] = mode
	binary.LittleEndian.PutUint32(w[19:], capabilities)
	w[33] = key
	return w
}

func TestSMB1Answers(t *testing.T) {
	refusal := make([]byte, 2)
	binary.LittleEndian.PutUint16(refusal, noCommonDialect)
	two := talktest.Hex(t, "testdata/samba-smb2.hex")
	for name, c := range map[string]struct {
		sent []byte
		want []fact
		err  error
	}{
		"no common dialect": {answer1(0, refusal, nil), nil, ErrRefused},
		"error status":      {answer1(0xC00000BB, nil, nil), nil, ErrRefused},
		"hangs up":          {nil, nil, ErrRefused},
		"answers in SMB2":   {two, nil, ErrRefused},
		"HTTP":              {[]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), nil, talk.ErrOther},
		"claims a megabyte": {[]byte{0, 0x0f, 0xff, 0xff, 0xff, 'S', 'M', 'B'}, nil, talk.ErrTooMuch},
		"old server without extended security": {answer1(0, words1(0, 0x0f, capUnicode, 8),
			[]byte("12345678W\x00A\x00R\x00D\x00\x00\x00N\x00A\x00S\x001\x00\x00\x00")),
			[]fact{of(observation.SMBDialect, SMB1, map[string]string{"signing": "required", "domain": "WARD", "name": "NAS1"})}, nil},
		"older server with OEM names": {answer1(0, words1(0, 3, 0, 8), []byte("12345678WARD\x00NAS1\x00")),
			[]fact{of(observation.SMBDialect, SMB1, map[string]string{"signing": "disabled", "domain": "WARD", "name": "NAS1"})}, nil},
		"key longer than the data": {answer1(0, words1(0, 7, 0, 200), []byte("123")),
			[]fact{of(observation.SMBDialect, SMB1, map[string]string{"signing": "enabled"})}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			seen, err := TalkSMB1(talktest.Server(t, talktest.Says(c.sent)))
			if diff := cmp.Diff(c.want, talktest.Facts(t, seen)); diff != "" || !errors.Is(err, c.err) {
				t.Error(err, diff)
			}
		})
	}
}

// What an SMB1-only server (Windows XP, an old NAS) says to SMB2 is a refusal, not a mystery.
func TestSMB2Refused(t *testing.T) {
	for name, sent := range map[string][]byte{"in SMB1": talktest.Hex(t, "testdata/samba-smb1.hex"), "by hanging up": nil} {
		if seen, err := TalkSMB2(talktest.Server(t, talktest.Says(sent))); !errors.Is(err, ErrRefused) || len(seen) > 0 {
			t.Error(name, seen, err)
		}
	}
}

func TestSMB1OffIsSaid(t *testing.T) {
	two := func() []observation.Observation {
		return []observation.Observation{{Signal: observation.SMBDialect, Value: "3.1.1", Detail: map[string]string{}}}
	}
	seen := two()
	mark(seen, ErrRefused)
	if seen[0].Detail["smb1"] != "refused" {
		t.Error(seen[0].Detail)
	}
	seen = append(two(), observation.Observation{Signal: observation.SMBDialect, Value: SMB1})
	mark(seen, nil)
	if seen[0].Detail["smb1"] != "accepted" {
		t.Error(seen[0].Detail)
	}
	seen = two()
	mark(seen, errors.New("timed out"))
	if _, said := seen[0].Detail["smb1"]; said {
		t.Error("silence became a verdict")
	}
}

func TestNetBIOSSession(t *testing.T) {
	honest := append([]byte{0x82, 0, 0, 0}, talktest.Hex(t, "testdata/samba-smb2.hex")...)
	request := make(chan []byte, 1)
	conn := talktest.Server(t, func(c net.Conn) {
		b := make([]byte, 72)
		n, _ := c.Read(b)
		request <- b[:n]
		talktest.Says(honest)(c)
	})
	seen, err := session(TalkSMB2)(conn)
	if err != nil || len(seen) != 2 {
		t.Error(seen, err)
	}
	if r := <-request; len(r) != 72 || r[0] != 0x81 || string(r[5:37]) != "CKFDENECFDEFFCFGEFFCCACACACACACA" {
		t.Errorf("% x", r)
	}
	if _, err := session(TalkSMB2)(talktest.Server(t, talktest.Says([]byte{0x83, 0, 0, 1, 0x82}))); !errors.Is(err, talk.ErrOther) {
		t.Error(err)
	}
}

func TestHostile(t *testing.T) {
	t.Run("smb2", func(t *testing.T) { talktest.Hostile(t, TalkSMB2, talktest.Hex(t, "testdata/samba-smb2.hex")) })
	t.Run("smb1", func(t *testing.T) { talktest.Hostile(t, TalkSMB1, talktest.Hex(t, "testdata/samba-smb1.hex")) })
}

func FuzzTalk(f *testing.F) {
	f.Add(talktest.Hex(f, "testdata/samba-smb2.hex"))
	f.Add(talktest.Hex(f, "testdata/samba-smb1.hex"))
	f.Add(answer1(0, words1(0, 3, 0, 8), []byte("12345678WARD\x00NAS1\x00")))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, hello := range []talk.Hello{TalkSMB2, TalkSMB1, session(TalkSMB1)} {
			seen, _ := hello(talktest.Replay(b))
			talktest.Sane(t, seen)
		}
	})
}
