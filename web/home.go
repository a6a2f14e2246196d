package web

import (
	"slices"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/catalogue"
	"kenshin/event"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/web/page"
)

const unknownDevice = "unknown-device" // the check whose findings are one task: register or look

func (v *visit) home() error {
	p, err := v.s.Ledger.List(v.ctx, v.facility, ledger.Query{Sort: ledger.ByLastSeen, Desc: true, Limit: 1})
	if err != nil {
		return err
	}
	c := p.Counts
	view := page.HomeView{Devices: c.All, Registered: c.Registered, New: c.New, Medical: c.Medical, Unseen: c.Unseen, Conflicts: c.Conflicts}
	if len(p.Devices) > 0 {
		view.Seen = p.Devices[0].LastSeen
	}
	for _, part := range []func(*page.HomeView) error{v.homeTasks, v.homeChanges, v.homeNext} {
		if err := part(&view); err != nil {
			return err
		}
	}
	v.show(page.HomePage(v.shell(), view))
	return nil
}

// homeNext finds the step that a facility stands before while it has nothing yet, and the last check-up.
func (v *visit) homeNext(view *page.HomeView) error {
	proposed, approved, err := v.places()
	if err != nil {
		return err
	}
	view.Proposed = len(proposed)
	chk, err := v.s.Work.For(v.ctx, v.facility)
	if err != nil {
		return err
	}
	list, err := chk.List(v.ctx, v.facility, "", 1)
	if err != nil {
		return err
	}
	if len(list) > 0 {
		row, err := v.sweepRow(list[0])
		if err != nil {
			return err
		}
		view.Sweep = &row
	}
	yearly, err := v.beforeFirstDock()
	if err != nil {
		return err
	}
	switch {
	case len(approved) == 0 && view.Devices == 0 && yearly:
		view.Next = page.NextYearly
	case len(approved) == 0 && view.Devices == 0:
		view.Next = page.NextApprove
	case len(list) == 0 && len(approved) > 0:
		view.Next = page.NextSweep
	case view.Registered == 0 && view.New > 0:
		view.Next = page.NextName
	}
	return nil
}

// beforeFirstDock says that this is a clinic, where there may be nothing to sweep, whose first yearly check-up this person may make.
func (v *visit) beforeFirstDock() (bool, error) {
	place, err := v.place()
	if err != nil || catalogue.ClassOf(place.Beds) != "" || !v.actor.Role.May(actor.EditAssess) {
		return false, err
	}
	docks, err := v.s.Docks.List(v.ctx, v.facility)
	return len(docks) == 0, err
}

// homeTasks is what to do today: weak points one line per check, then what people should look at in the ledger.
func (v *visit) homeTasks(view *page.HomeView) error {
	items, err := v.s.Findings.Today(v.ctx, v.facility, 50)
	if err != nil {
		return err
	}
	all := make([]finding.Finding, len(items))
	for i := range items {
		all[i] = items[i].Finding
	}
	devices, err := v.devicesOf(all)
	if err != nil {
		return err
	}
	for i := range items {
		task, err := v.task(&items[i], devices[items[i].Device])
		if err != nil {
			return err
		}
		view.Tasks = append(view.Tasks, task)
	}
	if v.actor.Role.May(actor.EditLedger) {
		if err := v.ledgerTasks(view); err != nil {
			return err
		}
	}
	if v.actor.Role.May(actor.EditDrill) {
		if err := v.planTasks(view); err != nil {
			return err
		}
	}
	if v.actor.Role.May(actor.EditAssess) {
		if err := v.dockTasks(view); err != nil {
			return err
		}
	}
	view.TasksAll = len(view.Tasks)
	return nil
}

// task is one line of the list: a finding, and how many further devices have the same.
func (v *visit) task(i *finding.Item, d *ledger.Device) (page.Task, error) {
	if i.Check == unknownDevice {
		return v.unknownTask(i)
	}
	t := page.FindingTask(v.ctx, v.findingRow(&i.Finding, d), v.now())
	if i.Devices > 1 {
		more := v.t("(ほかに%d台)", " (and %d more)", i.Devices-1)
		if i.Device == "" {
			more = v.t("(ほかに%d件)", " (and %d more)", i.Devices-1)
		}
		t.Title += more
		t.Action.URL = page.FindingQuery{Check: i.Check}.URL()
	}
	return t, nil
}

// unknownTask is all devices that nobody has entered, as one thing to do, with where they are.
func (v *visit) unknownTask(i *finding.Item) (page.Task, error) {
	p, err := v.s.Ledger.List(v.ctx, v.facility, ledger.Query{States: []ledger.State{ledger.New}, Sort: ledger.ByFirstSeen, Limit: 500})
	if err != nil {
		return page.Task{}, err
	}
	names, err := v.segmentNames()
	if err != nil {
		return page.Task{}, err
	}
	count := map[string]int{}
	var order []string
	for _, d := range p.Devices {
		if d.Identity.Kind == "kenshin" {
			continue // the check does not count this product's own cards either
		}
		where := ""
		for _, card := range d.Interfaces {
			if n := names[card.Segment]; n != "" {
				where = n
			}
		}
		if where == "" {
			continue // nobody knows where: nothing to say
		}
		if count[where]++; count[where] == 1 {
			order = append(order, where)
		}
	}
	slices.SortStableFunc(order, func(a, b string) int { return count[b] - count[a] })
	var parts []string
	for _, where := range order[:min(len(order), 3)] {
		parts = append(parts, v.t("%sに%d台", "%[2]d in %[1]s", where, count[where]))
	}
	why := strings.Join(parts, v.t("、", ", "))
	if len(order) > 3 {
		why += v.t("、ほか", " and elsewhere")
	}
	if why != "" {
		why += v.t("。", ". ")
	}
	why += v.t("持ち主が分かれば登録、分からなければ見に行きます。", "Register those whose owner you know; go and look at the others.")
	row := v.findingRow(&i.Finding, nil)
	row.Title, row.Why, row.Meta = v.t("台帳にない機器が%d台つながっています", "%d devices are connected and not in the ledger", i.Devices), why, v.t("10分", "10 min")
	t := page.FindingTask(v.ctx, row, v.now())
	t.Sign, t.Primary = "?", false
	t.Action = page.Link{Text: v.t("確かめる", "Check"), URL: page.LedgerQuery{Chip: "new"}.URL()}
	return t, nil
}

// ledgerTasks are what only a person can decide: whether two entries are one device, and who is right where people and measurement differ.
func (v *visit) ledgerTasks(view *page.HomeView) error {
	list, err := v.s.Ledger.Merges(v.ctx, v.facility, ledger.Proposed)
	if err != nil {
		return err
	}
	if len(list) > 0 {
		names, err := v.deviceNames([]netid.DeviceID{list[0].Winner, list[0].Loser})
		if err != nil {
			return err
		}
		view.Tasks = append(view.Tasks, page.Task{Mark: page.MarkInfo, Title: v.t("同じ機器かもしれない組が%dつあります", "%d pairs may be one device each", len(list)),
			Why: v.t("たとえば「%s」と「%s」。同じならまとめ、違うなら「別の機器」と答えます。", "For example %s and %s. Merge them, or say that they are two.",
				names[list[0].Winner], names[list[0].Loser]), Meta: v.t("1組 1分", "1 min each"),
			Action: page.Link{Text: v.t("見る", "Look"), URL: page.DevicePath(list[0].Winner, "merge")}})
	}
	if view.Conflicts > 0 {
		view.Tasks = append(view.Tasks, page.Task{Mark: page.MarkInfo, Title: v.t("台帳の記入と測った値が違う機器が%d台あります", "On %d devices the ledger and the measurement differ", view.Conflicts),
			Why: v.t("どちらも残してあります。機器を見て、正しいほうに直してください。", "Both are kept. Look at the device and correct what is wrong."), Meta: v.t("1台 3分", "3 min each"),
			Action: page.Link{Text: v.t("見る", "Look"), URL: page.LedgerQuery{Chip: "conflict"}.URL()}})
	}
	return nil
}

// homeChanges is what happened since the beginning of yesterday, the kinds that matter first; many of one kind are one line.
func (v *visit) homeChanges(view *page.HomeView) error {
	now := v.now()
	since := time.Date(now.Year(), now.Month(), now.Day()-1, 0, 0, 0, 0, now.Location())
	counts, err := v.s.Events.Counts(v.ctx, v.facility, since)
	if err != nil {
		return err
	}
	for _, about := range event.Kinds() {
		n := counts[about.Kind]
		if n == 0 || len(view.Changes) >= 8 {
			continue
		}
		p, err := v.s.Events.List(v.ctx, v.facility, event.Filter{Kinds: []event.Kind{about.Kind}, Since: since, Limit: 3})
		if err != nil {
			return err
		}
		if n > 3 && len(p.Events) > 0 {
			view.Changes = append(view.Changes, page.Change{At: p.Events[0].At, What: v.t("%s %d件", "%s: %d", about.Label.For(v.ctx), n)})
			continue
		}
		for i := range p.Events {
			c := page.Change{At: p.Events[i].At, What: p.Events[i].Title().For(v.ctx)}
			if id := p.Events[i].Device; id != "" && v.actor.Role.May(actor.SeeLedger) {
				c.URL = page.DevicePath(id, "")
			}
			view.Changes = append(view.Changes, c)
		}
	}
	return nil
}

// places are the segments that wait for a person's word, those of this machine's interfaces among them, and those that are approved.
func (v *visit) places() (proposed []gate.Segment, approved []gate.Entry, err error) {
	entries, err := v.s.Gates.Segments(v.ctx, v.facility)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		if e.Approved {
			approved = append(approved, e)
		} else {
			proposed = append(proposed, e.Segment)
		}
	}
	local, err := gate.Interfaces()
	v.note(err, "this machine's networks")
	for _, p := range local {
		if p.LeftOut != nil || slices.ContainsFunc(entries, func(e gate.Entry) bool { return e.Prefix.Overlaps(p.Segment.Prefix) }) {
			continue
		}
		p.Segment.ID = linkID(p.Segment)
		proposed = append(proposed, p.Segment)
	}
	return proposed, approved, nil
}

// linkID names a network of this machine that nobody has written down yet.
func linkID(s gate.Segment) string { return s.Interface + "@" + s.Prefix.String() }
