package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/netid"
	"kenshin/store"
	"kenshin/web/asset"
)

// Health is how one thing stands.
type Health string

const (
	Well Health = "ok"
	Note Health = "note" // works, and somebody should know
	Ill  Health = "ill"  // somebody must act
)

// Symptom is one thing that Doctor looked at; Fix says what to do about it.
type Symptom struct {
	Health            Health
	Name, Detail, Fix i18n.Text
}

// Doctor examines Kenshin itself: this machine and, where a data folder is named, the data. What cannot be opened is a symptom too.
func Doctor(ctx context.Context, c Config) []Symptom {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	out := []Symptom{checkRawSockets(), checkInterfaces(), checkMakers(), checkClock(), checkBundle(), checkPort(ctx, c)}
	if c.Data == "" {
		return append(out, Symptom{Note, words("データ", "Data"), words("調べていません。", "Not examined."), words("--data でフォルダを指定してください。", "Name the folder with --data.")})
	}
	return append(out, examineData(ctx, c)...)
}

func words(ja, en string, args ...any) i18n.Text {
	if len(args) == 0 {
		return i18n.Text{Ja: ja, En: en}
	}
	return i18n.Text{Ja: fmt.Sprintf(ja, args...), En: fmt.Sprintf(en, args...)}
}

func examineData(ctx context.Context, c Config) []Symptom {
	data := words("データ", "Data")
	if _, err := os.Stat(c.Data); err != nil && c.Database == "" {
		return []Symptom{{Ill, data, words("フォルダ %s がありません。", "There is no folder %s.", c.Data), words("--data を確かめてください。", "Check --data.")}}
	}
	h, err := Open(ctx, c)
	if err != nil {
		return []Symptom{{Ill, data, i18n.Text{Ja: fault.Sentence(err, "ja"), En: fault.Sentence(err, "en")}, i18n.Text{}}}
	}
	defer h.Close()
	var out []Symptom
	for _, s := range h.DB.Doctor(ctx, c.Now()) {
		health := Well
		if !s.OK {
			health = Ill
		}
		out = append(out, Symptom{health, s.Name, s.Detail, s.Fix})
	}
	if all, err := h.Account.Facilities(ctx); err == nil && len(all) == 0 {
		out = append(out, Symptom{Note, words("施設", "Facility"), words("まだありません。", "There is none yet."),
			words("kenshin serve を動かし、画面ではじめの設定をしてください。", "Run kenshin serve and finish the setup in the browser.")})
	}
	return out
}

// capNetRaw is CAP_NET_RAW's bit in /proc/self/status (capabilities(7)).
const capNetRaw = 13

func checkRawSockets() Symptom {
	name := words("ARPなどを送受信する権限", "Right to raw sockets")
	status, err := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if hex, ok := strings.CutPrefix(line, "CapEff:"); ok {
			bits, _ := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
			if bits&(1<<capNetRaw) != 0 {
				return Symptom{Well, name, words("あります。", "It is there."), i18n.Text{}}
			}
		}
	}
	detail := words("このコマンドを動かした利用者にはありません。同じ区画の機器をARPで探せません。", "The user who ran this command has none: devices of the same segment cannot be asked by ARP.")
	if err != nil {
		detail = words("調べられませんでした。", "It could not be checked.")
	}
	return Symptom{Ill, name, detail, words("「sudo setcap cap_net_raw+ep $(command -v kenshin)」を実行するか、systemd のサービスとして(またはrootで)動かしてください。",
		"Run \"sudo setcap cap_net_raw+ep $(command -v kenshin)\", or run Kenshin as the systemd service or as root.")}
}

func checkInterfaces() Symptom {
	name := words("ネットワークの口", "Network interfaces")
	all, err := net.Interfaces()
	if err != nil {
		return Symptom{Ill, name, words("調べられませんでした。", "They could not be checked."), words("権限を確かめてください。", "Check the rights.")}
	}
	var up []string
	for _, i := range all {
		if i.Flags&net.FlagUp != 0 && i.Flags&net.FlagLoopback == 0 {
			up = append(up, i.Name)
		}
	}
	if len(up) == 0 {
		return Symptom{Note, name, words("院内につながる口がありません。", "None leads anywhere."), words("ケーブルとアドレスの設定を確かめてください。", "Check the cable and the address.")}
	}
	return Symptom{Well, name, words("%s", "%s", strings.Join(up, ", ")), i18n.Text{}}
}

func checkMakers() Symptom {
	name := words("メーカーの一覧", "List of makers")
	m, err := netid.LoadMakers(netid.MakerFiles()...)
	if err != nil || m.Len() == 0 {
		return Symptom{Ill, name, words("ありません。MACアドレスから医療機器のメーカーを見分けられません。", "It is missing: makers of medical devices cannot be told by their MAC."),
			words("apt-get install ieee-data を実行してください。", "Run apt-get install ieee-data.")}
	}
	return Symptom{Well, name, words("%d件", "%d entries", m.Len()), i18n.Text{}}
}

// checkClock asks the kernel whether somebody keeps the clock (adjtimex(2)).
func checkClock() Symptom {
	name := words("時刻合わせ", "Time synchronisation")
	var t unix.Timex
	if state, err := unix.Adjtimex(&t); err != nil || state == unix.TIME_ERROR {
		return Symptom{Note, name, words("働いていることを確かめられません。記録の時刻が信用できなくなります。", "It could not be confirmed; the times of records depend on it."),
			words("timedatectl で NTP を有効にしてください。", "Enable NTP with timedatectl.")}
	}
	return Symptom{Well, name, words("働いています。", "It works."), i18n.Text{}}
}

func checkBundle() Symptom {
	name := words("画面の部品", "Browser bundle")
	if !asset.Present() {
		return Symptom{Note, name, words("入っていません。画面は動きますが、自動更新や地図がありません。", "It is not built in: pages work as plain HTML."),
			words("make assets のあとで作り直してください。", "Build again after make assets.")}
	}
	return Symptom{Well, name, words("入っています。", "It is built in."), i18n.Text{}}
}

func checkPort(ctx context.Context, c Config) Symptom {
	name := words("待ち受け %s", "Address %s", c.Listen)
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	switch {
	case err == nil:
		l.Close()
		return Symptom{Well, name, words("空いています。", "It is free."), i18n.Text{}}
	case errors.Is(err, syscall.EADDRINUSE) && c.Data != "" && store.Holder(c.Data) != 0:
		return Symptom{Well, name, words("動いているKenshin(プロセス %d)が使っています。", "The running Kenshin (process %d) has it.", store.Holder(c.Data)), i18n.Text{}}
	case errors.Is(err, syscall.EADDRINUSE):
		return Symptom{Note, name, words("ほかのプログラムが使っています。", "Another program has it."), words("serve に --listen で別の番号を指定してください。", "Give serve another number in --listen.")}
	}
	return Symptom{Ill, name, words("開けません。", "It cannot be opened."), words("--listen の書き方と権限を確かめてください。", "Check --listen and the rights.")}
}
