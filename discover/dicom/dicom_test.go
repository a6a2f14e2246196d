package dicom

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kenshin/discover/internal/talk"
	"kenshin/discover/internal/talktest"
	"kenshin/observation"
)

var released = []byte{pduReleased, 0, 0, 0, 0, 4, 0, 0, 0, 0}

func TestAnswers(t *testing.T) {
	dcmtk := map[string]string{"implementation_uid": "1.2.276.0.7230010.3.0.3.6.7", "implementation_version": "OFFIS_DCMTK_367",
		"verification": "accepted"}
	for name, c := range map[string]struct {
		sent   []byte
		value  string
		detail map[string]string
		fails  bool
	}{
		"accepted":        {append(talktest.Hex(t, "testdata/storescp-accept.hex"), released...), Accepted, dcmtk, false},
		"not released":    {talktest.Hex(t, "testdata/storescp-accept.hex"), Accepted, dcmtk, true},
		"rejected":        {talktest.Hex(t, "testdata/dcmqrscp-reject.hex"), Rejected, map[string]string{"reason": "called AE title not recognised", "result": "1"}, false},
		"unknown reason":  {[]byte{pduReject, 0, 0, 0, 0, 4, 0, 1, 9, 9}, Rejected, map[string]string{"reason": "source 9, reason 9", "result": "1"}, false},
		"aborted":         {[]byte{pduAbort, 0, 0, 0, 0, 4, 0, 0, 2, 1}, Aborted, map[string]string{"reason": "source 2, reason 1"}, false},
		"HTTP":            {[]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), "", nil, true},
		"four gigabytes":  {[]byte{pduAccept, 0, 0xff, 0xff, 0xff, 0xff, 0, 1}, "", nil, true},
		"too short":       {[]byte{pduAccept, 0, 0, 0, 0, 4, 0, 1, 0, 0}, "", nil, true},
		"an echo service": {associate(), "", nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			seen, err := Talk(talktest.Server(t, talktest.Says(c.sent)))
			var want []talktest.Fact
			if c.value != "" {
				want = []talktest.Fact{{Signal: observation.DICOM, Value: c.value, Detail: c.detail}}
			}
			if diff := cmp.Diff(want, talktest.Facts(t, seen)); diff != "" || (err != nil) != c.fails {
				t.Error(err, diff)
			}
		})
	}
}

// What we send is checked against PS3.8: one context, Verification, implicit little endian, and a release after the accept.
func TestAsksForVerificationOnly(t *testing.T) {
	sent := make(chan []byte, 1)
	conn := talktest.Server(t, func(c net.Conn) {
		_, _ = c.Write(append(talktest.Hex(t, "testdata/storescp-accept.hex"), released...))
		b, _ := io.ReadAll(c)
		sent <- b
	})
	if _, err := Talk(conn); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	b := <-sent
	if string(b[10:26]) != "ANY-SCP         " || string(b[26:42]) != "KENSHIN         " {
		t.Errorf("AE titles %q", b[10:42])
	}
	contexts := 0
	n := len(b) - len(released)
	items(b[6+fixedFields:n], func(kind byte, content []byte) {
		if kind == 0x20 {
			contexts++
			if !bytes.Contains(content, []byte(sopVerify)) {
				t.Errorf("context % x", content)
			}
		}
	})
	if contexts != 1 {
		t.Errorf("%d presentation contexts", contexts)
	}
	if !bytes.Equal(b[n:], []byte{pduRelease, 0, 0, 0, 0, 4, 0, 0, 0, 0}) {
		t.Errorf("ends with % x", b[n:])
	}
}

func TestOther(t *testing.T) {
	if _, err := Talk(talktest.Replay([]byte("220 FTP ready\r\n"))); !errors.Is(err, talk.ErrOther) {
		t.Error(err)
	}
}

func TestHostile(t *testing.T) {
	talktest.Hostile(t, Talk, append(talktest.Hex(t, "testdata/storescp-accept.hex"), released...))
}

func FuzzTalk(f *testing.F) {
	f.Add(append(talktest.Hex(f, "testdata/storescp-accept.hex"), released...))
	f.Add(talktest.Hex(f, "testdata/dcmqrscp-reject.hex"))
	f.Fuzz(func(t *testing.T, b []byte) {
		seen, _ := Talk(talktest.Replay(b))
		talktest.Sane(t, seen)
	})
}
