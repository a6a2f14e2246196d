package web

import (
	"context"
	"net/http"
	"testing"

	"kenshin/actor"
	"kenshin/store"
	"kenshin/trail"
)

// A passkey belongs to the name in the address: who makes one at localhost is told that it ends when the console gets a name.
func TestPasskeyNoteAtLocalhost(t *testing.T) {
	c := openConsole(t)
	for address, told := range map[string]bool{"http://localhost:8470": true, "https://kenshin.minato.example:8443": false} {
		c.Site.URL = address
		text := "いまの画面の番地は localhost です"
		if !told {
			text = "!" + text
		}
		c.get(actor.Admin, "/me").is(http.StatusOK, text, "パスキー")
	}
}

// Who is locked out is told what really helps.
func TestSignInSaysWhatHelps(t *testing.T) {
	c := openConsole(t)
	c.get("", "/signin").is(http.StatusOK, "kenshin user reset", "--second-factor", "--password-stdin", "復旧コード", "!招待をもう一度出してもらって")
}

func TestKillSwitchTakesAReason(t *testing.T) {
	c := openConsole(t)
	c.get(actor.Admin, "/segments").is(http.StatusOK, `name="reason"`)
	c.post(actor.Admin, "/kill", "on", "true", "reason", "モニタの表示がおかしい").is(http.StatusSeeOther)
	c.must(c.DB.Read(context.Background(), c.f, func(tx *store.Tx) error {
		list, _, err := trail.List(context.Background(), tx, trail.Filter{Action: "gate.kill"})
		if len(list) != 1 {
			t.Errorf("%d entries", len(list))
		}
		return err
	}))
	c.get(actor.Admin, "/segments").is(http.StatusOK, "停止を解除する", `!name="reason"`)
	c.post(actor.Admin, "/kill", "on", "false").is(http.StatusSeeOther)
}
