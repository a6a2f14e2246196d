package dicom

import (
	"encoding/binary"
	"fmt"
	"strings"

	"kenshin/discover/internal/talk"
)

// PDU types, PS3.8 section 9.3.1.
const (
	pduAssociate = 1
	pduAccept    = 2
	pduReject    = 3
	pduRelease   = 5
	pduReleased  = 6
	pduAbort     = 7
)

// What our request says.
const (
	callingAE   = "KENSHIN"
	calledAE    = "ANY-SCP"
	appContext  = "1.2.840.10008.3.1.1.1"
	sopVerify   = "1.2.840.10008.1.1"
	implicitLE  = "1.2.840.10008.1.2"
	ourUID      = "2.25.73958764126593233810255417515845457955" // PS3.5 annex B.2: a UUID as a number
	ourVersion  = "KENSHIN_1"
	fixedFields = 68 // of A-ASSOCIATE, before the items
)

// associate is the A-ASSOCIATE-RQ (PS3.8 section 9.3.2).
func associate() []byte {
	context := append([]byte{1, 0, 0, 0}, item(0x30, []byte(sopVerify))...)
	context = append(context, item(0x40, []byte(implicitLE))...)
	user := item(0x51, binary.BigEndian.AppendUint32(nil, maxPDU))
	user = append(user, item(0x52, []byte(ourUID))...)
	user = append(user, item(0x55, []byte(ourVersion))...)

	b := make([]byte, 4, 256)
	b[1] = 1 // protocol version
	b = fmt.Appendf(b, "%-16s%-16s", calledAE, callingAE)
	b = append(b, make([]byte, 32)...)
	b = append(b, item(0x10, []byte(appContext))...)
	b = append(b, item(0x20, context)...)
	b = append(b, item(0x50, user)...)
	head := binary.BigEndian.AppendUint32([]byte{pduAssociate, 0}, uint32(len(b)))
	return append(head, b...)
}

func item(kind byte, content []byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{kind, 0}, uint16(len(content))), content...)
}

// pdu reads one PDU. Its head must look like DICOM before anything else is read.
func pdu(c *talk.Conn) (kind byte, body []byte, err error) {
	head, err := c.Take(6)
	if err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[2:])
	if head[0] < pduAssociate || head[0] > pduAbort || n < 4 {
		return 0, nil, talk.ErrOther
	}
	if n > maxPDU {
		return 0, nil, talk.ErrTooMuch
	}
	body, err = c.Take(int(n))
	return head[0], body, err
}

// accepted is what an A-ASSOCIATE-AC tells.
type accepted struct {
	uid, version string
	verification string // "accepted", or why not (PS3.8 table 9-18)
}

// parseAccept reads an A-ASSOCIATE-AC without its head (PS3.8 section 9.3.3). Items that are cut off are left out.
func parseAccept(b []byte) (a accepted, err error) {
	if len(b) < fixedFields || binary.BigEndian.Uint16(b)&1 == 0 {
		return a, talk.ErrOther
	}
	items(b[fixedFields:], func(kind byte, content []byte) {
		switch {
		case kind == 0x21 && len(content) >= 3:
			a.verification = result(content[2])
		case kind == 0x50:
			items(content, func(kind byte, content []byte) {
				switch kind {
				case 0x52:
					a.uid = plain(content)
				case 0x55:
					a.version = plain(content)
				}
			})
		}
	})
	return a, nil
}

func items(b []byte, each func(kind byte, content []byte)) {
	for len(b) >= 4 {
		n := int(binary.BigEndian.Uint16(b[2:]))
		if len(b) < 4+n {
			return
		}
		each(b[0], b[4:4+n])
		b = b[4+n:]
	}
}

func result(code byte) string {
	switch code {
	case 0:
		return "accepted"
	case 1:
		return "user rejection"
	case 2:
		return "no reason"
	case 3:
		return "abstract syntax not supported"
	case 4:
		return "transfer syntaxes not supported"
	}
	return fmt.Sprintf("result %d", code)
}

// plain cuts the padding that some devices add.
func plain(b []byte) string { return strings.Trim(talk.Text(b[:min(len(b), 64)]), "\x00 ") }
