package web

import "kenshin/checkup"

// notAsked says in plain words why a check-up found a device and did not ask it, and what to do about it. What protects a device by itself is said
// elsewhere on its page.
func (v *visit) notAsked(h checkup.HostRow) string {
	switch h.Reason {
	case "outside":
		return v.t("IPアドレス %s は、承認した区画の範囲の外です。前の場所の設定のままか、ほかのネットワークの機器がつながっているのかもしれません。見つけただけで、何も聞いていません。機器の設定を直すか、この範囲も当院のものなら「区画」で足して承認してください。",
			"Its IP address %s lies outside the approved segments. It may still be set up for another place, or belong to another network. It was only found; nothing was asked. Mend its settings, or, if the range is yours, add and approve it under Segments.", h.IP)
	case "no-address":
		return v.t("IPアドレスがまだ分からないためです。次の健診でもう一度確かめます。", "Its IP address is not known yet. The next check-up looks again.")
	case "unknown-mac":
		return v.t("ルータの向こうにあり、まだ正体が分からないので守っています。ルータのSNMPの合言葉を「区画」に入れると、MACアドレスが分かります。",
			"It lies behind a router and is not known yet, so it is protected. With the router's SNMP credential under Segments its MAC is learned.")
	case "moved":
		return v.t("健診の途中で、ほかの機器がこのIPアドレスで答えたためです。次の健診でもう一度確かめます。", "Another device answered for its IP address during the check-up. The next one looks again.")
	case "hours":
		return v.t("この区画で決めた時間帯の外だったためです。", "It was outside the hours that were set for the segment.")
	case "killed":
		return v.t("停止スイッチが入っていたためです。", "The kill switch was on.")
	case "not-approved":
		return v.t("区画の承認が取り消されていたためです。", "The approval of the segment had been withdrawn.")
	case "time":
		return v.t("答えが遅く、時間内に聞き終わらなかったためです。次の健診でもう一度聞きます。", "It answered so slowly that there was no time to ask everything. The next check-up asks again.")
	}
	return ""
}
