package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/account"
	"kenshin/app"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/netid"
)

type identifyCmd struct {
	Explain explainCmd `cmd:"" help:"なぜその種類と判定したか / why a device is what it is"`
}

type explainCmd struct {
	place
	Device string `arg:"" help:"機器のID、MAC、IP / the device's id, MAC or IP"`
	Format string `help:"table, json" enum:"table,json" default:"table"`
}

// explained is what explain prints as JSON.
type explained struct {
	ID       netid.DeviceID   `json:"id"`
	Name     string           `json:"name"`
	Said     string           `json:"said_kind,omitempty"` // a person's word
	Identity ledger.Identity  `json:"identity"`
	Services []ledger.Service `json:"services"`
	Rules    string           `json:"rules"` // version
}

func (x explainCmd) Run(e *env) error {
	return withFacility(x.place, e, func(h *app.House, fac account.Facility) error {
		id, err := findDevice(e, h, fac.ID, x.Device)
		if err != nil {
			return err
		}
		d, err := h.Ledger.Get(e.ctx, fac.ID, id)
		if err != nil {
			return err
		}
		identity, services, err := h.Explain(e.ctx, fac.ID, id)
		if err != nil {
			return err
		}
		out := explained{ID: d.ID, Name: d.Name(), Said: d.Word.Kind, Identity: identity, Services: services, Rules: h.Identify.Version()}
		if x.Format == "json" {
			enc := json.NewEncoder(e.out)
			enc.SetIndent("", "  ")
			enc.SetEscapeHTML(false)
			return enc.Encode(out)
		}
		return out.table(e)
	})
}

func (x explained) table(e *env) error {
	kind := func(k string) string { return ledger.KindLabel(k).For(e.ctx) + " (" + k + ")" }
	fmt.Fprintln(e.out, x.ID, x.Name)
	fmt.Fprintln(e.out, i18n.T(e.ctx, "判定: %s、確からしさ %d%%、規則の版 %s", "Kind: %s, confidence %d%%, rules %s", kind(x.Identity.Kind), int(x.Identity.Confidence*100+0.5), x.Rules))
	if x.Said != "" {
		fmt.Fprintln(e.out, i18n.T(e.ctx, "人の入力: %s(画面ではこちらが優先)", "A person said: %s (this is what screens show)", kind(x.Said)))
	}
	var w columns
	w.add(strings.Split(i18n.T(e.ctx, "強さ\t信号\t値\t意味\t規則\t時刻", "WEIGHT\tSIGNAL\tVALUE\tMEANS\tRULE\tAT"), "\t")...)
	for _, b := range x.Identity.Because {
		says := b.Says
		if e.lang == i18n.En && b.SaysEn != "" {
			says = b.SaysEn
		}
		w.add(strconv.FormatFloat(b.Weight, 'f', 2, 64), b.Signal, short(b.Value), says, b.Rule, b.At.Local().Format(time.DateTime))
	}
	return w.print(e.out)
}

func short(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// findDevice takes what a person has at hand: the ledger's id, a MAC or an address.
func findDevice(e *env, h *app.House, f facility.ID, text string) (netid.DeviceID, error) {
	mac, macErr := netid.ParseMAC(text)
	ip, ipErr := netip.ParseAddr(text)
	if macErr != nil && ipErr != nil {
		return netid.DeviceID(text), nil
	}
	keys, err := h.Ledger.Keys(e.ctx, f)
	if err != nil {
		return "", err
	}
	var found []string
	for i := range keys {
		if macErr == nil && slices.Contains(keys[i].MACs, mac) || ipErr == nil && slices.Contains(keys[i].IPs, ip.Unmap()) {
			found = append(found, string(keys[i].ID))
		}
	}
	switch len(found) {
	case 0:
		return "", fault.New(fault.NotFound, "「"+text+"」の機器は台帳にありません。", "The ledger has no device with "+text+".")
	case 1:
		return netid.DeviceID(found[0]), nil
	}
	return "", fault.New(fault.Invalid, "「"+text+"」の機器が複数あります。IDで指定してください: "+strings.Join(found, ", "),
		"Several devices have "+text+". Name one by its id: "+strings.Join(found, ", "))
}
