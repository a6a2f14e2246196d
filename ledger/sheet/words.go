package sheet

import (
	"strings"
	"sync"

	"kenshin/jp"
	"kenshin/ledger"
)

// headerWords are the names that hospitals give to the columns of their ledgers, by field. Folded before use; the first of each is the commonest.
var headerWords = map[string]string{
	"name": `機器名 機器名称 名称 装置名 装置名称 品名 物品名 備品名 端末名 サーバ名 pc名 設備名 資産名 機器 装置 器材名 システム機器名 name device devicename`,
	"number": `管理番号 管理no 資産番号 資産管理番号 備品番号 機器番号 台帳番号 資産コード 管理コード 機器id 資産id 端末番号 端末id 固定資産番号 機器管理番号
		me番号 管理id assetnumber assettag assetno assetid`,
	"kind":       `種類 種別 機器種別 機器種類 機器の種類 区分 分類 機器区分 機器分類 端末種別 カテゴリ 装置種別 kind type category devicetype`,
	"modality":   `モダリティ 装置区分 modality`,
	"medical":    `医療機器 医療機器区分 医療機器該当 医療機器か 医療機器該当有無 medicaldevice`,
	"maker":      `メーカー メーカ名 製造元 製造業者 製造販売業者 製造会社 製造者 製造メーカー 製造販売元 maker manufacturer make brand`,
	"model":      `型番 型式 型名 形式 機種 機種名 モデル モデル名 製品名 製品型番 品番 機種型番 型式番号 メーカー型番 model modelname modelnumber product`,
	"serial":     `製造番号 シリアル シリアル番号 シリアルno シリアルナンバー sn s/n 製番 機番 製造no serial serialnumber serialno`,
	"os":         `os os名 os種別 os種類 os名称 オペレーティングシステム 基本ソフト osバージョン含む operatingsystem`,
	"os_version": `osの版 osバージョン バージョン osver osversion ver version ビルド番号 ファームウェア ファームウェアバージョン ファームバージョン firmware`,
	"approval":   `承認番号 認証番号 承認認証番号 承認・認証番号 届出番号 薬事承認番号 医療機器承認番号 薬事番号 医療機器認証番号 承認番号等`,
	"impact":     `患者さんへの影響 患者への影響 患者影響 影響度 患者影響度 重要度 停止時の影響`,
	"department": `部署 部門 所属 診療科 使用部署 設置部署 管理部署 部署名 部門名 科名 利用部門 利用部署 使用部門 管理部門 所管 所管部署 所属部署 診療科部署 department dept section`,
	"owner":      `管理者 担当者 責任者 管理責任者 機器管理者 管理担当者 担当 使用者 利用者 使用者名 利用者名 担当者名 管理者名 資産管理者 owner user assignedto`,
	"building":   `棟 建物 建屋 館 棟名 建物名 設置棟 building`,
	"floor":      `階 フロア 階数 設置階 floor`,
	"room": `部屋 設置場所 室 室名 部屋名 場所 設置室 設置先 配置場所 所在 所在地 所在場所 設置場所名 設置場所詳細 ロケーション 保管場所 使用場所 設置箇所
		room location place`,
	"ip_text":  `ipアドレス ip ipv4 ipv4アドレス ipaddress 固定ip 固定ipアドレス ipaddr ローカルipアドレス`,
	"mac_text": `macアドレス mac 物理アドレス ハードウェアアドレス macaddress 有線mac 無線mac 有線macアドレス 無線macアドレス macaddr lanmac`,
	"vendor": `事業者 業者 業者名 ベンダー ベンダ名 保守業者 保守業者名 保守会社 保守委託先 保守ベンダー 保守先 購入先 販売店 納入業者 委託先 取引先 購入業者 販売業者
		契約業者 事業者名 システム事業者 vendor supplier dealer`,
	"purchased": `購入日 導入日 購入年月日 導入年月日 購入年月 導入年月 取得日 取得年月日 納品日 納入日 設置日 設置年月日 購入年度 導入年度 取得年度 導入時期 購入時期 購入年 導入年
		取得年月 稼働開始日 利用開始日 使用開始日 purchased purchasedate installed`,
	"lease_end": `リース満了 リース満了日 リース終了 リース終了日 リース期限 リース満了年月 リース満了年月日 リース終了年月日 リース期間満了日 リース期間終了日 リース終期 leaseend`,
	"support_end": `保守終了 保守期限 保守終了日 保守満了日 保守満了 サポート終了 サポート終了日 サポート期限 保守契約終了日 保守契約期限 保守契約満了日 保守期間終了日 保守終了年月日
		eol eos eosl 保証期限 保証終了日 supportend endofsupport`,
	"remote_type": `遠隔保守の回線 遠隔保守 リモート保守 リモートメンテナンス リモートメンテ リモート接続 遠隔保守回線 リモート保守回線 リモート保守有無 遠隔保守有無 リモートメンテナンス有無
		リモート保守の有無 遠隔保守の有無 リモートメンテナンスの有無 リモート回線種別 回線種別 接続方式 remotemaintenance`,
	"remote_by":     `回線の提供者 回線事業者 回線業者 回線提供者 回線会社 回線提供元 通信事業者 プロバイダ`,
	"remote_holder": `回線の契約者 回線契約者 回線契約名義 回線名義 契約者 契約名義`,
	"remote_end":    `回線の終了日 回線終了日 回線契約期限 回線契約満了日 回線契約終了日`,
	"in_use":        `利用可否 使用可否 可否 利用の可否 使用の可否 使用状況 稼働状況 利用状況 稼働状態 使用状態 機器状態 状態 ステータス status`,
	"reading":       `ふりがな 読み よみ 読み仮名 よみがな 機器名カナ 名称カナ カナ`,
	"notes":         `備考 摘要 メモ 特記事項 コメント 注記 備考欄 その他 note notes remarks comment memo`,
	"vendor_id":     `業者の登録 事業者の登録`,
	DeviceID:        `kenshinid`,
}

// hostWords name columns with host names: taken as the name when there is no better one, and always used to find the device.
const hostWords = `ホスト名 ホスト コンピュータ名 コンピュータ コンピューター名 netbios名 マシン名 hostname host computername`

// notField are parts of a header by which it means something else than the field's word in it: 購入先電話番号 is no vendor.
var notField = strings.Fields(`電話 tel fax メール mail 住所 金額 価格 費用 単価 料金 台数 数量 個数 連絡先 url 年数 回数 写真 画像 ポート vlan サブネット ゲートウェイ dns 監視 点検 更新予定`)

// secretWords name columns that must not be taken in.
var secretWords = strings.Fields(`パスワード password passwd 暗証 pin番号 秘密鍵 pass`)

// counterWords name running numbers, which say nothing about a device.
var counterWords = strings.Fields(`no 項番 連番 番号 行 #`)

// kindWords are the words that people write for a kind, longest match first; "kind modality" where the word says both.
var kindWords = [][2]string{
	{"ノートpc デスクトップpc ノートパソコン デスクトップ パソコン 業務端末 電子カルテ端末 カルテ端末 クライアント端末 クライアント ワークステーション 端末 pc laptop desktop workstation", "pc"},
	{"シンクライアント シンクラ ゼロクライアント", "thin-client"},
	{"仮想化基盤 仮想基盤 ハイパーバイザ esxi", "hypervisor"},
	{"pacsサーバ pacs 画像サーバ", "pacs"},
	{"サーバ サーバー server", "server"},
	{"nas ネットワークストレージ ファイルサーバ ストレージ", "nas"},
	{"l2スイッチ l3スイッチ スイッチングハブ スイッチ switch l2sw l3sw インテリジェントハブ", "switch"},
	{"ハブ hub", "hub"},
	{"ルータ ルーター router vpn装置 vpnルータ", "router"},
	{"ファイアウォール ファイヤーウォール firewall utm fortigate", "firewall"},
	{"無線ap アクセスポイント 無線アクセスポイント 無線lanap 無線lanアクセスポイント ap", "access-point"},
	{"無線コントローラ 無線lanコントローラ wlc", "wlan-controller"},
	{"タブレット ipad tablet", "tablet"},
	{"スマートフォン スマホ iphone", "smartphone"},
	{"ハンディ ハンディターミナル pda ハンディ端末", "handheld"},
	{"精算機 再来受付機 受付機 自動精算機 kiosk キオスク", "kiosk"},
	{"ip電話 電話機 電話 voip", "ip-phone"},
	{"複合機 mfp コピー機", "mfp"},
	{"プリンタ プリンター printer ラベルプリンタ レーザープリンタ", "printer"},
	{"ネットワークカメラ 監視カメラ カメラ ipカメラ", "ip-camera"},
	{"ups 無停電電源装置 無停電電源", "ups"},
	{"カードリーダ カードリーダー 顔認証付きカードリーダ マイナ端末", "card-reader"},
	{"ナースコール", "nurse-call"},
	{"ct ct装置 x線ct マルチスライスct", "modality ct"},
	{"mri mr mri装置 磁気共鳴", "modality mr"},
	{"超音波 エコー 超音波診断装置 us", "modality us"},
	{"一般撮影 x線撮影 dr cr fpd x線装置 レントゲン", "modality cr"},
	{"血管撮影 アンギオ 透視 x線透視 xa", "modality xa"},
	{"マンモグラフィ マンモ mg 乳房撮影", "modality mg"},
	{"内視鏡 内視鏡システム", "modality es"},
	{"モダリティ 画像診断装置 撮影装置", "modality"},
	{"読影端末 操作卓 ビューワ 読影ワークステーション", "modality-workstation"},
	{"生体情報モニタ ベッドサイドモニタ 患者モニタ セントラルモニタ", "patient-monitor"},
	{"人工呼吸器 呼吸器", "ventilator"},
	{"心電計 心電図", "ecg"},
	{"輸液ポンプ シリンジポンプ", "infusion-pump"},
	{"検体検査装置 分析装置 自動分析装置 血球計数 生化学 検査装置", "lab-analyzer"},
	{"医療機器 その他医療機器", "medical-other"},
}

// yesWords and noWords are how people tick a column.
var (
	yesWords = strings.Fields(`○ 〇 ◯ ● ✓ ✔ レ 有 あり 有り はい 該当 対象 要 yes y true 1 する している`)
	noWords  = strings.Fields(`× ✕ ✗ 無 なし 無し いいえ 非該当 対象外 不要 no n false 0 しない していない`)
	okWords  = strings.Fields(`可 使用可 利用可 可能 使用可能 利用可能 使用中 利用中 稼働 稼働中 運用中 現役 良好 正常 ok`)
	badWords = strings.Fields(`否 不可 使用不可 利用不可 停止 停止中 故障 故障中 修理中 未使用 不使用 休止 撤去 廃棄 廃棄済 ng`)
	blanks   = strings.Fields(`- ー － — まだ分からない 不明 未定 なし 無し 無 ? ？ n/a na 該当なし 未記入 空白 *`)
	impacts  = map[string]string{"大": "high", "高": "high", "high": "high", "重大": "high", "a": "high", "中": "middle", "middle": "middle", "medium": "middle", "b": "middle",
		"小": "low", "低": "low", "low": "low", "c": "low", "なし": "none", "無": "none", "none": "none", "無し": "none"}
)

// lexicon is the dictionaries folded once.
type lexicon struct {
	exact map[string]string // folded header -> field
	words []struct{ word, field string }
	host  map[string]bool
	kinds map[string]string
	sets  map[string]map[string]bool
}

var lexis = sync.OnceValue(func() *lexicon {
	l := &lexicon{exact: map[string]string{}, host: map[string]bool{}, kinds: map[string]string{}, sets: map[string]map[string]bool{}}
	for field, list := range headerWords {
		for _, w := range strings.Fields(list) {
			l.exact[headerKey(w)] = field
			l.words = append(l.words, struct{ word, field string }{headerKey(w), field})
		}
	}
	for _, f := range ledger.Fields() { // our own labels win over the dictionary: an export comes back as it went
		l.exact[headerKey(f.Label.Ja)], l.exact[headerKey(f.Label.En)], l.exact[headerKey(f.Key)] = f.Key, f.Key, f.Key
	}
	for _, w := range strings.Fields(hostWords) {
		l.host[headerKey(w)] = true
	}
	for _, k := range kindWords {
		for _, w := range strings.Fields(k[0]) {
			l.kinds[jp.Fold(w)] = k[1]
		}
	}
	for _, k := range ledger.Kinds() {
		l.kinds[jp.Fold(k.Label.Ja)], l.kinds[jp.Fold(k.Label.En)], l.kinds[k.Value] = k.Value, k.Value, k.Value
	}
	for name, list := range map[string][]string{"yes": yesWords, "no": noWords, "ok": okWords, "bad": badWords, "blank": blanks} {
		l.sets[name] = map[string]bool{}
		for _, w := range list {
			l.sets[name][jp.Fold(w)] = true
		}
	}
	return l
})

// headerKey folds a header and drops what people decorate it with.
func headerKey(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t.,、。・:;/\\_-'\"*※【】[]「」<>＜＞★☆◎", r) {
			return -1
		}
		return r
	}, jp.Fold(s))
}
