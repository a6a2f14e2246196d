package page

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/internal/browsertest"
	"kenshin/web/asset"
)

// A check-up's page brings its numbers up to date by itself, and stops asking when the work has ended.
func TestSweepPageLivesAndRests(t *testing.T) {
	if !asset.Present() {
		t.Skip("no bundle; run make assets")
	}
	tab := browsertest.Open(t)
	var asked atomic.Int32
	view := func() SweepView {
		v := SweepView{SweepRow: sampleSweeps()[0], Pace: gate.Gentle, Of: 508}
		if n := int(asked.Load()); n < 2 {
			v.Percent, v.Addresses = 10+n, n
		} else {
			v.State, v.Percent, v.Addresses, v.Finished = "done", 100, 508, now
		}
		return v
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+asset.Prefix, asset.Handler())
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	show := func(w http.ResponseWriter, r *http.Request, live bool) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", strict)
		component := SweepPage(frame(), view())
		if live {
			asked.Add(1)
			component = SweepLive(frame(), view())
		}
		_ = component.Render(i18n.With(r.Context(), i18n.Ja), w)
	}
	mux.HandleFunc("GET /sweeps/s2", func(w http.ResponseWriter, r *http.Request) { show(w, r, false) })
	mux.HandleFunc("GET /sweeps/s2/live", func(w http.ResponseWriter, r *http.Request) { show(w, r, true) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	tab.Go(server.URL + SweepPath("s2", ""))
	tab.Wait(`document.querySelector("progress").value === 10`)
	tab.Wait(`document.querySelector("progress").value === 11`)
	tab.Wait(`document.querySelector("progress").value === 100 && document.querySelector(".j").textContent.includes("終わった")`)
	if tab.Text("h1") != "2階病棟、放射線" {
		t.Error("the page lost its heading")
	}
	before := asked.Load()
	tab.Wait(`(window.since ??= performance.now()) + 1600 < performance.now()`)
	if after := asked.Load(); after != before {
		t.Errorf("asked %d more times after the end", after-before)
	}
}
