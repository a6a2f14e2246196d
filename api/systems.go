package api

import (
	"context"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/jp"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/supplier"
	"kenshin/trail"
)

// System is one medical information system.
type System struct{ ledger.System }

func (v System) revision() int64 { return v.Revision }

var systemColumns = []col[System]{
	{"id", func(v *System) any { return v.ID }}, {"name", func(v *System) any { return v.Name }}, {"kind", func(v *System) any { return v.Kind }},
	{"department", func(v *System) any { return v.Department }}, {"owner", func(v *System) any { return v.Owner }},
	{"vendor", func(v *System) any { return v.Vendor }}, {"hosting", func(v *System) any { return string(v.Hosting) }},
	{"data", func(v *System) any { return joined(v.Data) }}, {"impact", func(v *System) any { return string(v.Impact) }},
	{"devices", func(v *System) any { return joined(v.Devices) }}, {"notes", func(v *System) any { return v.Notes }}, {"start", func(v *System) any { return v.Start }},
}

func viewSystem(v ledger.System) System {
	v.Devices = full(v.Devices)
	return System{v}
}

func (s *server) listSystems(ctx context.Context, f facility.ID, _ *listWhole) (Page[System], error) {
	list, err := s.Ledger.Systems(ctx, f)
	items := make([]System, len(list))
	for i, v := range list {
		items[i] = viewSystem(v)
	}
	return page(items, ""), err
}

func (s *server) getSystem(ctx context.Context, f facility.ID, in *ByID) (System, error) {
	v, err := s.Ledger.System(ctx, f, in.ID)
	if err != nil {
		return System{}, err
	}
	return viewSystem(*v), nil
}

func (s *server) systemHistory(ctx context.Context, f facility.ID, in *listOfOne) (Page[HistoryEntry], error) {
	if _, err := s.Ledger.System(ctx, f, in.ID); err != nil {
		return Page[HistoryEntry]{}, err
	}
	return s.history(ctx, f, in.ID, in.Paging)
}

// SystemBody is all that people say of a system.
type SystemBody struct {
	Name       string           `json:"name" minLength:"1" maxLength:"500" example:"電子カルテ"`
	Reading    string           `json:"reading,omitempty" maxLength:"500"`
	Kind       string           `json:"kind,omitempty" maxLength:"40" example:"emr"`
	Department string           `json:"department,omitempty" maxLength:"500"`
	Owner      string           `json:"owner,omitempty" maxLength:"500"`
	VendorID   string           `json:"vendor_id,omitempty" maxLength:"80" doc:"Id of a supplier."`
	Vendor     string           `json:"vendor,omitempty" maxLength:"500"`
	Hosting    string           `json:"hosting,omitempty" enum:",onprem,cloud,both"`
	Data       []string         `json:"data,omitempty" maxItems:"50" doc:"Kinds of data that it holds, in words."`
	Impact     string           `json:"impact,omitempty" enum:",none,low,middle,high"`
	Notes      string           `json:"notes,omitempty" maxLength:"20000"`
	Start      string           `json:"start,omitempty" maxLength:"60" example:"2021-04" doc:"Since when it runs: a day, a month or a year, wareki too. Answers and measurements from before do not count for it."`
	Devices    []netid.DeviceID `json:"devices,omitempty" maxItems:"5000"`
	Revision   int64            `json:"revision,omitempty" minimum:"0" doc:"The revision that a change stands on, instead of If-Match."`
}

func (b *SystemBody) system() ledger.System {
	return ledger.System{Name: b.Name, Reading: b.Reading, Kind: b.Kind, Department: b.Department, Owner: b.Owner, VendorID: b.VendorID, Vendor: b.Vendor,
		Hosting: ledger.Hosting(b.Hosting), Data: b.Data, Impact: ledger.Impact(b.Impact), Notes: b.Notes, Start: b.Start, Devices: b.Devices}
}

type addSystem struct{ Body SystemBody }

func (s *server) addSystem(ctx context.Context, f facility.ID, in *addSystem) (System, error) {
	return s.saveSystem(ctx, f, in.Body.system(), "system.add", "システムを加えました", "Added a system")
}

type editSystem struct {
	ByID
	IfMatch
	Body SystemBody
}

func (s *server) editSystem(ctx context.Context, f facility.ID, in *editSystem) (System, error) {
	v := in.Body.system()
	var err error
	v.ID = in.ID
	if v.Revision, err = in.revision(in.Body.Revision); err != nil {
		return System{}, err
	}
	saved, err := s.saveSystem(ctx, f, v, "system.edit", "システムを変えました", "Edited a system")
	return saved, in.judge(err)
}

// saveSystem keeps a system and the record of it. The trail has the name and how many devices; the ledger's history has what changed.
func (s *server) saveSystem(ctx context.Context, f facility.ID, v ledger.System, action, ja, en string) (out System, err error) {
	if _, _, err := jp.Date(v.Start); err != nil {
		return out, placed("body.start", err)
	}
	err = s.do(ctx, f, func(ctx context.Context) (e trail.Entry, err error) {
		saved, err := s.Ledger.SaveSystem(ctx, f, v)
		if err != nil {
			return e, err
		}
		out = viewSystem(*saved)
		return deed(action, "system", saved.ID, ja, en, map[string]any{"name": saved.Name, "devices": len(saved.Devices)}), nil
	})
	return out, err
}

type removeRevised struct {
	ByID
	IfMatch
}

func (s *server) removeSystem(ctx context.Context, f facility.ID, in *removeRevised) error {
	revision, err := in.revision(0)
	if err != nil {
		return err
	}
	return in.judge(s.do(ctx, f, func(ctx context.Context) (trail.Entry, error) {
		return deed("system.remove", "system", in.ID, "システムを消しました", "Removed a system", nil), s.Ledger.RemoveSystem(ctx, f, in.ID, revision)
	}))
}

// Supplier is one company that sold, runs or repairs something.
type Supplier struct{ supplier.Supplier }

func (v Supplier) revision() int64 { return v.Revision }

var supplierColumns = []col[Supplier]{
	{"id", func(v *Supplier) any { return v.ID }}, {"name", func(v *Supplier) any { return v.Name }}, {"reading", func(v *Supplier) any { return v.Reading }},
	{"kind", func(v *Supplier) any { return string(v.Kind) }}, {"contacts", func(v *Supplier) any { return jsonText(v.Contacts) }},
	{"contracts", func(v *Supplier) any { return jsonText(v.Contracts) }}, {"notes", func(v *Supplier) any { return v.Notes }},
}

type listSuppliers struct {
	Whole
	Q string `query:"q" maxLength:"200" doc:"In the name, the reading or the contacts."`
}

func (s *server) listSuppliers(ctx context.Context, f facility.ID, in *listSuppliers) (Page[Supplier], error) {
	list, err := s.Suppliers.List(ctx, f, in.Q)
	items := make([]Supplier, len(list))
	for i, v := range list {
		items[i] = Supplier{v}
	}
	return page(items, ""), err
}

func (s *server) getSupplier(ctx context.Context, f facility.ID, in *ByID) (Supplier, error) {
	v, err := s.Suppliers.Get(ctx, f, in.ID)
	return Supplier{v}, err
}

// SupplierBody is all that people say of a supplier.
type SupplierBody struct {
	Name      string              `json:"name" minLength:"1" maxLength:"500" example:"みなと医療機器株式会社"`
	Reading   string              `json:"reading,omitempty" maxLength:"500"`
	Kind      string              `json:"kind,omitempty" enum:"maker,dealer,maintenance,network,cloud,other" doc:"other where it is missing."`
	Contacts  []supplier.Contact  `json:"contacts,omitempty" maxItems:"100"`
	Contracts []supplier.Contract `json:"contracts,omitempty" maxItems:"200"`
	Notes     string              `json:"notes,omitempty" maxLength:"20000"`
	Revision  int64               `json:"revision,omitempty" minimum:"0" doc:"The revision that a change stands on, instead of If-Match; one of the two is needed."`
}

func (b *SupplierBody) supplier() supplier.Supplier {
	kind := supplier.Kind(b.Kind)
	if kind == "" {
		kind = supplier.Other
	}
	return supplier.Supplier{Name: b.Name, Reading: b.Reading, Kind: kind, Contacts: b.Contacts, Contracts: b.Contracts, Notes: b.Notes}
}

type addSupplier struct{ Body SupplierBody }

func (s *server) addSupplier(ctx context.Context, f facility.ID, in *addSupplier) (Supplier, error) {
	return s.saveSupplier(ctx, f, in.Body.supplier(), "vendor.add", "業者を加えました", "Added a supplier")
}

type editSupplier struct {
	ByID
	IfMatch
	Body SupplierBody
}

func (s *server) editSupplier(ctx context.Context, f facility.ID, in *editSupplier) (Supplier, error) {
	v := in.Body.supplier()
	revision, err := in.revision(in.Body.Revision)
	if err != nil {
		return Supplier{}, err
	}
	v.ID, v.Revision = in.ID, revision
	saved, err := s.saveSupplier(ctx, f, v, "vendor.edit", "業者を変えました", "Edited a supplier")
	return saved, in.judge(err)
}

func (s *server) saveSupplier(ctx context.Context, f facility.ID, v supplier.Supplier, action, ja, en string) (out Supplier, err error) {
	err = s.do(ctx, f, func(ctx context.Context) (trail.Entry, error) {
		saved, err := s.Suppliers.Save(ctx, f, v)
		out = Supplier{saved}
		return deed(action, "vendor", saved.ID, ja, en, map[string]string{"name": saved.Name}), err
	})
	return out, err
}

func (s *server) removeSupplier(ctx context.Context, f facility.ID, in *removeRevised) error {
	v, err := s.Suppliers.Get(ctx, f, in.ID)
	if err != nil {
		return err
	}
	revision, err := in.revision(v.Revision)
	if err != nil {
		return err
	}
	return in.judge(s.do(ctx, f, func(ctx context.Context) (trail.Entry, error) {
		return deed("vendor.remove", "vendor", in.ID, "業者を消しました", "Removed a supplier", map[string]string{"name": v.Name}),
			s.Suppliers.Remove(ctx, f, in.ID, revision)
	}))
}

func (s *server) supplierHistory(ctx context.Context, f facility.ID, in *listWholeOfOne) (Page[supplier.Change], error) {
	list, err := s.Suppliers.History(ctx, f, in.ID)
	if err == nil && len(list) == 0 { // a removed one keeps its history
		err = fault.New(fault.NotFound, "その業者は見つかりません。", "There is no such supplier.")
	}
	return page(list, ""), err
}
