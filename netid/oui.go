package netid

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"kenshin/fault"
)

// Makers knows which organisation the IEEE gave a MAC prefix to: MA-L (24 bits), MA-M (28) and MA-S (36). The zero value knows none.
type Makers struct {
	byBits [3]map[uint64]string // 36, 28, 24 bits: the longest wins
}

var prefixBits = [3]int{36, 28, 24}

// MakerFiles are the places where Debian's package ieee-data puts the registries.
func MakerFiles() []string {
	return []string{"/usr/share/ieee-data/oui.csv", "/usr/share/ieee-data/mam.csv", "/usr/share/ieee-data/oui36.csv", "/usr/share/ieee-data/iab.csv"}
}

// Bounds of a registry file: the real ones have 3 MB and 33,000 rows.
const (
	maxMakerFile = 64 << 20
	maxMakers    = 500_000
	maxMakerName = 200
)

// LoadMakers reads registries: the IEEE's CSV, or JSON that maps prefixes to names (npm oui-data). The result is always usable; the error,
// to be shown as a warning, joins what could not be read. Later files win for the same prefix.
func LoadMakers(paths ...string) (*Makers, error) {
	m := &Makers{}
	var bad []error
	for _, p := range paths {
		if err := m.load(p); err != nil {
			bad = append(bad, fault.Wrap(fault.Unavailable, err,
				"メーカーの一覧「"+p+"」を読めません。Debianでは「apt install ieee-data」で入ります。一覧がない間は、MACアドレスからメーカー名が出ません。",
				"The list of makers "+p+" cannot be read. On Debian, \"apt install ieee-data\" brings it; until then no maker is shown for a MAC address."))
		}
	}
	return m, errors.Join(bad...)
}

func (m *Makers) load(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := io.LimitReader(f, maxMakerFile)
	if strings.HasSuffix(path, ".json") {
		err = m.readJSON(r)
	} else {
		err = m.readCSV(r)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// readCSV reads "Registry,Assignment,Organization Name,Organization Address" (IEEE RA public listing).
func (m *Makers) readCSV(r io.Reader) error {
	c := csv.NewReader(r)
	c.FieldsPerRecord, c.LazyQuotes, c.ReuseRecord = -1, true, true
	rows := 0
	for {
		rec, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if len(rec) >= 3 && m.add(rec[1], rec[2]) {
			rows++
		}
	}
	if rows == 0 {
		return errors.New("no row of the form MA-L,0000F4,Allied Telesis,...")
	}
	return nil
}

// readJSON reads {"0000F4": "name\naddress..."}, streaming.
func (m *Makers) readJSON(r io.Reader) error {
	d := json.NewDecoder(r)
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.Join(errors.New("not an object of prefixes"), err)
	}
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return err
		}
		var v string
		if err := d.Decode(&v); err != nil {
			return err
		}
		key, _ := k.(string)
		name, _, _ := strings.Cut(v, "\n")
		m.add(key, name)
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	if m.Len() == 0 {
		return errors.New("no prefix in it")
	}
	return nil
}

// add takes one assignment and reports whether it was one. "Private" hides the maker and overrules a wider block's owner.
func (m *Makers) add(prefix, name string) bool {
	prefix = strings.TrimSpace(prefix)
	v, err := strconv.ParseUint(prefix, 16, 64)
	if err != nil || m.Len() >= maxMakers {
		return false
	}
	for i, bits := range prefixBits {
		if len(prefix)*4 == bits {
			if m.byBits[i] == nil {
				m.byBits[i] = map[uint64]string{}
			}
			m.byBits[i][v] = makerName(name)
			return true
		}
	}
	return false
}

func makerName(s string) string {
	s = strings.ToValidUTF8(s, "")
	if len(s) > 4*maxMakerName {
		s = strings.ToValidUTF8(s[:4*maxMakerName], "")
	}
	s = strings.Join(strings.FieldsFunc(norm.NFKC.String(s), func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if len(s) > maxMakerName {
		s = strings.ToValidUTF8(s[:maxMakerName], "")
	}
	if strings.EqualFold(s, "private") {
		return ""
	}
	return s
}

// Len returns how many prefixes are known.
func (m *Makers) Len() int { return len(m.byBits[0]) + len(m.byBits[1]) + len(m.byBits[2]) }

// Lookup returns the organisation of the MAC's longest known prefix. A locally administered, group or unknown MAC has none.
func (m *Makers) Lookup(a MAC) (string, bool) {
	if m == nil || a.IsZero() || a.Local() || a.Multicast() {
		return "", false
	}
	var v uint64
	for _, b := range a {
		v = v<<8 | uint64(b)
	}
	for i, bits := range prefixBits {
		if name, ok := m.byBits[i][v>>(48-bits)]; ok {
			return name, name != ""
		}
	}
	return "", false
}
