package intake

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Properties of a mail ([MS-OXPROPS]); the low half of a tag is the type.
const (
	pSubject     = 0x0037
	pSentName    = 0x0042
	pSentAddress = 0x0065
	pHeaders     = 0x007D
	pSenderName  = 0x0C1A
	pSenderAddr  = 0x0C1F
	pSenderSMTP  = 0x5D01
	pSentSMTP    = 0x5D02
	pBody        = 0x1000
	pRTF         = 0x1009
	pHTML        = 0x1013
	pMessageID   = 0x1035
	pData        = 0x3701
	pShortName   = 0x3704
	pLongName    = 0x3707
	pMIME        = 0x370E
	pDisplay     = 0x3001

	typeString8 = 0x001E
	typeUnicode = 0x001F
	typeObject  = 0x000D
	typeBinary  = 0x0102
)

func wanted(id uint32) bool {
	switch id {
	case pSubject, pSentName, pSentAddress, pHeaders, pSenderName, pSenderAddr, pSenderSMTP, pSentSMTP, pBody, pRTF, pHTML, pMessageID,
		pData, pShortName, pLongName, pMIME, pDisplay:
		return true
	}
	return false
}

// item is a mail or an attachment as Outlook keeps it: values by property.
type item struct {
	name     string
	values   map[uint32]value
	children []*item
	embedded *item // the mail that an attachment is
}

type value struct {
	kind uint32
	b    []byte
}

func (it *item) set(tag uint32, b []byte) {
	if it == nil {
		return
	}
	if it.values == nil {
		it.values = map[uint32]value{}
	}
	it.values[tag>>16] = value{tag & 0xFFFF, b}
}

func (it *item) empty() bool { return len(it.values) == 0 && len(it.children) == 0 }

// str is a property as text; names and bodies of old Outlooks are in the PC's own code.
func (it *item) str(id uint32) string {
	v, ok := it.values[id]
	if !ok {
		return ""
	}
	if v.kind == typeUnicode {
		u := make([]uint16, len(v.b)/2)
		for i := range u {
			u[i] = binary.LittleEndian.Uint16(v.b[2*i:])
		}
		return strings.TrimRight(string(utf16.Decode(u)), "\x00")
	}
	return strings.TrimRight(decode(v.b, ""), "\x00")
}

// item reads a mail of Outlook's into the list of originals.
func (r *reader) item(it *item, form Form, depth int) {
	if !r.enter(depth) {
		return
	}
	o := &Original{Form: form, Subject: clean(it.str(pSubject), 2000), MessageID: messageID(it.str(pMessageID))}
	for _, p := range [][2]uint32{{pSentName, pSentSMTP}, {pSenderName, pSenderSMTP}, {pSentName, pSentAddress}, {pSenderName, pSenderAddr}} {
		if a := address(it.str(p[1])); o.From.Addr == "" && a.Addr != "" {
			o.From = Address{Name: clean(it.str(p[0]), 200), Addr: a.Addr}
		}
	}
	if headers := it.str(pHeaders); headers != "" {
		h := r.split([]byte(strings.TrimLeft(headers, "\r\n") + "\r\n\r\n")).head
		r.findTokens([]byte(headers))
		o.Marker = clean(h.get(MarkerHeader), 1000)
		o.MessageID = cmp.Or(messageID(h.get("Message-Id")), o.MessageID)
		o.Date = date(h.get("Date"))
		o.Subject = cmp.Or(o.Subject, h.text("Subject"))
		if a := address(h.text("From")); a.Addr != "" {
			o.From = a
		}
	}
	at := len(r.originals)
	r.originals = append(r.originals, Original{})
	r.body(it, o)
	for _, c := range it.children {
		r.child(c, o, depth)
	}
	r.finish(o)
	r.originals[at] = *o
}

func (r *reader) body(it *item, o *Original) {
	if s := it.str(pBody); s != "" {
		s = s[:min(len(s), r.limits.Text)]
		r.findTokens([]byte(s))
		r.addText(o, strings.ToValidUTF8(s, ""))
	}
	if v, ok := it.values[pHTML]; ok {
		s := it.str(pHTML)
		if v.kind == typeBinary {
			label := ""
			if m := metaSet.FindSubmatch(v.b[:min(len(v.b), 2048)]); m != nil {
				label = string(m[1])
			}
			s = decode(v.b, label)
		}
		r.addHTML(o, s[:min(len(s), r.limits.Text)])
	}
	if v, ok := it.values[pRTF]; ok {
		rtf, err := unpackRTF(v.b, min(r.limits.Text, r.left))
		if err != nil {
			r.missed("Outlook形式の本文(RTF)を読めません。", "The body in Outlook's RTF cannot be read.")
		}
		r.spend(len(rtf))
		r.findTokens(rtf)
		r.addLinks(o, plainLinks(string(rtf), r.limits.Links))
		if o.Text == "" {
			o.Text = rtfText(rtf)
		}
	}
}

func (r *reader) child(c *item, o *Original, depth int) {
	if c.embedded != nil {
		r.item(c.embedded, MSG, depth+1)
		return
	}
	name := fileName(cmp.Or(c.str(pLongName), c.str(pShortName), c.str(pDisplay)))
	data := c.values[pData].b
	p := part{kind: cmp.Or(strings.ToLower(clean(c.str(pMIME), 100)), "application/octet-stream"), body: data,
		params: map[string]string{}, head: head{names: []string{"content-disposition"}, values: []string{"attachment"}}}
	p.params["name"] = name
	if low := strings.ToLower(name); strings.HasSuffix(low, ".eml") || strings.HasSuffix(low, ".msg") || strings.HasSuffix(low, ".zip") {
		r.walk(p, o, depth+1)
		return
	}
	sum := sha256.Sum256(data)
	r.findTokens(data[:min(len(data), r.limits.Text)])
	r.keep(o, File{Name: name, Type: p.kind, Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])})
}

// rtfStart is what the dictionary of compressed RTF holds before the first byte ([MS-OXRTFCP] 2.1.2.1).
const rtfStart = "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"

// unpackRTF undoes the compression of a body in RTF, to most bytes at the most.
func unpackRTF(b []byte, most int) ([]byte, error) {
	if len(b) < 16 {
		return nil, errors.New("compressed RTF ends in its header")
	}
	kind, in := binary.LittleEndian.Uint32(b[8:]), b[16:]
	switch kind {
	case 0x414C454D: // MELA: not compressed
		return in[:min(len(in), most)], nil
	case 0x75465A4C: // LZFu
	default:
		return nil, errors.New("unknown compression of RTF")
	}
	var ring [4096]byte
	at := copy(ring[:], rtfStart)
	var out []byte
	put := func(c byte) {
		out = append(out, c)
		ring[at] = c
		at = (at + 1) & 4095
	}
	for len(in) > 0 && len(out) < most {
		flags := in[0]
		in = in[1:]
		for bit := 0; bit < 8 && len(in) > 0 && len(out) < most; bit++ {
			if flags>>bit&1 == 0 {
				put(in[0])
				in = in[1:]
				continue
			}
			if len(in) < 2 {
				return out, errors.New("compressed RTF is cut off")
			}
			from, n := int(in[0])<<4|int(in[1])>>4, int(in[1]&15)+2
			in = in[2:]
			if from == at { // the end
				return out, nil
			}
			for range n {
				put(ring[from])
				from = (from + 1) & 4095
			}
		}
	}
	return out[:min(len(out), most)], nil
}

var (
	rtfGroup = regexp.MustCompile(`\{\\(?:\*|fonttbl|colortbl|stylesheet|info)[^{}]*(?:\{[^{}]*\}[^{}]*)*\}`)
	rtfCode  = regexp.MustCompile(`\\u(-?\d+) ?\??|\\'([0-9a-fA-F]{2})|\\(par|line|tab)\b ?|\\[a-zA-Z]+-?\d* ?|\\([{}\\])|[{}\r\n]`)
)

// rtfText is about what RTF would show.
func rtfText(b []byte) string {
	s := rtfGroup.ReplaceAllString(strings.ToValidUTF8(string(b), ""), "")
	var raw []byte
	last := 0
	for _, m := range rtfCode.FindAllStringSubmatchIndex(s, -1) {
		raw = append(raw, s[last:m[0]]...)
		last = m[1]
		switch {
		case m[2] >= 0:
			n, _ := strconv.Atoi(s[m[2]:m[3]])
			raw = append(raw, encode932(rune(uint16(n)))...)
		case m[4] >= 0:
			c, _ := hex.DecodeString(s[m[4]:m[5]])
			raw = append(raw, c...)
		case m[6] >= 0:
			raw = append(raw, '\n')
		case m[8] >= 0:
			raw = append(raw, s[m[8]:m[9]]...)
		}
	}
	raw = append(raw, s[last:]...)
	return tidyLines(decode(raw, "cp932"))
}
