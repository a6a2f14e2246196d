package api

import (
	"context"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/japanese"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/drill/preflight"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

// zone is DNS with what is put into it.
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

// trains lets the rig's hospital send drills, set up over the API alone; kind is the way of the mails.
func (r *rig) trains(kind string) {
	r.t.Helper()
	names := zone{}
	r.Drills.Reach(preflight.World{Resolver: names, Now: time.Now, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: net.UnknownNetworkError("none in this test")}
	}})
	set := r.ok("GET", "/drills/settings", nil).body
	set["domain"], set["base"], set["contact"] = "training.hospital.example.jp", "https://drill.hospital.example.jp", "情報システム室 内線1234"
	set["relay"] = m{"kind": kind, "host": "127.0.0.1", "port": 9, "security": "none"}
	if kind != "smtp" {
		set["relay"] = m{"kind": kind, "user": "kunren@hospital.example.jp"}
	}
	set["outgoing"] = []string{"203.0.113.5"}
	r.ok("PUT", "/drills/settings", set)
	asked := r.ok("POST", "/drills/domains", m{"domain": "hospital.example.jp"})
	names[asked.str("host")] = []string{asked.str("record")}
	if a := r.ok("POST", "/drills/domains/hospital.example.jp/check", nil); a.str("found") != "found" {
		r.t.Fatalf("domain: %s", a.text)
	}
}

// train is ok as the trainer: an administrator writes no drills.
func (r *rig) train(method, path string, body any) reply {
	r.t.Helper()
	a := r.send(r.tokens[actor.Trainer], method, root+path, body)
	if a.StatusCode >= 300 {
		r.t.Fatalf("%s %s: %d %s", method, path, a.StatusCode, a.text)
	}
	return a
}

// waive lets every open check of a drill go but those of the test mails that only the mail itself can answer.
func (r *rig) waive(token, id string) {
	r.t.Helper()
	a := r.send(token, "POST", root+"/drills/"+id+"/preflight", nil)
	if a.StatusCode != 200 {
		r.t.Fatalf("preflight: %d %s", a.StatusCode, a.text)
	}
	open, _ := a.body["open"].([]any)
	for _, check := range open {
		if a := r.send(token, "POST", root+"/drills/"+id+"/preflight/waive", m{"check": check, "reason": "閉じた試験用の環境のため"}); a.StatusCode != 200 {
			r.t.Fatalf("waive %v: %d %s", check, a.StatusCode, a.text)
		}
	}
}

// Over Graph and Gmail a drill is submitted only after a delivered test mail was read: a script can do all of it, and cannot go around it.
func TestADrillOverGraphIsSubmittedByAScript(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		r.trains("graph")
		trainer := r.tokens[actor.Trainer]
		ask := func(method, path string, body any, want int) reply {
			t.Helper()
			a := r.send(trainer, method, root+path, body)
			if a.StatusCode != want {
				t.Fatalf("%s %s: %d %s", method, path, a.StatusCode, a.text)
			}
			return a
		}
		ask("POST", "/drills/people/text", m{"text": "a@hospital.example.jp; b@hospital.example.jp; c@hospital.example.jp"}, 200)
		ask("POST", "/drills/people/text", m{"text": "test@hospital.example.jp", "role": "test"}, 200)
		id := ask("POST", "/drills", m{"scenario": "parcel", "level": "easy", "name": "春"}, 201).str("id")
		ask("POST", "/drills/"+id+"/tests", nil, 200)
		fl := ask("GET", "/drills/"+id+"/preflight", nil, 200).body
		watch, _ := fl["watch"].(m)
		if left, _ := watch["left"].(float64); left <= 0 || left > 900 {
			t.Errorf("quiet time: %v", watch)
		}
		at := "/drills/" + id + "/preflight/delivered"
		ask("POST", at, m{"mailbox": "test@hospital.example.jp", "place": "inbox"}, 200)
		ask("POST", at, m{"mailbox": "nobody@hospital.example.jp", "place": "inbox"}, 404)
		ask("POST", at, m{"mailbox": "test@hospital.example.jp", "raw": "nothing that is a header"}, 422)
		r.waive(trainer, id)
		if a := ask("POST", "/drills/"+id+"/submit", nil, 422); !strings.Contains(a.text, "X-Hospital-Drill") {
			t.Errorf("submitted without a reading: %s", a.text)
		}
		source := ask("GET", "/drills/"+id+"/mail", nil, 200).str("source")
		ask("POST", at, m{"mailbox": "test@hospital.example.jp", "place": "inbox", "raw": strings.ReplaceAll(source, id, "01990000-0000-7000-8000-00000000ffff")}, 200)
		ask("POST", "/drills/"+id+"/submit", nil, 422) // another drill's marker
		fl = ask("POST", at, m{"mailbox": "test@hospital.example.jp", "place": "inbox", "raw": source}, 200).body
		tests, _ := fl["tests"].([]any)
		if len(tests) != 1 || tests[0].(m)["marker"] != true || tests[0].(m)["place"] != "inbox" || tests[0].(m)["difference"] == nil {
			t.Errorf("tests: %v", tests)
		}
		ask("POST", "/drills/"+id+"/preflight/learn", nil, 200)
		r.waive(trainer, id)
		if a := ask("POST", "/drills/"+id+"/submit", nil, 200); a.str("state") != "waiting" {
			t.Errorf("%s", a.text)
		}
		hash := ask("GET", "/drills/"+id, nil, 200).str("hash")
		if a := r.send(r.tokens[actor.Director], "POST", root+"/drills/"+id+"/approve", m{"hash": hash}); a.StatusCode != 200 {
			t.Fatalf("approve: %s", a.text)
		}
		if list := ask("GET", "/drills/"+id+"/approvals", nil, 200).items(); len(list) != 1 || list[0]["hash"] != hash || list[0]["now"] != true {
			t.Errorf("approvals: %v", list)
		}
	})
}

// A list with trouble is read as on the screen: each bad row is told, the good ones are taken, nothing while it is only checked, and nobody outside.
func TestRecipientsFromALongListedFile(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		r.trains("smtp")
		csv, err := japanese.ShiftJIS.NewEncoder().String("氏名,所属,アドレス\r\n山田 太郎,看護部,taro＠hospital.example.jp\r\n佐藤 花子,薬剤部,TARO@hospital.example.jp\r\n鈴木 一,外来,hajime@gmail.example\r\n高橋,医事課\r\n=1+1,検査部,kensa@hospital.example.jp\r\n")
		r.must(err)
		checked := r.upload(r.tokens[actor.Trainer], "/drills/people/file?check=true", "職員.csv", []byte(csv))
		if checked.StatusCode != 200 || checked.body["rows"] != 5.0 || checked.body["added"] != 0.0 {
			t.Fatalf("%d %s", checked.StatusCode, checked.text)
		}
		codes := map[float64]string{}
		for _, x := range checked.body["rejected"].([]any) {
			row := x.(m)
			codes[row["line"].(float64)], _ = row["code"].(string)
			if row["says"] == "" {
				t.Errorf("no sentence: %v", row)
			}
		}
		if codes[3] != "duplicate" || codes[4] != "not-verified" || codes[5] != "short-row" {
			t.Errorf("%v", codes)
		}
		if n := len(r.train("GET", "/drills/people", nil).items()); n != 0 {
			t.Errorf("a check stored %d", n)
		}
		if a := r.upload(r.tokens[actor.Trainer], "/drills/people/file?column="+url.QueryEscape("1:job"), "職員.csv", []byte(csv)); a.StatusCode != 200 || a.body["added"] != 2.0 {
			t.Fatalf("%d %s", a.StatusCode, a.text)
		}
		people := r.train("GET", "/drills/people", nil).items()
		if i := slices.IndexFunc(people, func(p map[string]any) bool { return p["address"] == "taro@hospital.example.jp" }); i < 0 || people[i]["job"] != "看護部" || people[i]["surname"] != "山田" {
			t.Errorf("%v", people)
		}
		if a := r.send(r.tokens[actor.Trainer], "POST", root+"/drills/people/text", m{"text": "x@gmail.example"}); a.StatusCode != 200 || a.body["good"] != 0.0 || a.body["added"] != 0.0 {
			t.Errorf("a stranger: %d %s", a.StatusCode, a.text)
		}
		if a := r.send(r.tokens[actor.Trainer], "POST", root+"/drills/people/text", m{"text": "x@gmail.example", "replace": true}); a.StatusCode != 422 {
			t.Errorf("nobody as the whole staff: %d %s", a.StatusCode, a.text)
		}
		if a := r.send(r.tokens[actor.Trainer], "POST", root+"/drills/people/text", m{"text": "a@hospital.example.jp", "columns": []string{"9:email"}}); a.StatusCode != 422 {
			t.Errorf("a column that is not there: %d", a.StatusCode)
		}
		if n := len(r.train("GET", "/drills/people", nil).items()); n != 2 {
			t.Errorf("%d recipients", n)
		}
	})
}

// What a mail is made of: the lint's places, proposals of cues, and a difficulty that nobody can claim.
func TestAMailIsCheckedAndRatedByTheMachine(t *testing.T) {
	r := sqlite(t)
	r.trains("smtp")
	body := m{"name": "秋", "mail": m{"from_name": "Amazon", "from_local": "info", "subject": "至急", "text": "お客様各位\n本日中に確認してください。\n{{リンク}}", "link": true},
		"rating": m{"premise": []int{8, 8, 8, 8, 8}, "difficulty": "least", "cues": []m{{"id": "urgency", "part": "text", "text": "本日中に"}}}}
	a := r.train("POST", "/drills/check", body)
	problems, _ := a.body["problems"].([]any)
	suggested, _ := a.body["suggestions"].([]any)
	if len(problems) == 0 || !slices.ContainsFunc(suggested, func(x any) bool { return x.(m)["text"] == "本日中" && x.(m)["why"] != "" }) {
		t.Errorf("%s", a.text)
	}
	if d := a.body["rating"].(m)["difficulty"]; d == "least" || d == "" {
		t.Errorf("claimed difficulty: %v", d)
	}
	made := r.train("POST", "/drills", body)
	if made.body["rating"].(m)["difficulty"] != a.body["rating"].(m)["difficulty"] {
		t.Errorf("stored: %s", made.text)
	}
	body["rating"] = m{"cues": []m{{"id": "no-such-cue", "part": "text", "text": "x"}}}
	if a := r.send(r.tokens[actor.Trainer], "POST", root+"/drills", body); a.StatusCode != 422 {
		t.Errorf("an unknown cue: %d", a.StatusCode)
	}
	lessons := r.train("GET", "/drills/lessons", nil).items()
	for _, l := range lessons {
		d := r.train("POST", "/drills", m{"course": l["id"]})
		if d.str("mode") != "course" || d.str("name") == "" || l["id"] != "notice" && d.body["mail"].(m)["lesson"] != l["id"] {
			t.Errorf("%v: %s", l["id"], d.text)
		}
	}
	if len(lessons) < 10 {
		t.Errorf("%d lessons", len(lessons))
	}
}

// A drill goes to another facility as a script can: read with one token, written with the other's. Nothing of recipients goes along, and neither token
// opens the other house.
func TestADrillGoesToAnotherFacility(t *testing.T) {
	r := sqlite(t)
	r.trains("smtp")
	was := r.train("POST", "/drills", m{"scenario": "fax", "level": "hard", "name": "春", "audience": m{"departments": []string{"看護部"}}})
	theirs := r.token(r.canary, actor.Trainer)
	got := r.train("GET", "/drills/"+was.str("id"), nil).body
	body := m{}
	for _, key := range []string{"name", "mode", "mail", "rating"} {
		body[key] = got[key]
	}
	a := r.send(theirs, "POST", root+"/drills", body)
	if a.StatusCode != 201 {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	if a.body["rating"].(m)["difficulty"] != got["rating"].(m)["difficulty"] || a.body["mail"].(m)["subject"] != got["mail"].(m)["subject"] || len(a.body["audience"].(m)) != 0 {
		t.Errorf("%s", a.text)
	}
	if x := r.send(theirs, "GET", root+"/drills/"+was.str("id"), nil); x.StatusCode != 404 {
		t.Errorf("the other house's drill: %d", x.StatusCode)
	}
}

// The signing key is made and shown as DNS needs it; its private part is in no answer.
func TestASigningKeyIsMadeByAScript(t *testing.T) {
	r := sqlite(t)
	r.trains("smtp")
	if a := r.admin("POST", "/drills/settings/dkim", m{"selector": "Nein!"}); a.StatusCode != 422 {
		t.Errorf("%d", a.StatusCode)
	}
	made := r.ok("POST", "/drills/settings/dkim", m{"selector": "k1"})
	seen := r.ok("GET", "/drills/settings/dkim", nil)
	if seen.str("host") != "k1._domainkey.training.hospital.example.jp" || !strings.HasPrefix(seen.str("record"), "v=DKIM1") || seen.text != made.text || strings.Contains(seen.text, "PRIVATE") {
		t.Errorf("%s", seen.text)
	}
	if s, err := r.Drills.Settings(context.Background(), r.f); err != nil || len(s.DKIM.Sealed) == 0 {
		t.Errorf("no key was kept: %v", err)
	}
	list := r.ok("GET", "/drills/receiving", nil)
	if !strings.Contains(list.text, "203.0.113.5") || !strings.Contains(list.text, "drill.hospital.example.jp/*") || !strings.Contains(list.text, "training.hospital.example.jp") {
		t.Errorf("values for the receiving side: %s", list.text)
	}
}

// Who is responsible for a planned drill is somebody who may write drills here.
func TestTheOwnerOfAPlannedDrill(t *testing.T) {
	r := sqlite(t)
	ctx := context.Background()
	join := func(name string, role actor.Role) string {
		p, err := r.Account.AddPerson(ctx, r.f, account.NewPerson{Email: string(role) + "@example.jp", Name: name, Password: "correct horse battery"}, role, time.Time{})
		r.must(err)
		return string(p.ID)
	}
	join("情報 次郎", actor.Admin) // a facility begins with one
	trainer, vendor := join("訓練 花子", actor.Trainer), join("監査 太郎", actor.Auditor)
	owners := r.train("GET", "/drill-plans/owners", nil).items()
	if len(owners) != 1 || owners[0]["id"] != trainer {
		t.Fatalf("%v", owners)
	}
	plan := r.train("POST", "/drill-plans", m{"month": "2031-06", "scenario": "parcel", "owner_id": trainer})
	if plan.str("owner") != "訓練 花子" || plan.str("owner_id") != trainer {
		t.Errorf("%s", plan.text)
	}
	at := "/drill-plans/" + plan.str("id")
	if a := r.send(r.tokens[actor.Trainer], "PUT", root+at, m{"month": "2031-06", "scenario": "parcel", "owner_id": vendor}); a.StatusCode != 422 {
		t.Errorf("an auditor: %d", a.StatusCode)
	}
	if a := r.train("PUT", at, m{"month": "2031-07", "scenario": "parcel"}); a.str("owner_id") != trainer {
		t.Errorf("left out: %s", a.text)
	}
	if a := r.train("PUT", at, m{"month": "2031-07", "scenario": "parcel", "owner_id": ""}); a.str("owner_id") != "" || a.str("owner") != "" {
		t.Errorf("nobody: %s", a.text)
	}
}
