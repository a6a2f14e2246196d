package intake

import (
	"encoding/binary"
	"errors"
	"fmt"

	"kenshin/jp"
)

func encode932(c rune) []byte {
	b, _ := jp.Encode932(string(c))
	return b
}

// Attributes of winmail.dat ([MS-OXTNEF] 2.1.3.2), type and name together.
const (
	tnefSign     = 0x223E9F78
	aSubject     = 0x00018004
	aBody        = 0x0002800C
	aMAPI        = 0x00069003
	aAttachNew   = 0x00069002
	aAttachData  = 0x0006800F
	aAttachTitle = 0x00018010
	aAttachMAPI  = 0x00069005
)

// winmail reads winmail.dat. What is in it belongs to the mail that carried it, unless it carries mails itself.
func (r *reader) winmail(b []byte, into *Original, depth int) error {
	it, err := readTNEF(b, 0, r.limits.Depth)
	if err != nil && it.empty() {
		return err
	}
	if err != nil {
		r.missed("winmail.datは途中で壊れています。読めた部分だけを使いました。", "winmail.dat is damaged; what could be read was used.")
	}
	r.body(it, into)
	for _, c := range it.children {
		if c.embedded != nil {
			if r.enter(depth + 1) {
				r.item(c.embedded, TNEF, depth+1)
			}
			continue
		}
		r.child(c, into, depth)
	}
	return nil
}

// readTNEF returns what it read when it must give up.
func readTNEF(b []byte, depth, most int) (*item, error) {
	it := &item{}
	if depth > most {
		return it, errors.New("mails in mails too deep")
	}
	if len(b) < 6 || binary.LittleEndian.Uint32(b) != tnefSign {
		return it, errors.New("not winmail.dat")
	}
	b = b[6:]
	var attach *item
	for len(b) > 0 {
		if len(b) < 11 {
			return it, errors.New("it ends within an attribute")
		}
		id, n := binary.LittleEndian.Uint32(b[1:]), uint64(binary.LittleEndian.Uint32(b[5:]))
		if n+11 > uint64(len(b)) {
			return it, fmt.Errorf("attribute %#x claims %d bytes of %d", id, n, len(b)-11)
		}
		data := b[9 : 9+n]
		b = b[11+n:]
		var err error
		switch id {
		case aSubject:
			it.set(pSubject<<16|typeString8, data)
		case aBody:
			it.set(pBody<<16|typeString8, data)
		case aMAPI:
			err = readProps(data, it, depth, most)
		case aAttachNew:
			if len(it.children) >= maxFiles {
				return it, errors.New("too many attachments")
			}
			attach = &item{}
			it.children = append(it.children, attach)
		case aAttachTitle:
			attach.set(pShortName<<16|typeString8, data)
		case aAttachData:
			attach.set(pData<<16|typeBinary, data)
		case aAttachMAPI:
			if attach != nil {
				err = readProps(data, attach, depth, most)
			}
		}
		if err != nil {
			return it, err
		}
	}
	return it, nil
}

// cursor reads little-endian numbers and stops at the end.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n uint64) []byte {
	if c.bad || n > uint64(len(c.b)) {
		c.bad = true
		return nil
	}
	out := c.b[:n]
	c.b = c.b[n:]
	return out
}

func (c *cursor) u32() uint32 {
	if v := c.take(4); v != nil {
		return binary.LittleEndian.Uint32(v)
	}
	return 0
}

func (c *cursor) u16() uint32 {
	if v := c.take(2); v != nil {
		return uint32(binary.LittleEndian.Uint16(v))
	}
	return 0
}

// padded takes n bytes and what fills them up to four.
func (c *cursor) padded(n uint32) []byte {
	v := c.take(uint64(n))
	c.take(uint64(-n & 3))
	return v
}

// readProps reads a list of properties ([MS-OXTNEF] 2.1.3.4).
func readProps(b []byte, it *item, depth, most int) error {
	c := &cursor{b: b}
	for n := c.u32(); n > 0 && !c.bad; n-- {
		kind, id := c.u16(), c.u16()
		if id >= 0x8000 { // named: a GUID, then a number or a name
			c.take(16)
			if c.u32() == 0 {
				c.u32()
			} else {
				c.padded(c.u32())
			}
		}
		if err := readValue(c, it, kind, id, depth, most); err != nil {
			return err
		}
	}
	if c.bad {
		return errors.New("a list of properties is cut off")
	}
	return nil
}

func readValue(c *cursor, it *item, kind, id uint32, depth, most int) error {
	count, multi := uint32(1), kind&0x1000 != 0
	base := kind &^ 0x1000
	variable := base == typeString8 || base == typeUnicode || base == typeBinary || base == typeObject
	if multi || variable {
		count = c.u32()
	}
	for ; count > 0 && !c.bad; count-- {
		if !variable {
			size, ok := map[uint32]uint64{2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}[base]
			if !ok {
				return fmt.Errorf("unknown type %#x of property %#x", kind, id)
			}
			c.take(size)
			continue
		}
		v := c.padded(c.u32())
		if c.bad || multi || !wanted(id) {
			continue
		}
		if base == typeObject && len(v) > 20 {
			if v = v[16:]; id == pData && binary.LittleEndian.Uint32(v) == tnefSign {
				inner, err := readTNEF(v, depth+1, most)
				if it.embedded = inner; err != nil {
					return err
				}
				continue
			}
			base = typeBinary
		}
		it.set(id<<16|base, v)
	}
	return nil
}
