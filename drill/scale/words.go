package scale

import (
	"kenshin/drill/internal/cue"
	"kenshin/i18n"
)

// sayings are wordings that show a cue wherever they stand in subject or body. Words are compared folded (half-width kana, full-width
// letters, hiragana for katakana); whole means that no letter may touch an English word.
type sayings struct {
	cue   ID
	why   i18n.Text
	words []string
}

func tx(ja, en string) i18n.Text { return i18n.Text{Ja: ja, En: en} }

func allSayings() []sayings {
	return []sayings{
		{cue.Urgency, tx("急がせる言葉です。", "Words that hurry the reader."), []string{
			"至急", "大至急", "本日中", "今日中", "今すぐ", "いますぐ", "ただちに", "直ちに", "すぐに", "速やかに", "すみやかに", "早急に", "お早めに", "緊急",
			"時間以内", "取り急ぎ", "一刻も早く", "即日", "urgent", "immediately", "right away", "as soon as possible", "asap", "within 24 hours", "at once"}},
		{cue.Threat, tx("しないと困ることになる、と書いています。", "Says that something bad happens otherwise."), []string{
			"利用できなくな", "使えなくな", "ご利用いただけなく", "停止され", "停止いたします", "停止します", "利用停止", "失効し", "失効いたし", "失効となり", "削除され", "削除いたします", "削除します",
			"返送され", "返送いたします", "返送となり", "受けられなくな", "できなくなります", "制限され", "制限いたします", "制限します", "無効とな", "無効になり", "取り消され", "取消となり", "保管料が", "遅延損害金",
			"will be suspended", "will be closed", "will be deleted", "will be locked", "lose access", "legal action", "will be returned"}},
		{cue.Greeting, tx("誰にでも当てはまる宛名です。", "A greeting that fits anybody."), []string{
			"各位", "ご担当者様", "ご担当者さま", "担当者様", "お客様へ", "お客様各位", "利用者様", "ご利用者様", "ユーザー様", "会員様", "職員の皆様", "職員の皆さま", "皆様へ", "スタッフの皆様", "お取引先様",
			"dear user", "dear customer", "dear colleague", "dear staff", "dear sir or madam", "to whom it may concern"}},
		{cue.Sensitive, tx("パスワードや個人の情報を求めています。", "Asks for a password or personal data."), []string{
			"パスワードを入力", "パスワードをご入力", "パスワードの入力", "ＩＤとパスワード", "IDとパスワード", "パスワードをご確認", "パスワードを確認", "生年月日を", "生年月日の", "口座番号", "カード番号", "暗証番号", "職員番号", "マイナンバー", "個人番号",
			"本人確認", "アカウント情報を", "ログイン情報", "enter your password", "confirm your password", "verify your account", "verify your identity", "card number", "date of birth"}},
		{cue.LimitedTime, tx("期限や数を区切って動かそうとしています。", "A deadline or a limited number."), []string{
			"期限は", "期限まで", "期限：", "締切", "締め切り", "〆切", "先着", "限定", "残りわずか", "期間内に", "までにご", "までにお", "までに手続", "有効期間", "公開期限", "ダウンロード期限", "expires", "limited time", "deadline", "only today", "first come"}},
		{cue.TooGood, tx("うますぎる話です。", "Too good to be true."), []string{
			"無料で", "当選", "プレゼント", "もれなく", "特典", "進呈", "全員に", "ポイント還元", "for free", "you have won", "free gift", "prize"}},
		{cue.Special, tx("「あなただけ」と書いています。", "Says that you were chosen."), []string{
			"あなただけ", "あなた様だけ", "特別にご案内", "特別なご案内", "選ばれた方", "選ばれました", "対象の方だけ", "限られた方", "selected for you", "you have been selected", "exclusively for you"}},
		{cue.Humanitarian, tx("善意に訴えています。", "Appeals to your wish to help."), []string{
			"寄付", "ご寄附", "義援金", "募金", "助けてください", "困っている方", "支援をお願い", "donation", "donate", "please help"}},
		{cue.Legal, tx("法律や規則らしい文言です。", "Legal-sounding words."), []string{
			"法令に基づ", "規程に基づ", "規定に基づ", "規則に基づ", "規約に基づ", "条に基づ", "条により", "著作権", "無断転載", "免責", "all rights reserved", "copyright", "disclaimer", "terms and conditions", "confidential"}},
		{cue.SecurityIcon, tx("「安全です」と強調しています。", "Stresses that it is safe."), []string{
			"ウイルスチェック済", "ウイルス検査済", "ウイルススキャン済", "安全な通信", "安全に暗号化", "暗号化されています", "SSL対応", "セキュリティ確認済", "検査済みの安全", "🔒", "virus checked", "scanned and clean", "secure message"}},
		{cue.PosesAs, tx("知っている相手や役所を名乗っています。", "Claims to be somebody you know or an authority."), []string{
			"情報システム課", "情報システム室", "システム管理者", "ヘルプデスク", "総務課", "人事課", "医事課", "経理課", "用度課", "事務部", "事務局", "院長", "サポートセンター", "help desk", "it support", "administrator", "human resources"}},
		{cue.WorkProcess, tx("ふだんの仕事の流れに似せています。", "Looks like everyday work."), []string{
			"ご提出", "ご回答", "申請", "承認", "勤務表", "配送", "お届け", "お荷物", "請求書", "見積", "議事録", "研修", "年末調整", "紹介状", "検査結果", "アンケート", "予約", "登録", "invoice", "parcel", "delivery", "approval", "survey", "timesheet"}},
		{cue.Spelling, tx("ふつうの日本語では使わない字や言い回しです。", "Odd wording or characters."), []string{
			"下ちい", "下さレ", "お願い至します", "お願いいたしまず", "御願い申し上けます", "あなたのアカウント", "ご確認下きい", "您", "请", "确认", "户", "账", "邮", "时间", "kindly"}},
	}
}

// risky are the endings of attachments that can do harm when opened, or hide what they are.
func risky() map[string]i18n.Text {
	script := tx("開くと動くことがあるファイルです。", "A file that can act when opened.")
	office := tx("文書でも、編集を有効にすると動くものが入れられます。", "A document that can act once editing is enabled.")
	page := tx("開くと偽の画面が出ることがあるファイルです。", "A file that can show a false page.")
	pack := tx("中身を隠せるファイルです。", "A file that hides what is inside.")
	return map[string]i18n.Text{
		"html": page, "htm": page, "shtml": page, "svg": page, "pdf": page, "ics": page, "zip": pack, "7z": pack, "rar": pack, "lzh": pack, "iso": pack, "img": pack,
		"exe": script, "scr": script, "js": script, "vbs": script, "lnk": script, "bat": script, "cmd": script, "ps1": script, "hta": script, "one": script,
		"docm": script, "xlsm": script, "pptm": script, "doc": office, "xls": office, "ppt": office, "docx": office, "xlsx": office, "pptx": office, "rtf": office,
	}
}
