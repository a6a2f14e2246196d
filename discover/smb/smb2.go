package smb

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"

	"kenshin/discover/internal/ntlm"
	"kenshin/discover/internal/talk"
	"kenshin/observation"
)

// Commands, states and sizes of MS-SMB2 2.2.
const (
	cmdNegotiate    = 0
	cmdSessionSetup = 1
	header2         = 64

	statusMore         = 0xC0000016 // STATUS_MORE_PROCESSING_REQUIRED
	statusNotSupported = 0xC00000BB
)

var dialects = []uint16{0x0202, 0x0210, 0x0300, 0x0302, 0x0311}

// Dialect names a dialect number as people write it, "" for an unknown one.
func Dialect(n uint16) string {
	switch n {
	case 0x0202:
		return "2.0.2"
	case 0x0210:
		return "2.1"
	case 0x0300:
		return "3.0"
	case 0x0302:
		return "3.0.2"
	case 0x0311:
		return "3.1.1"
	}
	return ""
}

// TalkSMB2 negotiates SMB 2.0.2 to 3.1.1 and begins a session setup. It returns smb.dialect and ntlm; ErrRefused when the server speaks no SMB2.
func TalkSMB2(conn net.Conn) ([]observation.Observation, error) {
	c := talk.New(conn, 4*maxMessage)
	if _, err := c.Write(packet(negotiate2())); err != nil {
		return nil, fmt.Errorf("asking for SMB2: %w", err)
	}
	b, err := receive(c)
	if err != nil {
		return nil, fmt.Errorf("waiting for SMB2: %w", err)
	}
	answer, err := parseNegotiate2(b)
	if err != nil {
		return nil, err
	}
	seen := []observation.Observation{answer.observation(c.Raw())}
	if _, err := c.Write(packet(setup2(ntlm.Negotiate()))); err != nil {
		return seen, fmt.Errorf("beginning a session: %w", err)
	}
	if b, err = receive(c); err != nil {
		return seen, fmt.Errorf("waiting for the session: %w", err)
	}
	challenge, err := parseSetup2(b)
	if err != nil {
		return seen, err
	}
	return append(seen, challenge.Observation("smb", b[:min(len(b), talk.MaxRaw)])), nil
}

func message2(command uint16, id uint64, body []byte) []byte {
	b := make([]byte, header2, header2+len(body))
	copy(b, "\xfeSMB")
	binary.LittleEndian.PutUint16(b[4:], header2)
	binary.LittleEndian.PutUint16(b[12:], command)
	binary.LittleEndian.PutUint16(b[14:], 1) // credits asked for
	binary.LittleEndian.PutUint64(b[24:], id)
	binary.LittleEndian.PutUint32(b[32:], 0xfeff) // process id, as clients send it
	if command == cmdSessionSetup {
		binary.LittleEndian.PutUint16(b[6:], 1) // credit charge; servers of 2.0.2 take it as reserved
	}
	return append(b, body...)
}

// negotiate2 is the NEGOTIATE request (MS-SMB2 2.2.3) with the contexts that 3.1.1 demands.
func negotiate2() []byte {
	b := make([]byte, 36)
	binary.LittleEndian.PutUint16(b, 36)
	binary.LittleEndian.PutUint16(b[2:], uint16(len(dialects)))
	binary.LittleEndian.PutUint16(b[4:], 1) // we could sign
	_, _ = rand.Read(b[12:28])              // client GUID; never fails
	for _, d := range dialects {
		b = binary.LittleEndian.AppendUint16(b, d)
	}
	for (header2+len(b))%8 != 0 {
		b = append(b, 0)
	}
	binary.LittleEndian.PutUint32(b[28:], uint32(header2+len(b)))
	binary.LittleEndian.PutUint16(b[32:], 2)
	salt := make([]byte, 32)
	_, _ = rand.Read(salt)
	b = context2(b, 1, append([]byte{1, 0, 32, 0, 1, 0}, salt...)) // integrity: SHA-512
	b = append(b, 0, 0)                                            // to a multiple of eight
	b = context2(b, 2, []byte{2, 0, 2, 0, 1, 0})                   // encryption: AES-128-GCM, AES-128-CCM
	return message2(cmdNegotiate, 0, b)
}

func context2(b []byte, kind uint16, data []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, kind)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(data)))
	return append(append(b, 0, 0, 0, 0), data...)
}

// setup2 is the SESSION_SETUP request (MS-SMB2 2.2.5) with a first NTLM message.
func setup2(token []byte) []byte {
	blob := spnego(token)
	b := make([]byte, 24)
	binary.LittleEndian.PutUint16(b, 25)
	b[3] = 1 // we could sign
	binary.LittleEndian.PutUint16(b[12:], header2+24)
	binary.LittleEndian.PutUint16(b[14:], uint16(len(blob)))
	return message2(cmdSessionSetup, 1, append(b, blob...))
}

// negotiated is what a NEGOTIATE response (MS-SMB2 2.2.4) says.
type negotiated struct {
	dialect      string
	required     bool // signing
	guid         [16]byte
	capabilities uint32
}

func (n negotiated) observation(raw []byte) observation.Observation {
	signing := "enabled"
	if n.required {
		signing = "required"
	}
	return observation.Observation{Signal: observation.SMBDialect, Value: n.dialect, Raw: raw, Detail: map[string]string{
		"signing": signing, "guid": guid(n.guid), "capabilities": fmt.Sprintf("%#x", n.capabilities)}}
}

// guid writes a GUID in the usual mixed order.
func guid(g [16]byte) string {
	return fmt.Sprintf("%08x-%04x-%04x-%s-%s", binary.LittleEndian.Uint32(g[:]), binary.LittleEndian.Uint16(g[4:]),
		binary.LittleEndian.Uint16(g[6:]), hex.EncodeToString(g[8:10]), hex.EncodeToString(g[10:]))
}

func parseNegotiate2(b []byte) (n negotiated, err error) {
	switch {
	case len(b) >= 32 && string(b[:4]) == "\xffSMB":
		return n, ErrRefused // an SMB1 server says no in its own words
	case len(b) < header2 || string(b[:4]) != "\xfeSMB" || binary.LittleEndian.Uint16(b[12:]) != cmdNegotiate:
		return n, talk.ErrOther
	}
	if status := binary.LittleEndian.Uint32(b[8:]); status != 0 {
		if status == statusNotSupported {
			return n, ErrRefused
		}
		return n, fmt.Errorf("the server answers SMB2 with status %#08x", status)
	}
	body := b[header2:]
	if len(body) < 64 {
		return n, fmt.Errorf("SMB2 negotiate response of %d bytes: %w", len(body), talk.ErrOther)
	}
	n.dialect = Dialect(binary.LittleEndian.Uint16(body[4:]))
	if n.dialect == "" {
		return n, talk.ErrOther
	}
	n.required = body[2]&2 != 0
	copy(n.guid[:], body[8:])
	n.capabilities = binary.LittleEndian.Uint32(body[24:])
	return n, nil
}

func parseSetup2(b []byte) (ntlm.Challenge, error) {
	if len(b) < header2+8 || string(b[:4]) != "\xfeSMB" || binary.LittleEndian.Uint16(b[12:]) != cmdSessionSetup {
		return ntlm.Challenge{}, talk.ErrOther
	}
	if status := binary.LittleEndian.Uint32(b[8:]); status != statusMore {
		return ntlm.Challenge{}, fmt.Errorf("the server answers the session setup with status %#08x", status)
	}
	off, n := int(binary.LittleEndian.Uint16(b[header2+4:])), int(binary.LittleEndian.Uint16(b[header2+6:]))
	return ntlm.Find(field(b, off, n))
}
