package page

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"kenshin/actor"
	"kenshin/drill"
	"kenshin/drill/button"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/internal/browsertest"
	"kenshin/ledger"
	"kenshin/web/asset"
)

func TestMain(m *testing.M) { os.Exit(browsertest.Main(m)) }

// strict is the content security policy that the server sends; a page that needs more is wrong.
const strict = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// gallery is every page, in the states that people meet.
func gallery(t testing.TB) []sample {
	rows := sampleDevices()
	finds := sampleFindings()
	var tasks []Task
	for _, f := range finds {
		tasks = append(tasks, f.task(t.Context()))
	}
	counts := map[string]int{"": 415, "new": 2, "medical": 61, "findings": 12, "unsupported": 9, "unseen": 14, "ownerless": 22, "conflict": 1, "retired": 8}
	segs := sampleSegments()
	proposed := gate.Segment{ID: "g9", Prefix: segs[1].Prefix, Interface: "eth1"}
	vendor := Vendor{ID: "v1", Name: "見本メディカル", Contract: "放射線機器の保守", From: "2025-04-01", Until: "2027-03-31", Remote: "LTE", Devices: 12, Systems: 1,
		Contacts: []Contact{{"保守窓口", "夜間も", "03-0000-0000", "support@example.jp", "24時間"}, {"林", "担当営業", "03-0000-0001", "hayashi@example.jp", "平日 9-17時"}}}
	system := System{ID: "y1", Name: "見本カルテ", Kind: "電子カルテ", Department: "全部門", Vendor: "見本システムズ", Hosting: "onsite", Data: "診療記録、処方、検査結果", Impact: ledger.ImpactHigh, Devices: 84, Findings: 1}
	pacs := System{ID: "y2", Name: "PACS", Kind: "画像", Department: "放射線科", Vendor: "見本メディカル", Hosting: "both", Impact: ledger.ImpactMiddle, Devices: 9, Findings: 3}
	trailRows := []TrailRow{
		{Number: 1284, At: before(12 * time.Minute), Who: "佐藤 恵", Role: "情報担当", What: "区画の健診を始めました", On: Link{"2階病棟、放射線", "/sweeps/s2"}, From: "10.20.0.15"},
		{Number: 1283, At: before(20 * time.Hour), Who: "佐藤 恵", Role: "情報担当", What: "種類を変えました", On: Link{"gazo-pc1", "/devices/d1"}, From: "10.20.0.15"},
		{Number: 1282, At: before(26 * time.Hour), Who: "Kenshin", What: "毎日の封をメールで送りました"},
	}
	live := SweepView{SweepRow: sampleSweeps()[0], Step: "Windowsとファイル共有に、あいさつしています", Pace: gate.Gentle, Addresses: 314, Of: 508, Protected: 14, PerSecond: 44, Left: 48 * time.Second, Sent: sampleSent(),
		Stages: []Stage{{"だれがいるか", "done", "118台が答えました"}, {"スイッチとプリンタに聞く", "done", "SNMPで 9台"}, {"1台ずつ、あいさつ", "running", "87 / 104台。医療機器 14台は飛ばします"}, {"正体を決める", "waiting", ""}, {"弱点を調べる", "waiting", ""}}}
	for i, r := range rows[:6] {
		live.Devices = append(live.Devices, SweepDevice{ID: string(r.ID), Name: r.Name(), Kind: r.Kind(), Medical: r.Medical(), New: r.State == ledger.New, Maker: r.Maker(), IP: address(r.Device), At: before(time.Duration(i*4) * time.Second)})
	}
	done := live
	done.SweepRow = sampleSweeps()[1]
	done.Step = ""
	preview := []PreviewRow{
		{Row: 4, What: "new", Name: "受付PC3", Fields: []FieldChange{{"種類", "", "PC"}, {"場所", "", "1F 受付"}}},
		{Row: 5, What: "changed", Name: "mfp-jimu", Device: Link{"mfp-jimu", "/devices/d5"}, Fields: []FieldChange{{"リース満了", "2026-03-31", "2028-03-31"}}},
		{Row: 6, What: "conflict", Name: "gazo-pc1", Device: Link{"gazo-pc1", "/devices/d1"}, Fields: []FieldChange{{"部屋", "操作室", "読影室"}}},
		{Row: 9, What: "error", Name: "?", Error: "9行目 F列「令和8年13月」: 日付として読めません。"},
	}
	device := deviceSample()
	unlocking := deviceSample()
	unlocking.NotAsked = "IPアドレス 10.20.99.50 は、承認した区画の範囲の外です。見つけただけで、何も聞いていません。機器の設定を直すか、この範囲も当院のものなら「区画」で足して承認してください。"
	unlocking.UnlockForm = UnlockForm{Reason: "", From: "2026-11-21T20:00", Until: "2026-11-23T20:00"}
	unlocking.Errors = Errors{"reason": "理由を書いてください。", "until": "許可は24時間までです。"}
	p := func(name string, make func(Shell) templ.Component) sample { return sample{name, make} }
	return []sample{
		p("home", func(s Shell) templ.Component {
			return HomePage(s, HomeView{Tasks: tasks, TasksAll: 7, Changes: sampleChanges(), Devices: 415, Registered: 398, New: 2, Medical: 61, Unseen: 14, Conflicts: 1, Sweep: &sampleSweeps()[1], Seen: before(20 * time.Second)})
		}),
		p("home-first", func(s Shell) templ.Component {
			s.Findings = 0
			return HomePage(s, HomeView{Next: NextApprove, Proposed: 2})
		}),
		p("home-killed", func(s Shell) templ.Component {
			s.Full = "0.4 GB"
			s.Killed = Kill{On: true, By: "佐藤 恵", At: before(4 * time.Minute)}
			s.Flash = &Flash{Mark: MarkOK, Text: "すべての送信を止めました。"}
			return HomePage(s, HomeView{Next: NextName, Devices: 118, New: 118, Tasks: tasks[:2], TasksAll: 2, Sweep: &sampleSweeps()[0]})
		}),
		p("ledger", func(s Shell) templ.Component {
			return LedgerPage(s, LedgerView{Query: LedgerQuery{Sort: "name"}, Counts: counts, Rows: rows, Pager: Pager{From: 1, To: 9, Total: 415, Next: "/devices?cursor=b"}, Departments: []string{"放射線科", "看護部", "事務"},
				Segments: []Option{{"g1", "事務", ""}}, Vendors: []Option{{"v1", "見本メディカル", ""}}})
		}),
		p("ledger-empty", func(s Shell) templ.Component { return LedgerPage(s, LedgerView{Nothing: true}) }),
		p("ledger-none", func(s Shell) templ.Component {
			s.Role = actor.Auditor
			return LedgerPage(s, LedgerView{Query: LedgerQuery{Q: "zzz", Chip: "new"}, Counts: counts})
		}),
		p("ledger-print", paperOf(9)),
		p("device", func(s Shell) templ.Component { return DevicePage(s, device) }),
		p("device-unlock", func(s Shell) templ.Component { return DevicePage(s, unlocking) }),
		p("device-edit", func(s Shell) templ.Component {
			return DeviceEditPage(s, DeviceForm{Device: rows[0].Device, Word: rows[0].Word, State: rows[0].State, Departments: []string{"放射線科"}, Vendors: []Option{{"v1", "見本メディカル", ""}},
				Errors: Errors{"lease_end": "「令和9年13月」は日付として読めません。"}})
		}),
		p("device-merge", func(s Shell) templ.Component {
			return DeviceMergePage(s, MergeView{Device: rows[8].Device, Candidates: []MergeCandidate{{Device: rows[2].Device, Why: "同じ名前を名のり、同じ日に見え始めました", Refuse: "/merges/m1/refuse"}}})
		}),
		p("device-split", func(s Shell) templ.Component { return DeviceSplitPage(s, SplitView{Device: rows[0].Device}) }),
		p("device-history", func(s Shell) templ.Component {
			return HistoryPage(s, rows[0].Device, sampleChanges(), Pager{From: 1, To: 3, Total: 3})
		}),
		p("drill-scanners", func(s Shell) templ.Component { return DrillScannersPage(s, sampleScanners()) }),
		p("drill-settings", func(s Shell) templ.Component { return DrillSettingsPage(s, sampleDrillSettings()) }),
		p("drill-settings-stopped", func(s Shell) templ.Component {
			v := sampleDrillSettings()
			said := i18n.Text{Ja: "メールサーバ imap.hospital.example.jp:993 がメールボックスへのサインインを断りました。名前とパスワード(またはトークン)を確かめてください。", En: "The mail server imap.hospital.example.jp:993 refused the sign-in to the mailbox. Check user and password (or token)."}
			v.Box.Health = drill.MailboxHealth{Set: true, LastMail: before(26 * time.Hour), Taken: 41, Error: said, ErrorAt: before(2 * time.Hour), Stopped: true}
			v.Box.Tried, v.Box.Failed = true, said.Ja
			return DrillSettingsPage(s, v)
		}),
		p("drill-report-sheet", func(s Shell) templ.Component {
			return ReportSheetPage(s, button.Spec{Hospital: "見本病院", ReportTo: "report@hospital.example.jp"}, "内線 1234")
		}),
		p("findings", func(s Shell) templ.Component {
			return FindingsPage(s, FindingsView{Chips: []Chip{{Text: "未対応", Count: 7, URL: "/findings", On: true}, {Text: "答え待ち", Count: 1, URL: "/findings?state=waiting"}}, Rows: finds, Pager: Pager{From: 1, To: 5, Total: 7}, Swept: true, Covered: "415台のうち 340台を調べました。守っている医療機器 61台は調べていません"})
		}),
		p("findings-empty", func(s Shell) templ.Component { return FindingsPage(s, FindingsView{}) }),
		p("finding", func(s Shell) templ.Component {
			return FindingPage(s, FindingView{FindingRow: finds[0], Fix: []string{"下の文面を、装置の保守会社に送ります。", "止められると返事が来たら、診療のない時間に止めてもらいます。", "止められないときは、この装置を離れた区画に移し、つなぐ相手を決めたものだけにします。"},
				Evidence: []Change{{At: before(26 * time.Hour), Who: "ファイル共有のあいさつ", What: "SMB1を受け付けると答えました(Windows 7 Professional 7601)"}}, Check: "smb1 · 2026-11",
				Vendor: device.Vendor, Letter: "見本メディカル 保守窓口 御中\n\nいつもお世話になっております。見本病院 情報担当の佐藤です。\n貴社の画像処理用PC(管理番号 R-014)が、ファイル共有の古い方式(SMB1)を受け付けています。\n次の3点を教えてください。\n 1. SMB1を止めても、装置の動作に差し支えないか\n 2. 止める作業をお願いできる日時\n 3. 止められない場合の、ほかの守り方", History: sampleChanges()[:1]})
		}),
		p("sweeps", func(s Shell) templ.Component {
			return SweepsPage(s, SweepsView{Rows: sampleSweeps(), Segments: segs, Chosen: []string{"g1", "g2"}, Pager: Pager{From: 1, To: 3, Total: 3}})
		}),
		p("sweeps-empty", func(s Shell) templ.Component { return SweepsPage(s, SweepsView{}) }),
		p("sweep-live", func(s Shell) templ.Component {
			s.Sweep = &Running{ID: "s2", Percent: 62}
			return SweepPage(s, live)
		}),
		p("sweep-done", func(s Shell) templ.Component { return SweepPage(s, done) }),
		p("segments", func(s Shell) templ.Component {
			return SegmentsPage(s, SegmentsView{Proposed: []gate.Segment{proposed}, Approved: []SegmentRow{{segs[0], 143, before(26 * time.Hour), true}, {segs[1], 208, before(26 * time.Hour), false}, {segs[2], 64, time.Time{}, true}},
				Unlocks: []UnlockRow{{UnlockView{ID: "u1", Reason: "山田技師と確認。今夜の点検時間", By: "佐藤 恵", From: now, Until: now.Add(5 * time.Hour)}, Link{"gazo-pc1", "/devices/d1"}, "/x"}}, Sent: sampleSent()})
		}),
		p("segment-approve", func(s Shell) templ.Component {
			return SegmentPage(s, SegmentForm{Segment: proposed, Errors: Errors{"medical": "医療機器がいるかどうかを選んでください。"}})
		}),
		p("segment", func(s Shell) templ.Component {
			return SegmentPage(s, SegmentForm{Segment: segs[1], Medical: "yes", From: "20:00", To: "06:00", HasSNMP: true, SNMP: "keep", Router: "10.20.0.1"})
		}),
		p("frames", func(s Shell) templ.Component {
			return FramesPage(s, FramesView{Hours: []Option{{"2026-11-21T09", "きょう 9時台", ""}}, Rows: sampleSent(), Total: 2348, Pager: Pager{From: 1, To: 3, Total: 3}})
		}),
		p("systems", func(s Shell) templ.Component { return SystemsPage(s, SystemsView{Rows: []System{system, pacs}}) }),
		p("systems-empty", func(s Shell) templ.Component { return SystemsPage(s, SystemsView{}) }),
		p("system", func(s Shell) templ.Component {
			return SystemPage(s, SystemView{System: system, Members: []*ledger.Device{rows[1].Device, rows[8].Device}, Card: device.Vendor, History: sampleChanges()[:1]})
		}),
		p("system-edit", func(s Shell) templ.Component {
			return SystemEditPage(s, SystemForm{System: system, Vendors: []Option{{"v1", "見本メディカル", ""}}, Devices: []Option{{"d2", "karte-sv", "サーバ"}, {"d9", "nurse-pc1", "PC"}}, Chosen: []string{"d2"}})
		}),
		p("vendors", func(s Shell) templ.Component { return VendorsPage(s, VendorsView{Rows: []Vendor{vendor}}) }),
		p("vendor", func(s Shell) templ.Component {
			return VendorPage(s, VendorView{Vendor: vendor, Members: []*ledger.Device{rows[0].Device, rows[3].Device}, SystemLinks: []Link{{"PACS", "/systems/y2"}}, Files: device.Files})
		}),
		p("vendor-edit", func(s Shell) templ.Component { return VendorEditPage(s, VendorForm{Vendor: vendor}) }),
		p("import-1-file", func(s Shell) templ.Component {
			return ImportsPage(s, ImportsView{MaxBytes: 50 << 20, Past: []ImportRow{{"i1", "医療機器台帳_R7.xlsx", "done", "佐藤 恵", before(72 * time.Hour), 61, 12}}, Errors: Errors{"file": "このファイルにはパスワードがかかっています。Excelで外してから、もう一度選んでください。"}})
		}),
		p("import-2-sheet", func(s Shell) templ.Component {
			return SheetPage(s, SheetView{ID: "i2", File: "機器台帳.xlsx", Sheets: []SheetChoice{{"台帳", 312}, {"廃棄", 20}}, Sheet: "台帳", Header: 3, Rows: [][]string{{"見本病院 機器台帳", "", "", ""}, {"", "設置", "", "ネットワーク"}, {"機器名", "部門", "場所", "IPアドレス"}, {"受付PC3", "医事課", "1F 受付", "10.20.0.77"}}})
		}),
		p("import-3-columns", func(s Shell) templ.Component {
			return ColumnsPage(s, ColumnsView{ID: "i2", File: "機器台帳.xlsx", Key: "行は、MACアドレス、管理番号、IPの順で、台帳の機器と結び付けます。", Fields: []Option{{"", "取り込まない", ""}, {"extra", "そのままの名前で残す", ""}, {"name", "名前", ""}, {"department", "部門", ""}, {"room", "部屋", ""}, {"ip_text", "IPアドレス", ""}},
				Columns: []ImportColumn{{1, "機器名", []string{"受付PC3", "mfp-jimu"}, "name", 0.97, false}, {2, "設置 部門", []string{"医事課", "事務"}, "department", 0.9, false}, {3, "設置 場所", []string{"1F 受付"}, "room", 0.6, false}, {4, "備考2", []string{"R5購入"}, "extra", 0, false}, {5, "", nil, "", 0, true}}})
		}),
		p("import-4-preview", func(s Shell) templ.Component {
			return PreviewPage(s, PreviewView{ID: "i2", File: "機器台帳.xlsx", New: 42, Changed: 13, Same: 250, Conflict: 5, Failed: 2, Rows: preview, Pager: Pager{From: 1, To: 4, Total: 312}})
		}),
		p("import-5-apply", func(s Shell) templ.Component {
			return ApplyPage(s, ApplyView{ImportRow: ImportRow{"i2", "機器台帳.xlsx", "done", "佐藤 恵", before(time.Minute), 42, 13}, Percent: 100, Done: 312, All: 312, Failed: preview[3:], CanUndo: true})
		}),
		p("people", func(s Shell) templ.Component {
			return PeoplePage(s, PeopleView{Members: sampleMembers(), Invites: []Invite{{"n1", "kimura@example.jp", actor.Department, now.AddDate(0, 0, 6), "/x"}},
				Tokens: []Token{{"k1", "部門システムの台帳連携", actor.Auditor, now.AddDate(1, 0, 0), before(2 * time.Hour), "佐藤 恵"}}, NewToken: "kst_3f9a7b1c5d", TokenForm: InviteForm{Role: actor.Auditor}})
		}),
		p("me", func(s Shell) templ.Component {
			return MePage(s, MeView{Name: "佐藤 恵", Email: "sato@example.jp", MinLength: 13, TOTP: true, Recovery: 8, Passkeys: []Passkey{{"k", "情報室のPC", before(900 * time.Hour), before(time.Hour)}},
				Sessions: []Session{{"1", "Edge · 10.20.0.15", before(3 * time.Hour), now, true}, {"2", "Chrome(タブレット) · 10.20.1.9", before(30 * time.Hour), before(28 * time.Hour), false}}})
		}),
		p("trail", func(s Shell) templ.Component {
			return TrailPage(s, TrailView{Rows: trailRows, Whats: []Option{{"sweep", "健診", ""}}, Size: 1284, Root: "Vh3a…9Q=", Older: "/trail?before=1282", Verify: &TrailVerify{OK: true, At: now, Entries: 1284, Says: "11月20日の封とも合っています。"}})
		}),
		p("jobs", func(s Shell) templ.Component {
			return JobsPage(s, JobsView{Chips: []Chip{{Text: "すべて", Count: 3, URL: "/jobs", On: true}}, Pager: Pager{From: 1, To: 3, Total: 3}, Rows: []JobRow{
				{ID: "j1", Name: "健診 2階病棟、放射線", State: "running", Percent: 62, Says: "314 / 508 のアドレス", Started: before(time.Minute), By: "佐藤 恵", Open: Link{"", "/sweeps/s2"}, CanCancel: true},
				{ID: "j2", Name: "取り込み 機器台帳.xlsx", State: "done", Percent: 100, Started: before(3 * time.Hour), By: "佐藤 恵"},
				{ID: "j3", Name: "毎日の封をメールで送る", State: "failed", Percent: -1, Attempt: 5, Says: "メールの機械につながりません。設定の「お知らせ」を確かめてください。", Started: before(26 * time.Hour), By: "Kenshin", CanRetry: true}}})
		}),
		p("settings", func(s Shell) templ.Component {
			return SettingsPage(s, SettingsView{Facility: "見本病院", Beds: "199", SessionMinutes: "30", PasswordLength: "13", RetentionDays: "400", Address: "https://kenshin.example.lan:8443", TLS: "この製品が作った証明書", Fingerprint: "3A:91:5C:77:0E:42:AB:10:9F:66:D2:C4:0B:8E:71:55", CAURL: "/ca.crt", Database: "SQLite", DataBytes: 48 << 20, Version: "0.1.0",
				Right: "この機械にはパケットを聞く権利(CAP_NET_RAW)がないため、ARPの問い合わせができません。管理者が setcap cap_net_raw+ep kenshin を一度実行してください。"})
		}),
		p("help", HelpPage),
		p("fault", func(s Shell) templ.Component {
			return FaultPage(s, FaultView{Status: 409, Sentence: "この区画は、ほかの人が先に承認を取り消しました。", ID: "7F3A-92C1", Inside: true, Back: "/segments"})
		}),
		p("door-fault", func(s Shell) templ.Component {
			return FaultPage(s, FaultView{Status: 500, Sentence: "処理の途中で問題が起きました。", ID: "7F3A-92C1"})
		}),
		p("door-signin", func(s Shell) templ.Component { return SignInPage(s, SignInView{Facility: "見本病院"}) }),
		p("door-expired", func(s Shell) templ.Component {
			return SignInPage(s, SignInView{Email: "sato@example.jp", Expired: true, Error: "メールかパスワードが違います。あと3回まちがえると、15分のあいだ入れません。"})
		}),
		p("door-second", func(s Shell) templ.Component { return SecondPage(s, SecondView{App: true, Passkey: true}) }),
		p("door-recovery", func(s Shell) templ.Component { return SecondPage(s, SecondView{Recovery: true}) }),
		p("door-invite", func(s Shell) templ.Component {
			return InvitePage(s, InviteView{URL: "/invite/x", Facility: "見本病院", Email: "kimura@example.jp", Role: actor.Department, MinLength: 13})
		}),
		p("setup-1-code", func(s Shell) templ.Component { return SetupPage(s, SetupView{Step: "code"}) }),
		p("setup-2-facility", func(s Shell) templ.Component { return SetupPage(s, SetupView{Step: "facility"}) }),
		p("setup-3-admin", func(s Shell) templ.Component { return SetupPage(s, SetupView{Step: "admin", MinLength: 13}) }),
		p("setup-4-second", func(s Shell) templ.Component {
			return SetupPage(s, SetupView{Step: "second", TOTP: sampleTOTP(t)})
		}),
		p("setup-5-done", func(s Shell) templ.Component {
			return SetupPage(s, SetupView{Step: "done", Codes: ids("k", 8)})
		}),
	}
}

// paperOf is the ledger for paper with so many devices.
func paperOf(devices int) func(Shell) templ.Component {
	return func(s Shell) templ.Component { return LedgerPrintPage(s, printed(devices)) }
}

// serve answers /page/LANG/NAME with a page of the gallery under the strict policy.
func serve(t *testing.T, pages []sample) string {
	mux := http.NewServeMux()
	mux.Handle("GET "+asset.Prefix, asset.Handler())
	for _, p := range pages {
		mux.HandleFunc("GET /page/{lang}/"+p.name, func(w http.ResponseWriter, r *http.Request) {
			s := frame()
			s.Path = r.URL.Path
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", strict)
			ctx := i18n.With(r.Context(), i18n.Parse(r.PathValue("lang")))
			if err := p.page(s).Render(ctx, w); err != nil {
				t.Errorf("%s: %v", p.name, err)
			}
		})
	}
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /sweeps/s2/live", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /jobs/live", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// Every page, in both languages, breaks neither the policy nor an accessibility rule. With KENSHIN_SHOTS set it leaves a picture of
// each page and prints of those that people print.
func TestGallery(t *testing.T) {
	if testing.Short() {
		t.Skip("pages in a browser take a minute")
	}
	pages := slices.Concat(gallery(t), deskSamples(), catalogueSamples(t), assessSamples(t))
	tab := browsertest.Open(t)
	url := serve(t, pages)
	picture := os.Getenv("KENSHIN_SHOTS") != ""
	only := os.Getenv("KENSHIN_PAGE")
	for _, p := range pages {
		if only != "" && !strings.HasPrefix(p.name, only) {
			continue
		}
		for _, lang := range []string{"ja", "en"} {
			name := p.name + "." + lang
			tab.Go(url + "/page/" + lang + "/" + p.name)
			tab.Axe(name)
			if wide := browsertest.Run(tab, overflow); wide != "" {
				t.Errorf("%s: wider than the window: %s", name, wide)
			}
			if picture && (lang == "ja" || only != "") {
				tab.Full(name)
			}
		}
	}
	if picture {
		for _, name := range []string{"ledger", "device", "home", "help", "drill-plan", "drill-roll", "assess-form"} {
			if only != "" && !strings.HasPrefix(name, only) {
				continue
			}
			tab.Go(url + "/page/ja/" + name)
			tab.PrintPDF(name)
		}
	}
}
