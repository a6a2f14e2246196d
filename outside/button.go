package outside

import (
	_ "embed"
	"fmt"
	"net/http"
	"strconv"

	"kenshin/drill/button"
)

//go:embed button.js
var buttonScript []byte

// officePolicy is policy for the one page that lets in a script of somebody else: Outlook's button works with Microsoft's office.js alone, which Microsoft
// serves from its own address only. Outlook on the web shows the page in a frame.
const officePolicy = "default-src 'none'; style-src 'self'; script-src 'self' https://appsforoffice.microsoft.com; img-src 'self'; form-action 'none'; connect-src 'none'; base-uri 'none'; " +
	"frame-ancestors https://outlook.office.com https://outlook.office365.com https://outlook.cloud.microsoft https://outlook.live.com https://*.office.com https://*.officeapps.live.com"

// reportButton adds the addresses of the report button.
func (s *Server) reportButton(mux *http.ServeMux) {
	mux.HandleFunc("GET "+button.Paths+"button.js", file("text/javascript; charset=utf-8", buttonScript))
	for _, size := range button.IconSizes() {
		if icon, err := button.Icon(size); err == nil {
			mux.HandleFunc("GET "+button.IconPath(size), file("image/png", icon))
		}
	}
	mux.HandleFunc("GET "+button.Paths+"{door}/outlook", s.outlook)
}

// outlook is the page behind Outlook's button. It knows the report address and takes nothing.
func (s *Server) outlook(w http.ResponseWriter, r *http.Request) {
	door, err := strconv.ParseUint(r.PathValue("door"), 16, 32)
	if err != nil || r.PathValue("door") != fmt.Sprintf("%08x", door) {
		s.nowhere(w, r)
		return
	}
	spec, known, err := s.Drills.ButtonAt(r.Context(), uint32(door))
	switch {
	case err != nil:
		s.failed(w, r, err)
		return
	case !known:
		s.nowhere(w, r)
		return
	}
	w.Header().Set("Content-Security-Policy", officePolicy)
	s.show(w, r, http.StatusOK, outlookPage(spec))
}
