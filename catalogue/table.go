package catalogue

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"time"

	"kenshin/actor"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
)

// TableID names one of the lists of facts and rules of thumb that stand beside the questions.
type TableID string

const (
	FiguresTable  TableID = "figures"  // published figures, with their surveys
	PatternsTable TableID = "patterns" // the guideline's reference patterns
	ConfigsTable  TableID = "configs"  // recommended configurations with costs
	ChecksTable   TableID = "checks"   // for how long and how wide a measurement counts
	FeesTable     TableID = "fees"     // conditions of the fee schedule
)

// TableIDs lists them.
func TableIDs() []TableID {
	return []TableID{FiguresTable, PatternsTable, ConfigsTable, ChecksTable, FeesTable}
}

// Label is what a table is called on screens.
func (s TableID) Label() i18n.Text {
	return name(s, map[TableID]i18n.Text{
		FiguresTable: {Ja: "全国の数字", En: "Published figures"}, PatternsTable: {Ja: "ガイドラインの参照パターン", En: "Reference patterns"}, ConfigsTable: {Ja: "構成の目安と費用", En: "Configurations and costs"},
		ChecksTable: {Ja: "測定の有効な日数と割合", En: "How long and how wide checks count"}, FeesTable: {Ja: "診療報酬の条件", En: "Conditions of the fee schedule"},
	})
}

// Tables are all of them as they are in force. They are shared: do not change them.
type Tables struct {
	Figures  Figures
	Patterns []Pattern
	Configs  []Config
	Checks   Checks
	Fees     []Fee
}

// read takes one table from a file.
func (s *Tables) read(id TableID, file string, r io.Reader) (err error) {
	switch id {
	case FiguresTable:
		s.Figures, err = ParseFigures(file, r)
	case PatternsTable:
		s.Patterns, err = ParsePatterns(file, r)
	case ConfigsTable:
		s.Configs, err = ParseConfigs(file, r)
	case ChecksTable:
		s.Checks, err = ParseChecks(file, r)
	case FeesTable:
		s.Fees, err = ParseFees(file, r)
	default:
		err = noTable(id)
	}
	return err
}

func noTable(id TableID) error {
	return fault.New(fault.NotFound, "「"+string(id)+"」という表はありません。", "there is no table “"+string(id)+"”")
}

func shipped(id TableID) []byte {
	return map[TableID][]byte{FiguresTable: figuresYAML, PatternsTable: patternsYAML, ConfigsTable: configsYAML, ChecksTable: checksYAML, FeesTable: feesYAML}[id]
}

// BuiltIn returns the tables that come with the product.
func BuiltIn() (Tables, error) {
	var s Tables
	for _, id := range TableIDs() {
		if err := s.read(id, string(id)+".yaml", bytes.NewReader(shipped(id))); err != nil {
			return s, err
		}
	}
	return s, nil
}

// CheckTable says what is wrong with a file for a table; the error holds Mistakes.
func CheckTable(id TableID, file string, r io.Reader) error {
	var s Tables
	return s.read(id, file, r)
}

// TableOf tells by its first field which table a file is; false: it is none.
func TableOf(raw []byte) (TableID, bool) {
	for line := range bytes.Lines(bytes.TrimPrefix(raw, []byte("\ufeff"))) {
		l := bytes.TrimSpace(line)
		if len(l) == 0 || l[0] == '#' || bytes.Equal(l, []byte("---")) {
			continue
		}
		field, _, _ := bytes.Cut(l, []byte(":"))
		if string(field) == "surveys" {
			return FiguresTable, true
		}
		return TableID(field), slices.Contains(TableIDs(), TableID(field))
	}
	return "", false
}

// kept is the id under which versions of a table lie beside those of the catalogues: no catalogue can have it.
func (s TableID) kept() string { return "table:" + string(s) }

// TableFile is one version of a table.
type TableFile struct {
	ID      TableID
	SHA256  string
	Raw     []byte
	Shipped bool // the product's own
	Loaded
}

// LoadTable checks a file and puts it in force. The caller writes the trail. A nil reader puts the product's own version in force again.
func (e *Editions) LoadTable(ctx context.Context, id TableID, file string, r io.Reader) (TableFile, error) {
	if !slices.Contains(TableIDs(), id) {
		return TableFile{}, noTable(id)
	}
	raw, note := shipped(id), "Kenshinの版に戻した"
	if r != nil {
		var err error
		if raw, err = io.ReadAll(io.LimitReader(r, MaxFile+1)); err != nil {
			return TableFile{}, fault.Wrap(fault.Unavailable, err, "ファイルを読めませんでした。もう一度試してください。", "the file could not be read; try again")
		}
		note = ""
	}
	if len(file) > 200 || file == "" {
		file = string(id) + ".yaml"
	}
	if err := CheckTable(id, file, bytes.NewReader(raw)); err != nil {
		return TableFile{}, err
	}
	sum := sha256.Sum256(raw)
	out := TableFile{ID: id, SHA256: hex.EncodeToString(sum[:]), Raw: raw, Shipped: r == nil}
	who := actor.From(ctx)
	return out, e.db.WriteShared(ctx, func(tx *store.Shared) error {
		last, err := newest(ctx, tx)
		if err != nil {
			return err
		}
		if last >= maxVersions {
			return fault.New(fault.TooLarge, "取り込んだ版が 2,000 を超えました。", "more than 2,000 versions were loaded")
		}
		_, err = tx.Exec(ctx, "INSERT INTO catalogue_editions (seq, id, sha256, name, note, content, at, by_id, by_name) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
			last+1, id.kept(), out.SHA256, file, note, raw, store.Micros(time.Now()), who.ID, who.Name)
		if err != nil {
			return fmt.Errorf("keep table %s: %w", id, err)
		}
		return nil
	})
}

// TableFiles returns the version of each table that is in force.
func (e *Editions) TableFiles(ctx context.Context) ([]TableFile, error) {
	byID := map[TableID]TableFile{}
	err := e.db.ReadShared(ctx, func(tx *store.Shared) error {
		clear(byID)
		return store.Each(ctx, tx, func(rows *sql.Rows) error {
			f := TableFile{}
			var at int64
			if err := rows.Scan(&f.Loaded.ID, &f.SHA256, &f.Name, &f.Raw, &at, &f.ByID, &f.ByName); err != nil {
				return err
			}
			f.ID = TableID(f.Loaded.ID[len("table:"):])
			f.At, f.Shipped = store.Time(at), bytes.Equal(f.Raw, shipped(f.ID))
			byID[f.ID] = f
			return nil
		}, `SELECT id, sha256, name, content, at, by_id, by_name FROM catalogue_editions e
			WHERE id LIKE 'table:%' AND seq = (SELECT MAX(seq) FROM catalogue_editions n WHERE n.id = e.id) ORDER BY id`)
	})
	var out []TableFile
	for _, id := range TableIDs() {
		f, ok := byID[id]
		if !ok {
			sum := sha256.Sum256(shipped(id))
			f = TableFile{ID: id, SHA256: hex.EncodeToString(sum[:]), Raw: shipped(id), Shipped: true}
		}
		out = append(out, f)
	}
	return out, err
}

// Tables returns the tables in force: those of the product, with what was loaded in their place. One that no longer reads, as after an update of the
// product, gives way to the product's own.
func (e *Editions) Tables(ctx context.Context) (Tables, error) {
	var key string
	err := e.db.ReadShared(ctx, func(tx *store.Shared) error {
		return tx.Row(ctx, "SELECT COALESCE(MAX(seq), 0) || '' FROM catalogue_editions WHERE id LIKE 'table:%'").Scan(&key)
	})
	if err != nil {
		return Tables{}, fmt.Errorf("look for tables: %w", err)
	}
	e.mu.Lock()
	have, s := e.tableKey == key, e.tables
	e.mu.Unlock()
	if have {
		return s, nil
	}
	if s, err = BuiltIn(); err != nil {
		return s, err
	}
	files, err := e.TableFiles(ctx)
	if err != nil {
		return s, err
	}
	for _, f := range files {
		with := s
		if err := with.read(f.ID, f.Name, bytes.NewReader(f.Raw)); err == nil {
			s = with
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tableKey, e.tables = key, s
	return s, nil
}
