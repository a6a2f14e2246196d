package page

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image/png"
	"net/netip"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/pquerna/otp/totp"

	"kenshin/actor"
	"kenshin/drill"
	"kenshin/drill/mailbox"
	"kenshin/gate"
	"kenshin/ledger"
	"kenshin/netid"
)

// The samples are a fictitious hospital: enough of everything that each page shows its ordinary, its empty and its troubled state.

var (
	tokyo = time.FixedZone("JST", 9*3600)
	now   = time.Date(2026, 11, 21, 9, 14, 0, 0, tokyo)
)

func frame() Shell {
	return Shell{Path: "/", Facility: "見本病院", FacilityID: "f1", Facilities: []Option{{Value: "f1", Text: "見本病院(199床)"}, {Value: "f2", Text: "見本診療所"}},
		Person: "佐藤 恵", Role: actor.Admin, Demo: true, Findings: 7, Now: now, Version: "0.1.0"}
}

func mac(s string) netid.MAC {
	m, err := netid.ParseMAC(s)
	if err != nil {
		panic(err)
	}
	return m
}

func before(d time.Duration) time.Time { return now.Add(-d) }

func sampleDevice(id, name, kind, maker, os, place, ip, hw string, change func(*ledger.Device)) *ledger.Device {
	d := &ledger.Device{ID: netid.DeviceID(id), State: ledger.Registered, Word: ledger.Word{Name: name, Floor: place},
		Identity:  ledger.Identity{Kind: kind, Maker: maker, OS: os, Confidence: 0.93, Name: name, Version: "identify 2026-11"},
		FirstSeen: before(60 * 24 * time.Hour), LastSeen: before(30 * time.Second), Revision: 4}
	d.Interfaces = []ledger.Interface{{MAC: mac(hw), IPv4: []netip.Addr{netip.MustParseAddr(ip)}, LastSeen: before(time.Minute)}}
	if change != nil {
		change(d)
	}
	return d
}

func sampleDevices() []LedgerRow {
	yes := true
	return []LedgerRow{
		{Device: sampleDevice("d1", "gazo-pc1", "modality-workstation", "富士フイルム", "Windows 7", "1F 放射線科", "10.20.8.102", "a8:b2:da:00:00:34", func(d *ledger.Device) {
			d.Word.Number, d.Word.Department, d.Word.Impact, d.Word.Medical = "R-014", "放射線科", ledger.ImpactHigh, &yes
			d.Word.Room, d.Word.Vendor, d.Word.LeaseEnd, d.Word.RemoteType = "操作室", "見本メディカル", "2027-03", "LTE"
			d.Word.OS, d.Word.Notes = "Windows 10", "装置の更新と同時に入れ替え予定"
			d.Word.Extra = map[string]string{"備品番号": "B-2211"}
			d.Identity.Medical = true
			d.Identity.Because = []ledger.Reason{
				{Signal: "oui", Value: "a8:b2:da", Says: "MACの先頭は富士フイルムの番号", SaysEn: "The MAC begins with Fujifilm's number", Weight: 0.8, At: before(time.Hour)},
				{Signal: "dhcp.options", Value: "1,3,6,15,31,33,43,44", Says: "IPのもらい方が Windows 7 以降", SaysEn: "Asks for an address as Windows 7 and later do", Weight: 0.5, At: before(2 * time.Hour)},
				{Signal: "smb.dialect", Value: "6.1.7601", Says: "Windows 7 / 2008 R2 で、SMB1を受け付ける", SaysEn: "Windows 7 / 2008 R2, and accepts SMB1", Weight: 0.9, At: before(26 * time.Hour)},
				{Signal: "dicom", Value: "1.2.276.0.7230010", Says: "通信部品の名前で、装置のメーカーではない", SaysEn: "Names a software part, not the maker of the device", Weight: 0.2},
				{Signal: "topology", Value: "sw-1f / ge4", Says: "放射線科のスイッチにつながる。となりはCT", SaysEn: "On radiology's switch, beside the CT", Weight: 0.1},
			}
			d.Services = []ledger.Service{{Port: 104, Proto: "tcp", Name: "dicom", Detail: "受け付ける", Last: before(26 * time.Hour)}, {Port: 445, Proto: "tcp", Name: "smb1", Detail: "Windows 7 Professional 7601", Last: before(26 * time.Hour)}}
			d.Summary = ledger.Summary{Findings: 2, Worst: 4, Switch: "d6", Port: "ge4"}
			d.Interfaces = append(d.Interfaces, ledger.Interface{MAC: mac("a8:b2:da:00:00:35"), LastSeen: before(48 * time.Hour)})
		}), Switch: "sw-1f", Protected: true, Conflicts: 1},
		{Device: sampleDevice("d2", "karte-sv", "server", "富士通", "Windows Server 2022", "サーバ室", "10.20.0.20", "00:0b:5d:00:00:01", func(d *ledger.Device) { d.Summary.Port = "ge5" }), Switch: "sw-core", Examined: before(26 * time.Hour)},
		{Device: sampleDevice("d3", "", "pc", "Intel", "", "2F 病棟", "10.20.1.172", "f4:4d:30:00:00:02", func(d *ledger.Device) {
			d.State, d.Identity.Confidence, d.LastSeen = ledger.New, 0.62, before(3*time.Minute)
		}), Switch: "sw-2f"},
		{Device: sampleDevice("d4", "echo-1", "modality", "見本アロカ", "", "2F 病棟", "10.20.1.31", "00:09:5c:00:00:03", func(d *ledger.Device) {
			d.Identity.Medical, d.Identity.Modality = true, "us"
		}), Protected: true},
		{Device: sampleDevice("d5", "mfp-jimu", "mfp", "リコー", "", "1F 事務", "10.20.0.41", "00:26:73:00:00:04", func(d *ledger.Device) { d.Word.Model = "IM C3000" }), Examined: before(26 * time.Hour)},
		{Device: sampleDevice("d6", "sw-1f", "switch", "アラクサラ", "", "1F EPS", "10.20.0.3", "00:12:e2:00:00:05", func(d *ledger.Device) { d.Summary.Switch, d.Summary.Port = "d9", "ge2" }), Switch: "sw-core"},
		{Device: sampleDevice("d7", "", "tablet", "", "Android", "2F 病棟", "10.20.1.196", "da:a1:19:00:00:06", func(d *ledger.Device) {
			d.State, d.Identity.Random, d.Identity.Confidence, d.LastSeen = ledger.New, true, 0.71, before(12*time.Minute)
		}), Switch: "ap-2f"},
		{Device: sampleDevice("d8", "camera-genkan", "ip-camera", "Axis", "", "玄関", "10.20.0.50", "00:40:8c:00:00:07", func(d *ledger.Device) { d.Summary = ledger.Summary{Findings: 1, Worst: 2} })},
		{Device: sampleDevice("d9", "nurse-pc1", "pc", "Dell", "Windows 11", "2F 病棟", "10.20.1.149", "8c:47:be:00:00:08", func(d *ledger.Device) {
			d.Word.Model, d.LastSeen = "OptiPlex 3080", before(40*24*time.Hour)
		})},
	}
}

func sampleFindings() []FindingRow {
	return []FindingRow{
		{ID: "x1", Title: "放射線科のPC「gazo-pc1」が、とても古い共有方式(SMB1)を使っています", Why: "ランサムウェアが院内で広がるときに使う入口です。装置の保守会社に「SMB1を止められますか」と聞いてください。聞く文面は用意してあります。",
			Severity: 4, Device: Link{"gazo-pc1", "/devices/d1"}, Place: "放射線科", Meta: "聞くだけ 5分", Due: now.Add(7 * 24 * time.Hour), Found: before(26 * time.Hour), State: "open", Action: "文面を見る"},
		{ID: "x2", Title: "玄関のカメラ「camera-genkan」が、暗号なしの操作口(Telnet)を開いています", Why: "パスワードがそのまま流れます。使っていなければ、設定で止められます。",
			Severity: 3, Device: Link{"camera-genkan", "/devices/d8"}, Place: "玄関", Meta: "10分", Due: now.Add(14 * 24 * time.Hour), Found: before(26 * time.Hour), State: "waiting", Owner: "施設課 木村"},
		{ID: "x3", Title: "台帳にない機器が2台つながりました", Why: "2F病棟のスイッチと無線に1台ずつ。持ち主が分かれば登録、分からなければ見に行きます。",
			Severity: 2, Device: Link{"新しい機器", "/devices?chip=new"}, Place: "2F 病棟", Meta: "10分", Found: before(17 * time.Hour), State: "open", Action: "確かめる"},
		{ID: "x4", Title: "「gazo-pc1」のOSは、サポートが終わっています(令和2年1月)", Why: "新しい弱点が見つかっても直してもらえません。更新できないときは、離れた区画に置きます。",
			Severity: 2, Device: Link{"gazo-pc1", "/devices/d1"}, Place: "放射線科", Found: before(50 * 24 * time.Hour), State: "accepted", Owner: "放射線科 山田"},
		{ID: "x5", Title: "PC「nurse-pc1」を40日見ていません", Why: "しまってあるなら「廃棄」か置き場所を記入します。なくなったなら、届け出が要ります。", Severity: 1, Device: Link{"nurse-pc1", "/devices/d9"}, Place: "2F 病棟", Meta: "3分", Found: before(10 * 24 * time.Hour), State: "open"},
	}
}

func sampleChanges() []Change {
	return []Change{
		{At: before(17 * time.Hour), Who: "あいさつ(ARP)", What: "新しい機器が2台つながりました(2F 病棟)"},
		{At: before(20 * time.Hour), Who: "佐藤 恵", What: "gazo-pc1 の種類を「PC」から「画像処理用PC」に変えました", Undo: "/undo/1"},
		{At: before(26 * time.Hour), Who: "ファイル共有", What: "gazo-pc1 が SMB1 を受け付けました"},
	}
}

func sampleSweeps() []SweepRow {
	return []SweepRow{
		{ID: "s2", Segments: []string{"2階病棟", "放射線"}, State: "running", Started: before(74 * time.Second), By: "佐藤 恵", Percent: 62, Found: 118, New: 2, Findings: 3, Frames: 2841},
		{ID: "s1", Segments: []string{"事務", "2階病棟", "放射線"}, State: "incomplete", Started: before(26 * time.Hour), Finished: before(26*time.Hour - 143*time.Second), By: "予定(毎日 7:14)", Percent: 100, Found: 403, New: 3, Findings: 7, Frames: 9120, Says: "スイッチ sw-2f がSNMPに答えなかったため、病棟の口の番号は前回のままです。"},
		{ID: "s0", Segments: []string{"事務"}, State: "stopped", Started: before(50 * time.Hour), Finished: before(50*time.Hour - 20*time.Second), By: "佐藤 恵", Percent: 34, Found: 31, Frames: 402},
	}
}

func sampleSegments() []gate.Segment {
	return []gate.Segment{
		{ID: "g1", Name: "事務", Prefix: netip.MustParsePrefix("10.20.0.0/24"), Interface: "eth0", Purpose: "事務のPCと複合機", Pace: gate.Normal, Approved: true, ApprovedBy: "佐藤 恵", ApprovedAt: before(30 * 24 * time.Hour)},
		{ID: "g2", Name: "2階病棟", Prefix: netip.MustParsePrefix("10.20.1.0/24"), Interface: "eth0.20", Purpose: "看護の端末とナースコール", Medical: true, Pace: gate.Gentle, Hours: gate.Hours{From: 1200, To: 360}, Listen: true, Approved: true, ApprovedBy: "佐藤 恵", ApprovedAt: before(30 * 24 * time.Hour)},
		{ID: "g3", Name: "放射線", Prefix: netip.MustParsePrefix("10.20.8.0/24"), Routed: true, Purpose: "CT、MRI、PACS", Medical: true, Pace: gate.Gentle, Approved: true, ApprovedBy: "佐藤 恵", ApprovedAt: before(3 * 24 * time.Hour)},
	}
}

func sampleSent() []SentRow {
	return []SentRow{
		{Frame: gate.ARPRequest, Device: Link{"gazo-pc1", "/devices/d1"}, Count: 1840, Last: before(time.Minute)},
		{Frame: gate.TCPConnect, Device: Link{"karte-sv", "/devices/d2"}, Count: 412, Refused: 36, Why: "医療機器なので守っています。", Last: before(time.Minute)},
		{Frame: gate.SNMPGet, Device: Link{"sw-1f", "/devices/d6"}, Count: 96, Last: before(2 * time.Minute)},
	}
}

func sampleDays() []Day {
	var out []Day
	for i := range 60 {
		count := 4 + i*7%19
		if i == 22 || i == 23 || i == 41 {
			count = 0
		}
		out = append(out, Day{Date: before(time.Duration(59-i) * 24 * time.Hour), Count: count})
	}
	return out
}

func sampleTOTP(t testing.TB) *TOTP {
	t.Helper()
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Kenshin", AccountName: "sato@example.jp", Secret: []byte("sample-sample-sample")})
	if err != nil {
		t.Fatal(err)
	}
	img, err := key.Image(208, 208)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return &TOTP{Image: "data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes()), Secret: "ONQW 24DM MUWX GYLN OBWG K"}
}

// sample is one page of the gallery.
type sample struct {
	name string
	page func(Shell) templ.Component
}

func deviceSample() DeviceView {
	rows := sampleDevices()
	f := sampleFindings()
	return DeviceView{Device: rows[0].Device, Conflicts: []ledger.Conflict{{Field: "os", Said: "Windows 10", Measured: "Windows 7"}},
		Findings: []FindingRow{f[0], f[3]}, SwitchName: "sw-1f", PortSeen: before(2 * time.Hour), Segments: []Link{{"放射線", "/segments/g3"}}, Systems: []Link{{"PACS", "/systems/y2"}},
		Vendor: &VendorCard{Name: "見本メディカル", URL: "/vendors/v1", Contact: "保守窓口", Phone: "03-0000-0000", Hours: "24時間"},
		CutOff: "sw-1f の ge4 の線を抜く前に、放射線技師(内線 214)へ。CTの撮影は続けられますが、画像が送れません。", Protected: "人が「医療機器」と記入しました。",
		Sent:      []SentRow{{Frame: gate.ARPRequest, Count: 212, Last: before(time.Minute)}, {Frame: gate.TCPConnect, Refused: 36, Why: "医療機器なので守っています。", Last: before(26 * time.Hour)}},
		Sightings: sampleDays(), History: sampleChanges(), HistoryMore: true,
		Files: Files{Add: "/x", List: []Attachment{{ID: "a1", Name: "保守契約書.pdf", Bytes: 482133, By: "佐藤 恵", At: before(90 * 24 * time.Hour), URL: "/x", Remove: "/y"}}}}
}

func sampleMembers() []Member {
	return []Member{
		{ID: "p1", Name: "佐藤 恵", Email: "sato@example.jp", Role: actor.Admin, Second: "passkey", LastSeen: now, Sessions: 2, Self: true},
		{ID: "p2", Name: "院長 高橋", Email: "takahashi@example.jp", Role: actor.Director, Second: "totp", LastSeen: before(50 * time.Hour), Sessions: 0},
		{ID: "p3", Name: "放射線科 山田", Email: "yamada@example.jp", Role: actor.Department, LastSeen: before(3 * time.Hour), Sessions: 1},
		{ID: "p4", Name: "県医師会 支援室", Email: "desk@example.jp", Role: actor.Desk, Until: now.AddDate(0, 4, 0), Second: "totp"},
	}
}

func ids(prefix string, count int) []string {
	var out []string
	for i := range count {
		out = append(out, fmt.Sprintf("%s-%04d-%04d", prefix, i*7919%10000, i*104729%10000))
	}
	return out
}

func sampleScanners() DrillScannersView {
	at := time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)
	return DrillScannersView{Said: []drill.Scanner{{ID: "s1", Net: netip.MustParsePrefix("198.51.100.0/24"), Note: "クラウドのメール検査。業者の資料(2026年11月)", Last: at}, {ID: "s2", Agent: "SafeGate-Check", Note: "院内の検査装置", Last: at}},
		Learned: []drill.Scanner{{ID: "s3", Net: netip.MustParsePrefix("203.0.113.9/32"), Agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36", Learned: true, Inside: true, Hits: 12, First: at, Last: at}},
		Agent:   "Chrome", Errors: Errors{"agent": "職員が使うブラウザーやメールソフトの名前にも入っている文字です。"}}
}

func sampleDrillSettings() DrillSettingsView {
	s := drill.DefaultSettings()
	s.Domain, s.Base, s.Contact, s.ReportTo = "kunren.hospital.example.jp", "https://drill.hospital.example.jp", "情報システム室 内線 1234", "report@hospital.example.jp"
	s.Extension = "1234"
	s.Mailbox = drill.Mailbox{Host: "imap.hospital.example.jp", User: "report@hospital.example.jp", After: mailbox.Move, MoveTo: "Kenshin済み"}
	return DrillSettingsView{Settings: s, Text: map[string]string{"per_day": "2000", "apart": "14", "nameless": "180", "lines": "1", "quiet": "10", "hours": "09:00-16:30"}, HasSecret: map[string]bool{},
		Box: &MailboxView{Mailbox: s.Mailbox, HasSecret: true, Health: drill.MailboxHealth{Set: true, Connected: before(3 * time.Hour), LastMail: before(12 * time.Minute), Taken: 42}, Tried: true,
			Found: mailbox.State{Messages: 61, Since: 4, Newest: before(12 * time.Minute), Idle: true}}}
}
