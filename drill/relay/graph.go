package relay

import (
	"encoding/base64"
	"net/http"
	"net/url"
)

// graphLimit is for a whole mail. A request may have 4 MB, in base64; mails above about 2.2 MB were seen to vanish with status 200
// (github.com/microsoftgraph/microsoft-graph-docs issue 13979).
const graphLimit = 2 << 20

// newGraph sends from a mailbox of the tenant: POST /v1.0/users/{mailbox}/sendMail with the MIME text in base64, status 202
// (learn.microsoft.com/graph/api/user-sendmail). The recipients are those in the mail's own To header; Exchange puts the sender's own address
// and a Message-ID where it does not agree, and was seen to drop X- headers that the mailbox never sent in JSON form (issue 17444 there): a
// drill over Graph must read its test mail back before it starts.
func newGraph(r Route) *cloud {
	c := newCloud(r, "https://graph.microsoft.com")
	c.name, c.limit, c.taken = "Microsoft 365", graphLimit, http.StatusAccepted
	c.mailbox = func(Envelope) string { return r.User }
	c.request = func(e Envelope) (string, url.Values, string, []byte) {
		return "/v1.0/users/" + url.PathEscape(r.User) + "/sendMail", nil, "text/plain", []byte(base64.StdEncoding.EncodeToString(e.Body))
	}
	c.verdict = func(status int, code, _ string) (Outcome, Scope) {
		switch {
		case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
			return Deferred, Relay
		case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound: // our rights, our mailbox
			return Refused, Relay
		case code == "ErrorMessageSubmissionBlocked" || code == "ErrorExceededMessageLimit" || code == "ErrorQuotaExceeded": // the sender's quota
			return Refused, Relay
		case status >= 400 && status < 500:
			return Refused, Recipient
		}
		return Unknown, Recipient // 5xx, and every yes that is not 202
	}
	return c
}
