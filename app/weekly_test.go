package app

import (
	"bytes"
	"context"

	"io"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/finding"
	"kenshin/i18n"
	"kenshin/internal/mailtest"
	"kenshin/job"
	"kenshin/setting"
	"kenshin/store"
)

// Once a week each person with something to do gets one mail, and the administrator one about everything; without a mail server the run says so.
func TestTheWeeklyMail(t *testing.T) {
	ctx := context.Background()
	now := time.Date(2026, time.November, 23, 0, 30, 0, 0, time.UTC) // Monday, 9:30 in Tokyo
	h, err := Open(ctx, Config{Data: t.TempDir(), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	command := actor.With(ctx, actor.Actor{Kind: actor.Command, ID: "root", Name: "root"})
	f, err := h.Account.AddFacility(command, account.Facility{Name: "みなと病院"})
	must(err)
	for _, p := range []struct {
		role actor.Role
		name string
	}{{actor.Admin, "情報 太郎"}, {actor.Department, "髙﨑 花子"}, {actor.Director, "院長"}} {
		_, err := h.Account.AddPerson(command, f.ID, account.NewPerson{Email: string(p.role) + "@minato.example", Name: p.name, Password: "kirin-tokei-mado-yuki"}, p.role, time.Time{})
		must(err)
	}
	must(h.DB.Write(command, f.ID, func(tx *store.Tx) error {
		_, err := h.Findings.Record(command, tx, []finding.Result{
			{Check: "smb1", Version: "1", Severity: finding.High, Owner: "髙﨑 花子", Due: now.AddDate(0, 0, 2), Text: finding.Text{Title: i18n.Text{Ja: "CTの古いファイル共有", En: "SMB1"}}},
			{Check: "ftp", Version: "1", Severity: finding.Low, Due: now.AddDate(0, 0, -2), Text: finding.Text{Title: i18n.Text{Ja: "検査室のFTP", En: "FTP"}}}})
		return err
	}))
	h.nightly()
	must(h.Jobs.Start(ctx))
	defer h.Jobs.Stop(ctx)
	runs := func() (out []job.Info) {
		list, err := h.Jobs.List(ctx, f.ID, job.Filter{Kinds: []string{weeklyKind}})
		must(err)
		return list
	}
	must(h.askWeekly(ctx))
	wait(t, func() bool { return len(runs()) == 1 && runs()[0].State.Over() })
	if r := runs()[0]; r.State != job.Incomplete || !strings.Contains(r.Note.Ja, "メールサーバが設定されていない") {
		t.Errorf("without a mail server: %+v", r)
	}
	sink := mailtest.Start(t)
	must(h.DB.Write(ctx, f.ID, func(tx *store.Tx) error {
		_, err := setting.Mail().Set(ctx, tx, setting.Relay{Host: "127.0.0.1", Port: sink.Port(), Security: "none", From: "kenshin@minato.example", To: []string{"it@minato.example"}})
		return err
	}))
	must(h.askWeekly(ctx)) // this week is done
	now = now.AddDate(0, 0, 7)
	for range 3 {
		must(h.askWeekly(ctx))
	}
	told := func() map[string]string {
		out := map[string]string{}
		for _, m := range sink.Messages() {
			if m.To != "it@minato.example" {
				mail, err := mail.ReadMessage(bytes.NewReader(m.Body))
				must(err)
				text, err := io.ReadAll(quotedprintable.NewReader(mail.Body))
				must(err)
				out[m.To] += string(text)
			}
		}
		return out
	}
	wait(t, func() bool { return len(runs()) == 2 && runs()[0].State.Over() && len(told()) == 2 })
	mails := told()
	if strings.Contains(mails["department@minato.example"], "検査室のFTP") || !strings.Contains(mails["department@minato.example"], "CTの古いファイル共有") {
		t.Errorf("to whom one is given: %s", mails["department@minato.example"])
	}
	if !strings.Contains(mails["admin@minato.example"], "検査室のFTP") || !strings.Contains(mails["admin@minato.example"], "担当が決まっていないもの: 1件") {
		t.Errorf("to the administrator: %s", mails["admin@minato.example"])
	}
}
