package web

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/netid"
	"kenshin/store"
	"kenshin/trail"
	"kenshin/web/page"
)

const (
	trailPage     = 50
	trailScan     = 20 // pages of 500 that a search by name reads in one request; the link leads on
	maxCheckpoint = 64 << 10
)

// trailGroups are the choices of the filter: the first word of an action.
var trailGroups = []struct {
	prefix string
	text   i18n.Text
}{
	{"person.", i18n.Text{Ja: "サインインと本人の設定", En: "Sign-ins and own accounts"}},
	{"member.", i18n.Text{Ja: "利用者と役割", En: "People and roles"}},
	{"invitation.", i18n.Text{Ja: "招待", En: "Invitations"}},
	{"token.", i18n.Text{Ja: "プログラム用の鍵", En: "API tokens"}},
	{"desk.", i18n.Text{Ja: "支援者の出入り", En: "Supporters' visits"}},
	{"device.", i18n.Text{Ja: "機器の台帳", En: "Devices"}},
	{"system.", i18n.Text{Ja: "システム", En: "Systems"}},
	{"supplier.", i18n.Text{Ja: "業者", En: "Vendors"}},
	{"import.", i18n.Text{Ja: "取り込み", En: "Imports"}},
	{"ledger.", i18n.Text{Ja: "書き出し", En: "Exports"}},
	{"finding.", i18n.Text{Ja: "弱点と対応", En: "Weak points"}},
	{"sweep.", i18n.Text{Ja: "健診", En: "Check-ups"}},
	{"segment.", i18n.Text{Ja: "区画", En: "Segments"}},
	{"unlock.", i18n.Text{Ja: "医療機器の許可", En: "Unlocks"}},
	{"gate.", i18n.Text{Ja: "停止スイッチ", En: "Kill switch"}},
	{"facility.", i18n.Text{Ja: "施設", En: "Facility"}},
	{"setting.", i18n.Text{Ja: "設定", En: "Settings"}},
	{"backup.", i18n.Text{Ja: "バックアップ", En: "Backups"}},
	{"trail.", i18n.Text{Ja: "記録の確認と書き出し", En: "Trail: checks and exports"}},
}

// trail shows who did what when.
func (v *visit) trail() error { return v.showTrail(nil) }

func (v *visit) showTrail(check *page.TrailVerify) error {
	q := v.r.URL.Query()
	view := page.TrailView{Who: q.Get("who"), What: q.Get("what"), From: q.Get("from"), To: q.Get("to"), Verify: check}
	now := v.now()
	f := trail.Filter{Action: view.What, Limit: trailPage}
	for _, g := range trailGroups {
		view.Whats = append(view.Whats, page.Option{Value: g.prefix, Text: g.text.For(v.ctx)})
	}
	if !slices.ContainsFunc(view.Whats, func(o page.Option) bool { return o.Value == f.Action }) {
		f.Action = ""
	}
	if day, err := time.ParseInLocation(dateForm, view.From, now.Location()); err == nil {
		f.From = day
	}
	if day, err := time.ParseInLocation(dateForm, view.To, now.Location()); err == nil {
		f.To = day.AddDate(0, 0, 1)
	}
	f.Before, _ = strconv.ParseInt(q.Get("before"), 10, 64) // anything else begins at the newest
	entries, next, err := v.trailEntries(f, view.Who)
	if err != nil {
		return err
	}
	for _, e := range entries {
		view.Rows = append(view.Rows, v.trailRow(e))
	}
	if err := v.trailSubjects(view.Rows, entries); err != nil {
		return err
	}
	if next > 0 {
		q.Set("before", strconv.FormatInt(next, 10))
		view.Older = page.PathTrail + "?" + q.Encode()
	}
	if view.Size, view.Root, err = v.trailHead(); err != nil {
		return err
	}
	v.show(page.TrailPage(v.shell(), view))
	return nil
}

// trailHead is how long the log is; its root stands in the newest kept checkpoint, and in any that is downloaded.
func (v *visit) trailHead() (size int64, root string, err error) {
	err = v.s.DB.Read(v.ctx, v.facility, func(tx *store.Tx) error {
		size, root, err = trail.Root(v.ctx, tx)
		return err
	})
	return size, root, err
}

// trailEntries lists a page of entries. Names stand in the entries themselves, so that people who left are found too.
func (v *visit) trailEntries(f trail.Filter, who string) (out []trail.Entry, next int64, err error) {
	match, err := v.whoIs(who)
	if err != nil {
		return nil, 0, err
	}
	if match == nil {
		err = v.s.DB.Read(v.ctx, v.facility, func(tx *store.Tx) (err error) {
			out, next, err = trail.List(v.ctx, tx, f)
			return err
		})
		return out, next, err
	}
	f.Limit = 500
	for range trailScan {
		var some []trail.Entry
		err := v.s.DB.Read(v.ctx, v.facility, func(tx *store.Tx) (err error) {
			some, next, err = trail.List(v.ctx, tx, f)
			return err
		})
		if err != nil {
			return nil, 0, err
		}
		for _, e := range some {
			if !match(e.Actor) {
				continue
			}
			if out = append(out, e); len(out) == trailPage {
				return out, e.Seq, nil
			}
		}
		if next == 0 {
			break
		}
		f.Before = next
	}
	return out, next, nil
}

// whoIs matches actors by a part of their name, or members by their e-mail; nil matches all.
func (v *visit) whoIs(text string) (func(actor.Actor) bool, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "" {
		return nil, nil
	}
	members, err := v.s.Account.Members(v.ctx, v.facility)
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for _, m := range members {
		if strings.Contains(m.Person.Email, text) {
			ids[string(m.Person.ID)] = true
		}
	}
	return func(a actor.Actor) bool { return ids[a.ID] || strings.Contains(strings.ToLower(a.Name), text) }, nil
}

func (v *visit) trailRow(e trail.Entry) page.TrailRow {
	row := page.TrailRow{Number: e.Seq, At: e.At, Who: e.Actor.Name, What: e.Summary.For(v.ctx)}
	switch e.Actor.Kind {
	case actor.Person:
		row.Role = page.RoleText(e.Actor.Role).For(v.ctx)
	case actor.Token:
		row.Role, row.From = page.RoleText(e.Actor.Role).For(v.ctx), "API"
	case actor.Command:
		row.From = v.t("命令(この機械)", "Command line")
	}
	if row.Role != "" && e.Actor.Role == "" {
		row.Role = ""
	}
	if a := e.Actor.Address; a != "" {
		row.From = strings.TrimPrefix(row.From+" "+a, " ") // "API 10.0.0.5"
	}
	var detail struct {
		Address string `json:"address"`
	}
	if raw, ok := e.Detail.(json.RawMessage); ok && json.Unmarshal(raw, &detail) == nil && detail.Address != "" {
		row.From = detail.Address
	}
	return row
}

// trailSubjects puts beside each row what it is about, by name where it is still there.
func (v *visit) trailSubjects(rows []page.TrailRow, entries []trail.Entry) error {
	var devices []netid.DeviceID
	for _, e := range entries {
		if e.Subject.Kind == "device" && e.Subject.ID != "" {
			devices = append(devices, netid.DeviceID(e.Subject.ID))
		}
	}
	names := map[string]string{}
	called, err := v.deviceNames(devices)
	if err != nil {
		return err
	}
	for id, name := range called {
		names[string(id)] = name
	}
	systems, err := v.s.Ledger.Systems(v.ctx, v.facility)
	if err != nil {
		return err
	}
	for _, s := range systems {
		names[s.ID] = s.Name
	}
	vendors, err := v.s.Suppliers.List(v.ctx, v.facility, "")
	if err != nil {
		return err
	}
	for _, s := range vendors {
		names[s.ID] = s.Name
	}
	for i, e := range entries {
		rows[i].On = page.Link{Text: cmp.Or(names[e.Subject.ID], v.t("開く", "Open")), URL: subjectPath(e.Subject)}
	}
	return nil
}

// subjectPath is the page of what an entry is about; "" when it has none.
func subjectPath(s trail.Subject) string {
	if s.ID == "" {
		return ""
	}
	switch s.Kind {
	case "device":
		return page.DevicePath(netid.DeviceID(s.ID), "")
	case "system":
		return page.SystemPath(s.ID, "")
	case "vendor", "supplier":
		return page.VendorPath(s.ID, "")
	case "sweep":
		return page.SweepPath(s.ID, "")
	case "finding":
		return page.FindingPath(s.ID, "")
	}
	return ""
}

// trailVerify reads the whole log, and compares it with a checkpoint that was kept outside.
func (v *visit) trailVerify() error {
	checkpoint, err := v.checkpointIn()
	if err != nil {
		return err
	}
	report, err := trail.Verify(v.ctx, v.s.DB, v.facility, checkpoint)
	if err != nil {
		return err
	}
	view := &page.TrailVerify{OK: report.OK(), At: v.s.Now(), Entries: report.Entries}
	switch {
	case !view.OK:
		for i, f := range report.Findings {
			if i == 5 {
				view.Says += v.t(" ほかに%d件あります。", " And %d more.", len(report.Findings)-i+report.More)
				break
			}
			view.Says += " " + f.Says.For(v.ctx)
		}
	case report.Checkpoint != nil:
		view.Says = v.t("%s の封とも合っています。", "It agrees with the checkpoint of %s.", report.Checkpoint.At.In(v.now().Location()).Format("2006-01-02 15:04"))
	default:
		view.Says = v.t("保管してある封と比べると、最後のほうを消した跡も分かります。", "Compared with a kept checkpoint, a cut end would show too.")
	}
	if err := v.record("trail.verify", i18n.Text{Ja: "記録に書き換えがないか確かめました", En: "Verified the trail"}, map[string]any{"ok": view.OK, "entries": report.Entries}); err != nil {
		return err
	}
	return v.showTrail(view)
}

// checkpointIn reads the checkpoint of the form: a file, or pasted text; nil when there is none.
func (v *visit) checkpointIn() ([]byte, error) {
	if err := v.r.ParseMultipartForm(1 << 20); err != nil {
		return nil, badForm(err)
	}
	if file, _, err := v.r.FormFile("file"); err == nil {
		defer file.Close()
		b, err := io.ReadAll(io.LimitReader(file, maxCheckpoint+1))
		if err != nil {
			return nil, badForm(err)
		}
		if len(b) > maxCheckpoint {
			return nil, fault.New(fault.TooLarge, "封のファイルではありません(64 KBまで)。", "This is no checkpoint (at most 64 KB).")
		}
		if len(b) > 0 {
			return b, nil
		}
	}
	if text := v.r.PostFormValue("checkpoint"); strings.TrimSpace(text) != "" {
		return []byte(text), nil
	}
	return nil, nil
}

// record writes an entry of the console's own into the trail.
func (v *visit) record(action string, says i18n.Text, detail map[string]any) error {
	return v.s.DB.Write(v.ctx, v.facility, func(tx *store.Tx) error {
		_, err := trail.Append(v.ctx, tx, trail.Entry{At: v.s.Now(), Action: action, Summary: says, Detail: detail})
		return err
	})
}

// download names a file; names carry no path and no quotes.
func (v *visit) download(contentType, name string) {
	h := v.w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Cache-Control", "no-store")
}

// trailExport writes the whole log. It is noted first, so that the export holds its own line.
func (v *visit) trailExport() error {
	format := v.r.URL.Query().Get("format")
	if format != "csv" && format != "ndjson" {
		return fault.New(fault.Invalid, "書き出しの形は csv か ndjson です。", "The format is csv or ndjson.")
	}
	if err := v.record("trail.export", i18n.Text{Ja: "記録を書き出しました", En: "Exported the trail"}, map[string]any{"format": format}); err != nil {
		return err
	}
	now := v.now()
	name := "kenshin-trail-" + now.Format("20060102-1504")
	_ = http.NewResponseController(v.w).SetWriteDeadline(v.s.Now().Add(10 * time.Minute)) // a long log to a slow PC
	var err error
	if format == "csv" {
		v.download("text/csv; charset=utf-8", name+".csv")
		err = trail.ExportCSV(v.ctx, v.s.DB, v.facility, now.Location(), i18n.From(v.ctx), v.w)
	} else {
		v.download("application/x-ndjson", name+".ndjson")
		err = trail.Export(v.ctx, v.s.DB, v.facility, v.w)
	}
	if err != nil { // the head is sent: cutting the connection is the only way to say that the file is not whole
		v.s.Log.Warn("export of the trail cut off", "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// checkpoint is the signed state of the log at this moment, as a file.
func (v *visit) checkpoint() error {
	if err := v.record("trail.checkpoint", i18n.Text{Ja: "記録の封を受け取りました", En: "Downloaded a checkpoint of the trail"}, nil); err != nil {
		return err
	}
	where, err := v.s.Account.Facility(v.ctx, v.facility)
	if err != nil {
		return err
	}
	now := v.s.Now().In(where.Location())
	text, err := trail.Daily(v.ctx, v.s.DB, v.s.Box, v.facility, where.Name, now)
	if err != nil {
		return err
	}
	v.download("text/plain; charset=utf-8", "kenshin-checkpoint-"+now.Format("20060102-1504")+".txt")
	_, err = io.WriteString(v.w, text)
	v.note(err, "checkpoint")
	return nil
}

// seals shows the daily checkpoints; without a day, the newest.
func (v *visit) seals() error {
	var days []string
	var text string
	day := v.r.PathValue("day")
	err := v.s.DB.Read(v.ctx, v.facility, func(tx *store.Tx) (err error) {
		if days, err = trail.DailyDays(v.ctx, tx); err != nil {
			return err
		}
		if day == "" && len(days) > 0 {
			day = days[0]
		}
		if day != "" {
			text, err = trail.DailyOf(v.ctx, tx, day)
		}
		return err
	})
	if err != nil {
		return err
	}
	view := page.SealsView{Day: v.sealDay(day), Text: text}
	if view.Key, err = trail.VerifierKey(v.ctx, v.s.DB, v.s.Box, v.facility, v.s.Now()); err != nil {
		return err
	}
	for _, d := range days {
		if d != day {
			view.Days = append(view.Days, page.Link{Text: v.sealDay(d), URL: page.SealPath(url.PathEscape(d))})
		}
	}
	v.show(page.SealsPage(v.shell(), view))
	return nil
}

// sealDay is a checkpoint's day as people write days.
func (v *visit) sealDay(day string) string {
	if at, err := time.ParseInLocation(dateForm, day, v.now().Location()); err == nil {
		return v.t(at.Format("2006年1月2日"), at.Format("2 January 2006"))
	}
	return day
}
