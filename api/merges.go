package api

import (
	"context"
	"time"

	"kenshin/facility"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/trail"
)

// Merge is a merge or a split of devices: proposed, done or taken back.
type Merge struct {
	ID      string            `json:"id"`
	Split   bool              `json:"split"`
	State   ledger.MergeState `json:"state" enum:"proposed,done,refused,undone"`
	Winner  netid.DeviceID    `json:"winner" doc:"Who stays; of a split, who was split."`
	Loser   netid.DeviceID    `json:"loser" doc:"Who went in; of a split, who came out."`
	Reasons []i18n.Text       `json:"reasons" nullable:"false"`
	At      time.Time         `json:"at"`
	By      string            `json:"by"`
}

type listMerges struct {
	Whole
	State string `query:"state" enum:"proposed,done,refused,undone" default:"proposed"`
}

func (s *server) listMerges(ctx context.Context, f facility.ID, in *listMerges) (Page[Merge], error) {
	list, err := s.Ledger.Merges(ctx, f, ledger.MergeState(in.State))
	if err != nil {
		return Page[Merge]{}, err
	}
	items := make([]Merge, len(list))
	for i, m := range list {
		items[i] = Merge{m.ID, m.Split, m.State, m.Winner, m.Loser, full(m.Reasons), m.At, m.Actor.Name}
	}
	return page(items, ""), nil
}

type mergeDevice struct {
	ByID
	Body struct {
		Other  netid.DeviceID `json:"other" minLength:"1" maxLength:"80" doc:"Id of the device that goes into this one."`
		Reason string         `json:"reason,omitempty" maxLength:"500"`
	}
}

// MergeDone names what can be undone.
type MergeDone struct {
	Merge  string       `json:"merge" doc:"Id for /merges/{id}/undo."`
	Device DeviceDetail `json:"device"`
}

func (s *server) mergeDevice(ctx context.Context, f facility.ID, in *mergeDevice) (MergeDone, error) {
	var id string
	err := s.do(ctx, f, func(ctx context.Context) (e trail.Entry, err error) {
		id, err = s.Ledger.Merge(ctx, f, netid.DeviceID(in.ID), in.Body.Other, in.Body.Reason)
		return deed("device.merge", "device", in.ID, "2つの機器を1つにまとめました", "Merged two devices",
			map[string]string{"other": string(in.Body.Other), "merge": id, "reason": in.Body.Reason}), err
	})
	if err != nil {
		return MergeDone{}, err
	}
	d, err := s.getDevice(ctx, f, &in.ByID)
	return MergeDone{id, d}, err
}

type splitDevice struct {
	ByID
	Body struct {
		MACs   []string `json:"macs" minItems:"1" maxItems:"100" nullable:"false" doc:"Network cards that become a device of their own."`
		Reason string   `json:"reason,omitempty" maxLength:"500"`
	}
}

func (s *server) splitDevice(ctx context.Context, f facility.ID, in *splitDevice) (DeviceDetail, error) {
	macs := make([]netid.MAC, len(in.Body.MACs))
	for i, text := range in.Body.MACs {
		var err error
		if macs[i], err = netid.ParseMAC(text); err != nil {
			return DeviceDetail{}, err
		}
	}
	var d *ledger.Device
	err := s.do(ctx, f, func(ctx context.Context) (e trail.Entry, err error) {
		if d, err = s.Ledger.Split(ctx, f, netid.DeviceID(in.ID), macs, in.Body.Reason); err != nil {
			return e, err
		}
		return deed("device.split", "device", in.ID, "機器を2つに分けました", "Split a device",
			map[string]any{"new": d.ID, "macs": in.Body.MACs, "reason": in.Body.Reason}), nil
	})
	if err != nil {
		return DeviceDetail{}, err
	}
	return viewDetail(d), nil
}

func (s *server) undoMerge(ctx context.Context, f facility.ID, in *ByID) error {
	return s.do(ctx, f, func(ctx context.Context) (trail.Entry, error) {
		return deed("device.merge-undo", "merge", in.ID, "機器の統合・分割を取り消しました", "Undid a merge or split", nil), s.Ledger.Undo(ctx, f, in.ID)
	})
}

func (s *server) acceptMerge(ctx context.Context, f facility.ID, in *ByID) error {
	return s.do(ctx, f, func(ctx context.Context) (trail.Entry, error) {
		return deed("device.merge-accept", "merge", in.ID, "同じ機器という提案を認めました", "Accepted a proposed merge", nil), s.Ledger.Accept(ctx, f, in.ID)
	})
}

func (s *server) refuseMerge(ctx context.Context, f facility.ID, in *ByID) error {
	return s.do(ctx, f, func(ctx context.Context) (trail.Entry, error) {
		return deed("device.merge-refuse", "merge", in.ID, "別の機器だと記録しました", "Refused a proposed merge", nil), s.Ledger.Refuse(ctx, f, in.ID)
	})
}
