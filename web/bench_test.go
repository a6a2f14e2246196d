package web

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/ledger"
	"kenshin/store"
)

// BenchmarkLedgerPage is a page of a ledger of 20,000 devices, for sorts and filters in turn; p95 is what a person waits.
func BenchmarkLedgerPage(b *testing.B) {
	c := openConsole(b)
	ctx := c.as(actor.Admin)
	for from := 0; from < 20_000; from += 200 {
		list := make([]ledger.NewDevice, 200)
		for i := range list {
			n := from + i
			list[i] = ledger.NewDevice{State: ledger.Registered, Word: ledger.Word{Name: fmt.Sprintf("端末%d", n), Number: fmt.Sprintf("A-%05d", n), Kind: []string{"pc", "printer", "server"}[n%3],
				Department: fmt.Sprintf("部門%d", n%20), Maker: []string{"NEC", "富士通", "Dell"}[n%3], OS: "Windows 10", Floor: fmt.Sprint(n % 9), IPText: fmt.Sprintf("10.%d.%d.%d", n>>16, n>>8&255, n&255)}}
		}
		c.must(c.DB.Write(ctx, c.f, func(tx *store.Tx) error {
			_, _, err := c.Ledger.AddTx(ctx, tx, list, "")
			return err
		}))
	}
	paths := []string{"/devices", "/devices?sort=worst&desc=true", "/devices?sort=os", "/devices?sort=ip&cursor=15000", "/devices?q=端末19", "/devices?department=部門7&sort=place",
		"/devices?kind=pc&sort=maker", "/devices?sort=seen", "/devices?sort=port", "/devices?chip=ownerless"}
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		c.get(actor.Admin, paths[i%len(paths)]).is(200)
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
}
