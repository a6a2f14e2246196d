package trail

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

var start = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

// plain seals nothing: the box's own tests are elsewhere, and floors forbid importing it here.
type plain struct{}

func (plain) Seal(f facility.ID, purpose string, p []byte) ([]byte, error) {
	return append([]byte(string(f)+purpose+"|"), p...), nil
}

func (plain) Open(f facility.ID, purpose string, s []byte) ([]byte, error) {
	out, ok := bytes.CutPrefix(s, []byte(string(f)+purpose+"|"))
	if !ok {
		return nil, fault.New(fault.Internal, "x", "not sealed for this")
	}
	return out, nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, db *store.DB, f facility.ID, fn func(*store.Tx) error) {
	t.Helper()
	must(t, db.Write(t.Context(), f, fn))
}

func entry(i int) Entry {
	return Entry{At: start.Add(time.Duration(i) * time.Minute), Action: "device.edit", Subject: Subject{Kind: "device", ID: fmt.Sprint("d", i)},
		Actor:   actor.Actor{Kind: actor.Person, ID: fmt.Sprint("p", i%3), Name: "情報 花子", Role: actor.Admin},
		Summary: i18n.Text{Ja: fmt.Sprintf("機器%dの名前を変えました", i), En: fmt.Sprintf("Renamed device %d", i)},
		Detail:  map[string]any{"before": "<b>&", "after": i}}
}

// fill appends entries from..to-1 in one transaction.
func fill(t *testing.T, db *store.DB, f facility.ID, from, to int) {
	t.Helper()
	write(t, db, f, func(tx *store.Tx) error {
		for i := from; i < to; i++ {
			e, err := Append(t.Context(), tx, entry(i))
			if err != nil {
				return err
			}
			if e.Seq != int64(i) {
				t.Errorf("seq %d, want %d", e.Seq, i)
			}
		}
		return nil
	})
}

func verify(t *testing.T, db *store.DB, checkpoint []byte) Report {
	t.Helper()
	r, err := Verify(t.Context(), db, dbtest.Facility, checkpoint)
	must(t, err)
	return r
}

func checkpoint(t *testing.T, db *store.DB, f facility.ID) []byte {
	t.Helper()
	cp, _, err := Checkpoint(t.Context(), db, plain{}, f, start)
	must(t, err)
	return cp
}

// rebuild is an attacker who knows the code: all entries but some are appended anew, with all hashes.
func rebuild(t *testing.T, db *store.DB, f facility.ID, change func([]Entry) []Entry) {
	t.Helper()
	write(t, db, f, func(tx *store.Tx) error {
		list, _, err := List(t.Context(), tx, Filter{Limit: 500})
		must(t, err)
		var old []Entry
		for i := len(list) - 1; i >= 0; i-- {
			e := list[i]
			e.Actor.Role = actor.Admin // the columns do not keep it
			old = append(old, e)
		}
		for _, table := range []string{"trail_entries", "trail_hashes", "trail_heads"} {
			if _, err := tx.Exec(t.Context(), "DELETE FROM "+table+" WHERE facility_id = $1"); err != nil {
				return err
			}
		}
		for _, e := range change(old) {
			if _, err := Append(t.Context(), tx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

type damage struct {
	do        func(t *testing.T, db *store.DB, f facility.ID)
	want      []Finding // Says aside
	bare      bool      // want holds without a checkpoint too
	freshOnly bool      // without the checkpoint nothing can be seen
}

func damages() map[string]damage {
	exec := func(queries ...string) func(t *testing.T, db *store.DB, f facility.ID) {
		return func(t *testing.T, db *store.DB, f facility.ID) {
			write(t, db, f, func(tx *store.Tx) error {
				for _, q := range queries {
					n, err := tx.Exec(t.Context(), q)
					if err != nil {
						return err
					}
					if n == 0 {
						t.Errorf("changed nothing: %s", q)
					}
				}
				return nil
			})
		}
	}
	const here = " WHERE facility_id = $1 AND "
	rehash := func(seq int, change func(*leaf)) func(t *testing.T, db *store.DB, f facility.ID) {
		return func(t *testing.T, db *store.DB, f facility.ID) {
			write(t, db, f, func(tx *store.Tx) error {
				var raw []byte
				if err := tx.Row(t.Context(), "SELECT leaf FROM trail_entries"+here+"seq = $2", seq).Scan(&raw); err != nil {
					return err
				}
				l, _, err := decode(raw)
				must(t, err)
				change(&l)
				raw, err = marshal(l)
				must(t, err)
				h := tlog.RecordHash(raw)
				_, err = tx.Exec(t.Context(), "UPDATE trail_entries SET leaf = $3, summary_ja = $4"+here+"seq = $2", seq, raw, l.Ja)
				must(t, err)
				_, err = tx.Exec(t.Context(), "UPDATE trail_hashes SET hash = $3"+here+"n = $2", tlog.StoredHashIndex(0, int64(seq)), h[:])
				return err
			})
		}
	}
	return map[string]damage{
		"edited column": {do: exec("UPDATE trail_entries SET summary_ja = 'なにもしていません'" + here + "seq = 7"),
			want: []Finding{{Problem: Edited, Seq: 7, To: 7}}, bare: true},
		"edited actor": {do: exec("UPDATE trail_entries SET actor_name = '別人'" + here + "seq = 0"),
			want: []Finding{{Problem: Edited, Seq: 0, To: 0}}, bare: true},
		"edited detail": {do: exec("UPDATE trail_entries SET detail = ''" + here + "seq = 3"),
			want: []Finding{{Problem: Edited, Seq: 3, To: 3}}, bare: true},
		"edited with its leaf hash": {do: rehash(8, func(l *leaf) { l.Ja = "別の話" }), want: []Finding{{Problem: Hashes, Seq: 8, To: 9}}, bare: true},
		"edited last with leaf hash": {do: rehash(18, func(l *leaf) { l.Ja = "別の話" }), want: []Finding{{Problem: Fork, Seq: 0,
			To: 18}}, freshOnly: true},
		"deleted in the middle": {do: exec("DELETE FROM trail_entries" + here + "seq IN (4, 5)"),
			want: []Finding{{Problem: Deleted, Seq: 4, To: 5}}, bare: true},
		"deleted and closed up": {do: exec("DELETE FROM trail_entries"+here+"seq = 17", "UPDATE trail_entries SET seq = 17"+here+"seq = 18"),
			want: []Finding{{Problem: Moved, Seq: 17, To: 17}, {Problem: Cut, Seq: 18, To: 18}}, bare: true},
		"two swapped": {do: exec("UPDATE trail_entries SET seq = -1"+here+"seq = 2",
			"UPDATE trail_entries SET seq = 2"+here+"seq = 11", "UPDATE trail_entries SET seq = 11"+here+"seq = -1"),
			want: []Finding{{Problem: Moved, Seq: 2, To: 2}, {Problem: Moved, Seq: 11, To: 11}}, bare: true},
		"end deleted": {do: exec("DELETE FROM trail_entries" + here + "seq >= 15"), want: []Finding{{Problem: Cut,
			Seq: 15, To: 18}}, bare: true},
		"end deleted with its hashes": {do: exec("DELETE FROM trail_entries"+here+"seq >= 15",
			"DELETE FROM trail_hashes"+here+fmt.Sprint("n >= ", tlog.StoredHashIndex(0, 15))), want: []Finding{{Problem: Cut, Seq: 15, To: 18}, {Problem: Fork, Seq: 0, To: 18}}},
		"end cut cleanly": {do: func(t *testing.T, db *store.DB, f facility.ID) {
			rebuild(t, db, f, func(e []Entry) []Entry { return e[:15] })
		}, want: []Finding{{Problem: Cut, Seq: 15, To: 18}}, freshOnly: true},
		"end cut, other entries after": {do: func(t *testing.T, db *store.DB, f facility.ID) {
			rebuild(t, db, f, func(e []Entry) []Entry { return append(e[:15], e[:9]...) })
		}, want: []Finding{{Problem: Fork, Seq: 0, To: 18}}, freshOnly: true},
		"history rewritten": {do: func(t *testing.T, db *store.DB, f facility.ID) {
			rebuild(t, db, f, func(e []Entry) []Entry { e[3].Actor.Name = "別人"; return e })
		}, want: []Finding{{Problem: Fork, Seq: 0, To: 18}}, freshOnly: true},
		"all gone": {do: func(t *testing.T, db *store.DB, f facility.ID) {
			rebuild(t, db, f, func([]Entry) []Entry { return nil })
		}, want: []Finding{{Problem: Cut, Seq: 0, To: 18}}, freshOnly: true},
		"head turned back": {do: exec("UPDATE trail_heads SET size = 15 WHERE facility_id = $1"), want: []Finding{{Problem: Added,
			Seq: 15, To: 15}, {Problem: Cut, Seq: 15, To: 18}}},
		"entry from nowhere": {do: exec("UPDATE trail_entries SET seq = 99" + here + "seq = 18"), want: []Finding{{Problem: Cut,
			Seq: 18, To: 18}, {Problem: Added, Seq: 99, To: 99}}},
		"hash altered": {do: exec("DELETE FROM trail_hashes" + here + fmt.Sprint("n = ", tlog.StoredHashIndex(2, 1))),
			want: []Finding{{Problem: Hashes, Seq: 4, To: 7}}, bare: true},
		"leaf hash gone": {do: exec("DELETE FROM trail_hashes" + here + fmt.Sprint("n = ", tlog.StoredHashIndex(0, 6))),
			want: []Finding{{Problem: Hashes, Seq: 6, To: 6}}, bare: true},
	}
}

func TestVerifyFindsEveryDamage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		fill(t, db, dbtest.Canary, 0, 3)
		for name, c := range damages() {
			t.Run(name, func(t *testing.T) {
				f := facility.ID(store.NewID())
				fill(t, db, f, 0, 19)
				cp := checkpoint(t, db, f)
				look := func(cp []byte) Report {
					r, err := Verify(t.Context(), db, f, cp)
					must(t, err)
					return r
				}
				if r := look(cp); !r.OK() || r.Entries != 19 || r.Checkpoint == nil {
					t.Fatalf("before: %+v", r)
				}
				c.do(t, db, f)
				same(t, "with the checkpoint", look(cp).Findings, c.want)
				bare := look(nil)
				if c.bare {
					same(t, "without a checkpoint", bare.Findings, c.want)
				}
				if c.freshOnly && !bare.OK() {
					t.Errorf("seen without the checkpoint: %+v", bare.Findings)
				}
			})
		}
		if other, err := Verify(t.Context(), db, dbtest.Canary, nil); err != nil || !other.OK() || other.Entries != 3 {
			t.Errorf("the other facility: %+v, %v", other, err)
		}
	})
}

func same(t *testing.T, what string, got, want []Finding) {
	t.Helper()
	ok := len(got) == len(want)
	for i := range got {
		if ok {
			ok = got[i].Problem == want[i].Problem && got[i].Seq == want[i].Seq && got[i].To == want[i].To
		}
		if got[i].Says.Ja == "" || got[i].Says.En == "" || strings.Contains(got[i].Says.En+got[i].Says.Ja, "%!") {
			t.Errorf("%s: sentence %+v", what, got[i].Says)
		}
	}
	if !ok {
		t.Errorf("%s: got %+v, want %+v", what, got, want)
	}
}

func TestAppendIsPartOfTheTransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := actor.With(t.Context(), actor.Actor{Kind: actor.Command, ID: "root", Name: "root"})
		fill(t, db, dbtest.Facility, 0, 2)
		err := db.Write(ctx, dbtest.Facility, func(tx *store.Tx) error {
			if _, err := Append(ctx, tx, Entry{Action: "device.edit"}); err != nil {
				return err
			}
			return fault.New(fault.Conflict, "や", "changed my mind")
		})
		if !fault.Is(err, fault.Conflict) {
			t.Fatal(err)
		}
		for name, e := range map[string]Entry{
			"no action": {}, "action in words": {Action: "Edit device"}, "detail that is no JSON": {Action: "a.b", Detail: func() {}},
			"huge detail": {Action: "a.b", Detail: strings.Repeat("x", maxDetail)},
		} {
			if err := db.Write(ctx, dbtest.Facility, func(tx *store.Tx) error { _, err := Append(ctx, tx, e); return err }); err == nil {
				t.Errorf("%s was taken", name)
			}
		}
		write(t, db, dbtest.Facility, func(tx *store.Tx) error {
			e, err := Append(ctx, tx, Entry{Action: "device.edit", Summary: i18n.Text{Ja: strings.Repeat("あ", 5000), En: "a\x00b\xffc"}})
			if e.Seq != 2 || e.Actor.Name != "root" || e.At.IsZero() || len(e.Summary.Ja) > maxText || e.Summary.En != "ab\uFFFDc" {
				t.Errorf("%+v", e)
			}
			return err
		})
		if r := verify(t, db, nil); !r.OK() || r.Entries != 3 {
			t.Errorf("%+v", r)
		}
	})
}

func TestAppendsOfManyAtOnceStandInOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		var wg sync.WaitGroup
		for w := range 6 {
			wg.Go(func() {
				for i := range 8 {
					err := db.Write(t.Context(), dbtest.Facility, func(tx *store.Tx) error {
						_, err := Append(t.Context(), tx, entry(w*8+i))
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if r := verify(t, db, nil); !r.OK() || r.Entries != 48 {
			t.Fatalf("%+v", r)
		}
	})
}

func TestAnOldCheckpointStillFitsAGrownLog(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		empty := checkpoint(t, db, dbtest.Facility)
		fill(t, db, dbtest.Facility, 0, 5)
		five := checkpoint(t, db, dbtest.Facility)
		fill(t, db, dbtest.Facility, 5, verifyPage+40) // over a page's border
		for _, cp := range [][]byte{empty, five, checkpoint(t, db, dbtest.Facility)} {
			if r := verify(t, db, cp); !r.OK() || r.Entries != verifyPage+40 {
				t.Fatalf("%+v", r)
			}
		}
		_, h, err := Checkpoint(t.Context(), db, plain{}, dbtest.Facility, start)
		must(t, err)
		if r := verify(t, db, nil); r.Root != h.Hash {
			t.Error("Verify's root is not the checkpoint's")
		}
	})
}

func TestCheckpointOfOthers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		fill(t, db, dbtest.Facility, 0, 4)
		fill(t, db, dbtest.Canary, 0, 4)
		mine, others := checkpoint(t, db, dbtest.Facility), checkpoint(t, db, dbtest.Canary)
		same(t, "another facility's", verify(t, db, others).Findings, []Finding{{Problem: Foreign}})
		forged := bytes.Replace(mine, []byte("\n4\n"), []byte("\n3\n"), 1)
		same(t, "size altered", verify(t, db, forged).Findings, []Finding{{Problem: Foreign}})
		for name, bad := range map[string][]byte{"empty": {}, "text": []byte("こんにちは"), "huge": make([]byte, maxCheckpoint+1), "cut": mine[:40],
			"begin without end": append([]byte(beginMark+"\n"), mine...)} {
			if _, err := Verify(t.Context(), db, dbtest.Facility, bad); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		write(t, db, dbtest.Facility, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE trail_keys SET public = 'x' WHERE facility_id = $1")
			return err
		})
		if _, _, err := Checkpoint(t.Context(), db, plain{}, dbtest.Facility, start); !fault.Is(err, fault.Internal) {
			t.Errorf("signing with an altered key row: %v", err)
		}
	})
}

func TestDailyTextCanBeGivenBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		fill(t, db, dbtest.Facility, 0, 4)
		text, err := Daily(t.Context(), db, plain{}, dbtest.Facility, "みなと病院", start.Add(time.Hour))
		must(t, err)
		if !strings.Contains(text, "みなと病院") || !strings.Contains(text, "全部で4件") {
			t.Errorf("text: %s", text)
		}
		mail := "From: kenshin\r\n\r\n" + strings.ReplaceAll(text, "\n", "\r\n") + "\r\n-- \r\nmailer"
		if r := verify(t, db, []byte(mail)); !r.OK() || r.Checkpoint == nil || r.Checkpoint.Size != 4 {
			t.Fatalf("%+v", r)
		}
	})
}

func TestList(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		fill(t, db, dbtest.Facility, 0, 12)
		fill(t, db, dbtest.Canary, 0, 5)
		write(t, db, dbtest.Facility, func(tx *store.Tx) error {
			for _, a := range []string{"person.sign-in", "person.sign-out", "personal.note"} {
				if _, err := Append(ctx, tx, Entry{At: start, Action: a, Subject: Subject{Kind: "person", ID: "p9"}}); err != nil {
					return err
				}
			}
			return nil
		})
		seqs := func(f Filter) []int64 {
			var out []int64
			must(t, db.Read(ctx, dbtest.Facility, func(tx *store.Tx) error {
				list, _, err := List(ctx, tx, f)
				for _, e := range list {
					out = append(out, e.Seq)
				}
				return err
			}))
			return out
		}
		for name, c := range map[string]struct {
			f    Filter
			want []int64
		}{
			"actor":        {Filter{Actor: "p1"}, []int64{10, 7, 4, 1}},
			"action":       {Filter{Action: "person.sign-out"}, []int64{13}},
			"action group": {Filter{Action: "person."}, []int64{13, 12}},
			"subject":      {Filter{Subject: Subject{Kind: "device", ID: "d3"}}, []int64{3}},
			"period":       {Filter{From: start.Add(5 * time.Minute), To: start.Add(8 * time.Minute)}, []int64{7, 6, 5}},
			"nothing":      {Filter{Actor: "' OR 1=1 --"}, nil},
		} {
			if got := seqs(c.f); fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%s: %v, want %v", name, got, c.want)
			}
		}
		var all []int64
		f := Filter{Limit: 4}
		for {
			var next int64
			must(t, db.Read(ctx, dbtest.Facility, func(tx *store.Tx) error {
				list, n, err := List(ctx, tx, f)
				for _, e := range list {
					all = append(all, e.Seq)
				}
				next = n
				return err
			}))
			if f.Before = next; next == 0 {
				break
			}
		}
		if len(all) != 15 || all[0] != 14 || all[14] != 0 {
			t.Errorf("pages: %v", all)
		}
	})
}

func TestExport(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		fill(t, db, dbtest.Facility, 0, 9)
		write(t, db, dbtest.Facility, func(tx *store.Tx) error {
			_, err := Append(ctx, tx, Entry{At: start, Action: "device.edit", Summary: i18n.Text{Ja: "=HYPERLINK(\"http://evil\")", En: "-1\n2"}})
			return err
		})
		cp := checkpoint(t, db, dbtest.Facility)
		key, err := VerifierKey(ctx, db, plain{}, dbtest.Facility, start)
		must(t, err)
		fill(t, db, dbtest.Facility, 10, 13)
		var out bytes.Buffer
		must(t, Export(ctx, db, dbtest.Facility, &out))
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) != 13 || !json.Valid([]byte(lines[9])) || !strings.Contains(lines[0], `"before":"<b>&"`) {
			t.Fatalf("%d lines, %s", len(lines), lines[0])
		}
		offline := func(ls []string) []Finding {
			r, err := VerifyExport(strings.NewReader(strings.Join(ls, "\r\n")+"\r\n"), cp, key+"\n")
			must(t, err)
			return r.Findings
		}
		same(t, "as exported", offline(lines), nil)
		same(t, "cut", offline(lines[:6]), []Finding{{Problem: Cut, Seq: 6, To: 9}})
		edited := append([]string{}, lines...)
		edited[3] = strings.Replace(edited[3], "花子", "太郎", 1)
		same(t, "edited", offline(edited), []Finding{{Problem: Fork, Seq: 0, To: 9}})
		swapped := append([]string{}, lines...)
		swapped[1], swapped[2] = swapped[2], swapped[1]
		same(t, "swapped", offline(swapped), []Finding{{Problem: Moved, Seq: 1, To: 1}, {Problem: Moved, Seq: 2, To: 2},
			{Problem: Fork, Seq: 0, To: 9}})
		if _, err := VerifyExport(strings.NewReader("hello\n"), cp, key); !fault.Is(err, fault.Invalid) {
			t.Errorf("not an export: %v", err)
		}
		if _, err := VerifyExport(strings.NewReader(out.String()), cp, "key"); !fault.Is(err, fault.Invalid) {
			t.Errorf("not a key: %v", err)
		}

		out.Reset()
		must(t, ExportCSV(ctx, db, dbtest.Facility, time.FixedZone("JST", 9*3600), i18n.Ja, &out))
		table, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.String(), "\uFEFF"))).ReadAll()
		must(t, err)
		if len(table) != 14 || table[1][1] != "2026-11-20 18:00:00" || table[10][9] != `'=HYPERLINK("http://evil")` {
			t.Errorf("%d rows: %q", len(table), table[10])
		}
		if h := tlog.RecordHash([]byte(lines[0])); table[1][11] != h.String() {
			t.Errorf("leaf hash %s", table[1][11])
		}
	})
}

func TestManyFindingsAreCounted(t *testing.T) {
	db := dbtest.SQLite(t)
	fill(t, db, dbtest.Facility, 0, 150)
	write(t, db, dbtest.Facility, func(tx *store.Tx) error {
		_, err := tx.Exec(context.Background(), "UPDATE trail_entries SET actor_id = 'x' WHERE facility_id = $1")
		return err
	})
	if r := verify(t, db, nil); len(r.Findings) != maxFindings || r.More != 50 {
		t.Errorf("%d findings and %d more", len(r.Findings), r.More)
	}
}

func FuzzParseCheckpoint(f *testing.F) {
	const key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
	f.Add([]byte("kenshin-trail-1/f\n4\n" + tlog.Hash{}.String() + "\nat 2026-11-20T09:00:00Z\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"))
	f.Add([]byte(beginMark + "\r\n\r\n" + endMark))
	f.Fuzz(func(t *testing.T, msg []byte) {
		_, _ = parseCheckpoint(msg, key)
		if text, err := findNote(msg); err == nil {
			if h, err := parseHead(string(text)); err == nil {
				if again, err := parseHead(h.text()); err != nil || again.Size != h.Size || again.Hash != h.Hash {
					t.Errorf("%+v does not read back: %v", h, err)
				}
			}
		}
		_, _, _ = decode(msg)
	})
}
