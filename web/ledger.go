package web

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/fault"
	"kenshin/gate"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/observation"
	"kenshin/web/page"
)

const ledgerPage = 50 // devices of one page

func (v *visit) ledgerList() error {
	return v.showLedger(page.ReadLedgerQuery(v.r.URL.Query()), nil)
}

// showLedger shows a page of the list, with what is wrong with a bulk change when there is something.
func (v *visit) showLedger(q page.LedgerQuery, errs page.Errors) error {
	query, err := ledgerQuery(q)
	if err != nil {
		return err
	}
	query.Limit = ledgerPage
	p, err := v.s.Ledger.List(v.ctx, v.facility, query)
	if err != nil {
		return err
	}
	facets, err := v.facets()
	if err != nil {
		return err
	}
	names, err := v.segmentNames()
	if err != nil {
		return err
	}
	c := p.Counts
	view := page.LedgerView{Query: q, Errors: errs, Nothing: c.All+c.Retired == 0 && unfiltered(q), Counts: map[string]int{"": c.All, "new": c.New, "medical": c.Medical,
		"findings": c.NeedsAction, "unsupported": c.OSOld, "unseen": c.Unseen, "ownerless": c.NoOwner, "conflict": c.Conflicts, "retired": c.Retired}}
	if view.Rows, err = v.ledgerRows(p.Devices); err != nil {
		return err
	}
	view.Departments = departmentsOf(facets)
	for _, s := range facets.Segments {
		if s.Value != "" {
			view.Segments = append(view.Segments, page.Option{Value: s.Value, Text: cmp.Or(names[s.Value], s.Value)})
		}
	}
	if view.Vendors, err = v.vendorOptions(); err != nil {
		return err
	}
	view.Pager = ledgerPager(q, query.Offset, len(p.Devices), p.Total)
	if len(errs) > 0 {
		v.status(422)
	}
	v.show(page.LedgerPage(v.shell(), view))
	return nil
}

func unfiltered(q page.LedgerQuery) bool {
	return q.Q == "" && q.Kind == "" && q.Department == "" && q.Segment == ""
}

// ledgerSorts names the columns of the list by the ledger's own words.
var ledgerSorts = map[string]ledger.Sort{"": "", "name": ledger.ByName, "kind": ledger.ByKind, "maker": ledger.ByMaker, "os": ledger.ByOS, "place": ledger.ByPlace,
	"port": ledger.ByPort, "ip": ledger.ByAddress, "seen": ledger.ByLastSeen, "worst": ledger.ByWorst}

// ledgerQuery turns an address into a question to the ledger. The cursor is how many devices lie before the page.
func ledgerQuery(q page.LedgerQuery) (ledger.Query, error) {
	sort, known := ledgerSorts[q.Sort]
	if !known {
		sort = ledger.Sort(q.Sort) // the ledger refuses it with its own words
	}
	out := ledger.Query{Text: q.Q, Sort: sort, Desc: q.Desc}
	for _, f := range []struct {
		value string
		to    *[]string
	}{{q.Kind, &out.Kinds}, {q.Department, &out.Departments}, {q.Segment, &out.Segments}} {
		if f.value != "" {
			*f.to = []string{f.value}
		}
	}
	if q.State != "" {
		out.States = []ledger.State{ledger.State(q.State)}
	}
	if q.Cursor != "" {
		n, err := strconv.Atoi(q.Cursor)
		if err != nil || n < 0 || n > 1_000_000 {
			return out, fault.New(fault.Invalid, "ページの位置が正しくありません。最初のページから開き直してください。", "The page's position is not valid. Start from the first page.")
		}
		out.Offset = n
	}
	return out, chip(&out, q.Chip)
}

// chip adds the condition of one of the ready-made filters.
func chip(q *ledger.Query, name string) error {
	switch name {
	case "":
	case "new":
		q.States = []ledger.State{ledger.New}
	case "retired":
		q.States = []ledger.State{ledger.Retired}
	case "medical":
		yes := true
		q.Medical = &yes
	case "findings":
		q.NeedsAction = true
	case "unsupported":
		q.OSOld = true
	case "unseen":
		q.UnseenDays = ledger.UnseenDays
	case "ownerless":
		q.NoOwner = true
	case "conflict":
		q.Conflicts = true
	default:
		return fault.New(fault.Invalid, "この絞り込みはありません。", "There is no such filter.")
	}
	return nil
}

func ledgerPager(q page.LedgerQuery, offset, shown, total int) page.Pager {
	p := page.Pager{From: min(offset+1, total), To: offset + shown, Total: total}
	if shown == 0 {
		p.From, p.To = 0, 0
	}
	if offset > 0 {
		before := ""
		if offset > ledgerPage {
			before = strconv.Itoa(offset - ledgerPage)
		}
		p.Prev = q.Page(before)
	}
	if offset+shown < total && shown > 0 {
		p.Next = q.Page(strconv.Itoa(offset + shown))
	}
	return p
}

// ledgerRows adds to devices what their lines need from elsewhere.
func (v *visit) ledgerRows(list []*ledger.Device) ([]page.LedgerRow, error) {
	var switches []netid.DeviceID
	for _, d := range list {
		if d.Summary.Switch != "" {
			switches = append(switches, netid.DeviceID(d.Summary.Switch))
		}
	}
	names, err := v.deviceNames(switches)
	if err != nil {
		return nil, err
	}
	examined, err := v.examined(list)
	if err != nil {
		return nil, err
	}
	unlocks, err := v.unlocked()
	if err != nil {
		return nil, err
	}
	rows := make([]page.LedgerRow, len(list))
	for i, d := range list {
		rows[i] = page.LedgerRow{Device: d, Switch: names[netid.DeviceID(d.Summary.Switch)], Conflicts: len(ledger.Conflicts(d)), Examined: examined[d.ID]}
		rows[i].Protected = v.protectedBecause(d) != "" && unlocks[d.ID] == nil
	}
	return rows, nil
}

// deviceNames returns what devices are called, for links; one without a name is called by its address.
func (v *visit) deviceNames(ids []netid.DeviceID) (map[netid.DeviceID]string, error) {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	names := map[netid.DeviceID]string{}
	if len(ids) == 0 {
		return names, nil
	}
	list, err := v.s.Ledger.Devices(v.ctx, v.facility, ids)
	for _, d := range list {
		names[d.ID] = v.called(d)
	}
	return names, err
}

// called is a device's name, else its address, else its card's number.
func (v *visit) called(d *ledger.Device) string {
	if n := d.Name(); n != "" {
		return n
	}
	if a := d.IPv4(); len(a) > 0 {
		return a[0].String()
	}
	for _, i := range d.Interfaces {
		if !i.MAC.IsZero() {
			return i.MAC.String()
		}
	}
	return cmp.Or(d.Word.Number, v.t("名前のない機器", "a device without a name"))
}

// examined says when each device was last asked for its weak points. A device that was never asked is not in it: that nothing was found on it
// proves nothing.
func (v *visit) examined(list []*ledger.Device) (map[netid.DeviceID]time.Time, error) {
	whose := map[string]netid.DeviceID{}
	var keys []string
	add := func(key string, id netid.DeviceID) {
		if _, known := whose[key]; !known && len(keys) < 500 {
			whose[key], keys = id, append(keys, key)
		}
	}
	for _, d := range list {
		for _, i := range d.Interfaces {
			if !i.MAC.IsZero() {
				add("mac:"+i.MAC.String(), d.ID)
			}
			for _, a := range i.IPv4 {
				add("ip:"+i.Segment+":"+a.String(), d.ID)
			}
		}
	}
	out := map[netid.DeviceID]time.Time{}
	if len(keys) == 0 {
		return out, nil
	}
	seen, err := v.s.Seen.List(v.ctx, v.facility, observation.Filter{Subjects: keys, Signal: observation.Asked, Limit: 500})
	for i := range seen.Observations {
		o := &seen.Observations[i]
		if id := whose[o.Subject()]; o.At.After(out[id]) {
			out[id] = o.At
		}
	}
	return out, err
}

// protectedBecause says why the gate leaves a device alone, "" when it does not.
func (v *visit) protectedBecause(d *ledger.Device) string {
	if d.NeverTouch {
		return v.t("「何も送らない」と人が決めました。", "Somebody said that nothing is ever to be sent to it.")
	}
	if d.Medical() {
		if d.Word.Medical != nil {
			return v.t("医療機器と記入されています。", "A person says that it is a medical device.")
		}
		return v.t("医療機器と判定されています。", "It was identified as a medical device.")
	}
	if refusal := v.refusal(d); refusal != nil && (refusal.Code == "medical" || refusal.Code == "never-touch" || refusal.Code == "unknown-mac") {
		return v.says(refusal)
	}
	return ""
}

// refusal asks the gate of this machine whether one of the device's cards may be asked anything beyond its presence.
func (v *visit) refusal(d *ledger.Device) *gate.Refusal {
	c, err := v.s.Work.For(v.ctx, v.facility)
	if err != nil || c.Gate == nil {
		return nil
	}
	for _, i := range d.Interfaces {
		for _, a := range i.IPv4 {
			if r := c.Gate.Host(i.Segment, a, i.MAC).May(gate.TCPConnect, 80); r != nil {
				return r
			}
		}
	}
	return nil
}

func (v *visit) says(err error) string { return fault.Sentence(err, string(langOf(v))) }

func (v *visit) segmentNames() (map[string]string, error) {
	list, err := v.s.Gates.Segments(v.ctx, v.facility)
	names := map[string]string{}
	for _, e := range list {
		names[e.ID] = e.Name
	}
	return names, err
}

func (v *visit) vendorOptions() ([]page.Option, error) {
	list, err := v.s.Suppliers.List(v.ctx, v.facility, "")
	var out []page.Option
	for _, s := range list {
		out = append(out, page.Option{Value: s.ID, Text: s.Name})
	}
	return out, err
}

func departmentsOf(f ledger.Facets) []string {
	var out []string
	for _, d := range f.Departments {
		if d.Value != "" {
			out = append(out, d.Value)
		}
	}
	slices.Sort(out)
	return out
}

// ledgerBulk changes the chosen devices alike. Empty fields stay as they are.
func (v *visit) ledgerBulk() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	to := back(f, page.PathLedger)
	again := func(ja, en string) error {
		u, err := url.Parse(to)
		if err != nil {
			return err
		}
		return v.showLedger(page.ReadLedgerQuery(u.Query()), page.Errors{"": v.t(ja, en)})
	}
	ids := idsOf(f["id"])
	patch, err := v.bulkPatch(f)
	switch {
	case err != nil && fault.KindOf(err) != fault.Internal:
		return again(fault.Sentence(err, "ja"), fault.Sentence(err, "en"))
	case err != nil:
		return err
	case len(ids) == 0:
		return again("変える機器に印を付けてください。", "Tick the devices that are to be changed.")
	case len(ids) > 500:
		return again("一度に変えられるのは500台までです。", "At most 500 devices can be changed at once.")
	case len(patch.Fields) == 0 && patch.State == "":
		return again("何を変えるかを選んでください。", "Choose what is to be changed.")
	}
	n, err := v.s.Ledger.BulkEdit(v.ctx, v.facility, ids, patch)
	if err != nil {
		if fault.KindOf(err) == fault.Internal {
			return err
		}
		return again(fault.Sentence(err, "ja"), fault.Sentence(err, "en"))
	}
	v.said("%d台を変えました。", "Changed %d devices.", n)
	v.redirect(to)
	return nil
}

func idsOf(list []string) []netid.DeviceID {
	var out []netid.DeviceID
	for _, s := range list {
		if id := netid.DeviceID(s); s != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

func (v *visit) bulkPatch(f url.Values) (ledger.Patch, error) {
	p := ledger.Patch{Fields: map[string]string{}, State: ledger.State(f.Get("state")), Reason: v.t("まとめて変更", "bulk change")}
	for _, key := range []string{"department", "impact"} {
		if value := strings.TrimSpace(f.Get(key)); value != "" {
			p.Fields[key] = value
		}
	}
	if id := f.Get("vendor"); id != "" {
		s, err := v.s.Suppliers.Get(v.ctx, v.facility, id)
		if err != nil {
			return p, err
		}
		p.Fields["vendor_id"], p.Fields["vendor"] = s.ID, s.Name
	}
	return p, nil
}
