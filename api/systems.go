package api

import (
	"context"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/supplier"
)

// System is one medical information system.
type System struct{ ledger.System }

func (v System) revision() int64 { return v.Revision }

var systemColumns = []col[System]{
	{"id", func(v *System) any { return v.ID }}, {"name", func(v *System) any { return v.Name }}, {"kind", func(v *System) any { return v.Kind }},
	{"department", func(v *System) any { return v.Department }}, {"owner", func(v *System) any { return v.Owner }},
	{"vendor", func(v *System) any { return v.Vendor }}, {"hosting", func(v *System) any { return string(v.Hosting) }},
	{"data", func(v *System) any { return joined(v.Data) }}, {"impact", func(v *System) any { return string(v.Impact) }},
	{"devices", func(v *System) any { return joined(v.Devices) }}, {"notes", func(v *System) any { return v.Notes }},
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
	Devices    []netid.DeviceID `json:"devices,omitempty" maxItems:"5000"`
	Revision   int64            `json:"revision,omitempty" minimum:"0" doc:"The revision that a change stands on, instead of If-Match."`
}

func (b *SystemBody) system() ledger.System {
	return ledger.System{Name: b.Name, Reading: b.Reading, Kind: b.Kind, Department: b.Department, Owner: b.Owner, VendorID: b.VendorID, Vendor: b.Vendor,
		Hosting: ledger.Hosting(b.Hosting), Data: b.Data, Impact: ledger.Impact(b.Impact), Notes: b.Notes, Devices: b.Devices}
}

type addSystem struct{ Body SystemBody }

func (s *server) addSystem(ctx context.Context, f facility.ID, in *addSystem) (System, error) {
	v, err := s.Ledger.SaveSystem(ctx, f, in.Body.system())
	if err != nil {
		return System{}, err
	}
	return viewSystem(*v), s.record(ctx, f, deed("system.add", "system", v.ID, "システムを加えました", "Added a system", in.Body))
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
	saved, err := s.Ledger.SaveSystem(ctx, f, v)
	if err != nil {
		return System{}, in.judge(err)
	}
	return viewSystem(*saved), s.record(ctx, f, deed("system.edit", "system", in.ID, "システムを変えました", "Edited a system", in.Body))
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
	if err := s.Ledger.RemoveSystem(ctx, f, in.ID, revision); err != nil {
		return in.judge(err)
	}
	return s.record(ctx, f, deed("system.remove", "system", in.ID, "システムを消しました", "Removed a system", nil))
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
	v, err := s.Suppliers.Save(ctx, f, in.Body.supplier())
	if err != nil {
		return Supplier{}, err
	}
	return Supplier{v}, s.record(ctx, f, deed("vendor.add", "vendor", v.ID, "業者を加えました", "Added a supplier", map[string]string{"name": v.Name}))
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
	if v, err = s.Suppliers.Save(ctx, f, v); err != nil {
		return Supplier{}, in.judge(err)
	}
	return Supplier{v}, s.record(ctx, f, deed("vendor.edit", "vendor", in.ID, "業者を変えました", "Edited a supplier", map[string]string{"name": v.Name}))
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
	if err := s.Suppliers.Remove(ctx, f, in.ID, revision); err != nil {
		return in.judge(err)
	}
	return s.record(ctx, f, deed("vendor.remove", "vendor", in.ID, "業者を消しました", "Removed a supplier", map[string]string{"name": v.Name}))
}

func (s *server) supplierHistory(ctx context.Context, f facility.ID, in *listWholeOfOne) (Page[supplier.Change], error) {
	list, err := s.Suppliers.History(ctx, f, in.ID)
	if err == nil && len(list) == 0 { // a removed one keeps its history
		err = fault.New(fault.NotFound, "その業者は見つかりません。", "There is no such supplier.")
	}
	return page(list, ""), err
}
