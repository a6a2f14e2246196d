package ledger

import (
	"slices"

	"kenshin/i18n"
)

// Kinds lists what a device can be. The keys are a contract with scripts; the labels are for people.
func Kinds() []Option { return slices.Clone(kinds) }

// kinds is made once: lists ask for a label with every line.
var kinds = allKinds()

func allKinds() []Option {
	return []Option{
		{"router", t("ルータ", "Router")},
		{"switch", t("スイッチ", "Switch")},
		{"hub", t("ハブ", "Hub")},
		{"access-point", t("無線アクセスポイント", "Access point")},
		{"wlan-controller", t("無線の管理装置", "WLAN controller")},
		{"firewall", t("ファイアウォール・VPN装置", "Firewall / VPN")},
		{"server", t("サーバ", "Server")},
		{"nas", t("NAS(共有ディスク)", "NAS")},
		{"pc", t("PC", "PC")},
		{"thin-client", t("シンクライアント", "Thin client")},
		{"tablet", t("タブレット", "Tablet")},
		{"smartphone", t("スマートフォン", "Smartphone")},
		{"handheld", t("ハンディ端末", "Handheld")},
		{"kiosk", t("受付機・自動精算機", "Kiosk")},
		{"ip-phone", t("IP電話", "IP phone")},
		{"printer", t("プリンタ", "Printer")},
		{"mfp", t("複合機", "Multifunction printer")},
		{"ip-camera", t("ネットワークカメラ", "IP camera")},
		{"ups", t("無停電電源", "UPS")},
		{"bmc", t("サーバの管理口", "Server management (BMC)")},
		{"building", t("建物の設備", "Building equipment")},
		{"iot", t("その他の小さな機器", "IoT device")},
		{"serial-gateway", t("シリアル変換器", "Serial gateway")},
		{"hypervisor", t("仮想化の土台", "Hypervisor")},
		{"card-reader", t("カードリーダ(資格確認など)", "Card reader")},
		{"nurse-call", t("ナースコール", "Nurse call")},
		{"pacs", t("画像サーバ(PACS)", "PACS")},
		{"modality", t("画像診断装置", "Imaging modality")},
		{"modality-workstation", t("画像処理用PC", "Modality workstation")},
		{"patient-monitor", t("生体情報モニタ", "Patient monitor")},
		{"ventilator", t("人工呼吸器", "Ventilator")},
		{"ecg", t("心電計", "ECG")},
		{"infusion-pump", t("輸液ポンプ", "Infusion pump")},
		{"lab-analyzer", t("検査の分析装置", "Laboratory analyser")},
		{"medical-other", t("その他の医療機器", "Other medical device")},
		{"kenshin", t("Kenshin(この製品)", "Kenshin (this product)")},
		{"unknown", t("まだ分からない", "Not known yet")},
	}
}

// KindLabel returns a kind's name for people, the key itself when it is not one of Kinds.
func KindLabel(kind string) i18n.Text {
	for _, k := range kinds {
		if k.Value == kind {
			return k.Label
		}
	}
	return t(kind, kind)
}
