package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/blob"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/jp"
	"kenshin/netid"
	"kenshin/store"
)

// Hosting says where a system runs.
type Hosting string

const (
	HostingUnknown Hosting = ""
	OnPremises     Hosting = "onprem"
	Cloud          Hosting = "cloud"
	OnBoth         Hosting = "both"
)

// System is a medical information system: 電子カルテ, PACS, 検査, 調剤 and so on, made of devices.
type System struct {
	ID         string           `json:"id"`
	Name       string           `json:"name"`
	Reading    string           `json:"reading,omitempty"`
	Kind       string           `json:"kind,omitempty"` // one of SystemKinds
	Department string           `json:"department,omitempty"`
	Owner      string           `json:"owner,omitempty"`
	VendorID   string           `json:"vendor_id,omitempty"`
	Vendor     string           `json:"vendor,omitempty"` // as written, when no vendor record was chosen
	Hosting    Hosting          `json:"hosting,omitempty"`
	Data       []string         `json:"data,omitempty"` // kinds of data that it holds, in words
	Impact     Impact           `json:"impact,omitempty"`
	Notes      string           `json:"notes,omitempty"`
	Start      string           `json:"start,omitempty"` // 稼働開始: "2026-11-21", "2026-11" or "2026"
	Devices    []netid.DeviceID `json:"devices"`
	Revision   int64            `json:"revision"`
	ChangedAt  time.Time        `json:"changed_at"`
}

// SystemKinds lists the kinds of systems.
func SystemKinds() []Option {
	return []Option{
		{"emr", t("電子カルテ", "Electronic medical record")}, {"order", t("オーダリング", "Order entry")}, {"receipt", t("医事会計", "Billing")},
		{"pacs", t("画像(PACS)", "Images (PACS)")}, {"ris", t("放射線(RIS)", "Radiology (RIS)")}, {"lab", t("検査", "Laboratory")},
		{"pharmacy", t("調剤", "Pharmacy")}, {"nursing", t("看護", "Nursing")}, {"meal", t("給食", "Meals")}, {"rehab", t("リハビリ", "Rehabilitation")},
		{"monitor", t("生体情報", "Patient monitoring")}, {"reservation", t("予約", "Appointments")}, {"insurance", t("オンライン資格確認", "Online eligibility check")},
		{"region", t("地域連携", "Regional sharing")}, {"backup", t("バックアップ", "Backup")}, {"office", t("事務・グループウェア", "Office and groupware")},
		{"other", t("その他", "Other")},
	}
}

const (
	maxSystemDevices = 5000
	maxSystemData    = 50
)

func (s *System) tidy() error {
	for _, p := range []*string{&s.Name, &s.Reading, &s.Department, &s.Owner, &s.VendorID, &s.Vendor} {
		*p = jp.Clean(*p)
		if len(*p) > maxLine {
			return fault.New(fault.TooLarge, "入力が長すぎます(1項目500バイトまで)。", "A field is too long (500 bytes at most).")
		}
	}
	s.Notes = tidyLines(s.Notes)
	start, _, err := jp.Date(s.Start)
	if err != nil {
		return err
	}
	s.Start = start
	var data []string
	for _, v := range s.Data {
		if v = jp.Clean(v); v != "" && !slices.Contains(data, v) {
			data = append(data, cut(v, maxLine))
		}
	}
	s.Data = data
	is := func(list []Option, v string) bool {
		return v == "" || slices.ContainsFunc(list, func(o Option) bool { return o.Value == v })
	}
	switch {
	case s.Name == "":
		return fault.New(fault.Invalid, "システムの名称を入力してください。", "Enter the system's name.")
	case len(s.Notes) > maxLines || len(s.Data) > maxSystemData || len(s.Devices) > maxSystemDevices:
		return fault.New(fault.TooLarge, "備考、データの種類、機器のどれかが多すぎます。", "Notes, kinds of data or devices: one of them is too large.")
	case !is(SystemKinds(), s.Kind) || !is(Impacts(), string(s.Impact)) || !slices.Contains([]Hosting{HostingUnknown, OnPremises, Cloud, OnBoth}, s.Hosting):
		return fault.New(fault.Invalid, "種類、設置場所、患者さんへの影響のどれかに、選べない値が入っています。", "Kind, hosting or impact has a value that is no choice.")
	}
	return nil
}

// Systems returns all systems, by name.
func (l *Ledger) Systems(ctx context.Context, f facility.ID) ([]System, error) {
	return l.systems(ctx, f, "")
}

// System returns one system; NotFound when there is none.
func (l *Ledger) System(ctx context.Context, f facility.ID, id string) (*System, error) {
	list, err := l.systems(ctx, f, id)
	if err == nil && (id == "" || len(list) == 0) {
		return nil, fault.New(fault.NotFound, "このシステムは台帳にありません。", "There is no such system in the ledger.")
	}
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

func (l *Ledger) systems(ctx context.Context, f facility.ID, id string) ([]System, error) {
	var out []System
	err := l.db.Read(ctx, f, func(tx *store.Tx) (err error) {
		out, err = readSystems(ctx, tx, id)
		return err
	})
	return out, err
}

func readSystems(ctx context.Context, tx *store.Tx, id string) ([]System, error) {
	var out []System
	at := map[string]int{}
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var s System
		var content string
		var rowID string
		var revision, changed int64
		if err := r.Scan(&rowID, &revision, &changed, &content); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(content), &s); err != nil {
			return fmt.Errorf("system %s: %w", rowID, err)
		}
		s.ID, s.Revision, s.ChangedAt, s.Devices = rowID, revision, store.Time(changed), nil
		at[rowID] = len(out)
		out = append(out, s)
		return nil
	}, "SELECT id, revision, changed_at, content FROM ledger_systems WHERE facility_id = $1 AND ($2 = '' OR id = $2) ORDER BY name_key, id", id)
	if err != nil {
		return nil, err
	}
	return out, store.Each(ctx, tx, func(r *sql.Rows) error {
		var system string
		var device netid.DeviceID
		err := r.Scan(&system, &device)
		if i, ok := at[system]; ok && !slices.Contains(out[i].Devices, device) {
			out[i].Devices = append(out[i].Devices, device)
		}
		return err
	}, `SELECT x.system_id, d.root FROM ledger_system_devices x JOIN ledger_devices d ON d.facility_id = x.facility_id AND d.id = x.device_id
		WHERE x.facility_id = $1 AND ($2 = '' OR x.system_id = $2) ORDER BY x.system_id, d.root`, id)
}

// SystemsTx is Systems in the caller's transaction.
func (l *Ledger) SystemsTx(ctx context.Context, tx *store.Tx) ([]System, error) {
	return readSystems(ctx, tx, "")
}

// SystemSince returns what a system is called and since when it runs as far as people said; NotFound when there is none.
func (l *Ledger) SystemSince(ctx context.Context, tx *store.Tx, id string) (name string, since time.Time, err error) {
	list, err := readSystems(ctx, tx, id)
	if err == nil && (id == "" || len(list) == 0) {
		err = fault.New(fault.NotFound, "このシステムは台帳にありません。", "There is no such system in the ledger.")
	}
	if err != nil {
		return "", since, err
	}
	return list[0].Name, list[0].Since(), nil
}

// Since is the first day of Start, zero where nobody said.
func (s *System) Since() time.Time {
	for _, layout := range []string{time.DateOnly, "2006-01", "2006"} {
		if t, err := time.Parse(layout, s.Start); err == nil {
			return t
		}
	}
	return time.Time{}
}

// SaveSystem writes a system: a new one when its ID is empty, else the one that the person saw with that Revision (0 does not compare).
func (l *Ledger) SaveSystem(ctx context.Context, f facility.ID, s System) (*System, error) {
	if err := s.tidy(); err != nil {
		return nil, err
	}
	err := l.write(ctx, f, func(tx *store.Tx) ([]Change, error) {
		if err := lock(ctx, tx); err != nil {
			return nil, err
		}
		var was System
		if s.ID == "" {
			s.ID = store.NewID()
		} else if err := l.sameSystem(ctx, tx, s.ID, s.Revision, &was); err != nil {
			return nil, err
		}
		s.Revision, s.ChangedAt = was.Revision+1, l.now()
		var err error
		if s.Devices, err = rootsOf(ctx, tx, s.Devices); err != nil {
			return nil, err
		}
		if err := l.putSystem(ctx, tx, s); err != nil {
			return nil, err
		}
		return l.systemChanges(ctx, tx, was, s)
	})
	return &s, err
}

// sameSystem reads a system that is about to be changed and refuses when somebody else changed it.
func (l *Ledger) sameSystem(ctx context.Context, tx *store.Tx, id string, revision int64, was *System) error {
	list, err := readSystems(ctx, tx, id)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return fault.New(fault.NotFound, "このシステムは台帳にありません。", "There is no such system in the ledger.")
	}
	*was = list[0]
	if revision == 0 || revision == was.Revision {
		return nil
	}
	var who string
	if err := tx.Row(ctx, "SELECT changed_by FROM ledger_systems WHERE facility_id = $1 AND id = $2", id).Scan(&who); err != nil {
		return err
	}
	return fault.Newf(fault.Conflict, "開いている間に、%s さんがこのシステムを変更しました。最新の内容を読み込んで、もう一度入力してください。",
		"%s changed this system while you had it open. Load it again and repeat your change.", who)
}

// rootsOf follows merges, and refuses a device that is not there.
func rootsOf(ctx context.Context, tx *store.Tx, ids []netid.DeviceID) ([]netid.DeviceID, error) {
	var out []netid.DeviceID
	for _, id := range ids {
		root, err := rootOf(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, root) {
			out = append(out, root)
		}
	}
	return out, nil
}

func (l *Ledger) putSystem(ctx context.Context, tx *store.Tx, s System) error {
	plain := s
	plain.Devices = nil
	content, err := json.Marshal(plain)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO ledger_systems (facility_id, id, revision, changed_at, changed_by, name_key, content) VALUES `+values(1, 6)+`
		ON CONFLICT (facility_id, id) DO UPDATE SET revision = excluded.revision, changed_at = excluded.changed_at, changed_by = excluded.changed_by,
		name_key = excluded.name_key, content = excluded.content`,
		s.ID, s.Revision, store.Micros(s.ChangedAt), actor.From(ctx).Name, sortKey(first(s.Reading, s.Name)), string(content))
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "DELETE FROM ledger_system_devices WHERE facility_id = $1 AND system_id = $2", s.ID); err != nil {
		return err
	}
	for group := range groups(s.Devices) {
		var args []any
		for _, d := range group {
			args = append(args, s.ID, string(d))
		}
		_, err := tx.Exec(ctx, "INSERT INTO ledger_system_devices (facility_id, system_id, device_id) VALUES "+values(len(group), 2), args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// systemChanges writes the history of a system, field by field.
func (l *Ledger) systemChanges(ctx context.Context, tx *store.Tx, was, is System) ([]Change, error) {
	a, b := was.fields(), is.fields()
	var out []Change
	for i := range b {
		if a[i][1] != b[i][1] {
			out = append(out, Change{Kind: SystemChanged, Device: netid.DeviceID(is.ID), At: l.now(), Field: b[i][0], Before: a[i][1], After: b[i][1]})
		}
	}
	if err := l.record(ctx, tx, out); err != nil {
		return nil, err
	}
	if len(out) > 0 { // one line for "what changed"; the fields are in the history
		out = []Change{{Kind: SystemChanged, At: l.now(), After: is.Name, Field: is.ID}}
	}
	return out, nil
}

func (s *System) fields() [][2]string {
	ids := make([]string, len(s.Devices))
	for i, d := range s.Devices {
		ids[i] = string(d)
	}
	slices.Sort(ids)
	return [][2]string{{"name", s.Name}, {"reading", s.Reading}, {"kind", s.Kind}, {"department", s.Department}, {"owner", s.Owner}, {"vendor_id", s.VendorID},
		{"vendor", s.Vendor}, {"hosting", string(s.Hosting)}, {"data", strings.Join(s.Data, ", ")}, {"impact", string(s.Impact)}, {"notes", s.Notes}, {"start", s.Start},
		{"devices", strings.Join(ids, ", ")}}
}

// RemoveSystem takes a system out of the ledger; its devices and its history stay.
func (l *Ledger) RemoveSystem(ctx context.Context, f facility.ID, id string, revision int64) error {
	return l.write(ctx, f, func(tx *store.Tx) ([]Change, error) {
		if err := lock(ctx, tx); err != nil {
			return nil, err
		}
		var was System
		if err := l.sameSystem(ctx, tx, id, revision, &was); err != nil {
			return nil, err
		}
		for _, q := range []string{"DELETE FROM ledger_systems WHERE facility_id = $1 AND id = $2",
			"DELETE FROM ledger_system_devices WHERE facility_id = $1 AND system_id = $2"} {
			if _, err := tx.Exec(ctx, q, id); err != nil {
				return nil, err
			}
		}
		if err := blob.DetachAll(ctx, tx, id); err != nil {
			return nil, err
		}
		change := Change{Kind: SystemChanged, Device: netid.DeviceID(id), At: l.now(), Field: "removed", Before: was.Name}
		if err := l.record(ctx, tx, []Change{change}); err != nil {
			return nil, err
		}
		change.Device = ""
		return []Change{change}, nil
	})
}
