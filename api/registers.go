package api

import (
	"context"
	"maps"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/register"
	"kenshin/trail"
)

const rowsPath = "/registers/{kind}/rows"

func (s *server) registerRoutes() []route {
	see, keep := actor.SeeAssess, actor.KeepRegister
	return []route{
		{"GET", "/registers", see, "list-registers", "List the registers with their columns and how many rows are overdue",
			"Registers of people's names are left out where the role may not read them.", list(s, s.listRegisters, registerColumns...)},
		{"GET", "/registers/leavers/match", actor.Export, "match-leavers", "Which leavers still have an account",
			"Names match however they are written; where both sides have a staff number it decides.", list(s, s.matchLeavers, leftColumns...)},
		{"GET", "/registers/{kind}", see, "get-register", "One register: what its rows hold", "", one(s, s.getRegister)},
		{"GET", "/registers/{kind}/removed", see, "list-removed-rows", "What was taken out of a register and why, the newest first", "At most 200.", list(s, s.removedRows)},
		{"GET", rowsPath, see, "list-register-rows", "List the rows of a register in the order in which they were made",
			"Values are by the column's key: days 2026-11-21, choices by id, systems and vendors by id where the ledger knows them. csv and xlsx are for people: the sheet that an import takes back.", sheeted(s, s.listRows, s.exportRows)},
		{"POST", rowsPath, keep, "add-register-row", "Add a row", "Days, numbers and choices may be written as people do, systems and vendors by name.", one(s, s.addRow)},
		{"GET", rowsPath + "/{id}", see, "get-register-row", "One row", "", one(s, s.getRow)},
		{"PATCH", rowsPath + "/{id}", keep, "edit-register-row", "Change a row", "Values that are not named stay; an empty text empties. Send If-Match or revision: a change that stands on an older one is refused.", one(s, s.editRow)},
		{"DELETE", rowsPath + "/{id}", keep, "remove-register-row", "Remove a row", "What it said and the reason stay in its history. Send If-Match, or revision.", done(s, s.removeRow)},
		{"POST", rowsPath + "/{id}/confirm", keep, "confirm-register-row", "Say that a row was right on a day", "", one(s, s.confirmRow)},
		{"GET", rowsPath + "/{id}/history", see, "list-register-row-history", "What changed on a row, the newest first", "A removed row keeps it.", list(s, s.rowHistory, changeColumns...)},
		{"POST", "/registers/{kind}/imports", keep, "add-register-import", "Send a sheet of rows (xlsx or CSV)",
			"multipart/form-data with the field file, at most 20 MB. Nothing changes yet: the answer says how the sheet is read and what it would do.",
			uploading("xlsx or CSV (UTF-8 or CP932), at most 20 MB.", one(s, s.addRegisterImport))},
		{"GET", "/registers/{kind}/imports/{id}", keep, "get-register-import", "What a sheet that was sent would do to the rows of today", "", one(s, s.getRegisterImport)},
		{"POST", "/registers/{kind}/imports/{id}/preview", keep, "preview-register-import", "The same, with columns read otherwise", "Nothing is kept of it: send the columns again to /apply.", one(s, s.previewRegisterImport)},
		{"POST", "/registers/{kind}/imports/{id}/apply", keep, "apply-register-import", "Take the good rows in, all or none",
			"Rows that are there already are changed, never doubled; an empty cell empties nothing. The sheet is forgotten then.", one(s, s.applyRegisterImport)},
		{"DELETE", "/registers/{kind}/imports/{id}", keep, "discard-register-import", "Forget a sheet that was not taken in", "", done(s, s.discardRegisterImport)},
	}
}

// Register is one register with how it stands.
type Register struct {
	register.Kind
	Rows    int  `json:"rows"`
	Overdue int  `json:"overdue" doc:"Rows that had to be confirmed before today."`
	Writes  bool `json:"writes" doc:"Whether this token may write in it."`
}

var registerColumns = []col[Register]{
	{"id", func(v *Register) any { return v.ID }}, {"group", func(v *Register) any { return v.Group }}, {"title", func(v *Register) any { return v.Title.Ja }},
	{"rows", func(v *Register) any { return v.Rows }}, {"overdue", func(v *Register) any { return v.Overdue }},
}

func (s *server) viewRegister(ctx context.Context, k register.Kind, rows []register.Row) Register {
	r := Register{Kind: k, Rows: len(rows), Writes: k.MayWrite(actor.From(ctx).Role)}
	for _, row := range rows {
		if row.Overdue(s.Registers.Today()) {
			r.Overdue++
		}
	}
	return r
}

func (s *server) listRegisters(ctx context.Context, f facility.ID, _ *listWhole) (Page[Register], error) {
	all, err := s.Registers.All(ctx, f)
	var items []Register
	for _, k := range register.Kinds() {
		if k.MayRead(actor.From(ctx).Role) {
			items = append(items, s.viewRegister(ctx, k, all[k.ID]))
		}
	}
	return page(items, ""), err
}

// ByRegister names a register.
type ByRegister struct {
	Kind string `path:"kind" maxLength:"60" example:"contacts"`
}

// kind returns the register, if the role may read it, or write in it.
func (in *ByRegister) kind(ctx context.Context, write bool) (register.Kind, error) {
	k, err := register.KindOf(in.Kind)
	if err == nil {
		err = k.Allow(actor.From(ctx).Role, write)
	}
	return k, err
}

func (s *server) getRegister(ctx context.Context, f facility.ID, in *ByRegister) (Register, error) {
	k, err := in.kind(ctx, false)
	if err != nil {
		return Register{}, err
	}
	rows, err := s.Registers.Rows(ctx, f, k.ID)
	return s.viewRegister(ctx, k, rows), err
}

// RegisterRow is one row of a register.
type RegisterRow struct {
	register.Row
	Shown map[string]string `json:"shown" doc:"The values as people read them, in the language of Accept-Language."`
}

func (r RegisterRow) revision() int64 { return r.Revision }

func viewRow(ctx context.Context, k register.Kind, r register.Row, n register.Names) RegisterRow {
	out := RegisterRow{r, map[string]string{}}
	for _, c := range k.Columns {
		if v := r.Values[c.Key]; v != "" {
			out.Shown[c.Key] = c.Shown(v, i18n.From(ctx), n.ByID)
		}
	}
	if out.Values == nil {
		out.Values = map[string]string{}
	}
	return out
}

// LeftAccount is an account that is still there though its holder has left.
type LeftAccount struct {
	Leaver  RegisterRow `json:"leaver"`
	Account RegisterRow `json:"account"`
	ByName  bool        `json:"by_name" doc:"By the name alone: it may be somebody else of the same name."`
	Excused bool        `json:"excused" doc:"Somebody wrote why the account is kept."`
}

var leftColumns = []col[LeftAccount]{
	{"name", func(v *LeftAccount) any { return v.Leaver.Values["name"] }}, {"staff_no", func(v *LeftAccount) any { return v.Leaver.Values["staff_no"] }},
	{"left", func(v *LeftAccount) any { return v.Leaver.Values["left"] }}, {"system", func(v *LeftAccount) any { return v.Account.Shown["system"] }},
	{"account", func(v *LeftAccount) any { return v.Account.Values["account"] }}, {"by_name", func(v *LeftAccount) any { return yes(v.ByName) }},
	{"excused", func(v *LeftAccount) any { return yes(v.Excused) }},
}

func (s *server) matchLeavers(ctx context.Context, f facility.ID, _ *listWhole) (Page[LeftAccount], error) {
	leavers, err := register.KindOf("leavers")
	if err != nil {
		return Page[LeftAccount]{}, err
	}
	accounts, err := register.KindOf("accounts")
	if err != nil {
		return Page[LeftAccount]{}, err
	}
	all, err := s.Registers.All(ctx, f)
	if err != nil {
		return Page[LeftAccount]{}, err
	}
	names, err := s.Assess.Names(ctx, f)
	var items []LeftAccount
	for _, l := range register.StillThere(all["leavers"], all["accounts"], s.Registers.Today()) {
		items = append(items, LeftAccount{viewRow(ctx, leavers, l.Leaver, names), viewRow(ctx, accounts, l.Account, names), l.ByName, l.Excused()})
	}
	return page(items, ""), err
}

// RowChange is one line of a row's history.
type RowChange register.Change

func rowChanges(list []register.Change) Page[RowChange] {
	items := make([]RowChange, len(list))
	for i, c := range list {
		items[i] = RowChange(c)
	}
	return page(items, "")
}

var changeColumns = []col[RowChange]{
	{"at", func(c *RowChange) any { return when(c.At) }}, {"by", func(c *RowChange) any { return c.By }}, {"kind", func(c *RowChange) any { return c.Kind }},
	{"field", func(c *RowChange) any { return c.Field }}, {"before", func(c *RowChange) any { return c.Before }},
	{"after", func(c *RowChange) any { return c.After }}, {"reason", func(c *RowChange) any { return c.Reason }},
}

type listRemoved struct {
	ByRegister
	Whole
}

func (s *server) removedRows(ctx context.Context, f facility.ID, in *listRemoved) (Page[RowChange], error) {
	k, err := in.kind(ctx, false)
	if err != nil {
		return Page[RowChange]{}, err
	}
	gone, err := s.Registers.Removed(ctx, f, k.ID)
	return rowChanges(gone), err
}

type listRegisterRows struct {
	ByRegister
	Sheeted
	Q      string `query:"q" maxLength:"200" doc:"Words of a row, in any writing."`
	Due    string `query:"due" enum:"overdue" doc:"Only rows that had to be confirmed before today."`
	Cursor string `query:"cursor" maxLength:"80" doc:"next of the page before."`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"Rows of a page."`
}

// rows are those that the filter leaves, in the order in which they were made.
func (s *server) rows(ctx context.Context, f facility.ID, in *listRegisterRows) (k register.Kind, rows []register.Row, n register.Names, err error) {
	if k, err = in.kind(ctx, false); err != nil {
		return k, nil, n, err
	}
	if n, err = s.Assess.Names(ctx, f, k); err != nil {
		return k, nil, n, err
	}
	all, err := s.Registers.Rows(ctx, f, k.ID)
	today := s.Registers.Today()
	for _, r := range all {
		if (in.Due == "" || r.Overdue(today)) && k.Mentions(r, in.Q, i18n.From(ctx), n.ByID) {
			rows = append(rows, r)
		}
	}
	return k, rows, n, err
}

func (s *server) listRows(ctx context.Context, f facility.ID, in *listRegisterRows) (Page[RegisterRow], error) {
	k, rows, names, err := s.rows(ctx, f, in)
	var items []RegisterRow
	next := ""
	for _, r := range rows {
		if r.ID <= in.Cursor {
			continue
		}
		if len(items) == in.Limit {
			next = items[in.Limit-1].ID
			break
		}
		items = append(items, viewRow(ctx, k, r, names))
	}
	return page(items, next).of(len(rows)), err
}

// OneRow names a row of a register.
type OneRow struct {
	ByRegister
	ByID
}

type listOfRow struct {
	OneRow
	Whole
}

// row returns a row of the register that the address names.
func (s *server) row(ctx context.Context, f facility.ID, in *OneRow, write bool) (register.Kind, register.Row, error) {
	k, err := in.kind(ctx, write)
	if err != nil {
		return k, register.Row{}, err
	}
	r, err := s.Registers.Get(ctx, f, in.ID)
	if err == nil && r.Kind != k.ID {
		err = fault.New(fault.NotFound, "この行はもうありません。", "There is no such row any more.")
	}
	return k, r, err
}

func (s *server) getRow(ctx context.Context, f facility.ID, in *OneRow) (RegisterRow, error) {
	k, r, err := s.row(ctx, f, in, false)
	if err != nil {
		return RegisterRow{}, err
	}
	names, err := s.Assess.Names(ctx, f, k)
	return viewRow(ctx, k, r, names), err
}

// RowBody is what people write into a row.
type RowBody struct {
	Values   map[string]string `json:"values,omitempty" doc:"By the column's key."`
	Owner    *string           `json:"owner,omitempty" maxLength:"500" doc:"Who sees to it."`
	Revision int64             `json:"revision,omitempty" minimum:"0" doc:"The revision that a change stands on, instead of If-Match; one of the two is needed."`
}

type addRow struct {
	ByRegister
	Body RowBody
}

func (s *server) addRow(ctx context.Context, f facility.ID, in *addRow) (RegisterRow, error) {
	k, err := in.kind(ctx, true)
	if err != nil {
		return RegisterRow{}, err
	}
	r := register.Row{Kind: k.ID, Values: in.Body.Values}
	if in.Body.Owner != nil {
		r.Owner = *in.Body.Owner
	}
	return s.saveRow(ctx, f, k, r)
}

type editRow struct {
	OneRow
	IfMatch
	Body RowBody
}

func (s *server) editRow(ctx context.Context, f facility.ID, in *editRow) (RegisterRow, error) {
	k, r, err := s.row(ctx, f, &in.OneRow, true)
	if err != nil {
		return RegisterRow{}, err
	}
	if r.Revision, err = in.needed(in.Body.Revision); err != nil {
		return RegisterRow{}, err
	}
	r.Values = maps.Clone(r.Values)
	maps.Copy(r.Values, in.Body.Values)
	if in.Body.Owner != nil {
		r.Owner = *in.Body.Owner
	}
	saved, err := s.saveRow(ctx, f, k, r)
	return saved, in.judge(err)
}

func (s *server) saveRow(ctx context.Context, f facility.ID, k register.Kind, r register.Row) (out RegisterRow, err error) {
	names, err := s.Assess.Names(ctx, f, k)
	if err != nil {
		return out, err
	}
	if r.Values = maps.Clone(r.Values); r.Values == nil {
		r.Values = map[string]string{}
	}
	k.Resolve(r.Values, names)
	err = s.do(ctx, f, func(ctx context.Context) (trail.Entry, error) {
		saved, err := s.Registers.Save(ctx, f, r)
		out = viewRow(ctx, k, saved, names)
		if r.ID == "" {
			return k.Deed(saved.ID, "add", "行を足しました", "added a row"), err
		}
		return k.Deed(saved.ID, "edit", "行を直しました", "changed a row"), err
	})
	return out, err
}

type removeRow struct {
	OneRow
	IfMatch
	Revision int64  `query:"revision" minimum:"0" doc:"Of the row that was looked at, instead of If-Match."`
	Reason   string `query:"reason" required:"true" minLength:"1" maxLength:"500" doc:"Stays in the history."`
}

func (s *server) removeRow(ctx context.Context, f facility.ID, in *removeRow) error {
	k, r, err := s.row(ctx, f, &in.OneRow, true)
	if err != nil {
		return err
	}
	revision, err := in.needed(in.Revision)
	if err != nil {
		return err
	}
	return in.judge(s.do(ctx, f, func(ctx context.Context) (trail.Entry, error) {
		return k.Deed(r.ID, "remove", "行を消しました", "removed a row"), s.Registers.Remove(ctx, f, r.ID, revision, in.Reason)
	}))
}

type confirmRow struct {
	OneRow
	Body struct {
		Day string `json:"day" minLength:"1" maxLength:"40" example:"2026-11-21" doc:"Not in the future."`
	}
}

func (s *server) confirmRow(ctx context.Context, f facility.ID, in *confirmRow) (out RegisterRow, err error) {
	k, r, err := s.row(ctx, f, &in.OneRow, true)
	if err != nil {
		return out, err
	}
	names, err := s.Assess.Names(ctx, f, k)
	if err != nil {
		return out, err
	}
	err = s.do(ctx, f, func(ctx context.Context) (trail.Entry, error) {
		saved, err := s.Registers.Confirm(ctx, f, r.ID, in.Body.Day)
		out = viewRow(ctx, k, saved, names)
		return k.Deed(r.ID, "confirm", "行を確かめました", "confirmed a row"), err
	})
	if fault.Is(err, fault.Invalid) {
		err = placed("body.day", err)
	}
	return out, err
}

// rowHistory also tells of a row that was removed, if it was of this register.
func (s *server) rowHistory(ctx context.Context, f facility.ID, in *listOfRow) (Page[RowChange], error) {
	k, err := in.kind(ctx, false)
	if err != nil {
		return Page[RowChange]{}, err
	}
	changes, err := s.Registers.HistoryOf(ctx, f, k.ID, in.ID)
	if err == nil && len(changes) == 0 {
		err = fault.New(fault.NotFound, "この行はありません。", "There is no such row.")
	}
	return rowChanges(changes), err
}
