package api

import (
	"encoding/json"
	"net/http"
	"testing"

	"kenshin/store"
	"kenshin/trail"
)

// cutTrail makes every further entry fail, as a damaged disk would: the hashes that it stands on are gone.
func (r *rig) cutTrail() {
	r.t.Helper()
	ctx := r.t.Context()
	r.must(r.DB.Write(ctx, r.f, func(tx *store.Tx) error {
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

// everything is all that the deeds of TestADeedWithoutItsRecordIsUndone could change, as the API tells it.
func (r *rig) everything() string {
	r.t.Helper()
	out := ""
	for _, path := range []string{"/systems", "/suppliers", "/findings", "/sweeps", "/jobs", "/devices", "/imports", "/systems/" + r.ids["system"], "/suppliers/" + r.ids["supplier"], "/findings/" + r.ids["finding"], "/sweeps/" + r.ids["sweep"]} {
		out += r.ok("GET", path, nil).text + "\n"
	}
	return out
}

func TestADeedWithoutItsRecordIsUndone(t *testing.T) {
	r := sqlite(t)
	paused := r.ids["job"]
	r.cutTrail()
	before := r.everything()
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{"POST", "/systems", map[string]any{"name": "検査システム"}},
		{"PUT", "/systems/" + r.ids["system"], map[string]any{"name": "別の名前", "revision": 1}},
		{"DELETE", "/systems/" + r.ids["system"], nil},
		{"POST", "/suppliers", map[string]any{"name": "みなと商店"}},
		{"PUT", "/suppliers/" + r.ids["supplier"], map[string]any{"name": "別の業者", "revision": 1}},
		{"DELETE", "/suppliers/" + r.ids["supplier"], nil},
		{"POST", "/findings/" + r.ids["finding"] + "/accept", map[string]any{"reason": "来月に直す", "until": r.now.AddDate(0, 1, 0)}},
		{"POST", "/findings/" + r.ids["finding"] + "/close", map[string]any{"reason": "直した"}},
		{"POST", "/findings/" + r.ids["finding"] + "/assign", map[string]any{"owner": "佐藤"}},
		{"POST", "/sweeps", map[string]any{"segments": []string{r.ids["segment"]}}},
		{"POST", "/sweeps/" + r.ids["sweep"] + "/pause", nil},
		{"POST", "/sweeps/" + r.ids["sweep"] + "/stop", nil},
		{"POST", "/jobs/" + paused + "/cancel", nil},
		{"POST", "/devices/" + r.ids["device"] + "/merge", map[string]any{"other": r.ids["second"]}},
		{"POST", "/merges/" + r.ids["merge"] + "/undo", nil},
	} {
		a := r.admin(c.method, c.path, c.body)
		if a.StatusCode != http.StatusInternalServerError {
			t.Errorf("%s %s: %d %s, want 500: its record cannot be written", c.method, c.path, a.StatusCode, a.text)
		}
		if now := r.everything(); now != before {
			t.Errorf("%s %s was done, and its record was not kept", c.method, c.path)
			before = now
		}
	}
}

// TestTheTrailSaysFromWhere: the address is the connection's; a header that anybody can write changes nothing.
func TestTheTrailSaysFromWhere(t *testing.T) {
	r := sqlite(t)
	r.ok("POST", "/suppliers", map[string]any{"name": "みなと商店"}, "X-Forwarded-For", "203.0.113.9", "Forwarded", "for=203.0.113.9", "X-Real-Ip", "203.0.113.9")
	r.ok("POST", "/segments/"+r.ids["segment"]+"/withdraw", nil, "X-Forwarded-For", "203.0.113.9")
	list := r.ok("GET", "/trail?limit=2", nil).items()
	for _, e := range list {
		if e["from"] != "127.0.0.1" {
			text, _ := json.Marshal(e)
			t.Errorf("from %v: %s", e["from"], text)
		}
	}
	if len(list) != 2 {
		t.Errorf("%d entries", len(list))
	}
}
