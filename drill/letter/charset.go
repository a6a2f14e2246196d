package letter

import (
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/unicode/norm"

	"kenshin/fault"
)

// Charset is the encoding of a mail's text, subject and names.
type Charset string

const (
	UTF8 Charset = "utf-8"
	// ISO2022JP is RFC 1468, which old Japanese mail systems expect, with the extension characters (①, ㈱, 髙) that mailers in use
	// read under this name. Half-width kana become full-width, as in every mailer that writes it.
	ISO2022JP Charset = "iso-2022-jp"
	// Auto is ISO-2022-JP as long as all is in JIS X 0208, which any decoder reads, else UTF-8. The zero Charset means it too.
	Auto Charset = "auto"
)

// Misfit is a character that ISO-2022-JP cannot carry, at its first place in a text.
type Misfit struct {
	Rune         rune
	Line, Column int // counted from 1, in characters
}

// Misfits lists the characters of a text that ISO2022JP refuses, each once.
func Misfits(text string) []Misfit {
	var found []Misfit
	seen := map[rune]bool{}
	line, column := 1, 0
	var before rune
	for _, r := range text {
		if column++; r == '\n' {
			line, column = line+1, 0
		}
		if !seen[r] && !fits(before, r) {
			seen[r] = true
			found = append(found, Misfit{r, line, column})
		}
		before = r
	}
	return found
}

// Extras lists the characters that ISO2022JP carries only in the rows that vendors added, each once: most mail programs show them, old ones
// may not.
func Extras(text string) (out []rune) {
	for _, r := range text {
		if c, ok := jisCell(r); r >= utf8.RuneSelf && ok && !standardCell(c) && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

func fits(before, r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return true
	case r == '\u3099' || r == '\u309a':
		return utf8.RuneCountInString(norm.NFC.String(string([]rune{before, r}))) == 1
	case loose(r):
		return true
	}
	_, ok := jisCell(r)
	return ok
}

// lookAlikes are characters that other systems use for one that JIS X 0208 has; readers see no difference.
const lookAlikes = "〜～−－‖∥—―¥￥¢￠£￡¬￢‾￣·・•・"

// jisCells maps each character to its two bytes in JIS X 0208 with the rows that vendors added (13, 89-92). It is the decoder's own
// table turned round; a character that has several cells keeps the lowest, which is the standard's own.
var jisCells = sync.OnceValue(func() map[rune]uint16 {
	cells := make(map[rune]uint16, 8000)
	dec := japanese.EUCJP.NewDecoder()
	for hi := byte(0x21); hi < 0x7f; hi++ {
		for lo := byte(0x21); lo < 0x7f; lo++ {
			b, err := dec.Bytes([]byte{hi | 0x80, lo | 0x80})
			if r, n := utf8.DecodeRune(b); err == nil && n == len(b) && r != utf8.RuneError {
				if _, have := cells[r]; !have {
					cells[r] = uint16(hi)<<8 | uint16(lo)
				}
			}
		}
	}
	like := []rune(lookAlikes)
	for i := 0; i+1 < len(like); i += 2 {
		if _, have := cells[like[i]]; !have {
			cells[like[i]] = cells[like[i+1]]
		}
	}
	return cells
})

func jisCell(r rune) (uint16, bool) {
	c, ok := jisCells()[r]
	return c, ok
}

// standardCell says that a cell is in JIS X 0208 itself, not in a vendor's rows.
func standardCell(c uint16) bool {
	row := c>>8 - 0x20
	return row <= 8 || row >= 16 && row <= 84
}

// unify makes what ISO-2022-JP knows only in one form: full-width kana, kana joined with their sound marks, plain spaces.
func unify(s string) string {
	if strings.IndexFunc(s, loose) < 0 {
		return s
	}
	var b strings.Builder
	for s != "" {
		i := strings.IndexFunc(s, loose)
		if i < 0 {
			b.WriteString(s)
			break
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == '\u3099' || r == '\u309a' { // a sound mark belongs to the kana before it
			_, back := utf8.DecodeLastRuneInString(s[:i])
			b.WriteString(s[:i-back])
			b.WriteString(norm.NFC.String(s[i-back : i+n]))
			s = s[i+n:]
			continue
		}
		b.WriteString(s[:i])
		if r == '\u00a0' {
			b.WriteByte(' ')
			s = s[i+n:]
			continue
		}
		end := i + n
		for end < len(s) {
			r, n := utf8.DecodeRuneInString(s[end:])
			if !halfKana(r) {
				break
			}
			end += n
		}
		b.WriteString(norm.NFKC.String(s[i:end]))
		s = s[end:]
	}
	return b.String()
}

func halfKana(r rune) bool { return r >= '\uff61' && r <= '\uff9f' }

func loose(r rune) bool { return halfKana(r) || r == '\u3099' || r == '\u309a' || r == '\u00a0' }

// jisWriter writes RFC 1468: it starts in ASCII and is brought back to ASCII before each line end and at the end.
type jisWriter struct {
	out  []byte
	wide bool
}

func (w *jisWriter) rune(r rune) bool {
	if r < utf8.RuneSelf {
		w.ascii()
		w.out = append(w.out, byte(r))
		return true
	}
	c, ok := jisCell(r)
	if !ok {
		return false
	}
	if !w.wide {
		w.out = append(w.out, 0x1b, '$', 'B')
		w.wide = true
	}
	w.out = append(w.out, byte(c>>8), byte(c))
	return true
}

func (w *jisWriter) ascii() {
	if w.wide {
		w.out = append(w.out, 0x1b, '(', 'B')
		w.wide = false
	}
}

// encode turns a text into the bytes of a charset that choose has found to fit.
func (c Charset) encode(s string) []byte {
	if c != ISO2022JP {
		return []byte(s)
	}
	w := jisWriter{out: make([]byte, 0, len(s))}
	for _, r := range unify(s) {
		if !w.rune(r) {
			w.rune('〓') // not reached: choose has looked at every text
		}
	}
	w.ascii()
	return w.out
}

// label is the charset's name as mailers write it.
func (c Charset) label() string { return strings.ToUpper(string(c)) }

// piece is a text of the draft with the name of its field.
type piece struct{ ja, en, text string }

// choose settles Auto, and refuses ISO-2022-JP for what it cannot carry.
func (c Charset) choose(pieces []piece) (Charset, error) {
	switch c {
	case UTF8:
		return UTF8, nil
	case Auto, "":
		ascii := true
		for _, p := range pieces {
			for _, r := range unify(p.text) {
				if r < utf8.RuneSelf {
					continue
				}
				ascii = false
				if cell, ok := jisCell(r); !ok || !standardCell(cell) {
					return UTF8, nil
				}
			}
		}
		if ascii {
			return UTF8, nil
		}
		return ISO2022JP, nil
	case ISO2022JP:
		for _, p := range pieces {
			if m := Misfits(p.text); len(m) > 0 {
				return "", fault.New(fault.Invalid, p.ja+"の"+m[0].ja()+"はISO-2022-JPで送れません。別の字にするか、文字コードをUTF-8にしてください。",
					"ISO-2022-JP has no "+m[0].en()+" of the "+p.en+". Use another character, or choose UTF-8.")
			}
		}
		return ISO2022JP, nil
	}
	return "", fault.Newf(fault.Invalid, "文字コード「%[1]s」は選べません。utf-8、iso-2022-jp、autoのどれかにしてください。",
		"There is no charset %[1]q here. Choose utf-8, iso-2022-jp or auto.", string(c))
}
