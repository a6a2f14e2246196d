package web

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// knownHost refuses requests that name another host than ours. Without TLS it is what stops a foreign page that points its own name at this
// machine (DNS rebinding); with TLS the certificate does.
func (s *Server) knownHost(next http.Handler) http.Handler {
	if len(s.Site.Hosts) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if !slices.Contains(s.Site.Hosts, strings.ToLower(strings.Trim(host, "[]"))) {
			s.Log.Warn("request for another host refused", "host", r.Host)
			http.Error(w, "この番地では開けません。"+s.Site.URL+" を開いてください(--url で変えられます)。 / Not served under this name. Open "+s.Site.URL+".",
				http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
