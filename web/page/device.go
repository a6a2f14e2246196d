package page

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/netid"
)

// DeviceView is one device with everything that is known of it.
type DeviceView struct {
	Device    *ledger.Device
	Conflicts []ledger.Conflict
	Findings  []FindingRow
	Examined  time.Time // when its weak points were last looked for; zero: never
	NotAsked  string    // why the last check-up that met it did not ask it, and what to do; "" where it did, or where Protected says it

	SwitchName string // of Summary.Switch
	PortSeen   time.Time
	Segments   []Link // the segments of its interfaces
	Systems    []Link
	Vendor     *VendorCard
	CutOff     string // what happens and whom to tell when it is cut off; "" when nobody has written it

	Protected string      // why the gate protects it, "" when it does not
	Unlock    *UnlockView // an unlock that is or will be in force
	Sent      []SentRow   // what was sent to it lately

	Sightings   []Day // oldest first, e.g. 60
	History     []Change
	HistoryMore bool
	Files       Files
	MergedFrom  []Change // merges into this one that can be undone

	UnlockForm UnlockForm
	Errors     Errors // of the unlock form; its dialog opens again when there are any
}

// VendorCard is whom to call.
type VendorCard struct {
	Name, URL, Contact, Phone, Email, Hours string
}

// UnlockView is a person's leave to examine one protected device.
type UnlockView struct {
	ID     string
	Reason string
	By     string
	From   time.Time
	Until  time.Time
}

// UnlockForm is what POST DevicePath(id, "unlock") takes: reason, from and until (2006-01-02T15:04, facility's time), agreed ("yes").
type UnlockForm struct {
	Reason, From, Until string
}

// SentRow is one kind of frame that was sent, how often, and how it ended.
type SentRow struct {
	Frame   gate.Frame
	Device  Link // where the row is not already on a device's page
	Count   int64
	Refused int64  // times that the gate refused it
	Why     string // why it refused
	Last    time.Time
}

// DevicePage shows one device.
func DevicePage(s Shell, v DeviceView) templ.Component {
	name := first(v.Device.Name(), "?")
	return within(s, SectionLedger, i18n.Text{Ja: name, En: name}, device(v))
}

// DeviceForm is the edit form. Fields have the JSON names of ledger.Word, except: medical ("", "yes", "no"), extra fields "extra.NAME",
// state, revision.
type DeviceForm struct {
	Device      *ledger.Device // nil for a new one
	Word        ledger.Word    // as typed
	State       ledger.State
	Departments []string
	Vendors     []Option
	Conflicts   []ledger.Conflict
	Errors      Errors
	Stale       bool // somebody else saved in between; Word is what this person typed, Device the present one
}

// DeviceEditPage edits a device, or makes one by hand when v.Device is nil. POST goes to DevicePath(id, "edit") or PathDeviceNew.
func DeviceEditPage(s Shell, v DeviceForm) templ.Component {
	return within(s, SectionLedger, i18n.Text{Ja: "機器を直す", En: "Edit device"}, deviceEdit(v))
}

// MergeView chooses the device that is the same as this one. POST DevicePath(id, "merge"): other.
type MergeView struct {
	Device     *ledger.Device
	Q          string
	Candidates []MergeCandidate // the likeliest first
	Errors     Errors
}

// MergeCandidate is a device that may be the same, and why.
type MergeCandidate struct {
	Device *ledger.Device
	Why    string
	Refuse string // POST address that says "these are two"; "" when nobody proposed that they are one
}

// DeviceMergePage chooses what to merge with.
func DeviceMergePage(s Shell, v MergeView) templ.Component {
	return within(s, SectionLedger, i18n.Text{Ja: "同じ機器をまとめる", En: "Merge devices"}, deviceMerge(v))
}

// SplitView chooses which interfaces become a device of their own. POST DevicePath(id, "split"): mac (many).
type SplitView struct {
	Device *ledger.Device
	Errors Errors
}

// DeviceSplitPage splits a device.
func DeviceSplitPage(s Shell, v SplitView) templ.Component {
	return within(s, SectionLedger, i18n.Text{Ja: "別の機器に分ける", En: "Split device"}, deviceSplit(v))
}

// HistoryPage is a device's whole history.
func HistoryPage(s Shell, d *ledger.Device, list []Change, p Pager) templ.Component {
	return within(s, SectionLedger, i18n.Text{Ja: "履歴", En: "History"}, deviceHistory(d, list, p))
}

func (f DeviceForm) action() string {
	if f.Device == nil {
		return PathDeviceNew
	}
	return DevicePath(f.Device.ID, "edit")
}

// measured is what the machine says of a field that a person edits.
func (f DeviceForm) measured(get func(ledger.Identity) string) string {
	if f.Device == nil {
		return ""
	}
	return get(f.Device.Identity)
}

func (f DeviceForm) medical() string {
	switch {
	case f.Word.Medical == nil:
		return ""
	case *f.Word.Medical:
		return "yes"
	}
	return "no"
}

func (f DeviceForm) extra() []string {
	var keys []string
	for k := range f.Word.Extra {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// labels names the fields for the list of problems.
func (f DeviceForm) labels(ctx context.Context) map[string]string {
	return map[string]string{
		"name": t(ctx, "名前", "Name"), "number": t(ctx, "管理番号", "Number"), "purchased": t(ctx, "購入日", "Purchased"),
		"lease_end": t(ctx, "リース満了", "Lease end"), "support_end": t(ctx, "保守・サポートの期限", "Support end"),
		"remote_end": t(ctx, "回線の終わり", "Line ends"), "ip_text": "IP", "mac_text": "MAC", "notes": t(ctx, "メモ", "Notes"),
	}
}

// DeviceWord reads the form of DeviceEditPage.
func DeviceWord(v url.Values) (ledger.Word, ledger.State) {
	g := func(name string) string { return strings.TrimSpace(v.Get(name)) }
	w := ledger.Word{
		Name: g("name"), Number: g("number"), Kind: g("kind"), Modality: g("modality"), Maker: g("maker"), Model: g("model"),
		Serial: g("serial"), OS: g("os"), OSVersion: g("os_version"), Owner: g("owner"), Department: g("department"),
		Building: g("building"), Floor: g("floor"), Room: g("room"), VendorID: g("vendor_id"), Vendor: g("vendor"),
		Purchased: g("purchased"), LeaseEnd: g("lease_end"), SupportEnd: g("support_end"), Approval: g("approval"),
		Impact: ledger.Impact(g("impact")), RemoteType: g("remote_type"), RemoteBy: g("remote_by"), RemoteHolder: g("remote_holder"),
		RemoteEnd: g("remote_end"), IPText: g("ip_text"), MACText: g("mac_text"), InUse: g("in_use"), Notes: g("notes"),
	}
	switch g("medical") {
	case "yes":
		yes := true
		w.Medical = &yes
	case "no":
		no := false
		w.Medical = &no
	}
	for name := range v {
		if key, ok := strings.CutPrefix(name, "extra."); ok && g(name) != "" {
			if w.Extra == nil {
				w.Extra = map[string]string{}
			}
			w.Extra[key] = g(name)
		}
	}
	return w, ledger.State(g("state"))
}

// subtitle is the line below a device's name: what it is, its number, whether it protects patients.
func (v DeviceView) subtitle(ctx context.Context) string {
	d := v.Device
	impact := ""
	if d.Word.Impact != ledger.ImpactUnknown {
		impact = t(ctx, "患者さんへの影響 ", "patient impact: ") + ImpactText(d.Word.Impact).For(ctx)
	}
	number := ""
	if d.Word.Number != "" {
		number = t(ctx, "管理番号 ", "No. ") + d.Word.Number
	}
	return join(kindLine(ctx, d), d.Word.Department, number, impact)
}

func (v DeviceView) addresses() []string {
	var out []string
	for _, i := range v.Device.Interfaces {
		for _, a := range append(slices.Clone(i.IPv4), i.IPv6...) {
			out = append(out, a.String())
		}
	}
	return out
}

func macs(d *ledger.Device) string {
	var out []string
	for _, i := range d.Interfaces {
		if !i.MAC.IsZero() {
			out = append(out, i.MAC.String())
		}
	}
	return strings.Join(out, ", ")
}

// signalText is a plain name for a signal.
func signalText(ctx context.Context, signal string) string {
	root, _, _ := strings.Cut(signal, ".")
	switch root {
	case "oui":
		return t(ctx, "メーカー番号", "Maker's prefix")
	case "arp", "ndp", "mld":
		return t(ctx, "あいさつ(ARP)", "Neighbour (ARP)")
	case "icmp":
		return t(ctx, "あいさつ(ping)", "Ping")
	case "mac":
		return t(ctx, "MACアドレス", "MAC address")
	case "rtsp":
		return t(ctx, "映像の配信", "Video stream")
	case "dhcp":
		return t(ctx, "IPをもらうとき", "DHCP")
	case "lldp", "cdp":
		return t(ctx, "機器の名のり", "LLDP / CDP")
	case "mdns", "ssdp", "upnp", "wsd":
		return t(ctx, "自己紹介", "Self-description")
	case "nbns", "ntlm":
		return t(ctx, "Windowsの名前", "Windows name")
	case "snmp":
		return t(ctx, "SNMPの答え", "SNMP")
	case "http":
		return t(ctx, "案内ページ", "Web page")
	case "tls":
		return t(ctx, "証明書", "Certificate")
	case "ssh", "ftp", "telnet", "smtp", "pop3":
		return t(ctx, "接続のあいさつ", "Banner")
	case "smb":
		return t(ctx, "ファイル共有", "File sharing")
	case "rdp":
		return t(ctx, "画面の遠隔操作", "Remote desktop")
	case "ipp":
		return t(ctx, "プリンタの答え", "Printer")
	case "dicom":
		return t(ctx, "画像のやりとり", "DICOM")
	case "topology", "port":
		return t(ctx, "つながる場所", "Where it is")
	case "tcp":
		return t(ctx, "開いている口", "Open port")
	case "vnc":
		return t(ctx, "画面の遠隔操作", "Remote screen")
	case "db", "mysql", "postgres", "redis", "mongodb":
		return t(ctx, "データベースの答え", "Database")
	case "self":
		return t(ctx, "この機械", "This machine")
	case "os":
		return t(ctx, "OSの版", "Operating system")
	case "ledger":
		return t(ctx, "台帳", "Ledger")
	}
	return signal
}

// valueText writes a device's stored value in words.
func valueText(ctx context.Context, field, value string) string {
	switch {
	case field == "kind":
		return KindText(value).For(ctx)
	case field == "modality":
		if w, ok := modalities[value]; ok {
			return w.For(ctx)
		}
	case field == "medical" && value == "true":
		return t(ctx, "はい", "yes")
	case field == "medical" && value == "false":
		return t(ctx, "いいえ", "no")
	}
	return value
}

// SignalText is a plain name for a signal, for other texts than pages.
func SignalText(ctx context.Context, signal string) string { return signalText(ctx, signal) }

func says(ctx context.Context, r ledger.Reason) string {
	if i18n.From(ctx) == i18n.En {
		return first(r.SaysEn, r.Says)
	}
	return first(r.Says, r.SaysEn)
}

func frameText(ctx context.Context, f gate.Frame) (name, what string) {
	for _, d := range gate.Frames() {
		if d.Frame == f {
			return d.Name.For(ctx), d.What.For(ctx)
		}
	}
	return string(f), ""
}

func deviceLink(id netid.DeviceID, name string) Link {
	return Link{Text: name, URL: DevicePath(id, "")}
}

func deviceID(s string) netid.DeviceID { return netid.DeviceID(s) }
