package web

import (
	"encoding/json"
	"net/http"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/web/page"
)

// showFault tells a person what went wrong: a page, or the sentence alone where a script asked.
func (s *Server) showFault(v *visit, code int, err error) {
	sentence := fault.Sentence(err, string(i18n.From(v.ctx)))
	if v.wantsJSON() {
		v.json(code, map[string]string{"detail": sentence, "id": requestOf(v.ctx)})
		return
	}
	if v.facility == "" && v.session.ID != "" { // a door that somebody who is signed in opened: shown within the frame
		v.note(s.enter(v, anybody), "frame")
	}
	v.status(code)
	view := page.FaultView{Status: code, Sentence: sentence, Inside: v.facility != ""}
	if code == http.StatusNotFound && !view.Inside {
		view.Do = v.t("番地を確かめるか、サインインしてください。", "Check the address, or sign in.")
	}
	if code >= http.StatusInternalServerError {
		view.ID = requestOf(v.ctx)
	}
	v.show(page.FaultPage(v.shell(), view))
}

// wantsJSON says that the browser's script asked (passkeys), not the person's click.
func (v *visit) wantsJSON() bool { return v.r.Header.Get("Accept") == "application/json" }

// json answers a script.
func (v *visit) json(code int, x any) {
	h := v.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	v.w.WriteHeader(code)
	if err := json.NewEncoder(v.w).Encode(x); err != nil {
		v.s.Log.Debug("answer not delivered", "path", v.r.URL.Path, "error", err)
	}
}
