package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
	"kenshin/trail"
)

const facilityColumns = "f.id, f.name, f.reading, f.beds, f.address, f.zone, f.demo, f.created_at"

type facilityScan struct {
	f       Facility
	id      string
	created int64
}

func (x *facilityScan) fields() []any {
	return []any{&x.id, &x.f.Name, &x.f.Reading, &x.f.Beds, &x.f.Address, &x.f.Zone, &x.f.Demo, &x.created}
}

func (x *facilityScan) facility() Facility {
	x.f.ID, x.f.Created = facility.ID(x.id), store.Time(x.created)
	return x.f
}

// check cleans what a person typed about a facility.
func (f Facility) check() (Facility, error) {
	var err error
	if f.Name, err = checkName(f.Name, i18n.Text{Ja: "施設の名前", En: "name of the facility"}, true); err != nil {
		return f, err
	}
	if f.Reading, err = checkName(f.Reading, i18n.Text{Ja: "施設のふりがな", En: "reading of the facility"}, false); err != nil {
		return f, err
	}
	if f.Address, err = checkName(f.Address, i18n.Text{Ja: "住所", En: "address"}, false); err != nil {
		return f, err
	}
	if f.Beds < 0 || f.Beds > 10000 {
		return f, fault.New(fault.Invalid, "病床数は0から10000の間で入れてください(無床の診療所は0)。", "Enter 0 to 10000 beds (a clinic without beds: 0).")
	}
	if f.Zone == "" {
		f.Zone = "Asia/Tokyo"
	}
	if _, err := time.LoadLocation(f.Zone); (err != nil && f.Zone != "Asia/Tokyo") || strings.EqualFold(f.Zone, "local") {
		return f, fault.New(fault.Invalid, "時間帯の名前が正しくありません。日本は Asia/Tokyo です。", "Unknown time zone. Japan is Asia/Tokyo.")
	}
	return f, nil
}

// AddFacility makes a facility that nobody belongs to yet. Only ID and Created are not taken from f; its trail starts with this.
func (s *Service) AddFacility(ctx context.Context, f Facility) (Facility, error) {
	if err := commandOnly(ctx); err != nil {
		return f, err
	}
	f, err := f.check()
	if err != nil {
		return f, err
	}
	f.ID = facility.ID(store.NewID())
	err = s.db.Write(ctx, f.ID, func(tx *store.Tx) error {
		f, err = s.insertFacility(ctx, tx, f)
		return err
	})
	return f, err
}

// insertFacility expects a checked facility with its id, and tx bound to it.
func (s *Service) insertFacility(ctx context.Context, tx *store.Tx, f Facility) (Facility, error) {
	f.Created = s.now()
	_, err := tx.Shared.Exec(ctx,
		"INSERT INTO account_facilities (id, name, reading, beds, address, zone, demo, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		string(f.ID), f.Name, f.Reading, f.Beds, f.Address, f.Zone, f.Demo, store.Micros(f.Created))
	if err != nil {
		return f, err
	}
	_, err = trail.Append(ctx, tx, trail.Entry{At: f.Created, Action: "facility.add", Subject: trail.Subject{Kind: "facility", ID: string(f.ID)},
		Summary: i18n.Text{Ja: "施設を登録しました", En: "Added the facility"}, Detail: map[string]any{"name": f.Name, "beds": f.Beds}})
	return f, err
}

// EditFacility changes name, reading, beds, address and zone.
func (s *Service) EditFacility(ctx context.Context, f Facility) error {
	if err := manage(ctx); err != nil {
		return err
	}
	f, err := f.check()
	if err != nil {
		return err
	}
	before, err := s.Facility(ctx, f.ID)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, f.ID, func(tx *store.Tx) error {
		_, err := tx.Shared.Exec(ctx, "UPDATE account_facilities SET name = $2, reading = $3, beds = $4, address = $5, zone = $6 WHERE id = $1",
			string(f.ID), f.Name, f.Reading, f.Beds, f.Address, f.Zone)
		if err != nil {
			return err
		}
		detail := map[string]any{"before": []any{before.Name, before.Beds, before.Address, before.Zone}, "after": []any{f.Name,
			f.Beds, f.Address, f.Zone}}
		_, err = trail.Append(ctx, tx, trail.Entry{At: s.now(), Action: "facility.edit", Subject: trail.Subject{Kind: "facility", ID: string(f.ID)},
			Summary: i18n.Text{Ja: "施設の情報を変えました", En: "Changed the facility's details"}, Detail: detail})
		return err
	})
}

// Facility returns one facility.
func (s *Service) Facility(ctx context.Context, id facility.ID) (Facility, error) {
	var x facilityScan
	err := s.db.ReadShared(ctx, func(tx *store.Shared) error {
		return tx.Row(ctx, "SELECT "+facilityColumns+" FROM account_facilities f WHERE f.id = $1", string(id)).Scan(x.fields()...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Facility{}, fault.New(fault.NotFound, "その施設はありません。", "There is no such facility.")
	}
	if err != nil {
		return Facility{}, fmt.Errorf("read a facility: %w", err)
	}
	return x.facility(), nil
}

// Facilities lists all facilities of the installation: for schedules and the command line, not for a person's screen (Memberships is).
func (s *Service) Facilities(ctx context.Context) ([]Facility, error) {
	var out []Facility
	err := s.db.ReadShared(ctx, func(tx *store.Shared) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var x facilityScan
			err := r.Scan(x.fields()...)
			out = append(out, x.facility())
			return err
		}, "SELECT "+facilityColumns+" FROM account_facilities f ORDER BY f.id")
	})
	return out, err
}
