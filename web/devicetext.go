package web

import (
	"cmp"
	"strings"

	"kenshin/ledger"
	"kenshin/web/page"
)

// changeText tells one row of the history; other is the name of the second device where there is one.
func (v *visit) changeText(e ledger.Entry, other string) string {
	field, before, after := v.fieldName(e.Field), v.valueText(e.Field, e.Before), v.valueText(e.Field, e.After)
	switch e.Kind {
	case ledger.DeviceFound:
		return v.t("ネットワークで初めて見つかりました", "First seen on the network")
	case ledger.DeviceConfirm:
		return v.t("台帳の機器がネットワークで見つかりました", "Seen on the network for the first time")
	case ledger.DeviceBack:
		return v.t("久しぶりに見つかりました", "Seen again after a long silence")
	case ledger.RetiredSeen:
		return v.t("廃棄したはずなのにネットワークで見つかりました", "Seen on the network although it was retired")
	case ledger.AddressChanged:
		return v.t("IPアドレスが %s から %s に変わりました", "The IP address changed from %s to %s", cmp.Or(before, "—"), cmp.Or(after, "—"))
	case ledger.CardFound:
		return v.t("ネットワークの口 %s が分かりました", "The network card %s was found", after)
	case ledger.Identified:
		return v.t("「%s」と分かりました", "Identified as %s", page.KindText(e.After).For(v.ctx))
	case ledger.Measured:
		if before == "" {
			return v.t("「%s」が %s と分かりました", "The %s was found to be %s", field, cmp.Or(after, "—"))
		}
		return v.t("測った「%s」が %s から %s に変わりました", "The measured %s changed from %s to %s", field, cmp.Or(before, "—"), cmp.Or(after, "—"))
	case ledger.ServiceOpened:
		return v.t("%s の口が開きました", "%s opened", after)
	case ledger.ServiceClosed:
		return v.t("%s の口が閉じました", "%s closed", before)
	case ledger.StateChanged:
		return v.t("状態を「%s」から「%s」にしました", "State set from %s to %s", page.StateText(ledger.State(e.Before)).For(v.ctx), page.StateText(ledger.State(e.After)).For(v.ctx))
	case ledger.Added:
		return v.t("台帳に入れました", "Entered into the ledger")
	case ledger.Removed:
		return v.t("台帳から消しました", "Taken out of the ledger")
	case ledger.Merged:
		return v.t("「%s」を同じ機器としてまとめました", "Merged with %s", other)
	case ledger.MergeProposed:
		return v.t("「%s」と同じ機器かもしれません", "May be the same as %s", other)
	case ledger.SplitOff:
		return v.t("「%s」を別の機器に分けました", "%s was split off", other)
	case ledger.MergeUndone:
		return v.t("「%s」とのまとめを取り消しました", "The merge with %s was undone", other)
	case ledger.SystemChanged:
		if e.Field == "kind" { // its kinds are not those of devices
			before, after = v.systemKind(e.Before), v.systemKind(e.After)
		}
	case ledger.Edited:
	}
	return v.editText(e, field, before, after)
}

// editText tells what a person changed.
func (v *visit) editText(e ledger.Entry, field, before, after string) string {
	switch {
	case e.Field == "removed":
		return v.t("「%s」を消しました", "Removed %s", before)
	case e.Field == "attachment":
		return v.fileChange(before, after)
	case e.Field == "devices":
		return v.t("機器を %d台から %d台にしました", "Devices: %d, now %d", count(e.Before), count(e.After))
	case before == "":
		return v.t("%sを「%s」と書きました", "%s set to %s", field, after)
	case after == "":
		return v.t("%s「%s」を消しました", "%s taken back (was %s)", field, before)
	}
	return v.t("%sを「%s」から「%s」に変えました", "%s changed from %s to %s", field, before, after)
}

// fileChange tells that a file was put beside a record, or taken off.
func (v *visit) fileChange(before, after string) string {
	if after != "" {
		return v.t("「%s」を添えました", "Attached %s", after)
	}
	return v.t("「%s」を外しました", "Removed the attachment %s", before)
}

func count(list string) int {
	if list == "" {
		return 0
	}
	return strings.Count(list, ",") + 1
}

// fieldName is what people call a field of a device or a system.
func (v *visit) fieldName(key string) string {
	if name, ok := strings.CutPrefix(key, "extra."); ok {
		return name
	}
	for _, f := range ledger.Fields() {
		if f.Key == key {
			return f.Label.For(v.ctx)
		}
	}
	switch key {
	case "state":
		return v.t("状態", "State")
	case "never_touch":
		return v.t("「何も送らない」", "“never touch”")
	case "hosting":
		return v.t("置き場所", "Hosting")
	case "data":
		return v.t("持つデータ", "Data")
	}
	return key
}

// valueText writes a field's stored value in words.
func (v *visit) valueText(key, value string) string {
	if value == "" {
		return ""
	}
	for _, f := range ledger.Fields() {
		if f.Key != key {
			continue
		}
		for _, o := range f.Options {
			if o.Value == value {
				return o.Label.For(v.ctx)
			}
		}
		if f.Type == ledger.YesNo {
			return v.yes(value == "true")
		}
	}
	switch key {
	case "state":
		return page.StateText(ledger.State(value)).For(v.ctx)
	case "kind": // of a system: the kinds of devices are options of their field
		return v.systemKind(value)
	case "hosting":
		return page.Hosting(hostings[ledger.Hosting(value)]).For(v.ctx)
	case "never_touch":
		return v.yes(value == "true")
	case "vendor_id":
		if s, err := v.s.Suppliers.Get(v.ctx, v.facility, value); err == nil {
			return s.Name
		}
	}
	return value
}

func (v *visit) yes(b bool) string {
	if b {
		return v.t("はい", "yes")
	}
	return v.t("いいえ", "no")
}
