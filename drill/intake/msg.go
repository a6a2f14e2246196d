package intake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/richardlehane/mscfb"
)

// budgeted refuses an OLE file whose directory is longer than any mail's: the library walks it before it hands anything out, and keeps
// every entry's whole path.
type budgeted struct {
	in   *bytes.Reader
	left int
}

var errDirectory = errors.New("too many entries")

func (b *budgeted) ReadAt(p []byte, off int64) (int, error) {
	if len(p) >= 512 {
		if b.left -= len(p); b.left < 0 {
			return 0, errDirectory
		}
	}
	return b.in.ReadAt(p, off)
}

const maxDirectory = 384 << 10 // bytes of an OLE directory: 3,000 entries, a mail has some hundreds

// outlook reads an Outlook file ([MS-OXMSG]) as a mail that was handed on.
func (r *reader) outlook(b []byte, _ *Original, depth int) (err error) {
	if !r.enter(depth) {
		return nil
	}
	defer func() { // the library reads what strangers wrote
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged OLE file: %v", p)
		}
	}()
	in := &budgeted{in: bytes.NewReader(b), left: maxDirectory}
	doc, err := mscfb.New(in)
	if err != nil {
		return fmt.Errorf("read the OLE file: %w", err)
	}
	in.left = 1 << 40 // from here on each stream has its own bound
	root := &item{}
	for f, err := doc.Next(); err == nil; f, err = doc.Next() {
		if !strings.HasPrefix(f.Name, "__substg1.0_") || len(f.Path) > 2*r.limits.Depth {
			continue
		}
		at := root.at(f.Path)
		tag, ok := tagOf(f.Name)
		if at == nil || !ok || !wanted(tag>>16) || f.Size <= 0 {
			continue
		}
		if !r.spend(int(min(f.Size, 1<<30))) {
			r.missed("Outlook形式の一部は大きすぎるため読んでいません。", "A part of an Outlook file was not read: too large.")
			continue
		}
		v, err := io.ReadAll(io.LimitReader(f, f.Size))
		if err != nil && len(v) == 0 {
			continue
		}
		at.set(tag, v)
	}
	if root.empty() {
		return errors.New("no mail in the file")
	}
	r.item(root, MSG, depth)
	return nil
}

// tagOf reads the property tag in a stream's name.
func tagOf(name string) (uint32, bool) {
	var tag uint32
	n, err := fmt.Sscanf(strings.TrimPrefix(name, "__substg1.0_"), "%08X", &tag)
	return tag, n == 1 && err == nil
}

// at finds or makes the attachment, or the mail within an attachment, that a path names; nil for recipients and what else there is.
func (it *item) at(path []string) *item {
	for i, step := range path {
		switch {
		case strings.HasPrefix(step, "__attach_version1.0_"):
			it = it.child(step)
		case strings.HasPrefix(step, "__substg1.0_3701000D") && i > 0:
			if it.embedded == nil {
				it.embedded = &item{}
			}
			it = it.embedded
		default:
			return nil
		}
	}
	return it
}

func (it *item) child(name string) *item {
	for _, c := range it.children {
		if c.name == name {
			return c
		}
	}
	if len(it.children) >= maxFiles {
		return nil
	}
	c := &item{name: name}
	it.children = append(it.children, c)
	sort.Slice(it.children, func(a, b int) bool { return it.children[a].name < it.children[b].name })
	return c
}
