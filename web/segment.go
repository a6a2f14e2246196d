package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/fault"
	"kenshin/gate"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/web/page"
)

func (v *visit) segments() error {
	proposed, approved, err := v.places()
	if err != nil {
		return err
	}
	facets, err := v.s.Ledger.Facets(v.ctx, v.facility)
	if err != nil {
		return err
	}
	last, err := v.lastSwept()
	if err != nil {
		return err
	}
	view := page.SegmentsView{Proposed: proposed}
	for _, e := range approved {
		row := page.SegmentRow{Segment: e.Segment, Last: last[e.ID], HasSNMP: len(e.SNMP) > 0}
		for _, s := range facets.Segments {
			if s.Value == e.ID {
				row.Devices = s.Count
			}
		}
		view.Approved = append(view.Approved, row)
	}
	if view.Unlocks, err = v.unlockRows(); err != nil {
		return err
	}
	sw, err := v.s.Gates.Switch(v.ctx, v.facility)
	if err != nil {
		return err
	}
	view.Kill = page.Kill{On: sw.Killed, By: sw.By, At: sw.At}
	rows, err := v.sentSince(gate.SentFilter{From: v.s.Now().Add(-24 * time.Hour)})
	if err != nil {
		return err
	}
	view.Sent = v.sentRows(rows, func(gate.SentRow) page.Link { return page.Link{} })
	v.show(page.SegmentsPage(v.shell(), view))
	return nil
}

// lastSwept is when each segment's last check-up ended.
func (v *visit) lastSwept() (map[string]time.Time, error) {
	c, err := v.s.Work.For(v.ctx, v.facility)
	if err != nil {
		return nil, err
	}
	list, err := c.List(v.ctx, v.facility, "", 100)
	out := map[string]time.Time{}
	for _, x := range list {
		for _, id := range x.Request.Segments {
			if x.Finished.After(out[id]) {
				out[id] = x.Finished
			}
		}
	}
	return out, err
}

func (v *visit) unlockRows() ([]page.UnlockRow, error) {
	unlocks, err := v.unlocked()
	if err != nil {
		return nil, err
	}
	var ids []netid.DeviceID
	for id := range unlocks {
		ids = append(ids, id)
	}
	names, err := v.deviceNames(ids)
	slices.Sort(ids)
	var out []page.UnlockRow
	for _, id := range ids {
		u := unlocks[id]
		out = append(out, page.UnlockRow{UnlockView: page.UnlockView{ID: u.ID, Reason: u.Reason, By: u.By, From: u.From, Until: u.Until},
			Device: page.Link{Text: names[id], URL: page.DevicePath(id, "")}, Lock: page.DevicePath(id, "lock")})
	}
	return out, err
}

const mostSent = 20_000 // rows that one page adds up

// sentSince reads the counts of what was sent, all pages of them.
func (v *visit) sentSince(q gate.SentFilter) ([]gate.SentRow, error) {
	var out []gate.SentRow
	for q.Limit = 1000; len(out) < mostSent; q.Offset += q.Limit {
		list, err := v.s.Gates.Sent(v.ctx, v.facility, q)
		out = append(out, list...)
		if err != nil || len(list) < q.Limit {
			return out, err
		}
	}
	return out, nil
}

// framesSent lists what was sent by device, of one hour or of the last day.
func (v *visit) framesSent() error {
	const perPage, hourForm = 100, "2006-01-02T15"
	now := v.now()
	q := gate.SentFilter{From: now.Add(-24 * time.Hour)}
	view := page.FramesView{Hour: v.r.URL.Query().Get("hour")}
	if view.Hour != "" {
		at, err := time.ParseInLocation(hourForm, view.Hour, now.Location())
		if err != nil {
			return fault.New(fault.Invalid, "時間の書き方が正しくありません。", "The hour is not valid.")
		}
		q.From, q.To = at, at.Add(time.Hour)
	}
	for h := range 24 {
		at := now.Add(-time.Duration(h) * time.Hour)
		view.Hours = append(view.Hours, page.Option{Value: at.Format(hourForm), Text: at.Format("1/2 15") + v.t("時台", ":00")})
	}
	rows, err := v.sentSince(q)
	if err != nil {
		return err
	}
	sum := v.sentRows(rows, func(r gate.SentRow) page.Link { return page.Link{Text: hostText(r)} })
	for i := range sum {
		view.Total += sum[i].Count
	}
	slices.SortStableFunc(sum, func(a, b page.SentRow) int { return strings.Compare(a.Device.Text, b.Device.Text) })
	from, err := strconv.Atoi("0" + v.r.URL.Query().Get("from"))
	if err != nil || from > len(sum) {
		from = 0
	}
	view.Rows = sum[from:min(from+perPage, len(sum))]
	if err := v.nameHosts(view.Rows); err != nil {
		return err
	}
	at := func(n int) string {
		return page.PathFrames + "?" + url.Values{"hour": {view.Hour}, "from": {strconv.Itoa(n)}}.Encode()
	}
	view.Pager = page.Pager{From: min(from+1, len(sum)), To: from + len(view.Rows), Total: len(sum)}
	if from > 0 {
		view.Pager.Prev = at(max(from-perPage, 0))
	}
	if from+perPage < len(sum) {
		view.Pager.Next = at(from + perPage)
	}
	v.show(page.FramesPage(v.shell(), view))
	return nil
}

// hostText is how a count names its device until nameHosts knows more.
func hostText(r gate.SentRow) string {
	switch {
	case !r.MAC.IsZero():
		return r.MAC.String()
	case r.Host.IsValid():
		return r.Host.String()
	}
	return ""
}

// nameHosts puts the ledger's names in the place of addresses.
func (v *visit) nameHosts(rows []page.SentRow) error {
	for i := range rows {
		text := rows[i].Device.Text
		var d *ledger.Device
		var err error
		if mac, bad := netid.ParseMAC(text); bad == nil {
			d, err = v.s.Ledger.ByMAC(v.ctx, v.facility, mac)
		} else if a, bad := netip.ParseAddr(text); bad == nil && !a.IsMulticast() {
			d, err = v.s.Ledger.ByIP(v.ctx, v.facility, "*", a.String())
		} else if text == "" {
			rows[i].Device.Text = v.t("だれも答えなかったアドレス(まとめて)", "addresses where nobody answered, together")
			continue
		} else {
			rows[i].Device.Text = v.t("区画の全員 ", "everybody on the link ") + text
			continue
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if d != nil {
			rows[i].Device = page.Link{Text: v.called(d), URL: page.DevicePath(d.ID, "")}
		}
	}
	return nil
}

// oneSegment finds the segment that the address names: one in the book, or a network of this machine that nobody has written down yet.
func (v *visit) oneSegment() (e gate.Entry, stored bool, err error) {
	id := v.r.PathValue("id")
	entries, err := v.s.Gates.Segments(v.ctx, v.facility)
	if err != nil {
		return e, false, err
	}
	for _, x := range entries {
		if x.ID == id {
			return x, true, nil
		}
	}
	proposed, _, err := v.places()
	for _, s := range proposed {
		if s.ID == id {
			return gate.Entry{Segment: s}, false, err
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "その区画はありません。", "There is no such segment.")
	}
	return e, false, err
}

func (v *visit) segmentNew() error {
	return v.showSegment(page.SegmentForm{New: true, Segment: gate.Segment{Pace: gate.Gentle}}, http.StatusOK)
}

func (v *visit) segment() error {
	e, stored, err := v.oneSegment()
	if err != nil {
		return err
	}
	form := page.SegmentForm{Segment: e.Segment, Revision: e.Revision, HasSNMP: len(e.SNMP) > 0, SNMP: "none"}
	if e.Router.IsValid() {
		form.Router = e.Router.String()
	}
	if e.Approved {
		form.Medical = map[bool]string{true: "yes", false: "no"}[e.Medical]
	}
	if !stored {
		form.Segment.Name = ""
	}
	if form.HasSNMP {
		form.SNMP = "keep"
	}
	if h := e.Hours; h.From != h.To {
		form.From, form.To = clockText(h.From), clockText(h.To)
	}
	return v.showSegment(form, http.StatusOK)
}

func clockText(minutes int) string {
	return time.Date(2000, 1, 1, 0, minutes, 0, 0, time.UTC).Format("15:04")
}

func (v *visit) showSegment(form page.SegmentForm, status int) error {
	if p := form.Segment.Prefix; p.IsValid() && p.Addr().Is4() {
		form.Hosts = 1 << (32 - p.Bits())
	}
	if status != http.StatusOK {
		v.status(status)
	}
	v.show(page.SegmentPage(v.shell(), form))
	return nil
}
