package rtsp

import (
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kenshin/discover/internal/talktest"
	"kenshin/observation"
)

var camera = netip.MustParseAddrPort("10.0.0.9:554")

const honest = "RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nServer: NetCam/2.1\r\nPublic: OPTIONS, DESCRIBE\r\nWWW-Authenticate: Digest realm=\"IP Camera(C1234)\"\r\n\r\n"

func hello(conn net.Conn) ([]observation.Observation, error) { return Talk(conn, camera) }

func TestTalk(t *testing.T) {
	for name, c := range map[string]struct {
		sent string
		want *talktest.Fact
	}{
		"all": {honest, &talktest.Fact{Signal: observation.RTSP, Value: "NetCam/2.1",
			Detail: map[string]string{"status": "401", "public": "OPTIONS, DESCRIBE", "realm": "IP Camera(C1234)"}}},
		"nameless":      {"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", &talktest.Fact{Signal: observation.RTSP, Detail: map[string]string{"status": "200"}}},
		"cut in header": {"RTSP/1.0 200 OK\r\nServer: X\r\nPub", &talktest.Fact{Signal: observation.RTSP, Value: "X", Detail: map[string]string{"status": "200"}}},
		"HTTP":          {"HTTP/1.1 400 Bad Request\r\n\r\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			seen, err := hello(talktest.Server(t, talktest.Says([]byte(c.sent))))
			if c.want == nil {
				if err == nil || len(seen) > 0 {
					t.Fatalf("got %v, %v", seen, err)
				}
				return
			}
			if diff := cmp.Diff([]talktest.Fact{*c.want}, talktest.Facts(t, seen)); diff != "" {
				t.Error(err, diff)
			}
		})
	}
}

func TestHostile(t *testing.T) { talktest.Hostile(t, hello, []byte(honest)) }

func FuzzTalk(f *testing.F) {
	f.Add([]byte(honest))
	f.Fuzz(func(t *testing.T, b []byte) {
		seen, _ := hello(talktest.Replay(b))
		talktest.Sane(t, seen)
	})
}
