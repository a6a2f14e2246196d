package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"kenshin/actor"
	"kenshin/finding"
	"kenshin/job"
	"kenshin/store"
	"kenshin/trail"
)

// failing sends a form whose deed cannot be recorded.
func (c *console) failing(path string, fields ...string) {
	c.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: sessionCookie, Value: c.cookies[actor.Admin]})
	w := httptest.NewRecorder()
	c.h.ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError {
		c.t.Errorf("POST %s: %d to %q, want 500: its record cannot be written", path, w.Code, w.Header().Get("Location"))
	}
}

// cutTrail makes every further entry fail: the hashes that it stands on are gone.
func (c *console) cutTrail() {
	c.t.Helper()
	ctx := c.t.Context()
	c.must(c.DB.Write(ctx, c.f, func(tx *store.Tx) error {
		e, err := trail.Append(ctx, tx, trail.Entry{Action: "test.last"})
		if err == nil && e.Seq%2 == 1 { // only every second entry completes a pair and reads hashes
			_, err = trail.Append(ctx, tx, trail.Entry{Action: "test.last"})
		}
		if err == nil {
			_, err = tx.Exec(ctx, "DELETE FROM trail_hashes WHERE facility_id = $1")
		}
		return err
	}))
}

func TestADeedWithoutItsRecordIsUndone(t *testing.T) {
	c := openConsole(t)
	sweep := strings.TrimPrefix(c.post(actor.Admin, "/sweeps", "segment", c.segment()).is(303).to(), "/sweeps/")
	device := c.see("02:00:00:00:1d:01", "10.9.30.1", smb1()...)
	vendor := c.post(actor.Admin, "/vendors/new", "name", "見本システムズ").is(303).to()
	list, err := c.Findings.List(t.Context(), c.f, finding.Filter{Device: device})
	c.must(err)
	found := list.Findings[0].ID
	c.cutTrail()

	c.failing("/vendors/new", "name", "別の業者")
	c.failing(vendor+"/edit", "revision", "1", "name", "別の名前")
	c.failing(vendor + "/delete")
	c.failing("/findings/"+found+"/state", "state", "waiting", "owner", "佐藤", "note", "メーカーに質問")
	c.failing("/sweeps/" + sweep + "/pause")
	c.failing("/sweeps/" + sweep + "/stop")

	c.get(actor.Admin, vendor).is(200, "見本システムズ")
	c.get(actor.Admin, "/vendors").is(200, "!別の")
	f, err := c.Findings.Get(t.Context(), c.f, found)
	c.must(err)
	if f.State != finding.Open || f.Owner != "" {
		t.Errorf("the finding is %s of %q", f.State, f.Owner)
	}
	x, err := c.checkup.Get(t.Context(), c.f, sweep)
	c.must(err)
	run, err := c.Jobs.Get(t.Context(), c.f, job.RunID(x.Run))
	c.must(err)
	if x.State != "running" || run.State != job.Queued || run.PauseRequested {
		t.Errorf("the check-up is %s, its job %s", x.State, run.State)
	}
}

// TestTheTrailSaysFromWhere: deeds inside a session carry the connection's address; headers that anybody can write change nothing.
func TestTheTrailSaysFromWhere(t *testing.T) {
	c := openConsole(t)
	r := httptest.NewRequest(http.MethodPost, "/vendors/new", strings.NewReader("name=minato"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, h := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded"} {
		r.Header.Set(h, "203.0.113.9")
	}
	c.do(actor.Admin, r).is(303)
	c.get(actor.Admin, "/trail?what=vendor.").is(200, "192.0.2.1", "!203.0.113.9")
	c.get(actor.Admin, "/trail/export?format=csv").is(200, "192.0.2.1")
}
