package relay

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const gmailLimit = 25 << 20 // an ordinary mail; the API itself takes 150 MB

// newGmail puts a mail into the recipient's mailbox without sending it: POST /upload/gmail/v1/users/{mailbox}/messages/import, status 200
// (developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/import). Google scans and files it as if it had come by SMTP, without
// the check of SPF; scope https://www.googleapis.com/auth/gmail.insert, granted to a service account for the whole domain.
func newGmail(r Route) *cloud {
	c := newCloud(r, "https://gmail.googleapis.com")
	c.name, c.limit, c.taken = "Gmail", gmailLimit, http.StatusOK
	c.mailbox = func(e Envelope) string { return e.To }
	c.request = func(e Envelope) (string, url.Values, string, []byte) {
		q := url.Values{"uploadType": {"media"}, "internalDateSource": {"receivedTime"}, "neverMarkSpam": {"true"}}
		return "/upload/gmail/v1/users/" + url.PathEscape(e.To) + "/messages/import", q, "message/rfc822", e.Body
	}
	c.verdict = func(status int, code, message string) (Outcome, Scope) {
		slow := []string{"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded", "RESOURCE_EXHAUSTED"}
		switch {
		case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable, status == http.StatusForbidden && slices.Contains(slow, code):
			return Deferred, Relay
		case status == http.StatusUnauthorized || status == http.StatusForbidden && !strings.Contains(message, "Delegation denied"):
			return Refused, Relay
		case status >= 400 && status < 500: // no such mailbox, or mail is not switched on for it
			return Refused, Recipient
		}
		return Unknown, Recipient
	}
	return c
}
