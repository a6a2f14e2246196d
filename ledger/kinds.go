package ledger

import "kenshin/i18n"

// Kinds lists what a device can be. The keys are a contract with scripts; the labels are for people.
func Kinds() []Option {
	return []Option{
		{"router", t("ルーター", "Router")},
		{"switch", t("スイッチ", "Switch")},
		{"hub", t("ハブ", "Hub")},
		{"access-point", t("無線アクセスポイント", "Wireless access point")},
		{"wlan-controller", t("無線コントローラ", "Wireless controller")},
		{"firewall", t("ファイアウォール", "Firewall")},
		{"server", t("サーバ", "Server")},
		{"nas", t("NAS", "NAS")},
		{"pc", t("パソコン", "PC")},
		{"thin-client", t("シンクライアント", "Thin client")},
		{"tablet", t("タブレット", "Tablet")},
		{"smartphone", t("スマートフォン", "Smartphone")},
		{"handheld", t("ハンディ端末", "Handheld terminal")},
		{"kiosk", t("受付・精算機", "Kiosk")},
		{"ip-phone", t("IP電話", "IP phone")},
		{"printer", t("プリンタ", "Printer")},
		{"mfp", t("複合機", "Multifunction printer")},
		{"ip-camera", t("ネットワークカメラ", "IP camera")},
		{"ups", t("無停電電源装置", "UPS")},
		{"bmc", t("サーバ管理装置", "Server management controller")},
		{"building", t("設備", "Building equipment")},
		{"iot", t("IoT機器", "IoT device")},
		{"serial-gateway", t("シリアル変換器", "Serial gateway")},
		{"hypervisor", t("仮想化基盤", "Hypervisor")},
		{"card-reader", t("カードリーダ", "Card reader")},
		{"nurse-call", t("ナースコール", "Nurse call")},
		{"pacs", t("PACS", "PACS")},
		{"modality", t("画像診断装置", "Imaging modality")},
		{"modality-workstation", t("読影・操作端末", "Modality workstation")},
		{"patient-monitor", t("生体情報モニタ", "Patient monitor")},
		{"ventilator", t("人工呼吸器", "Ventilator")},
		{"ecg", t("心電計", "ECG")},
		{"infusion-pump", t("輸液ポンプ", "Infusion pump")},
		{"lab-analyzer", t("検体検査装置", "Laboratory analyzer")},
		{"medical-other", t("その他の医療機器", "Other medical device")},
		{"kenshin", t("Kenshin本体", "Kenshin itself")},
		{"unknown", t("不明", "Unknown")},
	}
}

// KindLabel returns a kind's name for people, the key itself when it is not one of Kinds.
func KindLabel(kind string) i18n.Text {
	for _, k := range Kinds() {
		if k.Value == kind {
			return k.Label
		}
	}
	return t(kind, kind)
}
