package intake

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sort"
	"unicode/utf16"
)

// oleNode is a storage (children) or a stream (data) of a compound file that the tests write themselves ([MS-CFB]).
type oleNode struct {
	name     string
	data     []byte
	children []*oleNode
	storage  bool
}

func stream(name string, data []byte) *oleNode { return &oleNode{name: name, data: data} }
func storage(name string, c ...*oleNode) *oleNode {
	return &oleNode{name: name, children: c, storage: true}
}

func wide(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// prop is a property's stream; strings go out in UTF-16, bytes as they are.
func prop(id, kind uint32, v any) *oleNode {
	b, ok := v.([]byte)
	if !ok {
		b = wide(v.(string))
	}
	return stream(fmt.Sprintf("__substg1.0_%04X%04X", id, kind), b)
}

// writeOLE lays out a version 3 file: streams under 4,096 bytes in the mini stream, as every reader expects. Children hang on each other to the
// right, which is a tree as well.
func writeOLE(root *oleNode) []byte {
	const sector, mini, end, free = 512, 64, 0xFFFFFFFE, 0xFFFFFFFF
	var fat []uint32
	var body, miniStream []byte
	var miniFAT []uint32
	put := func(b []byte) uint32 { // a chain of whole sectors
		if len(b) == 0 {
			return end
		}
		start := uint32(len(fat))
		for i := 0; i < len(b); i += sector {
			s := make([]byte, sector)
			copy(s, b[i:])
			body = append(body, s...)
			fat = append(fat, uint32(len(fat)+1))
		}
		fat[len(fat)-1] = end
		return start
	}
	putMini := func(b []byte) uint32 {
		start := uint32(len(miniFAT))
		for i := 0; i < len(b); i += mini {
			s := make([]byte, mini)
			copy(s, b[i:])
			miniStream = append(miniStream, s...)
			miniFAT = append(miniFAT, uint32(len(miniFAT)+1))
		}
		miniFAT[len(miniFAT)-1] = end
		return start
	}
	type entry struct {
		n                  *oleNode
		right, child, from uint32
		size               int
	}
	var entries []*entry
	var add func(n *oleNode) uint32
	add = func(n *oleNode) uint32 {
		e := &entry{n: n, right: free, child: free, size: len(n.data)}
		id := uint32(len(entries))
		entries = append(entries, e)
		sort.SliceStable(n.children, func(a, b int) bool { return n.children[a].name < n.children[b].name })
		last := uint32(free)
		for _, c := range n.children {
			cid := add(c)
			if last == free {
				e.child = cid
			} else {
				entries[last].right = cid
			}
			last = cid
		}
		switch {
		case n.storage || len(n.data) == 0:
		case len(n.data) < 4096:
			e.from = putMini(n.data)
		default:
			e.from = put(n.data)
		}
		return id
	}
	root.name, root.storage = "Root Entry", true
	add(root)
	entries[0].from, entries[0].size = put(miniStream), len(miniStream)
	if len(miniStream) == 0 {
		entries[0].from = end
	}
	var mf []byte
	for _, v := range miniFAT {
		mf = binary.LittleEndian.AppendUint32(mf, v)
	}
	for len(mf)%sector != 0 {
		mf = binary.LittleEndian.AppendUint32(mf, free)
	}
	miniFATAt := put(mf)
	var dir []byte
	for i, e := range entries {
		b := make([]byte, 128)
		name := wide(e.n.name)
		copy(b, name)
		binary.LittleEndian.PutUint16(b[64:], uint16(len(name)+2))
		b[66] = 2
		if e.n.storage {
			b[66] = 1
		}
		if i == 0 {
			b[66] = 5
		}
		b[67] = 1
		binary.LittleEndian.PutUint32(b[68:], free)
		binary.LittleEndian.PutUint32(b[72:], e.right)
		binary.LittleEndian.PutUint32(b[76:], e.child)
		binary.LittleEndian.PutUint32(b[116:], e.from)
		binary.LittleEndian.PutUint32(b[120:], uint32(e.size))
		dir = append(dir, b...)
	}
	for len(dir)%sector != 0 {
		b := make([]byte, 128)
		for _, at := range []int{68, 72, 76} {
			binary.LittleEndian.PutUint32(b[at:], free)
		}
		dir = append(dir, b...)
	}
	dirAt := put(dir)
	fatSectors := 1
	for (len(fat)+fatSectors)*4 > fatSectors*sector {
		fatSectors++
	}
	if fatSectors > 109 {
		panic("too large for the header's own table")
	}
	fatAt := uint32(len(fat))
	for range fatSectors {
		fat = append(fat, 0xFFFFFFFD)
	}
	var h bytes.Buffer
	h.Write([]byte{0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1})
	h.Write(make([]byte, 16))
	for _, v := range []uint16{0x3E, 3, 0xFFFE, 9, 6, 0, 0, 0} {
		_ = binary.Write(&h, binary.LittleEndian, v)
	}
	for _, v := range []uint32{0, uint32(fatSectors), dirAt, 0, 4096, miniFATAt, uint32(len(mf) / sector), end, 0} {
		_ = binary.Write(&h, binary.LittleEndian, v)
	}
	for i := range 109 {
		v := uint32(free)
		if i < fatSectors {
			v = fatAt + uint32(i)
		}
		_ = binary.Write(&h, binary.LittleEndian, v)
	}
	out := append(h.Bytes(), body...)
	for i := range fatSectors * sector / 4 {
		v := uint32(free)
		if i < len(fat) {
			v = fat[i]
		}
		out = binary.LittleEndian.AppendUint32(out, v)
	}
	return out
}

// tnefAttr is one attribute of winmail.dat.
func tnefAttr(id uint32, data []byte) []byte {
	level := byte(1)
	if id == aAttachNew || id == aAttachData || id == aAttachTitle || id == aAttachMAPI {
		level = 2
	}
	b := binary.LittleEndian.AppendUint32([]byte{level}, id)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	b = append(b, data...)
	var sum uint16
	for _, c := range data {
		sum += uint16(c)
	}
	return binary.LittleEndian.AppendUint16(b, sum)
}

func tnef(attrs ...[]byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, tnefSign)
	b = append(b, 1, 0)
	return append(b, bytes.Join(attrs, nil)...)
}

type mapiProp struct {
	id, kind uint32
	b        []byte
}

// tnefProps is a list of properties; one with an id from 0x8000 on gets a name, as calendars' have.
func tnefProps(props ...mapiProp) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(props)))
	pad := func(v []byte) {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(v)))
		b = append(b, v...)
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
	}
	for _, p := range props {
		b = binary.LittleEndian.AppendUint16(b, uint16(p.kind))
		b = binary.LittleEndian.AppendUint16(b, uint16(p.id))
		if p.id >= 0x8000 {
			b = append(b, make([]byte, 16)...)
			b = binary.LittleEndian.AppendUint32(b, 1)
			pad(wide("名前"))
		}
		if p.kind == 3 {
			b = append(b, p.b...)
			continue
		}
		b = binary.LittleEndian.AppendUint32(b, 1)
		pad(p.b)
	}
	return b
}
