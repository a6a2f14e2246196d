// Package setting keeps what a facility has chosen: one value per name, typed and checked, with the product's default until somebody
// chooses otherwise. Callers put changes into the trail.
package setting

import (
	"encoding/json"
	"fmt"
	"time"

	"kenshin/fault"
	"kenshin/i18n"
)

// Key is one setting. Packages above declare their own keys as Key literals; Name is stable and starts with the owner's word.
type Key[T any] struct {
	Name    string
	Title   i18n.Text
	Default T
	Check   func(T) error // nil takes every T; its error is a *fault.Error
}

// decode reads a stored value. What no longer passes the check (an older version wrote it) falls back to the default.
func (k Key[T]) decode(raw string) T {
	var v T
	if err := json.Unmarshal([]byte(raw), &v); err != nil || k.check(v) != nil {
		return k.Default
	}
	return v
}

func (k Key[T]) check(v T) error {
	if k.Check == nil {
		return nil
	}
	return k.Check(v)
}

// Minutes is a length of time as a person enters it.
type Minutes int

// Duration returns m as a time.Duration.
func (m Minutes) Duration() time.Duration { return time.Duration(m) * time.Minute }

// Idle is after how long without a click a session ends.
func Idle() Key[Minutes] {
	return Key[Minutes]{Name: "session.idle", Default: 30, Check: between[Minutes](5, 12*60),
		Title: i18n.Text{Ja: "操作がないときに自動でサインアウトするまでの時間(分)", En: "Minutes without activity until sign-out"}}
}

// RawDays is how long devices' raw answers are kept.
func RawDays() Key[int] {
	return Key[int]{Name: "keep.raw-days", Default: 7, Check: between(1, 90),
		Title: i18n.Text{Ja: "機器の応答をそのまま残す日数", En: "Days to keep raw answers of devices"}}
}

// ObservationDays is how long observations that were not seen again are kept.
func ObservationDays() Key[int] {
	return Key[int]{Name: "keep.observation-days", Default: 400, Check: between(30, 3660),
		Title: i18n.Text{Ja: "観測の記録を残す日数", En: "Days to keep observations"}}
}

// EventDays is how long the list of changes is kept.
func EventDays() Key[int] {
	return Key[int]{Name: "keep.event-days", Default: 1100, Check: between(90, 3660),
		Title: i18n.Text{Ja: "変化の記録を残す日数", En: "Days to keep the list of changes"}}
}

// Pace is the pace proposed for a new segment: gentle, normal or fast.
func Pace() Key[string] {
	return Key[string]{Name: "segment.pace", Default: "gentle", Check: oneOf("gentle", "normal", "fast"),
		Title: i18n.Text{Ja: "新しいネットワーク区画の調べる速さ", En: "Pace for a new segment"}}
}

// Language is the first language of the facility's pages, papers and mails.
func Language() Key[i18n.Lang] {
	return Key[i18n.Lang]{Name: "language", Default: i18n.Ja, Check: oneOf(i18n.Ja, i18n.En),
		Title: i18n.Text{Ja: "言語", En: "Language"}}
}

// Closed says that the facility's network has no way to the internet: nothing tries to fetch, and pages explain how to bring files in.
func Closed() Key[bool] {
	return Key[bool]{Name: "network.closed", Default: false,
		Title: i18n.Text{Ja: "閉域網(インターネットにつながらない)", En: "Closed network (no internet)"}}
}

// PasswordLength is the shortest password that the facility's people may choose.
func PasswordLength() Key[int] {
	return Key[int]{Name: "password.length", Default: 13, Check: between(13, 64),
		Title: i18n.Text{Ja: "パスワードの最小文字数", En: "Shortest password"}}
}

func between[T ~int](low, high T) func(T) error {
	return func(v T) error {
		if v < low || v > high {
			return fault.Newf(fault.Invalid, "%d から %d の間で入れてください。", "Enter a number from %d to %d.", low, high)
		}
		return nil
	}
}

func oneOf[T ~string](allowed ...T) func(T) error {
	return func(v T) error {
		for _, a := range allowed {
			if v == a {
				return nil
			}
		}
		return fault.Newf(fault.Invalid, "選べる値は %v です。", "Choose one of %v.", fmt.Sprint(allowed))
	}
}
