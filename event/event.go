// Package event is "what changed": the things that happened on a facility's network and in its ledger, for people to look at.
package event

import (
	"strings"
	"time"

	"kenshin/i18n"
	"kenshin/netid"
)

// Kind is what sort of thing happened.
type Kind string

const (
	DeviceFound    Kind = "device-found"
	DeviceConfirm  Kind = "device-confirm"
	DeviceBack     Kind = "device-back"
	RetiredSeen    Kind = "retired-seen"
	AddressChanged Kind = "address-changed"
	CardFound      Kind = "card-found"
	Identified     Kind = "identified"
	Measured       Kind = "measured"
	ServiceOpened  Kind = "service-opened"
	ServiceClosed  Kind = "service-closed"
	StateChanged   Kind = "state-changed"
	Edited         Kind = "edited"
	Added          Kind = "added"
	Removed        Kind = "removed"
	Merged         Kind = "merged"
	MergeProposed  Kind = "merge-proposed"
	SplitOff       Kind = "split"
	MergeUndone    Kind = "merge-undone"
	SystemChanged  Kind = "system-changed"
	FindingOpened  Kind = "finding-opened"
	FindingClosed  Kind = "finding-closed"
	AssessChanged  Kind = "assess-changed"
)

// Event is one thing that changed. Params are the texts that its title is made with; the keys stand in Kinds.
type Event struct {
	ID     string
	At     time.Time
	Kind   Kind
	Device netid.DeviceID // "" when it is about no device
	Params map[string]string
	Seen   bool // somebody looked at it
}

// About is how a kind is told. {name}, {before}, {after}, {field} in a title are filled from Params.
type About struct {
	Kind  Kind
	Label i18n.Text // of a whole group: 「新しい機器」
	Title i18n.Text // of one event
}

// Kinds lists all kinds in the order in which a person wants to know of them.
func Kinds() []About {
	return []About{
		{DeviceFound, t("新しい機器", "New devices"), t("新しい機器 {name} が見つかりました", "New device {name} was found")},
		{FindingOpened, t("見つかった弱点", "Weak points found"), t("弱点が見つかりました: {after}", "A weak point was found: {after}")},
		{AssessChanged, t("年次健診の変化", "Yearly check-up"), t("点検「{name}」が「{before}」から「{after}」に変わりました", "The check “{name}” went from “{before}” to “{after}”")},
		{FindingClosed, t("なくなった弱点", "Weak points gone"), t("弱点がなくなりました: {after}", "A weak point is gone: {after}")},
		{RetiredSeen, t("廃棄した機器の出現", "Retired devices seen"), t("廃棄したはずの {name} がネットワークにいます", "{name}, which was retired, is on the network")},
		{ServiceOpened, t("開いたサービス", "Services opened"), t("{name} で {after} が開きました", "{after} opened on {name}")},
		{MergeProposed, t("同じ機器かもしれない", "Possibly the same"), t("{name} と {other} は同じ機器かもしれません", "{name} and {other} may be the same device")},
		{Measured, t("測定結果の変化", "Measured changes"), t("{name} の {field} が {before} から {after} に変わりました", "{field} of {name} changed from {before} to {after}")},
		{CardFound, t("ネットワークカードの追加", "Network cards found"), t("{name} のMACアドレスが分かりました({after})", "The MAC of {name} is known now ({after})")},
		{DeviceBack, t("久しぶりの機器", "Devices back"), t("{name} が久しぶりに見つかりました", "{name} is back after a long silence")},
		{DeviceConfirm, t("台帳の機器を確認", "Ledger entries confirmed"), t("台帳の {name} がネットワークで見つかりました", "{name} of the ledger was found on the network")},
		{AddressChanged, t("アドレスの変化", "Addresses changed"), t("{name} のアドレスが {before} から {after} に変わりました", "The address of {name} changed from {before} to {after}")},
		{Identified, t("種類の判明", "Devices identified"), t("{name} は「{after}」と分かりました", "{name} was identified as {after}")},
		{ServiceClosed, t("閉じたサービス", "Services closed"), t("{name} の {before} が閉じました", "{before} closed on {name}")},
		{Merged, t("統合", "Merged"), t("{name} と {other} を1つにまとめました", "{name} and {other} were merged")},
		{SplitOff, t("分割", "Split"), t("{name} から {other} を分けました", "{other} was split off {name}")},
		{MergeUndone, t("統合の取り消し", "Merges undone"), t("{name} と {other} の統合を取り消しました", "The merge of {name} and {other} was undone")},
		{StateChanged, t("状態の変更", "States changed"), t("{name} の状態が {before} から {after} になりました", "The state of {name} went from {before} to {after}")},
		{Edited, t("台帳の変更", "Ledger edits"), t("{name} の {field} が変更されました", "{field} of {name} was edited")},
		{Added, t("台帳への追加", "Ledger entries added"), t("{name} が台帳に追加されました", "{name} was added to the ledger")},
		{Removed, t("台帳からの削除", "Ledger entries removed"), t("{name} が台帳から削除されました", "{name} was removed from the ledger")},
		{SystemChanged, t("システムの変更", "Systems changed"), t("システム {name} が変更されました", "System {name} was changed")},
	}
}

func t(ja, en string) i18n.Text { return i18n.Text{Ja: ja, En: en} }

// Title tells the event in one sentence. A value that is not known is told as 「(不明)」; Params may carry a value of its own for English
// under its key with "_en" behind it.
func (e *Event) Title() i18n.Text {
	for _, a := range Kinds() {
		if a.Kind == e.Kind {
			return t(e.fill(a.Title.Ja, "", "(不明)"), e.fill(a.Title.En, "_en", "(unknown)"))
		}
	}
	return t(string(e.Kind), string(e.Kind))
}

func (e *Event) fill(title, suffix, unknown string) string {
	var pairs []string
	for _, key := range []string{"name", "other", "field", "before", "after"} {
		v := e.Params[key+suffix]
		if v == "" {
			v = e.Params[key]
		}
		if v == "" {
			v = unknown
		}
		pairs = append(pairs, "{"+key+"}", v)
	}
	return strings.NewReplacer(pairs...).Replace(title)
}
