package database

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kenshin/discover/internal/talk"
	"kenshin/discover/internal/talktest"
	"kenshin/observation"
)

func mysqlPacket(body []byte) []byte {
	return append([]byte{byte(len(body)), byte(len(body) >> 8), 0, 0}, body...)
}

func handshake(version string, capabilities uint16) []byte {
	b := append([]byte{10}, version...)
	b = append(b, 0, 7, 0, 0, 0)
	b = append(b, "12345678\x00"...)
	b = binary.LittleEndian.AppendUint16(b, capabilities)
	return mysqlPacket(append(b, make([]byte, 20)...))
}

func message(kind byte, body []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)+4)), body...)
}

func auth(n uint32) []byte { return message('R', binary.BigEndian.AppendUint32(nil, n)) }

var noRole = message('E', []byte("SFATAL\x00C28000\x00Mrole \"kenshin\" does not exist\x00\x00"))

func login(version [6]byte, encrypt byte) []byte {
	body := []byte{0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff}
	body = append(append(body, version[:]...), encrypt)
	return append([]byte{4, 1, 0, byte(8 + len(body)), 0, 0, 1, 0}, body...)
}

func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		hello  talk.Hello
		sent   []byte
		value  string
		detail map[string]string
	}{
		"mysql":   {TalkMySQL, handshake("8.0.36", 0xffff), "mysql 8.0.36", map[string]string{"tls": "yes"}},
		"mariadb": {TalkMySQL, handshake("5.5.5-10.11.6-MariaDB-0+deb12u1", 0xf7fe), "mariadb 10.11.6", map[string]string{"tls": "no"}},
		"mysql refuses us": {TalkMySQL, mysqlPacket([]byte("\xff\x6a\x04Host '10.0.0.5' is not allowed to connect to this MariaDB server")), "mariadb",
			map[string]string{"auth": "refused", "error": "Host '10.0.0.5' is not allowed to connect to this MariaDB server"}},
		"mysql is SSH":      {TalkMySQL, []byte("SSH-2.0-x\r\n"), "", nil},
		"mysql, no version": {TalkMySQL, mysqlPacket([]byte{10, 0, 0, 0}), "", nil},
		"postgres scram":    {TalkPostgres, append([]byte("N"), auth(10)...), "postgresql", map[string]string{"tls": "no", "auth": "scram"}},
		"postgres md5":      {TalkPostgres, append([]byte("N"), auth(5)...), "postgresql", map[string]string{"tls": "no", "auth": "md5"}},
		"postgres trust, no such role": {TalkPostgres, append(append([]byte("N"), auth(0)...), noRole...), "postgresql",
			map[string]string{"tls": "no", "auth": "trust", "error": `28000 role "kenshin" does not exist`}},
		"postgres trust, let in": {TalkPostgres, append(append([]byte("N"), auth(0)...), message('S', []byte("server_version\x0015.8\x00"))...), "postgresql 15.8",
			map[string]string{"tls": "no", "auth": "trust"}},
		"postgres refuses our address": {TalkPostgres, append([]byte("N"), noRole...), "postgresql",
			map[string]string{"tls": "no", "auth": "refused", "error": `28000 role "kenshin" does not exist`}},
		"postgres is not":    {TalkPostgres, []byte("HTTP/1.1 400\r\n"), "", nil},
		"postgres, 4 GB":     {TalkPostgres, []byte("NR\xff\xff\xff\xff\x00\x00"), "", nil},
		"redis open":         {TalkRedis, []byte("+PONG\r\n"), "redis", map[string]string{"auth": "none"}},
		"redis password":     {TalkRedis, []byte("-NOAUTH Authentication required.\r\n"), "redis", map[string]string{"auth": "required"}},
		"redis protected":    {TalkRedis, []byte("-DENIED Redis is running in protected mode because\r\n"), "redis", map[string]string{"auth": "protected"}},
		"redis is not":       {TalkRedis, []byte("-ERR what\r\n"), "", nil},
		"mssql":              {TalkMSSQL, login([6]byte{15, 0, 0x07, 0xd0, 0, 0}, 3), "mssql 15.0.2000", map[string]string{"tls": "required"}},
		"mssql, offset lies": {TalkMSSQL, append([]byte{4, 1, 0, 19, 0, 0, 1, 0}, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5), "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			seen, err := c.hello(talktest.Server(t, talktest.Says(c.sent)))
			if c.value == "" {
				if err == nil || len(seen) > 0 {
					t.Fatalf("got %v, %v", seen, err)
				}
				return
			}
			if diff := cmp.Diff([]talktest.Fact{talktest.Of(observation.Database, c.value, c.detail)}, talktest.Facts(t, seen)); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
}

// An open door is closed again: Terminate is the last thing that we say, and no query was sent.
func TestPostgresOverTLSTerminates(t *testing.T) {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	sent := make(chan []byte, 1)
	conn := talktest.Server(t, func(c net.Conn) {
		ask := make([]byte, 8)
		_, _ = io.ReadFull(c, ask)
		_, _ = c.Write([]byte{'S'})
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
		first := make([]byte, len(startup()))
		_, _ = io.ReadFull(s, first)
		_, _ = s.Write(append(append(auth(0), message('S', []byte("server_version\x0016.1\x00"))...), message('Z', []byte("I"))...))
		rest, _ := io.ReadAll(s)
		sent <- append(first, rest...)
	})
	seen, err := TalkPostgres(conn)
	conn.Close()
	want := []talktest.Fact{talktest.Of(observation.Database, "postgresql 16.1", map[string]string{"tls": "yes", "auth": "trust"})}
	if diff := cmp.Diff(want, talktest.Facts(t, seen)); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if got := <-sent; !bytes.Equal(got, append(startup(), 'X', 0, 0, 0, 4)) {
		t.Errorf("said %q", got)
	}
}

func TestHostile(t *testing.T) {
	for name, c := range map[string]struct {
		hello talk.Hello
		sent  []byte
	}{
		"mysql":    {TalkMySQL, handshake("8.0.36", 0xffff)},
		"postgres": {TalkPostgres, append(append([]byte("N"), auth(0)...), noRole...)},
		"redis":    {TalkRedis, []byte("+PONG\r\n")},
		"mssql":    {TalkMSSQL, login([6]byte{15, 0, 7, 0xd0}, 1)},
	} {
		t.Run(name, func(t *testing.T) { talktest.Hostile(t, c.hello, c.sent) })
	}
}

func FuzzTalk(f *testing.F) {
	f.Add(handshake("8.0.36", 0xffff))
	f.Add(append(append([]byte("N"), auth(0)...), noRole...))
	f.Add([]byte("-NOAUTH\r\n"))
	f.Add(login([6]byte{15, 0, 7, 0xd0}, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, hello := range []talk.Hello{TalkMySQL, TalkPostgres, TalkRedis, TalkMSSQL} {
			seen, _ := hello(talktest.Replay(b))
			talktest.Sane(t, seen)
		}
	})
}
