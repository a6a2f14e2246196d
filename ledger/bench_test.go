package ledger_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"kenshin/internal/dbtest"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/store"
)

// fill makes a ledger of n devices as a large hospital has them: half of them registered, all identified.
func fill(tb testing.TB, db *store.DB, l *ledger.Ledger, n int) []netid.DeviceID {
	tb.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	var ids []netid.DeviceID
	for start := 0; start < n; start += 100 {
		must(tb, db.Write(context.Background(), dbtest.Facility, func(tx *store.Tx) error {
			var list []ledger.Sighting
			for i := start; i < min(start+100, n); i++ {
				s := seen(mac(i), fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), t0.Add(-time.Duration(r.IntN(2000))*time.Hour))
				s.Segment = fmt.Sprintf("segment-%02d", i%40)
				list = append(list, s)
			}
			got, err := l.Sight(context.Background(), tx, list)
			if err != nil {
				return err
			}
			ids = append(ids, got.Devices...)
			for k, id := range got.Devices {
				i := start + k
				if _, err := l.SetIdentity(context.Background(), tx, id, ledger.Identity{Kind: pick("pc", "printer", "server", "modality", "ip-phone", "unknown"),
					Maker: pick("富士通", "NEC", "キヤノン", "Dell", "シスコ"), Model: fmt.Sprint("Model ", i%300), OS: pick("Windows", "Linux", ""), OSVersion: pick("10", "7", "11"),
					Hostnames: []string{fmt.Sprintf("pc-%05d.hospital.local", i)}, Name: fmt.Sprintf("PC-%05d", i), Confidence: 0.8, Version: "1",
					Because: []ledger.Reason{{Signal: "ntlm", Value: "something", Says: "Windowsのパソコンの応答です", Weight: 0.8, At: t0}}},
					[]ledger.Service{{Port: 445, Proto: "tcp", Name: "smb", Last: t0}}); err != nil {
					return err
				}
				if i%2 == 0 {
					if _, err := l.EditTx(context.Background(), tx, id, 0, ledger.Patch{State: ledger.Registered, Fields: map[string]string{
						"name": fmt.Sprintf("%s端末%d", pick("外来", "病棟", "検査", "事務"), i), "department": pick("放射線科", "検査科", "看護部", "事務部", "薬剤部"),
						"owner": pick("", "佐藤", "鈴木"), "building": pick("本館", "新館"), "floor": fmt.Sprint(i % 9), "number": fmt.Sprintf("A-%06d", i)}}); err != nil {
						return err
					}
				}
				if i%7 == 0 {
					if err := l.Summarise(context.Background(), tx, id, ledger.Summary{Findings: i % 5, Worst: i % 4, OSOld: i%3 == 0}); err != nil {
						return err
					}
				}
			}
			return nil
		}))
	}
	return ids
}

// benchSize is a large hospital.
const benchSize = 20000

// BenchmarkList answers pages of a ledger of 20,000 devices in every order, with every filter, near and far pages, and prints the 95th percentile.
func BenchmarkList(b *testing.B) {
	db := dbtest.SQLite(b)
	l := ledger.Open(db, ledger.Options{Now: func() time.Time { return t0 }})
	start := time.Now()
	fill(b, db, l, benchSize)
	b.Logf("filled in %v", time.Since(start))
	yes := true
	filters := []ledger.Query{{}, {Text: "10.0.12"}, {Text: "がいらい 端末"}, {Text: "00-1a-2b-00-4e"}, {Text: "見つからない"}, {States: []ledger.State{ledger.New}},
		{Kinds: []string{"pc", "server"}}, {Departments: []string{"放射線科"}}, {Segments: []string{"segment-07"}}, {Medical: &yes}, {UnseenDays: 30},
		{NoOwner: true}, {NeedsAction: true}, {OSOld: true}, {Conflicts: true}, {Text: "windows", States: []ledger.State{ledger.Registered}, NeedsAction: true}}
	var took []time.Duration
	var slowest string
	for b.Loop() {
		for _, sort := range ledger.Sorts() {
			for i, q := range filters {
				q.Sort, q.Desc, q.Limit = sort, i%2 == 1, 50
				for _, q.Offset = range []int{0, 5000} {
					begin := time.Now()
					p, err := l.List(context.Background(), dbtest.Facility, q)
					d := time.Since(begin)
					if err != nil {
						b.Fatal(err)
					}
					if len(took) == 0 || d > slices.Max(took) {
						slowest = fmt.Sprintf("%v: %+v (%d)", d, q, p.Total)
					}
					took = append(took, d)
				}
			}
		}
	}
	slices.Sort(took)
	b.Logf("%d pages; slowest %s", len(took), slowest)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
}

// BenchmarkSight tells the ledger of 250 known devices again, as every sweep does.
func BenchmarkSight(b *testing.B) {
	db := dbtest.SQLite(b)
	l := ledger.Open(db, ledger.Options{})
	at, n := t0, 0
	for b.Loop() {
		at = at.Add(time.Hour)
		list := make([]ledger.Sighting, 0, 250)
		for i := range 250 {
			list = append(list, seen(mac(i), fmt.Sprintf("10.0.%d.%d", i>>8, i&255), at))
		}
		must(b, db.Write(context.Background(), dbtest.Facility, func(tx *store.Tx) error {
			_, err := l.Sight(context.Background(), tx, list)
			return err
		}))
		n += len(list)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "sightings/s")
}

// BenchmarkAdd enters devices as an import does.
func BenchmarkAdd(b *testing.B) {
	db := dbtest.SQLite(b)
	l := ledger.Open(db, ledger.Options{})
	n := 0
	for b.Loop() {
		list := make([]ledger.NewDevice, 0, 100)
		for i := range 100 {
			list = append(list, ledger.NewDevice{Word: ledger.Word{Name: fmt.Sprint("端末", n+i), Number: fmt.Sprint(n + i), Maker: "富士通", Department: "放射線科",
				MACText: mac(n + i).String(), IPText: "10.0.0.1", Serial: fmt.Sprintf("SN%08d", n+i), Purchased: "令和5年4月1日"}})
		}
		must(b, db.Write(context.Background(), dbtest.Facility, func(tx *store.Tx) error {
			_, _, err := l.AddTx(context.Background(), tx, list, "")
			return err
		}))
		n += len(list)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "devices/s")
}
