package app

import (
	"context"
	"encoding/json"
	"fmt"

	"kenshin/actor"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/store"
	"kenshin/trail"
)

// edit is one change of an entry as the trail keeps it; the ledger's history has the values in full.
type edit struct {
	Kind   ledger.ChangeKind `json:"kind"`
	Field  string            `json:"field,omitempty"`
	Before string            `json:"before,omitempty"`
	After  string            `json:"after,omitempty"`
}

// Bounds of one entry: the trail takes 64 KB of detail.
const (
	mostEdits = 60
	mostValue = 100 // characters
	mostBytes = 48 << 10
)

// mayLoosen refuses what takes protection away from a device when it comes from somebody who may not decide about sending: editing the ledger
// is a smaller right than unlocking a device.
func mayLoosen(ctx context.Context, changes []ledger.Change) error {
	who := actor.From(ctx)
	if who.Kind != actor.Person && who.Kind != actor.Token || who.Role.May(actor.EditSegments) || ledger.IsOneDeed(ctx) {
		return nil // who may import may decide about segments too, and a row must not end an import half-way
	}
	for _, c := range changes {
		if c.Kind == ledger.Edited && (c.Field == "medical" || c.Field == "never_touch") && c.Before == "true" && c.After != "true" {
			return fault.New(fault.Denied, "「医療機器」や「何も送らない」をやめられるのは、区画を扱える人(情報担当)だけです。その欄を元に戻してから保存してください。",
				"Only who may decide about segments (an admin) takes back that a device is medical or never to be touched. Put that field back and save again.")
		}
	}
	return nil
}

// remember leaves a trail of what a person changed in the ledger, one entry for each device or system, in the transaction that changes it.
// Imports and the API write their own entries, Kenshin's own work leaves none.
func (h *House) remember(ctx context.Context, tx *store.Tx, changes []ledger.Change) error {
	if k := actor.From(ctx).Kind; k == actor.System || k == actor.Token || ledger.IsOneDeed(ctx) {
		return nil
	}
	type subject struct{ kind, id string }
	var order []subject
	by := map[subject][]ledger.Change{}
	for _, c := range changes {
		s := subject{"device", string(c.Device)}
		if c.Kind == ledger.SystemChanged {
			s = subject{"system", c.Field}
		}
		if by[s] == nil {
			order = append(order, s)
		}
		by[s] = append(by[s], c)
	}
	for _, s := range order {
		action, says := deedOf(by[s])
		_, err := trail.Append(ctx, tx, trail.Entry{At: h.Now(), Action: action, Subject: trail.Subject{Kind: s.kind, ID: s.id}, Summary: says, Detail: editsOf(by[s])})
		if err != nil {
			return fmt.Errorf("leave a trail of what was changed: %w", err)
		}
	}
	return nil
}

// deedOf names what was done to one entry: the strongest of its changes.
func deedOf(list []ledger.Change) (action string, says i18n.Text) {
	deeds := []struct {
		kind   ledger.ChangeKind
		action string
		says   i18n.Text
	}{
		{ledger.Removed, "device.remove", i18n.Text{Ja: "機器を台帳から消しました", En: "Removed a device from the ledger"}},
		{ledger.Merged, "device.merge", i18n.Text{Ja: "2つの機器を1つにまとめました", En: "Merged two devices"}},
		{ledger.MergeUndone, "device.merge-undo", i18n.Text{Ja: "機器の統合・分割を取り消しました", En: "Undid a merge or split"}},
		{ledger.SplitOff, "device.split", i18n.Text{Ja: "機器を2つに分けました", En: "Split a device"}},
		{ledger.Added, "device.add", i18n.Text{Ja: "機器を台帳に加えました", En: "Added a device"}},
		{ledger.SystemChanged, "system.edit", i18n.Text{Ja: "システムの記載を変えました", En: "Changed a system"}},
		{ledger.StateChanged, "device.edit", i18n.Text{Ja: "機器の状態を変えました", En: "Changed a device's state"}},
	}
	for _, d := range deeds {
		for _, c := range list {
			if c.Kind == d.kind {
				return d.action, d.says
			}
		}
	}
	return "device.edit", i18n.Text{Ja: "機器の記載を変えました", En: "Edited a device"}
}

// editsOf is the detail of an entry; where the values are too large, the fields' names alone.
func editsOf(list []ledger.Change) map[string]any {
	out := map[string]any{"changes": len(list)}
	var edits []edit
	for _, c := range list[:min(len(list), mostEdits)] {
		e := edit{c.Kind, c.Field, shortened(c.Before), shortened(c.After)}
		if c.Other != "" {
			e.After = string(c.Other)
		}
		edits = append(edits, e)
		if c.Reason != "" {
			out["reason"] = shortened(c.Reason)
		}
	}
	if b, err := json.Marshal(edits); err != nil || len(b) > mostBytes {
		for i := range edits {
			edits[i].Before, edits[i].After = "", ""
		}
	}
	out["edits"] = edits
	return out
}

func shortened(s string) string {
	if r := []rune(s); len(r) > mostValue {
		return string(r[:mostValue]) + "…"
	}
	return s
}
