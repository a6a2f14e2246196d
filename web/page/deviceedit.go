package page

import (
	"context"
	"strings"

	"kenshin/ledger"
)

func dateHint(ctx context.Context) string {
	return t(ctx, "例: 2027-03-31、令和9年3月31日、2027年3月", "e.g. 2027-03-31, 2027-03, 2027")
}

func (f DeviceForm) ips() string {
	if f.Device == nil {
		return ""
	}
	return strings.Join(DeviceView{Device: f.Device}.addresses(), ", ")
}

func (f DeviceForm) macs() string {
	if f.Device == nil {
		return ""
	}
	return macs(f.Device)
}

func ips(i ledger.Interface) string {
	return strings.Join(DeviceView{Device: &ledger.Device{Interfaces: []ledger.Interface{i}}}.addresses(), ", ")
}

// recordRows is what people wrote of a device and no other part of its page shows.
func recordRows(ctx context.Context, d *ledger.Device) []Option {
	w := d.Word
	var out []Option
	add := func(ja, en, value string) {
		if value != "" {
			out = append(out, Option{Text: t(ctx, ja, en), Value: value})
		}
	}
	add("メーカー・型", "Maker, model", strings.TrimSpace(w.Maker+" "+w.Model))
	add("製造番号", "Serial", w.Serial)
	add("OS", "OS", strings.TrimSpace(w.OS+" "+w.OSVersion))
	add("責任者", "In charge", w.Owner)
	add("承認番号", "Approval", w.Approval)
	add("購入日", "Purchased", w.Purchased)
	add("リース満了", "Lease end", w.LeaseEnd)
	add("サポート期限", "Support end", w.SupportEnd)
	add("遠隔保守", "Remote line", join(w.RemoteType, w.RemoteBy, w.RemoteHolder, w.RemoteEnd))
	add("IP(書類)", "IP (paper)", w.IPText)
	add("MAC(書類)", "MAC (paper)", w.MACText)
	add("メモ", "Notes", w.Notes)
	for _, k := range (DeviceForm{Word: w}).extra() {
		out = append(out, Option{Text: k, Value: w.Extra[k]})
	}
	return out
}

// cancel is where somebody goes who changes nothing.
func (v DeviceForm) cancel() string {
	if v.Device == nil {
		return PathLedger
	}
	return DevicePath(v.Device.ID, "")
}
