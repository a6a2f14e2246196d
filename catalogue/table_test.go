package catalogue_test

import (
	"strings"
	"testing"

	"kenshin/actor"
	"kenshin/catalogue"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

// The support body corrects a figure, a cost, the days of a check or a condition by a file; the product's own comes back when it is wanted.
func TestTablesAreCorrectedByFile(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		e := catalogue.NewEditions(db)
		ctx := actor.With(t.Context(), actor.Actor{Kind: actor.Person, ID: "p", Name: "支援 花子", Role: actor.Desk})
		files, err := e.TableFiles(ctx)
		if err != nil || len(files) != len(catalogue.TableIDs()) {
			t.Fatalf("%d %v", len(files), err)
		}
		file := func(id catalogue.TableID) catalogue.TableFile {
			t.Helper()
			files, err := e.TableFiles(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if f.ID == id {
					return f
				}
			}
			return catalogue.TableFile{}
		}
		for _, f := range files { // each comes back through its own reader
			if id, ok := catalogue.TableOf(f.Raw); !ok || id != f.ID || !f.Shipped {
				t.Errorf("%s is taken for %q", f.ID, id)
			}
			if err := catalogue.CheckTable(f.ID, "x.yaml", strings.NewReader(string(f.Raw))); err != nil {
				t.Errorf("%s: %v", f.ID, err)
			}
		}
		load := func(id catalogue.TableID, old, new string) error {
			t.Helper()
			text := string(file(id).Raw)
			if !strings.Contains(text, old) {
				t.Fatalf("%s has no %q", id, old)
			}
			_, err := e.LoadTable(ctx, id, "直した.yaml", strings.NewReader(strings.Replace(text, old, new, 1)))
			return err
		}
		days := func() int {
			t.Helper()
			s, err := e.Tables(ctx)
			if err != nil {
				t.Fatal(err)
			}
			c, _ := s.Checks.Find("ledger-coverage")
			return c.Days
		}
		was := days()
		if err := load(catalogue.ChecksTable, "台帳にある割合, en: seen devices that are in the ledger}, days: 7", "台帳にある割合, en: seen devices that are in the ledger}, days: 14"); err != nil {
			t.Fatal(err)
		}
		if days() != 14 || file(catalogue.ChecksTable).Shipped || file(catalogue.ChecksTable).ByName != "支援 花子" {
			t.Errorf("%d days, %+v", days(), file(catalogue.ChecksTable).Loaded)
		}
		if err := load(catalogue.FeesTable, "confidence: S", "confidence: O"); err != nil {
			t.Error(err)
		}
		if s, err := e.Tables(ctx); err != nil || s.Fees[0].Confidence != catalogue.Official {
			t.Errorf("%v", err)
		}
		for id, c := range map[catalogue.TableID][3]string{
			catalogue.ChecksTable:   {"id: ledger-coverage", "id: magic", "magic"},
			catalogue.FiguresTable:  {"all: ", "all: 1", "0〜100"},
			catalogue.PatternsTable: {"id: IV", "id: V", "「V」"},
			catalogue.ConfigsTable:  {"levels: [0, 1, 2, 3]", "levels: [7]", "0〜3"},
			catalogue.FeesTable:     {"confidence: ", "confidence: X #", "confidence"},
		} {
			if err := load(id, c[0], c[1]); !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Sentence(err, "ja"), c[2]) {
				t.Errorf("%s took what is wrong: %v", id, err)
			}
		}
		if _, err := e.LoadTable(ctx, catalogue.ChecksTable, "", nil); err != nil || days() != was || !file(catalogue.ChecksTable).Shipped {
			t.Errorf("the product's own does not come back: %d, %v", days(), err)
		}
		if _, err := e.LoadTable(ctx, "magic", "", nil); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		if loaded, err := e.Loaded(ctx, ""); err != nil || len(loaded) != 0 {
			t.Errorf("tables stand among the catalogues: %v %v", loaded, err)
		}
		if refused, err := e.Refused(ctx); err != nil || len(refused) != 0 {
			t.Errorf("tables are read as catalogues: %v %v", refused, err)
		}
	})
}
