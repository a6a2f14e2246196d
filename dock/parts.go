package dock

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/jp"
	"kenshin/ledger"
)

// packing puts the parts of a pack together.
type packing struct {
	*Book
	f    facility.ID
	p    *Pack
	s    *Snapshot
	zone *time.Location

	names map[string]string // of systems and vendors, by id
}

func (w *packing) add(p Part) { w.p.Parts = append(w.p.Parts, p) }

func (w *packing) all(ctx context.Context) (err error) {
	if w.names, err = w.Book.names(ctx, w.f); err != nil {
		return err
	}
	w.cover()
	w.form()
	w.grounds()
	w.open()
	w.vendors()
	for _, part := range []func(context.Context) error{w.contacts, w.network, w.devices, w.training, w.continuity, w.backups, w.remarks} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	w.chain()
	return nil
}

func (w *packing) cover() {
	s := w.s
	p := Part{ID: "cover", Title: "立入検査 点検資料", Says: []string{"この資料は、医療機関の自己点検を助けるためにKenshin（ネットワーク健診）が作りました。基準への適合を証明するものではありません。"},
		Columns: []Column{{"", 26}, {"", 74}}}
	row := func(k, v string) { p.Rows = append(p.Rows, []string{k, v}) }
	row("医療機関", s.Facility.Name)
	if s.Facility.Address != "" {
		row("所在地", s.Facility.Address)
	}
	if s.Facility.Beds > 0 {
		row("病床数", strconv.Itoa(s.Facility.Beds)+"床")
	}
	if s.Facility.Demo {
		row("ご注意", "見本データです。実在しない病院です。")
	}
	row("点検した日", wareki(s.Day)+numbered(s))
	row("資料を作った日", jp.Wareki(w.p.Made.In(w.zone))+"　"+w.p.By)
	row("経営者の承認", cmp.Or(w.p.Approved, "まだありません"))
	if form, ok := s.Checklist(); ok {
		row("使った点検表", form.Title.Ja+"　"+form.Edition+mark(form.Standing))
		row("点検表について", form.Basis.Ja)
		if last, over := s.Over(); over {
			row("この版の期間", jp.Wareki(last)+"に終わりました。"+overSays)
		}
		row("1回目（すべてに答えた）", rounds(form.First))
		row("2回目（すべて「はい」か対象外）", rounds(form.Second))
	}
	if s.Level.Gates > 0 {
		row("ネットワーク統制のレベル", fmt.Sprintf("申告では%s、証拠では%s", level(s.Level.Claimed), level(s.Level.Evidenced)))
	}
	row("印の読み方", legend())
	row("要確認・独自", "「要確認」は公式の文面か番号をまだ確かめていないもの、「独自」は公式の様式にないKenshinの質問です。")
	w.add(p)
}

// overSays is what is done about an edition whose year has ended.
const overSays = "次の年度の版をKenshinに読み込むまで、この版で今の状態を点検しています。目標日は、答えた年度の中で決めています。"

func numbered(s *Snapshot) string {
	if s.Number == 0 {
		return "（確定前の現在の状態）"
	}
	return fmt.Sprintf("（第%d回 %s）", s.Number, s.Kind.Label().Ja)
}

func level(l int) string { return assess.Level(l).Label().Ja }

func mark(s catalogue.Standing) string {
	if l := s.Label().Ja; l != "" {
		return "【" + l + "】"
	}
	return ""
}

// sign is a state's mark on paper: Japanese fonts have no hourglass, which comes out as an empty box.
func sign(s State) string { return strings.Replace(s.Mark(), "⌛", "◇", 1) }

func signed(i *Item) string { return sign(i.State) + " " + i.State.Label().Ja }

func rounds(r Round) string {
	if r.Total > 0 && r.Ready == r.Total {
		return fmt.Sprintf("済み（%d項目）", r.Total)
	}
	return fmt.Sprintf("%d項目のうち%d項目", r.Total, r.Ready)
}

func legend() string {
	var out []string
	for _, s := range assess.States() {
		out = append(out, sign(StateOf(s))+" "+s.Label().Ja)
	}
	return strings.Join(out, "　")
}

// form is the checklist in its own order: what was answered, when, and by when what is missing.
func (w *packing) form() {
	form, ok := w.s.Checklist()
	if !ok {
		return
	}
	says := []string{form.Title.Ja}
	if last, over := w.s.Over(); over {
		says = append(says, "この版の期間は"+jp.Wareki(last)+"に終わりました。"+overSays)
	}
	p := Part{ID: "form", Title: "点検表", Says: says, Columns: formColumns(form.rounds()), Empty: "項目がありません。"}
	for _, section := range form.Sections {
		p.Rows = append(p.Rows, []string{strings.TrimSpace(section.ID + " " + section.Title.Ja)})
		for i := range form.Items {
			if form.Items[i].Section == section.ID {
				p.Rows = append(p.Rows, formRow(&form.Items[i], form.rounds()))
			}
		}
	}
	w.add(p)
}

// rounds is how many dated rounds the form prints; docks that were sealed before it was kept had two.
func (f *Form) rounds() int {
	if f.Rounds == 0 {
		return 2
	}
	return f.Rounds
}

// formColumns: every round has its answer and its day; the target day belongs to the first, in which いいえ may still stand.
func formColumns(rounds int) []Column {
	out := []Column{{"番号", 5}, {"確認項目", 26}, {"期限", 9}}
	for n := 1; n <= rounds; n++ {
		out = append(out, Column{fmt.Sprintf("%d回目", n), 7}, Column{"確認日", 11})
		if n == 1 {
			out = append(out, Column{"目標日", 11})
		}
	}
	return append(out, Column{"状態", 13})
}

// roundsOf spreads the answers of an item over the rounds of a form: the first round holds the first answer, the last one what it has come to, when that
// is はい or an approved 対象外.
func roundsOf(i *Item, rounds int) []Said {
	said := i.Said
	if len(said) == 0 { // sealed before the answers over time were kept, or answered without a day
		said = []Said{{i.Reply, i.On, i.Target}}
	}
	out := make([]Said, rounds)
	for n := 0; n < rounds-1 && n < len(said); n++ {
		out[n] = said[n]
	}
	if last := said[len(said)-1]; last.Reply == i.Reply && last.Reply != catalogue.Yes && rounds > 1 { // いいえ is asked for its newest target
		out[min(len(said), rounds-1)-1].Target = i.Target
	}
	if rounds > 0 && (i.Reply == catalogue.Yes || i.State.assess() == assess.Exempt) {
		out[rounds-1] = Said{Reply: i.Reply, On: i.On}
	}
	return out
}

func formRow(i *Item, rounds int) []string {
	if !i.Asked {
		row := []string{i.Number, titled(i), "", "―"}
		return append(append(row, make([]string, 2*rounds)...), "対象なし")
	}
	title := titled(i)
	if i.Reply == catalogue.NotApplicable && i.Reason != "" {
		title += "\n対象外の理由：" + i.Reason + "（認めた人：" + i.Approver + "）"
	}
	if i.State.assess() == assess.Contradicted {
		title += "\n測った結果と違う理由：" + i.Excuse
	}
	row := []string{i.Number, title, fiscal(i.Due)}
	for n, s := range roundsOf(i, rounds) {
		answer := s.Reply.Label().Ja
		if n == rounds-1 && s.Reply == catalogue.Unanswered {
			answer = ""
		}
		if i.Value != "" && s.Reply == i.Reply {
			answer = i.Value
		}
		row = append(row, answer, wareki(s.On))
		if n == 0 {
			row = append(row, wareki(s.Target))
		}
	}
	return append(row, signed(i))
}

// fiscal writes the year by which something has to be done, 令和7年度.
func fiscal(year int) string {
	if year == 0 {
		return ""
	}
	return strings.TrimSuffix(jp.WarekiYear(time.Date(year, time.April, 1, 0, 0, 0, 0, time.UTC)), "年") + "年度"
}

// filed names the papers that lie beside an answer.
func filed(i *Item) string {
	if len(i.Files) == 0 {
		return ""
	}
	return "\n添付：" + strings.Join(i.Files, "、")
}

func titled(i *Item) string {
	title := i.Title.Ja + mark(i.Standing)
	if i.Addition.Ja != "" {
		title += "\n" + i.Addition.Ja
	}
	if i.Note != "" {
		title += "\nメモ：" + i.Note
	}
	return title
}

// grounds is what each answer rests on: what was measured, when, by what, how many of how many, until when.
func (w *packing) grounds() {
	form, ok := w.s.Checklist()
	if !ok {
		return
	}
	p := Part{ID: "grounds", Title: "根拠一覧", Wide: true, Says: []string{"項目ごとに、人の答えと、測って分かったことを並べます。測っていない項目は「申告のみ」です。"},
		Columns: []Column{{"番号", 5}, {"項目", 22}, {"答え", 7}, {"状態", 10}, {"何を測ったか", 28}, {"測定数", 8}, {"測定日", 10}, {"有効期限", 10}}, Empty: "項目がありません。"}
	for n := range form.Items {
		i := &form.Items[n]
		if !i.Asked {
			continue
		}
		state := signed(i)
		if len(i.Proofs) == 0 {
			p.Rows = append(p.Rows, []string{i.Number, i.Title.Ja + filed(i), i.Reply.Label().Ja, state, "（測定なし）", "", "", ""})
		}
		for k, x := range i.Proofs {
			row := []string{"", "", "", "", x.Title.Ja + "：" + x.Says.Ja + "（" + x.Check + " 第" + strconv.Itoa(x.Version) + "版、証拠" + strconv.FormatInt(x.Seq, 10) + "）",
				fmt.Sprintf("%d / %d", x.Measured, x.Of), wareki(x.At), wareki(x.Until)}
			if k == 0 {
				row[0], row[1], row[2], row[3] = i.Number, i.Title.Ja+filed(i), i.Reply.Label().Ja, state
			}
			p.Rows = append(p.Rows, row)
		}
	}
	w.add(p)
}

// open is what is not done yet, with its target day, and every contradiction with its reason.
func (w *packing) open() {
	form, ok := w.s.Checklist()
	if !ok {
		return
	}
	p := Part{ID: "open", Title: "未実施の項目と目標日", Columns: []Column{{"番号", 7}, {"項目", 38}, {"状態", 14}, {"目標日", 15}, {"期限の年度", 11}, {"担当・メモ", 15}}, Empty: "未実施の項目はありません。"}
	for n := range form.Items {
		i := &form.Items[n]
		switch s := i.State.assess(); {
		case !i.Asked || s == assess.Proven || s == assess.Exempt || s == assess.Partly || s == assess.WordOnly:
			continue
		case s == assess.Contradicted:
			p.Rows = append(p.Rows, []string{i.Number, i.Title.Ja + "\n理由：" + i.Excuse, signed(i), w.target(i), w.year(i), i.By})
		default:
			p.Rows = append(p.Rows, []string{i.Number, i.Title.Ja, signed(i), cmp.Or(w.target(i), "（未記入）"), w.year(i), strings.TrimSpace(i.By + " " + i.Note)})
		}
	}
	w.add(p)
}

// target is the day by which an item is to be done; one that has passed says so.
func (w *packing) target(i *Item) string {
	text := wareki(i.Target)
	if i.Target != "" && i.Target < w.s.Day {
		text += "（過ぎています）"
	}
	return text
}

// year is the fiscal year in which an item has to be done.
func (w *packing) year(i *Item) string {
	if i.Due == 0 {
		return ""
	}
	text := fiscal(i.Due)
	if i.Due < w.s.Year {
		text += "（終わった年度）"
	}
	if i.Horizon != 0 {
		text += "（計画があれば" + fiscal(i.Horizon) + "まで）"
	}
	return text
}

// vendors are the forms of the vendors, system by system.
func (w *packing) vendors() {
	p := Part{ID: "vendors", Title: "事業者確認用（システムごと）", Columns: []Column{{"番号", 7}, {"確認項目", 47}, {"答え", 10}, {"確認日", 15}, {"目標日", 15}, {"状態", 6}}, Empty: "台帳にシステムが登録されていません。"}
	var refused []*Form
	for _, form := range w.s.Vendors() {
		if form.Refused != "" {
			refused = append(refused, form)
		}
		p.Rows = append(p.Rows, []string{fmt.Sprintf("%s　業者：%s　%s　答えた項目 %d / %d", form.Name, cmp.Or(form.Vendor, "（未登録）"), form.Edition+mark(form.Standing), form.First.Ready, form.First.Total)})
		if form.Refused != "" {
			p.Rows = append(p.Rows, []string{"", "業者が回答しません（" + wareki(form.RefusedOn) + "）。理由：" + form.Refused, "", "", "", ""})
		}
		if form.First.Ready == 0 && !slices.ContainsFunc(form.Items, func(i Item) bool { return i.Reply != catalogue.Unanswered }) {
			if form.Refused != "" {
				continue
			}
			p.Rows = append(p.Rows, []string{"", "まだ答えがありません。", "", "", "", ""})
			continue
		}
		for n := range form.Items {
			i := &form.Items[n]
			if i.Asked {
				p.Rows = append(p.Rows, []string{i.Number, titled(i) + filed(i), i.Reply.Label().Ja, wareki(i.On), wareki(i.Target), sign(i.State)})
			}
		}
	}
	if len(refused) > 0 {
		p.Says = append(p.Says, fmt.Sprintf("%dのシステムで、業者が回答しませんでした。障害や侵入のときにどちらが何をするか（責任の分かれ目）が決まっていないこととして、リスクに挙げています。", len(refused)))
	}
	w.add(p)
}

// listed are the kinds of devices that stand one by one in the extract; of the others there is a number.
func listed(d *ledger.Device) bool {
	return d.Medical() || slices.Contains([]string{"router", "switch", "firewall", "access-point", "wlan-controller", "server", "nas", "hypervisor", "pacs", "serial-gateway", "bmc", "card-reader"}, d.Kind())
}

// devices is the extract of the ledger.
func (w *packing) devices(ctx context.Context) error {
	l := w.s.Ledger
	p := Part{ID: "ledger", Title: "台帳の抜粋", Wide: true, Columns: []Column{{"管理番号", 10}, {"名前", 18}, {"種類", 13}, {"メーカー・型番", 17}, {"OS", 12}, {"場所", 13}, {"IPアドレス", 11}, {"利用", 6}},
		Empty: "台帳に機器がありません。"}
	p.Says = append(p.Says, fmt.Sprintf("台帳の機器 %d台（登録済み %d、未登録 %d、医療機器 %d、30日以上見えない %d、サポート切れのOS %d）。システム %d、区画 %d。", l.Devices, l.Registered, l.New, l.Medical, l.Unseen, l.OldOS, l.Systems, l.Segments))
	rest := map[string]int{}
	for d, err := range devices(ctx, w.Ledger, w.f) {
		if err != nil {
			return err
		}
		if !listed(d) {
			rest[d.Kind()]++
			continue
		}
		ip := d.Word.IPText
		for _, card := range d.Interfaces {
			if len(card.IPv4) > 0 {
				ip = card.IPv4[0].String()
				break
			}
		}
		use := map[string]string{"yes": "可", "no": "不可"}[d.Word.InUse]
		p.Rows = append(p.Rows, []string{d.Word.Number, d.Name(), ledger.KindLabel(d.Kind()).Ja, strings.TrimSpace(d.Maker() + " " + d.Model()), strings.TrimSpace(d.OS() + " " + d.OSVersion()),
			strings.TrimSpace(d.Word.Building + " " + d.Word.Floor + " " + d.Word.Room), ip, use})
	}
	slices.SortStableFunc(p.Rows, func(a, b []string) int {
		return cmp.Or(cmp.Compare(a[2], b[2]), cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	var others []string
	for _, k := range ledger.Kinds() {
		if rest[k.Value] > 0 {
			others = append(others, fmt.Sprintf("%s %d台", k.Label.Ja, rest[k.Value]))
		}
	}
	if len(others) > 0 {
		p.Says = append(p.Says, "次の機器は台数だけを示します（一台ずつの一覧は台帳の印刷にあります）："+strings.Join(others, "、")+"。")
	}
	w.add(p)
	return nil
}

// chain is the end of the chains, as text and as a QR code, with which it can be told later that nothing was altered.
func (w *packing) chain() {
	s := w.s
	p := Part{ID: "chain", Title: "証拠の列の末尾", Columns: []Column{{"", 26}, {"", 74}},
		Says: []string{"この値を控えておけば、あとから証拠や健診が書き換えられていないことを確かめられます：kenshin dock verify ファイル --key 検証鍵"}}
	row := func(k, v string) { p.Rows = append(p.Rows, []string{k, v}) }
	row("証拠の列", fmt.Sprintf("%d件目　%s", s.Evidence.Size, cmp.Or(s.Evidence.Hash, "（まだありません）")))
	row("操作の記録", fmt.Sprintf("%d件　%s", s.Trail.Size, s.Trail.Hash))
	row("前の健診", cmp.Or(s.Previous, "（ありません）"))
	row("検証鍵", w.p.key)
	if form, ok := s.Checklist(); ok {
		row("点検表の版", form.Catalogue+"　SHA-256 "+form.SHA256)
	}
	p.Code = fmt.Sprintf("KENSHIN 1\n%s\n%s no.%d\nevidence %d %s\ntrail %d %s", s.Facility.ID, s.Day, s.Number, s.Evidence.Size, s.Evidence.Hash, s.Trail.Size, s.Trail.Hash)
	w.add(p)
}
