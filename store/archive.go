package store

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"kenshin/fault"
)

// An archive is a gzipped tar file: tables/<table>/<n> (lines of JSON arrays, one a row), extra/<name>/<n> (bytes), and at its end
// manifest.json. Contents are cut into parts so that neither side needs to know their size or hold more than one part in memory.
const (
	archiveFormat = 1
	partSize      = 4 << 20  // a part ends with the row that passes it
	maxPart       = 80 << 20 // a reader refuses more
	maxManifest   = 16 << 20
	maxContents   = 1_000_000 // parts
)

// Manifest says what an archive holds.
type Manifest struct {
	Format   int       `json:"format"`
	Engine   Dialect   `json:"engine"`
	Schema   []int64   `json:"schema"` // migrations
	Created  time.Time `json:"created"`
	Contents []Content `json:"contents"`
}

// Content is one table or one extra file.
type Content struct {
	Name    string   `json:"name"` // "tables/ledger_devices", "extra/seal.key"
	Columns []Column `json:"columns,omitempty"`
	Rows    int64    `json:"rows"`
	Bytes   int64    `json:"bytes"`
	SHA256  string   `json:"sha256"`
}

// Table returns a table's content.
func (m Manifest) Table(name string) (Content, bool) {
	for _, c := range m.Contents {
		if c.Name == "tables/"+name {
			return c, true
		}
	}
	return Content{}, false
}

type archiveWriter struct {
	gz  *gzip.Writer
	tar *tar.Writer
	m   Manifest
	buf bytes.Buffer
	now time.Time

	content Content
	sum     hash.Hash
	part    int
}

func newArchiveWriter(w io.Writer, m Manifest) *archiveWriter {
	gz, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
	return &archiveWriter{gz: gz, tar: tar.NewWriter(gz), m: m, now: m.Created}
}

func (a *archiveWriter) begin(c Content) {
	a.content, a.sum, a.part = c, sha256.New(), 0
}

func (a *archiveWriter) flush() error {
	if a.buf.Len() == 0 && a.part > 0 {
		return nil
	}
	a.part++
	a.sum.Write(a.buf.Bytes())
	a.content.Bytes += int64(a.buf.Len())
	err := a.file(fmt.Sprintf("%s/%06d", a.content.Name, a.part), a.buf.Bytes())
	a.buf.Reset()
	return err
}

func (a *archiveWriter) end() error {
	if err := a.flush(); err != nil {
		return err
	}
	a.content.SHA256 = hex.EncodeToString(a.sum.Sum(nil))
	a.m.Contents = append(a.m.Contents, a.content)
	return nil
}

func (a *archiveWriter) row(values []any) error {
	for i, c := range a.content.Columns {
		if n, ok := values[i].(int64); ok && c.Type == "bool" { // SQLite has no booleans of its own
			values[i] = n != 0
		} else if ok && c.Type == "real" {
			values[i] = float64(n)
		}
	}
	line, err := encodeRow(values)
	if err != nil {
		return fmt.Errorf("%s: %w", a.content.Name, err)
	}
	a.buf.Write(line)
	a.buf.WriteByte('\n')
	a.content.Rows++
	if a.buf.Len() >= partSize {
		return a.flush()
	}
	return nil
}

func (a *archiveWriter) copy(r io.Reader) error {
	for {
		n, err := io.CopyN(&a.buf, r, partSize)
		if n > 0 {
			if err := a.flush(); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", a.content.Name, err)
		}
	}
}

func (a *archiveWriter) file(name string, data []byte) error {
	if err := a.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(data)), ModTime: a.now, Format: tar.FormatPAX}); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	_, err := a.tar.Write(data)
	return err
}

func (a *archiveWriter) close() (Manifest, error) {
	text, err := json.MarshalIndent(a.m, "", " ")
	if err != nil {
		return a.m, fmt.Errorf("write the manifest: %w", err)
	}
	return a.m, errors.Join(a.file("manifest.json", text), a.tar.Close(), a.gz.Close())
}

// encodeRow keeps the types: text as strings, int64 as numbers, bytes {"b":base64}, reals {"r":"text"}, text that is not valid UTF-8
// {"t":base64}.
func encodeRow(values []any) ([]byte, error) {
	out := make([]any, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case nil, int64, bool:
			out[i] = v
		case string:
			out[i] = v
			if !utf8.ValidString(v) {
				out[i] = map[string]string{"t": base64.StdEncoding.EncodeToString([]byte(v))}
			}
		case []byte:
			out[i] = map[string]string{"b": base64.StdEncoding.EncodeToString(v)}
		case float64:
			out[i] = map[string]string{"r": strconv.FormatFloat(v, 'g', -1, 64)}
		default:
			return nil, fmt.Errorf("a value of type %T cannot be kept", v)
		}
	}
	return json.Marshal(out)
}

func decodeRow(line []byte, want int) ([]any, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var in []any
	if err := d.Decode(&in); err != nil {
		return nil, err
	}
	if len(in) != want {
		return nil, fmt.Errorf("%d values for %d columns", len(in), want)
	}
	for i, v := range in {
		switch v := v.(type) {
		case nil, string, bool:
		case json.Number:
			n, err := strconv.ParseInt(v.String(), 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%q is not a whole number", v)
			}
			in[i] = n
		case map[string]any:
			x, err := decodeSpecial(v)
			if err != nil {
				return nil, err
			}
			in[i] = x
		default:
			return nil, fmt.Errorf("a value of an unknown shape")
		}
	}
	return in, nil
}

func decodeSpecial(m map[string]any) (any, error) {
	for key, v := range m {
		s, ok := v.(string)
		if !ok || len(m) != 1 {
			break
		}
		switch key {
		case "b":
			b, err := base64.StdEncoding.DecodeString(s)
			if b == nil {
				b = []byte{}
			}
			return b, err
		case "t":
			b, err := base64.StdEncoding.DecodeString(s)
			return string(b), err
		case "r":
			f, err := strconv.ParseFloat(s, 64)
			if err == nil && math.IsNaN(f) {
				err = errors.New("not a number")
			}
			return f, err
		}
	}
	return nil, errors.New("a value of an unknown shape")
}

// sink takes what a reader finds. Any of them may be nil.
type sink struct {
	row  func(table string, values []any) error // called with the columns of want
	part func(extra string, data []byte) error  // parts of one extra follow each other
	want map[string]int                         // table -> number of columns
}

// readArchive reads a whole archive, checks every sum against its manifest and hands what it reads to s.
func readArchive(r io.Reader, size int64, s sink) (Manifest, error) {
	var m Manifest
	gz, err := gzip.NewReader(r)
	if err != nil {
		return m, damaged("", fmt.Errorf("not a backup of Kenshin: %w", err))
	}
	gz.Multistream(false)
	limit := int64(1<<30) + 400*size // more than any honest archive of this size unpacks to
	in := tar.NewReader(&limited{r: gz, left: limit})
	found := map[string]*reading{}
	var order []string
	last := ""
	for parts := 0; ; parts++ {
		h, err := in.Next()
		if err != nil {
			return m, damaged(last, fmt.Errorf("the end is missing: %w", err))
		}
		if h.Name == "manifest.json" {
			if err := readManifest(in, h.Size, &m); err != nil {
				return m, damaged(h.Name, err)
			}
			break
		}
		dir, n := path.Split(h.Name)
		last = strings.TrimSuffix(dir, "/")
		if found[last] == nil {
			found[last] = &reading{sum: sha256.New()}
			order = append(order, last)
		}
		if err := found[last].read(in, h, last, n, s); err != nil {
			return m, damaged(last, err)
		}
		if parts > maxContents || order[len(order)-1] != last {
			return m, damaged(last, errors.New("parts out of order"))
		}
	}
	if _, err := in.Next(); !errors.Is(err, io.EOF) {
		return m, damaged("manifest.json", errors.New("something follows the end"))
	}
	if _, err := io.Copy(io.Discard, io.LimitReader(gz, 1<<20)); err != nil { // the checksum of the whole
		return m, damaged("manifest.json", err)
	}
	return m, m.compare(order, found)
}

func readManifest(r io.Reader, size int64, m *Manifest) error {
	if size > maxManifest {
		return errors.New("the manifest is too large")
	}
	if err := json.NewDecoder(io.LimitReader(r, size)).Decode(m); err != nil {
		return fmt.Errorf("the manifest: %w", err)
	}
	if m.Format > archiveFormat {
		return fault.New(fault.Conflict, "このバックアップは新しい版のKenshinで作られています。新しい版のプログラムで戻してください。",
			"This backup was made by a newer Kenshin. Restore it with the newer program.")
	}
	if m.Format < 1 {
		return errors.New("the manifest has no format")
	}
	return nil
}

// reading is what was found of one content so far.
type reading struct {
	sum         hash.Hash
	rows, bytes int64
	part        int
}

func (f *reading) read(in io.Reader, h *tar.Header, content, n string, s sink) error {
	f.part++
	kind, name, ok := strings.Cut(content, "/")
	if h.Typeflag != tar.TypeReg || !ok || name == "" || n != fmt.Sprintf("%06d", f.part) || (kind != "tables" && kind != "extra") {
		return fmt.Errorf("an unknown entry %q", h.Name)
	}
	if h.Size > maxPart {
		return errors.New("a part is too large")
	}
	data, err := io.ReadAll(io.LimitReader(in, h.Size))
	if err != nil {
		return err
	}
	f.sum.Write(data)
	f.bytes += int64(len(data))
	if kind == "extra" {
		if s.part != nil {
			if err := s.part(name, data); err != nil {
				return sinkError{err}
			}
		}
		return nil
	}
	for len(data) > 0 {
		line, rest, ok := bytes.Cut(data, []byte("\n"))
		if !ok {
			return errors.New("a row without an end")
		}
		data = rest
		f.rows++
		if s.row == nil {
			continue
		}
		values, err := decodeRow(line, s.want[name])
		if err != nil {
			return fmt.Errorf("row %d: %w", f.rows, err)
		}
		if err := s.row(name, values); err != nil {
			return sinkError{err}
		}
	}
	return nil
}

// compare holds the manifest against what was found.
func (m Manifest) compare(order []string, found map[string]*reading) error {
	if len(m.Contents) != len(order) {
		return damaged("manifest.json", fmt.Errorf("%d contents of %d are there", len(order), len(m.Contents)))
	}
	for _, c := range m.Contents {
		f := found[c.Name]
		if f == nil {
			return damaged(c.Name, errors.New("it is missing"))
		}
		if f.rows != c.Rows && strings.HasPrefix(c.Name, "tables/") || f.bytes != c.Bytes || hex.EncodeToString(f.sum.Sum(nil)) != c.SHA256 {
			return damaged(c.Name, errors.New("its checksum is wrong"))
		}
	}
	return nil
}

// sinkError is a failure of whoever takes the rows: it says nothing about the archive.
type sinkError struct{ error }

func (e sinkError) Unwrap() error { return e.error }

func damaged(where string, err error) error {
	if e := (sinkError{}); errors.As(err, &e) {
		return e.error
	}
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		return err
	}
	if where == "" {
		where = "-"
	}
	where = strings.ToValidUTF8(where[:min(len(where), 100)], "?")
	e := fault.Newf(fault.Invalid, "バックアップが壊れているか、途中で切れています(場所: %s)。何も変更していません。別のバックアップを使ってください。",
		"The backup is damaged or cut off (at %s). Nothing was changed. Use another backup.", where)
	e.Err = err
	return e
}

// limited fails, instead of ending, when more comes than allowed.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, fault.New(fault.TooLarge, "バックアップの中身が異常に大きいため、読み込みをやめました。", "The backup unpacks to far more than it should; reading was stopped.")
	}
	return n, err
}

// Verify reads an archive to its end and checks every sum. It says which table is damaged.
func Verify(file string) (Manifest, error) {
	f, size, err := openArchive(file)
	if err != nil {
		return Manifest{}, err
	}
	defer f.Close()
	return readArchive(f, size, sink{})
}

func openArchive(file string) (*os.File, int64, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, 0, fault.Wrap(fault.NotFound, err, "バックアップのファイルを開けません。場所と権限を確かめてください。",
			"The backup file cannot be opened. Check its place and rights.")
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}
