// Package ntlm makes the first message of NTLMSSP and reads the second, in which a Windows computer tells its names and build before
// anybody has logged in (MS-NLMP 2.2.1). There is no third message here: Kenshin never logs in.
package ntlm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"

	"kenshin/discover/internal/talk"
	"kenshin/observation"
)

var signature = []byte("NTLMSSP\x00")

// flags of the NEGOTIATE_MESSAGE, MS-NLMP 2.2.2.5.
const (
	unicodeText     = 0x00000001
	requestTarget   = 0x00000004
	ntlmV1          = 0x00000200
	alwaysSign      = 0x00008000
	extendedSession = 0x00080000
	targetInfo      = 0x00800000
	withVersion     = 0x02000000
	key128          = 0x20000000
	key56           = 0x80000000
)

// Negotiate returns a NEGOTIATE_MESSAGE without domain, workstation and version.
func Negotiate() []byte {
	b := make([]byte, 40)
	copy(b, signature)
	binary.LittleEndian.PutUint32(b[8:], 1)
	binary.LittleEndian.PutUint32(b[12:], unicodeText|requestTarget|ntlmV1|alwaysSign|extendedSession|withVersion|key128|key56)
	binary.LittleEndian.PutUint32(b[20:], uint32(len(b)))
	binary.LittleEndian.PutUint32(b[28:], uint32(len(b)))
	b[39] = 15 // NTLMSSP_REVISION_W2K3; product version 0.0.0
	return b
}

// Challenge is what a CHALLENGE_MESSAGE tells of the computer that made it.
type Challenge struct {
	Target    string // domain, or computer where it is in no domain
	Computer  string // NetBIOS name
	Domain    string // NetBIOS domain or workgroup
	DNSName   string
	DNSDomain string
	Forest    string
	Build     string // "10.0.19045", "" where no version was sent. Samba says 6.1 whatever it is
}

var errNone = errors.New("no NTLM challenge in the answer")

// Find looks for a CHALLENGE_MESSAGE inside its wrapping (SPNEGO or TSRequest) and reads it.
func Find(b []byte) (Challenge, error) {
	i := bytes.Index(b, append(bytes.Clone(signature), 2, 0, 0, 0))
	if i < 0 {
		return Challenge{}, errNone
	}
	return Parse(b[i:])
}

// Parse reads a CHALLENGE_MESSAGE (MS-NLMP 2.2.1.2). Fields that point outside the message are left empty.
func Parse(b []byte) (Challenge, error) {
	var c Challenge
	if len(b) < 32 || !bytes.HasPrefix(b, signature) || binary.LittleEndian.Uint32(b[8:]) != 2 {
		return c, errNone
	}
	flags := binary.LittleEndian.Uint32(b[20:])
	target := field(b, 12)
	if flags&unicodeText != 0 {
		c.Target = text(target)
	} else {
		c.Target = talk.Text(target)
	}
	if flags&withVersion != 0 && len(b) >= 56 {
		c.Build = fmt.Sprintf("%d.%d.%d", b[48], b[49], binary.LittleEndian.Uint16(b[50:]))
	}
	if flags&targetInfo != 0 && len(b) >= 48 {
		c.pairs(field(b, 40))
	}
	return c, nil
}

// pairs reads the AV_PAIR list (MS-NLMP 2.2.2.1).
func (c *Challenge) pairs(b []byte) {
	names := map[uint16]*string{1: &c.Computer, 2: &c.Domain, 3: &c.DNSName, 4: &c.DNSDomain, 5: &c.Forest}
	for len(b) >= 4 {
		id, n := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[2:]))
		if id == 0 || len(b) < 4+n {
			return
		}
		if dst := names[id]; dst != nil {
			*dst = text(b[4 : 4+n])
		}
		b = b[4+n:]
	}
}

// Observation says what was told; via is the protocol that carried it, "smb" or "rdp".
func (c Challenge) Observation(via string, raw []byte) observation.Observation {
	name := c.Computer
	if name == "" {
		name = c.Target
	}
	return observation.Observation{Signal: observation.NTLM, Value: name, Raw: raw, Detail: talk.Detail("dns", c.DNSName,
		"domain", c.Domain, "dns_domain", c.DNSDomain, "forest", c.Forest, "build", c.Build, "via", via)}
}

// field follows a length, maximum, offset triple at position at.
func field(b []byte, at int) []byte {
	n, off := uint64(binary.LittleEndian.Uint16(b[at:])), uint64(binary.LittleEndian.Uint32(b[at+4:]))
	if off+n > uint64(len(b)) {
		return nil
	}
	return b[off : off+n]
}

func text(b []byte) string {
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(u))
}
