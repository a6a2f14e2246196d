package web

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/drill"
	"kenshin/drill/calendar"
	"kenshin/drill/preflight"
)

// zone answers for the hospital's DNS.
type zone map[string][]string

func (z zone) LookupTXT(_ context.Context, name string) ([]string, error) {
	if r, ok := z[strings.TrimSuffix(name, ".")]; ok {
		return r, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}
func (zone) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}
func (zone) LookupIPAddr(_ context.Context, name string) ([]net.IPAddr, error) {
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}
func (zone) LookupAddr(_ context.Context, name string) ([]string, error) {
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// drillHouse lets the console's hospital send drills: settings, a domain proven by DNS, three recipients.
func (c *console) drillHouse() {
	c.t.Helper()
	ctx, names := c.as(actor.Admin), zone{}
	c.Drills.Reach(preflight.World{Resolver: names, Now: time.Now, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: net.UnknownNetworkError("none in this test")}
	}})
	s := drill.DefaultSettings()
	s.Domain, s.Base, s.Contact = "training.minato.example", "https://drill.minato.example", "情報システム室 内線1234"
	s.Hours = calendar.Calendar{Weekdays: []time.Weekday{0, 1, 2, 3, 4, 5, 6}, Hours: []calendar.Window{{From: calendar.At(0, 0), To: calendar.At(24, 0)}}, Holidays: true}
	s.Relay = drill.RelaySettings{Kind: "smtp", Host: "127.0.0.1", Port: 9, Security: "none"}
	c.must(c.Drills.SaveSettings(ctx, c.f, s, drill.Secrets{}))
	ask, err := c.Drills.AskDomain(ctx, c.f, "minato-hospital.jp", "")
	c.must(err)
	names[ask.Host] = []string{ask.Value}
	_, err = c.Drills.CheckDomain(ctx, c.f, "minato-hospital.jp")
	c.must(err)
	_, _, err = c.Drills.SavePeople(ctx, c.f, []drill.Person{{Address: "a@minato-hospital.jp", Surname: "髙﨑", Given: "花子", Department: "看護部"},
		{Address: "b@minato-hospital.jp", Surname: "山田", Given: "太郎", Department: "薬剤部"}, {Address: "c@minato-hospital.jp", Surname: "佐藤", Department: "看護部"}}, false)
	c.must(err)
}

// draft is a notice that the console's trainer wrote.
func (c *console) draft() drill.Drill {
	c.t.Helper()
	d := drill.Drill{Name: "はじめのお知らせ", Mode: drill.Course, Mail: drill.Mail{FromName: "総務課", FromLocal: "soumu", Subject: "訓練のお知らせ", Text: "{{氏名}} 様\n\nメールの訓練を始めます。\n"}}
	ctx := actor.With(context.Background(), c.person(actor.Trainer))
	d, err := c.Drills.Save(ctx, c.f, d)
	c.must(err)
	return d
}

// person is the console's own person of a role.
func (c *console) person(role actor.Role) actor.Actor {
	c.t.Helper()
	x, err := c.Account.Session(context.Background(), c.cookies[role])
	c.must(err)
	a, err := c.Account.Access(context.Background(), x.Subject(), x.Facility)
	c.must(err)
	return a
}

func (c *console) drillNow(id string) drill.Drill {
	c.t.Helper()
	d, err := c.Drills.Get(context.Background(), c.f, id)
	c.must(err)
	return d
}

// A drill goes from its author to a second person; who wrote it is told why there is no button.
func TestADrillTakesTwoPeople(t *testing.T) {
	c := openConsole(t)
	c.drillHouse()
	d := c.draft()
	at := "/drills/" + d.ID
	c.get(actor.Trainer, "/drills").is(http.StatusOK, d.Name, "下書き", "承認を頼む", `<td class="num r">3 </td>`)
	c.get(actor.Trainer, at).is(http.StatusOK, "見本 花子 様", "看護部", "承認を頼む", "!{{氏名}}")
	c.post(actor.Trainer, at+"/submit").is(http.StatusSeeOther)
	d = c.drillNow(d.ID)
	if d.State != drill.Waiting {
		t.Fatalf("%s", d.State)
	}
	c.get(actor.Trainer, at).is(http.StatusOK, "あなたが作った訓練なので", "!"+at+"/approve", "髙﨑 花子")
	c.get(actor.Department, at).is(http.StatusOK, "!髙﨑 花子", "!"+at+"/approve")
	c.get(actor.Director, at).is(http.StatusOK, d.Hash, at+"/approve", "3人に送ることを承認する", "髙﨑 花子")
	c.post(actor.Director, at+"/approve", "hash", "old").is(http.StatusConflict, "内容が変わりました", d.Hash)
	c.post(actor.Director, at+"/approve", "hash", d.Hash).is(http.StatusSeeOther)
	c.get(actor.Trainer, at+"/live").is(http.StatusOK, "3通のうち 0通", "送信を止める", "every 1s")
	c.post(actor.Trainer, at+"/pause").is(http.StatusSeeOther)
	c.get(actor.Trainer, at).is(http.StatusOK, "一時停止", "再開する", "!every 1s")
	c.post(actor.Trainer, at+"/withdraw").is(http.StatusSeeOther)
	c.get(actor.Trainer, "/drills").is(http.StatusOK, "!"+d.Name)
	c.get(actor.Trainer, "/drills?all=yes").is(http.StatusOK, d.Name, "取り消し")
	c.post(actor.Trainer, at+"/copy").is(http.StatusSeeOther)
}

func TestSendingBackNeedsAReasonAndShowsIt(t *testing.T) {
	c := openConsole(t)
	c.drillHouse()
	d := c.draft()
	at := "/drills/" + d.ID
	c.post(actor.Trainer, at+"/submit").is(http.StatusSeeOther)
	c.post(actor.Director, at+"/reject", "reason", " ").is(http.StatusUnprocessableEntity, "どこを直してほしいか")
	c.post(actor.Director, at+"/reject", "reason", "件名が長い").is(http.StatusSeeOther)
	c.get(actor.Trainer, at).is(http.StatusOK, "差し戻し: 件名が長い", "下書き")
}

func TestADrillWithoutPreflightSaysSo(t *testing.T) {
	c := openConsole(t)
	c.drillHouse()
	d := drill.Drill{Name: "荷物", Mail: drill.Mail{FromName: "ひばり宅配便", FromLocal: "info", Subject: "お荷物", Text: "{{リンク}}", Link: true, Landing: "parcel"}}
	d, err := c.Drills.Save(c.as(actor.Trainer), c.f, d)
	c.must(err)
	c.post(actor.Trainer, "/drills/"+d.ID+"/submit").is(http.StatusUnprocessableEntity, "送る前の点検がまだです", "お荷物")
}

// What was typed stays when something is wrong, and the preview shows the mail, its faults and its cues while one types.
func TestComposeKeepsWhatWasTyped(t *testing.T) {
	c := openConsole(t)
	c.drillHouse()
	c.get(actor.Trainer, "/drills/new").is(http.StatusOK, "題材", "やさしい", "院長からのお知らせ")
	fields := []string{"name", "秋の訓練", "mode", "standard", "whom", "all", "from_name", "ひばり宅配便", "from_local", "info", "subject", "至急ご確認ください",
		"text", "{{氏名}} 様\n本日中にお手続きください。\n{{リンク}}", "link", "yes", "landing", "parcel", "premise0", "4"}
	c.post(actor.Trainer, "/drills/preview", fields...).is(http.StatusOK, "見本 花子 様", "宛先 3人", `form="compose"`, "!<html")
	c.post(actor.Trainer, "/drills/preview", append(fields, "html", "<script>alert(1)</script>")...).is(http.StatusOK, "送る前に直すところ", "!<script>alert")
	bad := append([]string{"until", "2026-12-01T10:00"}, fields...)
	c.post(actor.Trainer, "/drills/new", bad...).is(http.StatusUnprocessableEntity, "送り終わりは", "至急ご確認ください", "2026-12-01T10:00")
	to := c.post(actor.Trainer, "/drills/new", append(fields, "cue", `{"id":"urgency","part":"text","text":"本日中に"}`)...).is(http.StatusSeeOther).to()
	d := c.drillNow(strings.TrimPrefix(to, "/drills/"))
	if len(d.Rating.Cues) != 1 || d.Rating.Difficulty == "" || d.Rating.Premise[0] != 4 || !d.Mail.Link {
		t.Errorf("%+v %+v", d.Rating, d.Mail)
	}
	c.get(actor.Trainer, to+"/edit").is(http.StatusOK, "秋の訓練", "本日中に", "checked")
	c.post(actor.Trainer, to+"/edit", append(fields, "revision", "9")...).is(http.StatusConflict, "先に変更しました")
}

// Every scenario of the catalogue opens as a draft that can be saved as it is.
func TestAScenarioOpensAsADraft(t *testing.T) {
	c := openConsole(t)
	c.drillHouse()
	page := c.get(actor.Trainer, "/drills/new").Body.String()
	at := strings.Index(page, "/drills/new?level=")
	if at < 0 {
		t.Fatal("no scenario offered")
	}
	link := strings.ReplaceAll(page[at:at+strings.Index(page[at:], `"`)], "&amp;", "&")
	c.get(actor.Trainer, link).is(http.StatusOK, "見分ける手がかり", "checked", `name="scenario"`, "!送る前に直すところ")
	c.get(actor.Trainer, "/drills/new?course=notice").is(http.StatusOK, "みなと病院")
	c.get(actor.Trainer, "/drills/new?scenario=no-such").is(http.StatusNotFound)
}

// A list is read, shown with what is wrong by row, and saved only then; nobody outside of the proven domains is taken.
func TestRecipientsAreReadShownAndTakenOver(t *testing.T) {
	c := openConsole(t)
	c.drillHouse()
	csv := "氏名,部署,メール\n山本 一郎,検査科,d@minato-hospital.jp\n他院 花子,外,x@elsewhere.jp\n髙橋 次郎,検査科,e＠minato-hospital.jp\n"
	to := c.upload(actor.Trainer, "/drills/people/import", "職員.csv", []byte(csv)).is(http.StatusSeeOther).to()
	c.get(actor.Trainer, to).is(http.StatusOK, "3行のうち、2人を登録できます", "elsewhere.jp", "山本 一郎", "e@minato-hospital.jp")
	c.post(actor.Trainer, to+"/take", "role", "nobody").is(http.StatusUnprocessableEntity, "何に使うかを")
	c.post(actor.Trainer, to+"/take", "role", "staff").is(http.StatusSeeOther)
	c.get(actor.Trainer, "/drills/people?q=やまもと").is(http.StatusOK, "!山本 一郎")
	c.get(actor.Trainer, "/drills/people?q=山本").is(http.StatusOK, "山本 一郎", "!髙橋")
	c.get(actor.Trainer, to).is(http.StatusNotFound)
	to = c.post(actor.Trainer, "/drills/people/paste", "paste", "tester@minato-hospital.jp\n").is(http.StatusSeeOther).to()
	c.post(actor.Trainer, to+"/take", "role", "test").is(http.StatusSeeOther)
	c.get(actor.Trainer, "/drills/people").is(http.StatusOK, "tester@minato-hospital.jp")
	c.post(actor.Trainer, "/drills/people", "address", "y@elsewhere.jp", "surname", "田中", "role", "staff").is(http.StatusUnprocessableEntity, "田中", "y@elsewhere.jp")
	c.post(actor.Trainer, "/drills/people", "address", "canary@minato-hospital.jp", "role", "canary").is(http.StatusSeeOther)
	list, err := c.Drills.People(context.Background(), c.f, drill.PeopleFilter{Role: drill.Canary})
	c.must(err)
	if len(list.People) != 1 {
		t.Fatalf("%+v", list)
	}
	c.post(actor.Trainer, "/drills/people/"+list.People[0].ID+"/remove").is(http.StatusSeeOther)
	c.get(actor.Trainer, "/drills/people").is(http.StatusOK, "!canary@minato-hospital.jp")
}

// Secrets go in and never come out; a domain shows the record to publish, and what DNS said of it.
func TestDrillSettingsKeepSecretsAndProveDomains(t *testing.T) {
	c := openConsole(t)
	c.drillHouse()
	base := []string{"domain", "training.minato.example", "base", "https://drill.minato.example", "contact", "情報システム室", "relay-kind", "smtp", "relay-host", "mail.minato.example",
		"relay-port", "587", "relay-security", "starttls", "relay-auth", "password", "relay-user", "kunren", "relay-secret", "hana-to-mizu-9", "per_day", "500", "apart", "14", "quiet", "10", "nameless", "180",
		"lines", "1", "hours", "09:00〜16:30", "weekday", "1", "egress", "203.0.113.0/28\n203.0.113.99"}
	c.post(actor.Admin, "/drills/settings", append([]string{"outgoing", "mail"}, base...)...).is(http.StatusUnprocessableEntity, "「mail」は", "203.0.113.99", "!hana-to-mizu-9")
	c.post(actor.Admin, "/drills/settings", base...).is(http.StatusSeeOther)
	c.get(actor.Admin, "/drills/settings").is(http.StatusOK, "mail.minato.example", "09:00-16:30", "203.0.113.99/32", "保存されています", "!hana-to-mizu-9")
	c.post(actor.Admin, "/drills/settings/dkim", "selector", "a b").is(http.StatusUnprocessableEntity, "英小文字")
	c.post(actor.Admin, "/drills/settings/dkim", "selector", "k1").is(http.StatusSeeOther)
	c.get(actor.Admin, "/drills/settings").is(http.StatusOK, "k1._domainkey.training.minato.example", "v=DKIM1", "!PRIVATE")
	c.post(actor.Admin, "/drills/settings/domains", "name", "not a domain", "by", "dns").is(http.StatusUnprocessableEntity, "not a domain")
	c.post(actor.Admin, "/drills/settings/domains", "name", "yama-hospital.jp", "by", "dns").is(http.StatusSeeOther)
	c.get(actor.Admin, "/drills/settings").is(http.StatusOK, "_drill-verify.yama-hospital.jp", "kenshin-drill=", "確認待ち", "確認できた")
	to := c.post(actor.Admin, "/drills/settings/domains/yama-hospital.jp/check").is(http.StatusSeeOther).to()
	c.get(actor.Admin, strings.TrimSuffix(to, "#domains")).is(http.StatusOK, "まだこのレコードがありません")
	c.post(actor.Admin, "/drills/settings/domains/yama-hospital.jp/withdraw").is(http.StatusSeeOther)
	c.get(actor.Admin, "/drills/settings").is(http.StatusOK, "取り下げた")
}

// Who saves settings that somebody else changed in between is told so, keeps what was typed, and overwrites nothing.
func TestDrillSettingsOfTwoPeople(t *testing.T) {
	c := openConsole(t)
	c.drillHouse()
	first, err := c.Drills.Settings(context.Background(), c.f)
	c.must(err)
	opened := fmt.Sprint(first.Revision)
	c.get(actor.Admin, "/drills/settings").is(http.StatusOK, `name="revision" value="`+opened+`"`)
	form := []string{"domain", "training.minato.example", "base", first.Base, "security", first.Security, "per_day", "500", "apart", "14", "quiet", "10", "nameless", "180", "lines", "1",
		"hours", "09:00-16:30", "weekday", "1", "revision", opened}
	c.post(actor.Admin, "/drills/settings", append([]string{"contact", "一人目 内線1"}, form...)...).is(http.StatusSeeOther)
	c.post(actor.Admin, "/drills/settings", append([]string{"contact", "二人目 内線2"}, form...)...).is(http.StatusUnprocessableEntity, "ほかの人が変更しました", "二人目 内線2", `value="`+opened+`"`)
	c.post(actor.Admin, "/drills/settings/mailbox", "box-host", "imap.minato.example", "box-user", "u", "box-secret", "p", "revision", opened).is(http.StatusUnprocessableEntity, "ほかの人が変更しました")
	now, err := c.Drills.Settings(context.Background(), c.f)
	c.must(err)
	if now.Contact != "一人目 内線1" || now.Mailbox.Host != "" || now.Revision == first.Revision {
		t.Errorf("%+v", now)
	}
}

// The preflight is made beside the request, says how long it takes, and names what keeps a drill back; a reason lets it go on.
func TestPreflightIsMadeShownAndWaived(t *testing.T) {
	c := openConsole(t)
	c.drillHouse()
	d := drill.Drill{Name: "荷物", Mail: drill.Mail{FromName: "ひばり宅配便", FromLocal: "info", Subject: "お荷物", Text: "{{リンク}}", Link: true, Landing: "parcel"}}
	d, err := c.Drills.Save(c.as(actor.Trainer), c.f, d)
	c.must(err)
	at := "/drills/" + d.ID + "/preflight"
	c.get(actor.Trainer, at).is(http.StatusOK, "まだ点検していません", "Microsoft 365", "training.minato.example")
	c.post(actor.Trainer, at+"/tests").is(http.StatusUnprocessableEntity, "試し用のメールボックスがありません")
	c.post(actor.Trainer, at).is(http.StatusSeeOther)
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		a := c.get(actor.Trainer, at+"/live").is(http.StatusOK)
		if a.Header().Get("HX-Refresh") == "true" {
			break
		}
		a.is(http.StatusOK, "点検しています。始めてから", "every 1s")
		if time.Now().After(end) {
			t.Fatal("the preflight did not end")
		}
	}
	fl, err := c.Drills.Flight(context.Background(), c.f, d.ID)
	c.must(err)
	if len(fl.Report.Open) == 0 {
		t.Fatal("nothing is wrong without any DNS?")
	}
	c.get(actor.Trainer, at).is(http.StatusOK, "このまま進める", "直し方")
	c.get(actor.Director, at).is(http.StatusOK, "!このまま進める")
	check := fl.Report.Open[0]
	c.post(actor.Trainer, at+"/waive", "check", check, "reason", "短").is(http.StatusUnprocessableEntity, ">短<")
	c.post(actor.Trainer, at+"/waive", "check", check, "reason", "院内だけの試しで、外の受信者はいないため").is(http.StatusSeeOther)
	c.get(actor.Trainer, at).is(http.StatusOK, "院内だけの試しで")
	c.post(actor.Trainer, at+"/delivered", "mailbox", "x@y.example", "place", "inbox", "raw", "Subject: a").is(http.StatusNotFound, "試しのメールを送っていません")
}
