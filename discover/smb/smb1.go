package smb

import (
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"unicode/utf16"

	"kenshin/discover/internal/ntlm"
	"kenshin/discover/internal/talk"
	"kenshin/observation"
)

// Commands and flags of MS-CIFS 2.2.3.1 and MS-SMB 2.2.3.1.
const (
	cmdNegotiate1 = 0x72
	cmdSetup1     = 0x73
	header1       = 32

	flagsReply       = 0x80
	flags1           = 0x18   // names may be in any case
	flags2           = 0xC801 // long names, extended security, NT status, Unicode
	capExtended      = 0x80000000
	capUnicode       = 0x00000004
	ourCapabilities  = 0x80000054 // Unicode, NT SMBs, NT status, extended security
	noCommonDialect  = 0xFFFF
	setupWords       = 12
	negotiateWordsNT = 17
)

// TalkSMB1 offers "NT LM 0.12" and nothing else. It returns smb.dialect "smb1" when the server takes it, and then, from a session setup that is
// begun and left, smb.native-os and ntlm. ErrRefused when it does not speak SMB1; an answer in SMB2 is no SMB1.
func TalkSMB1(conn net.Conn) ([]observation.Observation, error) {
	c := talk.New(conn, 4*maxMessage)
	if _, err := c.Write(packet(negotiate1())); err != nil {
		return nil, fmt.Errorf("asking for SMB1: %w", err)
	}
	b, err := receive(c)
	if err != nil {
		return nil, fmt.Errorf("waiting for SMB1: %w", err)
	}
	answer, err := parseNegotiate1(b)
	if err != nil {
		return nil, err
	}
	seen := []observation.Observation{answer.observation(c.Raw())}
	if !answer.extended {
		return seen, nil // without extended security the next message would be a login
	}
	if _, err := c.Write(packet(setup1(ntlm.Negotiate()))); err != nil {
		return seen, fmt.Errorf("beginning a session: %w", err)
	}
	if b, err = receive(c); err != nil {
		return seen, fmt.Errorf("waiting for the session: %w", err)
	}
	told, err := parseSetup1(b)
	if err != nil {
		return seen, err
	}
	raw := b[:min(len(b), talk.MaxRaw)]
	if told.os != "" || told.manager != "" {
		seen = append(seen, observation.Observation{Signal: observation.SMBNativeOS, Value: told.os, Raw: raw,
			Detail: talk.Detail("manager", told.manager)})
	}
	challenge, err := ntlm.Find(told.blob)
	if err != nil {
		return seen, err
	}
	return append(seen, challenge.Observation("smb", raw)), nil
}

func message1(command byte, words, data []byte) []byte {
	b := make([]byte, header1, header1+3+len(words)+len(data))
	copy(b, "\xffSMB")
	b[4], b[9] = command, flags1
	binary.LittleEndian.PutUint16(b[10:], flags2)
	binary.LittleEndian.PutUint16(b[26:], 0xfeff) // process id
	b = append(b, byte(len(words)/2))
	b = append(b, words...)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(data)))
	return append(b, data...)
}

// negotiate1 is SMB_COM_NEGOTIATE with one dialect (MS-CIFS 2.2.4.52.1).
func negotiate1() []byte {
	return message1(cmdNegotiate1, nil, []byte("\x02NT LM 0.12\x00"))
}

// setup1 is SMB_COM_SESSION_SETUP_ANDX with extended security (MS-SMB 2.2.4.6.1).
func setup1(token []byte) []byte {
	blob := spnego(token)
	w := make([]byte, 2*setupWords)
	w[0] = 0xff // no further command
	binary.LittleEndian.PutUint16(w[4:], maxMessage)
	binary.LittleEndian.PutUint16(w[6:], 1)
	binary.LittleEndian.PutUint16(w[14:], uint16(len(blob)))
	binary.LittleEndian.PutUint32(w[20:], ourCapabilities)
	data := blob
	if (header1+1+len(w)+2+len(data))%2 != 0 {
		data = append(data, 0) // Unicode begins at an even place
	}
	return message1(cmdSetup1, w, append(data, make([]byte, 4)...)) // our system and manager: two empty names
}

// accepted1 is what a server says that speaks SMB1.
type accepted1 struct {
	signing  string
	extended bool
	name     string // without extended security the answer carries them
	domain   string
}

func (a accepted1) observation(raw []byte) observation.Observation {
	return observation.Observation{Signal: observation.SMBDialect, Value: SMB1, Raw: raw,
		Detail: talk.Detail("signing", a.signing, "name", a.name, "domain", a.domain)}
}

// parseNegotiate1 reads the answer to negotiate1 (MS-SMB 2.2.4.5.2).
func parseNegotiate1(b []byte) (a accepted1, err error) {
	words, data, err := parse1(b, cmdNegotiate1)
	if err != nil {
		return a, err
	}
	if status := binary.LittleEndian.Uint32(b[5:]); status != 0 {
		return a, fmt.Errorf("status %#08x: %w", status, ErrRefused)
	}
	if len(words) < 2 {
		return a, talk.ErrOther
	}
	switch index := binary.LittleEndian.Uint16(words); {
	case index == noCommonDialect:
		return a, ErrRefused
	case index != 0 || len(words) < 2*negotiateWordsNT:
		return a, talk.ErrOther // we offered one dialect, number 0
	}
	a.signing = "disabled"
	if words[2]&8 != 0 {
		a.signing = "required"
	} else if words[2]&4 != 0 {
		a.signing = "enabled"
	}
	capabilities := binary.LittleEndian.Uint32(words[19:])
	if a.extended = capabilities&capExtended != 0; a.extended {
		return a, nil
	}
	if key := int(words[33]); key <= len(data) {
		names := texts(data[key:], capabilities&capUnicode != 0, 2)
		a.domain, a.name = names[0], names[1]
	}
	return a, nil
}

// told1 is what the answer to a first session setup tells.
type told1 struct {
	blob        []byte
	os, manager string
}

// parseSetup1 reads the answer to setup1 (MS-SMB 2.2.4.6.2).
func parseSetup1(b []byte) (t told1, err error) {
	words, data, err := parse1(b, cmdSetup1)
	if err != nil {
		return t, err
	}
	if status := binary.LittleEndian.Uint32(b[5:]); status != statusMore {
		return t, fmt.Errorf("the server answers the session setup with status %#08x", status)
	}
	if len(words) < 8 {
		return t, talk.ErrOther
	}
	n := int(binary.LittleEndian.Uint16(words[6:]))
	if t.blob = field(data, 0, n); t.blob == nil {
		return t, talk.ErrOther
	}
	rest := data[n:]
	unicode := binary.LittleEndian.Uint16(b[10:])&0x8000 != 0
	if start := header1 + 1 + len(words) + 2 + n; unicode && start%2 != 0 && len(rest) > 0 {
		rest = rest[1:]
	}
	names := texts(rest, unicode, 2)
	t.os, t.manager = names[0], names[1]
	return t, nil
}

// parse1 takes an answer apart: its words (as bytes) and its data.
func parse1(b []byte, command byte) (words, data []byte, err error) {
	switch {
	case len(b) >= 4 && string(b[:4]) == "\xfeSMB":
		return nil, nil, fmt.Errorf("answered in SMB2: %w", ErrRefused)
	case len(b) < header1+1 || string(b[:4]) != "\xffSMB" || b[4] != command || b[9]&flagsReply == 0:
		return nil, nil, talk.ErrOther
	}
	words = field(b, header1+1, 2*int(b[header1]))
	at := header1 + 1 + len(words)
	size := field(b, at, 2)
	if words == nil || size == nil {
		return nil, nil, talk.ErrOther
	}
	// some servers count their data wrongly: what is there is taken
	data = b[at+2:]
	return words, data[:min(len(data), int(binary.LittleEndian.Uint16(size)))], nil
}

// texts reads n texts that end in zero; the last may end with the data.
func texts(b []byte, unicode bool, n int) []string {
	out := make([]string, n)
	for i := range out {
		if unicode {
			var u []uint16
			for len(b) >= 2 {
				c := binary.LittleEndian.Uint16(b)
				b = b[2:]
				if c == 0 {
					break
				}
				u = append(u, c)
			}
			out[i] = string(utf16.Decode(u))
			continue
		}
		s, rest, _ := strings.Cut(string(b), "\x00")
		out[i], b = talk.Text([]byte(s)), []byte(rest)
	}
	return out
}
