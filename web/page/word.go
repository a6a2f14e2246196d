package page

import (
	"context"

	"kenshin/actor"
	weakness "kenshin/finding"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/ledger"
)

// kindWord is how the ledger calls a kind of device, and which icon it has.
type kindWord struct {
	kind string
	i18n.Text
	icon string
}

// kinds is every kind of design section 5, in the order in which lists offer them.
func kinds() []kindWord {
	w := func(kind, icon string) kindWord { return kindWord{kind, ledger.KindLabel(kind), icon} }
	return []kindWord{
		w("pc", "pc"), w("thin-client", "pc"), w("tablet", "tablet"), w("smartphone", "phone"), w("handheld", "phone"),
		w("kiosk", "kiosk"), w("server", "server"), w("nas", "nas"), w("hypervisor", "server"), w("router", "router"),
		w("switch", "switch"), w("hub", "switch"), w("access-point", "wifi"), w("wlan-controller", "wifi"), w("firewall", "firewall"),
		w("printer", "printer"), w("mfp", "printer"), w("ip-phone", "telephone"), w("ip-camera", "camera"), w("ups", "battery"),
		w("bmc", "chip"), w("building", "building"), w("iot", "chip"), w("serial-gateway", "plug"), w("card-reader", "card"),
		w("nurse-call", "bell"), w("pacs", "image"), w("modality", "scan"), w("modality-workstation", "scan"),
		w("patient-monitor", "pulse"), w("ventilator", "lungs"), w("ecg", "pulse"), w("infusion-pump", "drop"),
		w("lab-analyzer", "flask"), w("medical-other", "pulse"), w("kenshin", "brand"), w("unknown", "question"),
	}
}

func kindOf(kind string) kindWord {
	all := kinds()
	for _, k := range all {
		if k.kind == kind {
			return k
		}
	}
	return all[len(all)-1]
}

// KindText is how screens call a kind of device; an unknown one is まだ分からない.
func KindText(kind string) i18n.Text { return kindOf(kind).Text }

func kindOptions(ctx context.Context) []Option {
	var out []Option
	for _, k := range kinds() {
		out = append(out, Option{Value: k.kind, Text: k.For(ctx)})
	}
	return out
}

var modalities = map[string]i18n.Text{
	"ct": {Ja: "CT", En: "CT"}, "mr": {Ja: "MRI", En: "MRI"}, "us": {Ja: "超音波", En: "Ultrasound"},
	"xr": {Ja: "一般撮影", En: "X-ray"}, "dx": {Ja: "一般撮影", En: "X-ray"}, "cr": {Ja: "CR", En: "CR"}, "mg": {Ja: "マンモグラフィ", En: "Mammography"},
	"nm": {Ja: "核医学", En: "Nuclear medicine"}, "es": {Ja: "内視鏡", En: "Endoscopy"}, "xa": {Ja: "血管撮影", En: "Angiography"},
	"rf": {Ja: "透視", En: "Fluoroscopy"}, "pt": {Ja: "PET", En: "PET"}, "op": {Ja: "眼底カメラ", En: "Fundus camera"},
}

// kindLine is a device's kind with its modality: 画像診断装置(超音波).
func kindLine(ctx context.Context, d *ledger.Device) string {
	text := kindOf(d.Kind()).For(ctx)
	m := d.Word.Modality
	if m == "" {
		m = d.Identity.Modality
	}
	if m == "" {
		return text
	}
	name := m
	if w, ok := modalities[m]; ok {
		name = w.For(ctx)
	}
	return t(ctx, "%s(%s)", "%s (%s)", text, name)
}

// StateText is how screens call a state of the ledger.
func StateText(s ledger.State) i18n.Text {
	switch s {
	case ledger.Registered:
		return i18n.Text{Ja: "登録済み", En: "Registered"}
	case ledger.Excluded:
		return i18n.Text{Ja: "対象外", En: "Excluded"}
	case ledger.Retired:
		return i18n.Text{Ja: "廃棄", En: "Retired"}
	}
	return i18n.Text{Ja: "新しい", En: "New"}
}

func stateOptions(ctx context.Context) []Option {
	var out []Option
	for _, s := range []ledger.State{ledger.New, ledger.Registered, ledger.Excluded, ledger.Retired} {
		out = append(out, Option{Value: string(s), Text: StateText(s).For(ctx)})
	}
	return out
}

// ImpactText is how screens call a patient impact.
func ImpactText(i ledger.Impact) i18n.Text {
	switch i {
	case ledger.ImpactHigh:
		return i18n.Text{Ja: "大きい(診療が止まる)", En: "High (care stops)"}
	case ledger.ImpactMiddle:
		return i18n.Text{Ja: "中くらい(診療が遅れる)", En: "Middle (care is delayed)"}
	case ledger.ImpactLow:
		return i18n.Text{Ja: "小さい(別の手段がある)", En: "Low (another way exists)"}
	case ledger.ImpactNone:
		return i18n.Text{Ja: "なし", En: "None"}
	}
	return i18n.Text{Ja: "まだ決めていない", En: "Not decided yet"}
}

func impactOptions(ctx context.Context) []Option {
	var out []Option
	for _, i := range []ledger.Impact{ledger.ImpactUnknown, ledger.ImpactHigh, ledger.ImpactMiddle, ledger.ImpactLow, ledger.ImpactNone} {
		out = append(out, Option{Value: string(i), Text: ImpactText(i).For(ctx)})
	}
	return out
}

// RoleText is how screens call a role; RoleSays what it may do, in plain words.
func RoleText(r actor.Role) i18n.Text {
	switch r {
	case actor.Admin:
		return i18n.Text{Ja: "情報担当", En: "IT administrator"}
	case actor.Director:
		return i18n.Text{Ja: "経営者", En: "Director"}
	case actor.Department:
		return i18n.Text{Ja: "部門担当", En: "Department"}
	case actor.Auditor:
		return i18n.Text{Ja: "監査", En: "Auditor"}
	case actor.Trainer:
		return i18n.Text{Ja: "訓練担当", En: "Trainer"}
	case actor.Desk:
		return i18n.Text{Ja: "支援者", En: "Supporter"}
	}
	return i18n.Text{Ja: "役割なし", En: "No role"}
}

func RoleSays(r actor.Role) i18n.Text {
	switch r {
	case actor.Admin:
		return i18n.Text{Ja: "すべての操作ができます。区画の承認、機器の確認、利用者の追加もこの人です。", En: "May do everything: approve segments, run check-ups, add people."}
	case actor.Director:
		return i18n.Text{Ja: "すべて見られ、書き出せます。変更はできません。", En: "Sees everything and may export; changes nothing."}
	case actor.Department:
		return i18n.Text{Ja: "台帳を見て、機器の名前や置き場所を直せます。通信を送る操作はできません。", En: "Sees the ledger and corrects names and places; sends nothing."}
	case actor.Auditor:
		return i18n.Text{Ja: "記録を含めてすべて見られ、書き出せます。変更はできません。", En: "Sees everything including the trail and may export; changes nothing."}
	case actor.Trainer:
		return i18n.Text{Ja: "メール訓練を作り、結果を見ます。送るには、ほかの人の承認が要ります。ほかはホームと弱点だけ見られます。", En: "Writes mail drills and sees their results; sending takes another person's approval. Otherwise home and findings only."}
	case actor.Desk:
		return i18n.Text{Ja: "医師会・県などの支援者です。期限まで、見ることだけできます。", En: "A supporter from outside; may look, until a date."}
	}
	return i18n.Text{}
}

func roleOptions(ctx context.Context) []Option {
	var out []Option
	for _, r := range actor.Roles() {
		out = append(out, Option{Value: string(r), Text: RoleText(r).For(ctx), Says: RoleSays(r).For(ctx)})
	}
	return out
}

// PaceText is how screens call a pace; paceSays what it means for the network.
func PaceText(p gate.Pace) i18n.Text {
	switch p {
	case gate.Normal:
		return i18n.Text{Ja: "ふつう", En: "Normal"}
	case gate.Fast:
		return i18n.Text{Ja: "速い", En: "Fast"}
	}
	return i18n.Text{Ja: "やさしい", En: "Gentle"}
}

func paceOptions(ctx context.Context) []Option {
	says := map[gate.Pace]i18n.Text{
		gate.Gentle: {Ja: "毎秒50通より少なく送ります。医療機器がいる区画はこれです。254台の区画で1〜2分多くかかります。",
			En: "Fewer than 50 frames a second. Right where medical devices live; takes a minute or two longer."},
		gate.Normal: {Ja: "毎秒1,000通より少なく送ります。事務や病棟のPCの区画に向きます。", En: "Fewer than 1,000 frames a second, for offices and wards."},
		gate.Fast:   {Ja: "毎秒5,000通より少なく送ります。広くて新しい区画だけに使ってください。", En: "Fewer than 5,000 frames a second; only for large, modern segments."},
	}
	var out []Option
	for _, p := range []gate.Pace{gate.Gentle, gate.Normal, gate.Fast} {
		out = append(out, Option{Value: string(p), Text: PaceText(p).For(ctx), Says: says[p].For(ctx)})
	}
	return out
}

// severity is how bad a weak point is: 1 low .. 4 critical, as in ledger.Summary.Worst.
func severity(ctx context.Context, s int) (Mark, string) {
	mark := MarkBad
	switch weakness.Severity(s) {
	case weakness.Critical, weakness.High:
	case weakness.Medium:
		mark = MarkWarn
	case weakness.Low:
		mark = MarkInfo
	default:
		return MarkOK, t(ctx, "なし", "None")
	}
	return mark, weakness.Severity(s).Label().For(ctx)
}

// strength is how strong a reason is, in a word.
func strength(ctx context.Context, weight float64) string {
	switch {
	case weight >= 0.7:
		return t(ctx, "強", "Strong")
	case weight >= 0.4:
		return t(ctx, "中", "Middle")
	case weight >= 0.15:
		return t(ctx, "弱", "Weak")
	}
	return t(ctx, "参考", "Hint")
}

// fieldText names the fields of a device that a person and the machine can both speak of.
func fieldText(ctx context.Context, field string) string {
	switch field {
	case "name":
		return t(ctx, "名前", "Name")
	case "kind":
		return t(ctx, "種類", "Kind")
	case "modality":
		return t(ctx, "装置の種別", "Modality")
	case "maker":
		return t(ctx, "メーカー", "Maker")
	case "model":
		return t(ctx, "型番", "Model")
	case "serial":
		return t(ctx, "製造番号", "Serial number")
	case "os":
		return "OS"
	case "os_version":
		return t(ctx, "OSの版", "OS version")
	case "medical":
		return t(ctx, "医療機器か", "Medical device")
	case "ip_text", "ip":
		return t(ctx, "IPアドレス", "IP address")
	case "mac_text", "mac":
		return t(ctx, "MACアドレス", "MAC address")
	}
	return field
}
