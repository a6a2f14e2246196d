package ledger_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/internal/dbtest"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/store"
)

var t0 = time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC)

// clock is a time that tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func mac(n int) netid.MAC { return netid.MAC{0x00, 0x1a, 0x2b, byte(n >> 16), byte(n >> 8), byte(n)} }

// random has the locally administered bit, as phones that change their MAC do.
func random(n int) netid.MAC {
	return netid.MAC{0x02, 0x1a, 0x2b, byte(n >> 16), byte(n >> 8), byte(n)}
}

func seen(m netid.MAC, ip string, at time.Time) ledger.Sighting {
	s := ledger.Sighting{Segment: "s1", MAC: m, Signal: "arp", At: at}
	if ip != "" {
		s.IP = netip.MustParseAddr(ip)
	}
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func asPerson(ctx context.Context, name string) context.Context {
	return actor.With(ctx, actor.Actor{Kind: actor.Person, ID: "p-" + name, Name: name, Role: actor.Admin})
}

// fixture is a ledger on one engine, with what the faces' changes were.
type fixture struct {
	*ledger.Ledger
	t       *testing.T
	db      *store.DB
	clock   *clock
	changes []ledger.Change
}

func each(t *testing.T, test func(f *fixture)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		f := &fixture{t: t, db: db, clock: &clock{t0}}
		f.Ledger = ledger.Open(db, ledger.Options{Now: f.clock.now, Changed: func(_ context.Context, _ *store.Tx, c []ledger.Change) error {
			f.changes = append(f.changes, c...)
			return nil
		}})
		test(f)
	})
}

// sight tells the ledger who is there and returns whose each is.
func (f *fixture) sight(list ...ledger.Sighting) ([]netid.DeviceID, []ledger.Change) {
	f.t.Helper()
	var out ledger.Sighted
	must(f.t, f.db.Write(f.t.Context(), dbtest.Facility, func(tx *store.Tx) (err error) {
		out, err = f.Sight(f.t.Context(), tx, list)
		return err
	}))
	return out.Devices, out.Changes
}

// identify is SetIdentity and Tie.
func (f *fixture) identify(id netid.DeviceID, i ledger.Identity, s ...ledger.Service) []ledger.Change {
	f.t.Helper()
	var all []ledger.Change
	must(f.t, f.db.Write(f.t.Context(), dbtest.Facility, func(tx *store.Tx) error {
		a, err := f.SetIdentity(f.t.Context(), tx, id, i, s)
		if err != nil {
			return err
		}
		b, err := f.Tie(f.t.Context(), tx, id)
		all = append(a, b...)
		return err
	}))
	return all
}

func (f *fixture) get(id netid.DeviceID) *ledger.Device {
	f.t.Helper()
	d, err := f.Get(f.t.Context(), dbtest.Facility, id)
	must(f.t, err)
	return d
}

func (f *fixture) edit(id netid.DeviceID, fields map[string]string) *ledger.Device {
	f.t.Helper()
	d, err := f.Edit(asPerson(f.t.Context(), "佐藤"), dbtest.Facility, id, 0, ledger.Patch{Fields: fields})
	must(f.t, err)
	return d
}

func (f *fixture) total() int {
	f.t.Helper()
	p, err := f.List(f.t.Context(), dbtest.Facility, ledger.Query{})
	must(f.t, err)
	return p.Total
}

func kinds(list []ledger.Change) (out []ledger.ChangeKind) {
	for _, c := range list {
		out = append(out, c.Kind)
	}
	return out
}
