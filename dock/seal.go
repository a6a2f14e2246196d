package dock

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/trail"
)

// A sealed file is JSON with the body, and a signed note (golang.org/x/mod/sumdb/note) over the hash of the body's canonical form: white space and the
// order of fields may change on the way, a letter may not. docs/adr/0024 says it in full.

const (
	// MaxFile is the most that Verify reads.
	MaxFile  = 64 << 20
	dockNote = "kenshin-dock-1/"
	packNote = "kenshin-pack-1/"
	maxDepth = 64
)

// Sealed is a snapshot or a pack as a file.
type Sealed struct {
	Schema string          `json:"schema"`
	Body   json.RawMessage `json:"body"`
	Seal   string          `json:"seal"` // the signed note
	Key    string          `json:"key"`  // who signed; for people to compare with the key that they kept, Verify does not believe it
}

// Seal is what the signed note says.
type Seal struct {
	Pack     bool
	Facility facility.ID
	Number   int    // of the dock; of a pack: of the dock that it was made from, 0 when from the present state
	Hash     string // SHA-256 of the body's canonical form, base64
	Previous string // the dock before, "" for the first
	At       time.Time
}

func (s Seal) text() string {
	origin := dockNote
	if s.Pack {
		origin = packNote
	}
	return origin + string(s.Facility) + "\n" + strconv.Itoa(s.Number) + "\n" + s.Hash + "\nprevious " + s.Previous + "\nat " + s.At.UTC().Format(time.RFC3339) + "\n"
}

func parseSeal(text string) (s Seal, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 6 || lines[5] != "" {
		return s, errors.New("not the text of a dock's seal")
	}
	id, dock := strings.CutPrefix(lines[0], dockNote)
	if !dock {
		if id, s.Pack = strings.CutPrefix(lines[0], packNote); !s.Pack {
			return s, errors.New("not a seal of a dock or a pack")
		}
	}
	s.Facility, s.Hash = facility.ID(id), lines[2]
	if s.Number, err = strconv.Atoi(lines[1]); err != nil || s.Number < 0 {
		return s, errors.New("the number cannot be read")
	}
	var ok bool
	if s.Previous, ok = strings.CutPrefix(lines[3], "previous "); !ok {
		return s, errors.New("the hash before cannot be read")
	}
	if s.At, err = time.Parse("at "+time.RFC3339, lines[4]); err != nil {
		return s, errors.New("the time cannot be read")
	}
	if s.text() != text {
		return s, errors.New("not written as Kenshin writes it")
	}
	return s, nil
}

// Canonical returns JSON in the one form that is hashed: fields sorted by their names' bytes, no white space, numbers as they were written, the
// characters < > & left alone. Of a field that stands twice the body is refused: readers differ in which one they believe.
func Canonical(raw []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := readValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands behind the end")
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b) // maps come out sorted
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("write canonical JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// readValue is Decode that sees a field that stands twice.
func readValue(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := t.(json.Delim)
	if !ok {
		return t, nil
	}
	if depth > maxDepth {
		return nil, errors.New("nested too deep")
	}
	if delim == '[' {
		list := []any{}
		for d.More() {
			v, err := readValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	}
	fields := map[string]any{}
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return nil, err
		}
		name := k.(string) // the decoder accepts nothing else
		if _, twice := fields[name]; twice {
			return nil, fmt.Errorf("the field %.60q stands twice", name)
		}
		if fields[name], err = readValue(d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err = d.Token()
	return fields, err
}

// canonicalOf is Canonical of a value with its digest.
func canonicalOf(v any) (body []byte, hash string, err error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, "", fmt.Errorf("write JSON: %w", err)
	}
	if body, err = Canonical(raw); err != nil {
		return nil, "", err
	}
	return body, digest(body), nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// File is the sealed file as it is handed out.
func (s Sealed) File() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return nil, fmt.Errorf("write a sealed file: %w", err)
	}
	return b.Bytes(), nil
}

// Verified is a file whose seal holds.
type Verified struct {
	Seal
	Snapshot Snapshot
	Body     []byte // canonical
	Signed   string // the key that signed it
}

func notOurs(err error) error {
	return fault.Wrap(fault.Invalid, err, "健診・点検資料のファイルとして読めません。Kenshinが書き出した .json をそのまま渡してください。",
		"This cannot be read as a sealed check-up or pack. Pass the .json that Kenshin wrote, unchanged.")
}

// Verify reads a sealed file and checks it with a verifier key that was kept elsewhere. The errors say in a sentence what does not hold.
func Verify(file []byte, key string) (v Verified, err error) {
	if len(file) > MaxFile {
		return v, fault.New(fault.TooLarge, "ファイルが大きすぎます(64MBまで)。", "The file is too large (up to 64 MB).")
	}
	var s Sealed
	if err := json.Unmarshal(bytes.TrimPrefix(file, []byte("\uFEFF")), &s); err != nil {
		return v, notOurs(err)
	}
	if s.Schema != Schema && s.Schema != PackSchema {
		return v, notOurs(fmt.Errorf("schema %.60q", s.Schema))
	}
	text, err := trail.Opened([]byte(s.Seal), key)
	if err != nil {
		if errors.Is(err, trail.ErrForeign) {
			return v, fault.Wrap(fault.Conflict, err, "署名が合いません。封が書き換えられているか、ほかの施設の鍵です。", "The signature does not fit: the seal was altered, or the key is another facility's.")
		}
		return v, err
	}
	if v.Seal, err = parseSeal(text); err != nil {
		return v, notOurs(err)
	}
	if v.Body, err = Canonical(s.Body); err != nil {
		return v, notOurs(err)
	}
	if digest(v.Body) != v.Hash {
		return v, fault.New(fault.Conflict, "内容が、署名したときから書き換えられています。", "The content was altered after it was signed.")
	}
	v.Signed = key
	if err := v.read(s.Schema); err != nil {
		return v, notOurs(err)
	}
	return v, nil
}

// read fills the snapshot and checks that it is what the seal speaks of.
func (v *Verified) read(schema string) error {
	if v.Pack != (schema == PackSchema) {
		return errors.New("the seal is of another kind of file")
	}
	into := any(&v.Snapshot)
	var pack struct {
		Snapshot *Snapshot `json:"snapshot"`
	}
	if v.Pack {
		pack.Snapshot = &v.Snapshot
		into = &pack
	}
	if err := json.Unmarshal(v.Body, into); err != nil {
		return err
	}
	s := &v.Snapshot
	if s.Facility.ID != v.Facility || s.Number != v.Number || !v.Pack && s.Previous != v.Previous {
		return errors.New("the seal speaks of another check-up")
	}
	return nil
}
