package web

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/internal/mailtest"
)

// The report mailbox is set up, tried and told about on one page; its password never comes out, and the big form beside leaves it alone.
func TestReportMailboxIsSetUpAndTried(t *testing.T) {
	s := mailtest.Real(t, []string{"houkoku"})
	c := openConsole(t)
	c.drillHouse()
	c.Drills.Trust(s.Roots)
	s.Save("houkoku", "INBOX", []byte("From: a@hospital.test\r\nSubject: x\r\n\r\ny\r\n"))
	box := func(do, secret string, more ...string) []string {
		return append(more, "do", do, "box-host", "localhost", "box-port", strconv.Itoa(mailtest.Port(s.IMAPS)), "box-security", "tls", "box-auth", "password", "box-user", "houkoku@hospital.test", "box-secret", secret)
	}
	c.get(actor.Admin, "/drills/settings").is(http.StatusOK, "報告を受け取るメールボックス", "設定なし")
	c.post(actor.Admin, "/drills/settings/mailbox", box("try", "machigai")...).is(http.StatusOK, "サインインを断りました", "設定なし", "!machigai")
	c.post(actor.Admin, "/drills/settings/mailbox", box("try", mailtest.Password)...).is(http.StatusOK, "つながりました。フォルダにメールが 1通", "設定なし")
	c.post(actor.Admin, "/drills/settings/mailbox", box("save", mailtest.Password, "box-after", "move", "box-move", "済み")...).is(http.StatusOK, "移す先のフォルダ「済み」", "まもなく読み始めます", "保存されています", "!geheim")
	c.post(actor.Admin, "/drills/settings/mailbox", box("save", "", "box-after", "mark")...).is(http.StatusOK, "つながりました")
	c.post(actor.Admin, "/drills/settings/mailbox", "do", "save", "box-host", "imap.elsewhere.example", "box-user", "x").is(http.StatusUnprocessableEntity, "前のパスワードを、別のサーバに渡すことはしません")
	c.post(actor.Admin, "/drills/settings/mailbox", box("save", "", "box-port", "hachi")...).is(http.StatusUnprocessableEntity, "数字で入れてください")
	c.post(actor.Admin, "/drills/settings", "base", "https://drill.minato.example", "per_day", "500", "apart", "14", "quiet", "10", "nameless", "180", "lines", "1", "hours", "09:00-16:30", "weekday", "1").is(http.StatusSeeOther)
	c.get(actor.Admin, "/drills/settings").is(http.StatusOK, "houkoku@hospital.test")
	c.post(actor.Admin, "/drills/settings/mailbox", box("save", "kigen-gire")...).is(http.StatusOK, "サインインを断りました")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- c.Drills.WatchMailboxes(ctx, func(context.Context) ([]facility.ID, error) { return []facility.ID{c.f}, nil })
	}()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		h, err := c.Drills.MailboxHealth(t.Context(), c.f)
		c.must(err)
		if h.Stopped {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the refusal is not told: %+v", h)
		}
	}
	cancel()
	c.must(<-done)
	c.get(actor.Admin, "/drills/settings").is(http.StatusOK, "止まっています", "アカウントがロックされないように")
	c.get(actor.Admin, "/drill-reports").is(http.StatusOK, "報告用のメールボックスを読めていません", "サインインを断りました")
	c.post(actor.Admin, "/drills/settings/mailbox", "do", "save", "box-host", "").is(http.StatusSeeOther)
	c.get(actor.Admin, "/drills/settings").is(http.StatusOK, "設定なし")
}
