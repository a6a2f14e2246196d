package evidence_test

import (
	"strings"
	"testing"
	"time"

	"kenshin/evidence"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

var start = time.Date(2026, time.October, 1, 9, 0, 0, 0, time.UTC)

// rig is a book with a clock that a test moves.
type rig struct {
	*evidence.Book
	db  *store.DB
	now time.Time
}

func newRig(db *store.DB) *rig {
	r := &rig{db: db, now: start}
	r.Book = evidence.New(db, func() time.Time { return r.now })
	return r
}

func (r *rig) write(t *testing.T, list ...evidence.Record) []evidence.Record {
	t.Helper()
	var out []evidence.Record
	err := r.db.Write(t.Context(), dbtest.Facility, func(tx *store.Tx) (err error) {
		out, err = r.Record(t.Context(), tx, list...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// seen is a pass of n of N that counts a week.
func (r *rig) seen(check string, n, of int) evidence.Record {
	return evidence.Record{Check: check, Version: 1, Outcome: evidence.Pass, Measured: n, Of: of, At: r.now, Until: r.now.AddDate(0, 0, 7), Says: i18n.Text{Ja: "よい", En: "good"}}
}

func TestRecordsAreAppendedWhenTheySaySomethingNew(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(db)
		if got := r.write(t, r.seen("a", 5, 5), r.seen("b", 5, 5)); len(got) != 2 || got[0].Seq != 1 || got[1].Prev != got[0].Hash {
			t.Fatalf("%+v", got)
		}
		steps := []struct {
			name  string
			after time.Duration
			of    int
			want  int
		}{{"the same an hour later", time.Hour, 5, 0}, {"the same a day later", 24 * time.Hour, 5, 0}, {"another number", time.Minute, 6, 1},
			{"a quarter of its life later", 43 * time.Hour, 6, 1}, {"the clock set back", -72 * time.Hour, 6, 1}}
		for _, s := range steps {
			r.now = r.now.Add(s.after)
			if got := r.write(t, r.seen("a", 5, s.of)); len(got) != s.want {
				t.Errorf("%s: %d records were written, want %d", s.name, len(got), s.want)
			}
		}
		latest, err := r.Latest(t.Context(), dbtest.Facility)
		if err != nil || len(latest) != 2 || latest["a"].Of != 6 || !latest["a"].Received.Equal(r.now) {
			t.Errorf("%+v %v", latest, err)
		}
		page, err := r.List(t.Context(), dbtest.Facility, evidence.Filter{Check: "a", Limit: 3})
		if err != nil || page.Total != 4 || len(page.Records) != 3 || page.Next == "" || page.Records[0].Seq != 5 {
			t.Fatalf("%+v %v", page, err)
		}
		rest, err := r.List(t.Context(), dbtest.Facility, evidence.Filter{Check: "a", Limit: 3, Cursor: page.Next})
		if err != nil || len(rest.Records) != 1 || rest.Next != "" || rest.Records[0].Seq != 1 {
			t.Errorf("%+v %v", rest, err)
		}
		head, err := r.Verify(t.Context(), dbtest.Facility)
		if noted, _ := r.Head(t.Context(), dbtest.Facility); err != nil || head.Seq != 5 || head != noted {
			t.Errorf("%+v %v", head, err)
		}
		if other, err := r.Latest(t.Context(), dbtest.Canary); err != nil || len(other) != 0 {
			t.Errorf("another facility sees %v %v", other, err)
		}
	})
}

func TestSubjectsAreApart(t *testing.T) {
	r := newRig(dbtest.SQLite(t))
	whole, one := r.seen("mds", 1, 2), r.seen("mds", 1, 1)
	one.Subject = "s1"
	r.write(t, whole, one)
	latest, err := r.Latest(t.Context(), dbtest.Facility)
	if err != nil || latest["mds"].Of != 2 || latest[evidence.Key("mds", "s1")].Of != 1 {
		t.Errorf("%+v %v", latest, err)
	}
}

func TestAHalfResultIsRefused(t *testing.T) {
	r := newRig(dbtest.SQLite(t))
	for name, spoil := range map[string]func(*evidence.Record){
		"no check": func(x *evidence.Record) { x.Check = "" }, "no version": func(x *evidence.Record) { x.Version = 0 }, "no words": func(x *evidence.Record) { x.Says = i18n.Text{} },
		"a pass of nothing": func(x *evidence.Record) { x.Measured = 0 }, "no outcome": func(x *evidence.Record) { x.Outcome = "" }, "a pass at no time": func(x *evidence.Record) { x.At = time.Time{} },
	} {
		x := r.seen("a", 1, 1)
		spoil(&x)
		err := r.db.Write(t.Context(), dbtest.Facility, func(tx *store.Tx) error {
			_, err := r.Record(t.Context(), tx, x)
			return err
		})
		if err == nil {
			t.Errorf("%s was kept", name)
		}
	}
}

// What somebody with the database in hand could do to the records, and how it is found.
func TestVerifyFindsWhatWasAltered(t *testing.T) {
	for name, c := range map[string]struct {
		deed  string
		place string
	}{
		"an outcome turned":      {`UPDATE evidence_records SET leaf = replace(leaf, '"pass"', '"fail"') WHERE seq = 2`, "2件目"},
		"only the column turned": {`UPDATE evidence_records SET outcome = 'fail' WHERE seq = 2`, "2件目"},
		"a date moved":           {`UPDATE evidence_records SET until_at = until_at + 86400000000 WHERE seq = 3`, "3件目"},
		"a record taken out":     {`DELETE FROM evidence_records WHERE seq = 2`, "2件目"},
		"the tail cut":           {`DELETE FROM evidence_records WHERE seq = 4`, "4件目"},
		"the tail and the head":  {`DELETE FROM evidence_records WHERE seq = 4; UPDATE evidence_heads SET seq = 3, hash = (SELECT hash FROM evidence_records WHERE seq = 3)`, "4件目"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(dbtest.SQLite(t))
			for n := range 4 {
				r.write(t, r.seen("a", n+1, 9))
			}
			noted, err := r.Head(t.Context(), dbtest.Facility)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range append([]string{"DROP TRIGGER evidence_records_kept", "DROP TRIGGER evidence_records_stay"}, strings.Split(c.deed, ";")...) {
				if _, err := r.db.Writer().ExecContext(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := r.Verify(t.Context(), dbtest.Facility, noted); !fault.Is(err, fault.Conflict) || !strings.Contains(fault.Sentence(err, "ja"), c.place) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestTheDatabaseKeepsRecordsFromBeingChanged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(db)
		r.write(t, r.seen("a", 1, 1))
		for _, deed := range []string{"UPDATE evidence_records SET outcome = 'fail' WHERE facility_id = $1", "DELETE FROM evidence_records WHERE facility_id = $1"} {
			err := db.Write(t.Context(), dbtest.Facility, func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), deed)
				return err
			})
			if err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: %v", deed, err)
			}
		}
	})
}
