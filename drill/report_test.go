package drill

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/drill/internal/token"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/internal/dbtest"
	"kenshin/internal/mailtest"
	"kenshin/store"
)

// sentDrill is a drill whose mails are all out, with the findings' book beside it.
func sentDrill(t *testing.T, db *store.DB, staff int) (*rig, Drill, *finding.Book) {
	t.Helper()
	r := newRig(t, db, staff)
	found := finding.New(db, time.Now)
	r.TellFindings(found)
	s, err := r.Settings(t.Context(), r.f)
	r.must(err)
	s.ReportTo, s.Extension = "report@hospital.example.jp", "1234"
	r.must(r.SaveSettings(as(t.Context(), trainer), r.f, s, Secrets{}))
	d := r.approved(1000)
	r.sendAll(20 * time.Second)
	if r.sink.Count() != staff {
		t.Fatalf("%d mails", r.sink.Count())
	}
	return r, d, found
}

func staffAddress(n int) string { return fmt.Sprintf("staff%05d@hospital.example.jp", n) }

// mailTo is the drill's mail as somebody got it.
func (r *rig) mailTo(address string) mailtest.Message {
	r.t.Helper()
	for _, m := range r.sink.Messages() {
		if strings.Contains(m.To, address) {
			return m
		}
	}
	r.t.Fatalf("no mail to %s", address)
	return mailtest.Message{}
}

func encoded(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// forwarded is a mail to the report mailbox that carries another mail as a file.
func forwarded(from, id, note string, mail []byte, more ...string) []byte {
	return []byte("From: " + from + "\r\nTo: report@hospital.example.jp\r\nMessage-ID: <" + id + ">\r\nSubject: Fw: report\r\n" + strings.Join(more, "") +
		"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		encoded(note) + "\r\n--B\r\nContent-Type: message/rfc822\r\n\r\n" + string(mail) + "\r\n--B--\r\n")
}

func phish(subject string) []byte {
	return []byte("From: =?utf-8?b?" + encoded("配送センター") + "?= <info@parcel.invalid>\r\nTo: x@hospital.example.jp\r\nMessage-ID: <p1@parcel.invalid>\r\nSubject: =?utf-8?b?" +
		encoded(subject) + "?=\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p><a href=\"http://203.0.113.66/login.php\">here</a></p>\r\n")
}

func (r *rig) take(raw []byte, e Envelope) Incoming {
	r.t.Helper()
	in, err := r.TakeReport(r.t.Context(), r.f, raw, e)
	r.must(err)
	return in
}

func (r *rig) targetAt(drill string, n int) Target {
	r.t.Helper()
	page, err := r.Targets(r.t.Context(), r.f, drill, TargetFilter{Query: staffAddress(n)})
	r.must(err)
	if len(page.Targets) != 1 {
		r.t.Fatalf("%d targets", len(page.Targets))
	}
	return page.Targets[0]
}

// queued are the mails of no drill that wait, by their kind.
func (r *rig) queued() map[string][]plainMail {
	r.t.Helper()
	out := map[string][]plainMail{}
	list, err := r.claim(context.Background(), r.f, "")
	r.must(err)
	for _, p := range list {
		var m plainMail
		r.must(unmarshal(p.Content, &m))
		out[p.Kind] = append(out[p.Kind], m)
	}
	r.must(r.release(context.Background(), r.f, list))
	return out
}

func TestAReportCreditsTheReporter(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r, d, _ := sentDrill(t, db, 6)
		own := r.mailTo(staffAddress(0)).Body
		first := forwarded("Hanako <Staff00001@Hospital.example.jp>", "a1@hospital.example.jp", "怪しいです", own)
		in := r.take(first, Envelope{Via: ViaMailbox})
		if in.Kind != ReportDrill || in.Drill != d.ID || !in.Fresh || in.Target != r.targetAt(d.ID, 1).ID {
			t.Fatalf("%+v", in)
		}
		if !r.targetAt(d.ID, 0).First[Reported].IsZero() || r.targetAt(d.ID, 1).First[Reported].IsZero() {
			t.Error("the token's owner got the credit of the colleague who reported")
		}
		if again := r.take(first, Envelope{Via: ViaSMTP}); again.Fresh || again.ID != in.ID { // read from the mailbox and brought over SMTP
			t.Errorf("the same mail was taken twice: %+v", again)
		}
		_, events, err := r.Target(t.Context(), r.f, d.ID, in.Target)
		r.must(err)
		if len(events) != 1 || events[0].Signal != Reported {
			t.Errorf("%+v", events)
		}
		link := "https://drill.example.jp/" + r.token(d.ID, r.targetAt(d.ID, 2).ID, Visited)
		inline := "From: " + staffAddress(2) + "\nTo: report@hospital.example.jp\nSubject: FW\nMessage-ID: <a2@x>\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n" +
			encoded("これは訓練ですか。 \n\n-----元のメッセージ-----\nhttps://nam.safelinks.example/?url="+strings.ReplaceAll(strings.ReplaceAll(link, ":", "%3A"), "/", "%2F")+"&data=1\n")
		if in := r.take([]byte(inline), Envelope{Via: ViaSMTP}); in.Kind != ReportDrill || in.Target != r.targetAt(d.ID, 2).ID {
			t.Errorf("wrapped link: %+v", in)
		}
		for range 2 {
			r.take(forwarded(staffAddress(3), store.NewID()+"@x", "届きました", own), Envelope{Via: ViaSMTP})
		}
		if mails := r.queued(); len(mails[kindAnswer]) != 3 || strings.Contains(mails[kindAnswer][0].Text, "訓練") {
			t.Errorf("one answer for each reporter, which does not tell what it was: %+v", mails)
		}
		r.must(r.Judge(t.Context(), r.f, d.ID))
		speed, err := r.Speed(t.Context(), r.f, d.ID)
		r.must(err)
		if speed.Reported.Count != 3 || speed.Reported.Of != 6 || speed.First.IsZero() || !speed.Race.Won() || speed.Before != 3 {
			t.Errorf("%+v", speed)
		}
		r.must(r.Close(t.Context(), r.f, d.ID))
		r.take(forwarded(staffAddress(4), "late@x", "", r.mailTo(staffAddress(4)).Body), Envelope{Via: ViaSMTP})
		r.must(r.Judge(t.Context(), r.f, d.ID))
		after, err := r.Speed(t.Context(), r.f, d.ID)
		r.must(err)
		if late := r.targetAt(d.ID, 4); late.First[Reported].IsZero() || after.Reported != speed.Reported {
			t.Errorf("a report after the drill's end is counted: %+v, reported %s", after.Reported, late.First[Reported])
		}
	})
}

func TestReportsOfNobodysDrill(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r, d, found := sentDrill(t, db, 4)
		real := r.take(forwarded(staffAddress(0), "r1@x", "開いてしまいました。どうすればいいですか。", phish("荷物のお届け")), Envelope{Via: ViaSMTP, From: staffAddress(0)})
		if real.Kind != ReportReal || real.State != ReportNew || !real.Opened || len(real.Mails) != 1 || real.Mails[0].From != "info@parcel.invalid" {
			t.Fatalf("%+v", real)
		}
		if mails := r.queued(); len(mails[kindFirstAid]) != 1 || !strings.Contains(mails[kindFirstAid][0].Text, "電源は切らない") || !strings.Contains(mails[kindFirstAid][0].Text, "1234") {
			t.Errorf("who opened it gets first aid at once: %+v", mails)
		}
		r.take(forwarded(staffAddress(1), "r2@x", "", phish("荷物のお届け")), Envelope{Via: ViaSMTP})
		r.take(forwarded("outsider@elsewhere.invalid", "r3@x", "開いてしまいました", phish("別の件")), Envelope{Via: ViaSMTP})
		for _, list := range r.queued() {
			for _, m := range list {
				if strings.Contains(m.To, "elsewhere") {
					t.Errorf("a stranger was mailed: %+v", m)
				}
			}
		}
		auto := r.take(forwarded(staffAddress(2), "r4@x", "", phish("件"), "Auto-Submitted: auto-replied\r\n"), Envelope{Via: ViaSMTP})
		if auto.Kind != ReportAuto {
			t.Errorf("%+v", auto)
		}
		// the drill's mail and a stranger's, both in one report
		both := forwarded(staffAddress(3), "r5@x", "2通来ました", r.mailTo(staffAddress(3)).Body)
		both = []byte(strings.Replace(string(both), "\r\n--B--", "\r\n--B\r\nContent-Type: message/rfc822\r\n\r\n"+string(phish("請求書"))+"\r\n--B--", 1))
		if in := r.take(both, Envelope{Via: ViaSMTP}); in.Kind != ReportDrill || in.Drill != d.ID {
			t.Errorf("%+v", in)
		}
		page, err := r.Reports(t.Context(), r.f, ReportFilter{Kinds: []ReportKind{ReportReal, ReportUnclear}, States: []ReportState{ReportNew}, Limit: 2})
		r.must(err)
		if page.Total != 4 || len(page.Reports) != 2 || page.Reports[0].Mails[0].Subject != "請求書" {
			t.Fatalf("%d, %+v", page.Total, page.Reports)
		}

		ctx := as(t.Context(), trainer)
		in, err := r.Answer(ctx, r.f, real.ID, Dangerous, "")
		r.must(err)
		if !in.Mailed || in.State != ReportAnswered || in.Finding == "" {
			t.Fatalf("%+v", in)
		}
		f, err := found.Get(ctx, r.f, in.Finding)
		r.must(err)
		if f.Check != realPhish || f.Device != "" || f.Severity != finding.Critical || !strings.Contains(f.Fix.Ja, "203.0.113.66") || !strings.Contains(f.Why.Ja, "職員2人") {
			t.Errorf("%+v", f)
		}
		other, err := r.Answer(ctx, r.f, page.Reports[0].ID, Dangerous, "消してください")
		r.must(err)
		if f, err = found.Get(ctx, r.f, in.Finding); err != nil || f.State != finding.Open || other.Finding == in.Finding {
			t.Errorf("a second mail closed the first finding: %v %+v", err, f)
		}
		if one, err := r.Report(ctx, r.f, real.ID); err != nil || one.Same != 1 {
			t.Errorf("%v %d", err, one.Same)
		}
		r.must(r.CloseReport(ctx, r.f, page.Reports[1].ID, "組織外"))
		if _, err := r.Answer(ctx, r.f, auto.ID, Harmless, ""); !fault.Is(err, fault.Invalid) {
			t.Errorf("a program was answered: %v", err)
		}
		if _, err := r.Report(ctx, dbtest.Canary, real.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("another facility reads it: %v", err)
		}
	})
}

func TestWhatComesBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r, d, _ := sentDrill(t, db, 4)
		id := r.mailTo(staffAddress(0)).ID
		dsn := []byte("From: MAILER-DAEMON@relay.example\r\nTo: bounce@training.example.jp\r\nSubject: Undelivered\r\nAuto-Submitted: auto-replied\r\nMessage-ID: <d1@relay.example>\r\nMIME-Version: 1.0\r\n" +
			"Content-Type: multipart/report; report-type=delivery-status; boundary=R\r\n\r\n--R\r\nContent-Type: text/plain\r\n\r\nno\r\n--R\r\nContent-Type: message/delivery-status\r\n\r\n" +
			"Reporting-MTA: dns; relay.example\r\n\r\nFinal-Recipient: rfc822; " + staffAddress(0) + "\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--R\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: " + id + "\r\n--R--\r\n")
		if in := r.take(dsn, Envelope{Via: ViaSMTP, To: "bounce@training.example.jp"}); in.Kind != ReportBounce || in.Target != r.targetAt(d.ID, 0).ID {
			t.Errorf("%+v", in)
		}
		if got := r.targetAt(d.ID, 0).Mail; got != Bounced {
			t.Errorf("delivery %s", got)
		}
		answer := func(n int, more string) []byte {
			return []byte("From: " + staffAddress(n) + "\r\nTo: info@training.example.jp\r\nSubject: Re\r\nIn-Reply-To: " + r.mailTo(staffAddress(n)).ID + "\r\nMessage-ID: <" + store.NewID() + "@x>\r\n" + more + "\r\nhello secret\r\n")
		}
		if in := r.take(answer(1, ""), Envelope{Via: ViaSMTP, To: "info@training.example.jp"}); in.Kind != ReportReply || in.Note != "" {
			t.Errorf("%+v", in)
		}
		if in := r.take(answer(2, "Auto-Submitted: auto-replied\r\n"), Envelope{Via: ViaMailbox}); in.Kind != ReportAuto || in.Drill != d.ID {
			t.Errorf("%+v", in)
		}
		if r.targetAt(d.ID, 1).First[Replied].IsZero() || !r.targetAt(d.ID, 2).First[Replied].IsZero() {
			t.Error("a person's answer counts, a program's does not")
		}
		if mails := r.queued(); len(mails) != 0 {
			t.Errorf("what comes back is not answered: %+v", mails)
		}
		for address, want := range map[string]bool{"report@hospital.example.jp": true, "Bounce@training.example.jp": true, "info@training.example.jp": true,
			"other@training.example.jp": false, "staff00000@hospital.example.jp": false, "x@gmail.invalid": false} {
			if got, err := r.Takes(t.Context(), r.f, address); err != nil || got != want {
				t.Errorf("takes %s: %v %v", address, got, err)
			}
		}
	})
}

func TestDamagedReportsAreNotLost(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r, d, _ := sentDrill(t, db, 1)
		for _, raw := range []string{"", "\x00\xff", "Subject: nobody\r\n\r\nx", "From: " + staffAddress(0) + "\r\nContent-Type: multipart/mixed\r\n\r\n--x\r\n"} {
			in := r.take([]byte(raw), Envelope{Via: ViaSMTP})
			if in.Kind != ReportUnclear || in.State != ReportNew {
				t.Errorf("%q: %+v", raw, in)
			}
		}
		in, err := r.ReportByPhone(as(t.Context(), actor.Actor{Kind: actor.Person, ID: "p", Name: "訓練 花子"}), r.f, d.ID, r.targetAt(d.ID, 0).ID, "内線から "+strings.Repeat("a", token.Length), true)
		r.must(err)
		if strings.Contains(in.Note, "aaaa") || !in.Opened || r.targetAt(d.ID, 0).First[Reported].IsZero() || len(r.queued()[kindFirstAid]) != 1 {
			t.Errorf("%+v", in)
		}
		if again, err := r.ReportByPhone(t.Context(), r.f, d.ID, r.targetAt(d.ID, 0).ID, "", false); err != nil || again.Fresh || again.ID != in.ID {
			t.Errorf("%v %+v", err, again)
		}
	})
}
