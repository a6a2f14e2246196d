package relay

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"kenshin/fault"
)

const maxAnswer = 64 << 10

// cloud is what Graph and Gmail have in common: a mail is one POST with a token.
type cloud struct {
	route  Route
	base   *url.URL
	client *http.Client
	name   string // for sentences

	request func(e Envelope) (path string, query url.Values, contentType string, body []byte)
	mailbox func(e Envelope) string // whose token
	limit   int                     // bytes of a mail
	taken   int                     // the only status that means yes
	// verdict reads an answer that is not yes; the fields that it leaves alone are filled by the status.
	verdict func(status int, code, message string) (Outcome, Scope)
}

func newCloud(r Route, base string) *cloud {
	if r.Base != "" {
		base = r.Base
	}
	u, err := url.Parse(base)
	if err != nil {
		u = &url.URL{} // open refuses it
	}
	return &cloud{route: r, base: u, client: &http.Client{
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: r.Roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: r.Patience.Connect, ResponseHeaderTimeout: r.Patience.Final, MaxResponseHeaderBytes: maxAnswer, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a token goes nowhere else
	}}
}

func (c *cloud) open(ctx context.Context) error {
	if c.base.Host == "" || c.base.Scheme != "https" && c.base.Hostname() != "127.0.0.1" {
		return fault.New(fault.Invalid, c.name+" のURLが正しくありません。", "The address of "+c.name+" is wrong.")
	}
	if c.route.Kind == Graph { // one token for all
		_, err := c.route.Token(ctx, c.route.User)
		return err
	}
	return nil
}

func (c *cloud) close() { c.client.CloseIdleConnections() }

func (c *cloud) send(ctx context.Context, e Envelope, begun func() error) Result {
	if len(e.Body) > c.limit {
		err := fault.Newf(fault.TooLarge, "メールが大きすぎます。%[1]s の上限は%[2]d KBです。", "The mail is too large: the limit of %[1]s is %[2]d KB.", c.name, c.limit>>10)
		return Result{Outcome: Refused, Enhanced: "5.3.4", Text: err.En, Err: err}
	}
	if c.route.Kind == Graph {
		if err := onlyTo(e); err != nil {
			return Result{Outcome: Refused, Text: clean(err.Error()), Err: err}
		}
	}
	token, err := c.route.Token(ctx, c.mailbox(e))
	switch {
	case err == nil:
	case ended(ctx):
		return stopped(ctx.Err())
	case fault.Is(err, fault.NotFound): // the sign-in server does not know this mailbox
		return Result{Outcome: Refused, Scope: Recipient, Enhanced: "5.1.1", Text: clean(fault.Sentence(err, "en")), Err: err}
	default:
		return failed(err)
	}
	if ended(ctx) {
		return stopped(ctx.Err())
	}
	if err := begun(); err != nil {
		return Result{Outcome: NotTried, Scope: Recipient, Text: clean(err.Error()), Err: err}
	}
	return c.post(ctx, e, token)
}

// post makes the one request. Once its head has left, the mail may be there; therefore it outlives the end of ctx by a moment then, because an
// answer that is on its way saves an Unknown.
func (c *cloud) post(ctx context.Context, e Envelope, token string) Result {
	path, query, kind, body := c.request(e)
	u := *c.base.JoinPath(path)
	u.RawQuery = query.Encode()
	var handed atomic.Bool
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.route.Patience.Body+c.route.Patience.Final)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		if !handed.Load() {
			cancel()
			return
		}
		time.AfterFunc(afterDot, cancel)
	})()
	trace := &httptrace.ClientTrace{WroteHeaders: func() { handed.Store(true) }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(late, trace), http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return failed(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Accept", "application/json")
	answer, err := c.client.Do(req)
	if err != nil {
		return c.lost(ctx, err, handed.Load())
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer)) // the status is what counts
	return c.read(answer, text)
}

func (c *cloud) lost(ctx context.Context, err error, handed bool) Result {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // without the address, which names a person
	}
	switch {
	case handed:
		return Result{Outcome: Unknown, Scope: Recipient, Text: clean(err.Error()),
			Err: fault.Wrap(fault.Unavailable, err, c.name+" にメールを渡しましたが、返事が届きませんでした。届いたかどうかは分かりません。",
				"The mail was handed to "+c.name+", but the answer was lost. Whether it arrived is not known.")}
	case ended(ctx):
		return stopped(ctx.Err())
	}
	return Result{Outcome: NotTried, Scope: Relay, Text: clean(err.Error()), Retry: 10 * time.Second,
		Err: fault.Wrap(fault.Unavailable, err, c.name+"("+c.base.Host+")につながりません。インターネットへの出口(プロキシ、ファイアウォール)を確かめてください。",
			c.name+" ("+c.base.Host+") cannot be reached. Check the way to the internet (proxy, firewall).")}
}

// read judges an answer. Only the status that the documentation names is a yes.
func (c *cloud) read(answer *http.Response, text []byte) Result {
	status := answer.StatusCode
	if status == c.taken {
		return Result{Outcome: Accepted, Code: status}
	}
	code, message := problem(text)
	r := Result{Code: status, Text: clean(code + " " + message)}
	r.Outcome, r.Scope = c.verdict(status, code, message)
	said := fmt.Sprintf("%d %s", status, clean(code))
	cause := errors.New(c.name + ": " + said + " " + r.Text)
	switch {
	case r.Outcome == Deferred:
		r.Retry = after(answer.Header.Get("Retry-After"))
		r.Err = fault.Wrap(fault.Busy, cause, c.name+" は今は受け取れないと答えました("+said+")。あとで自動で送り直します。", c.name+" cannot take the mail now ("+said+"). It is tried again later.")
	case r.Outcome == Unknown:
		r.Err = fault.Wrap(fault.Unavailable, cause, c.name+" の返事からは、届いたかどうか分かりません("+said+")。", "The answer of "+c.name+" does not tell whether the mail arrived ("+said+").")
	case r.Scope == Relay:
		r.Err = fault.Wrap(fault.Denied, cause, c.name+" がアプリの権限を認めません("+said+")。管理者の同意と、送り元のメールボックスを確かめてください。",
			c.name+" does not grant the application its rights ("+said+"). Check the administrator's consent and the sending mailbox.")
	default:
		r.Err = fault.Wrap(fault.Denied, cause, c.name+" がこの宛先へのメールを断りました("+said+")。", c.name+" refused the mail for this recipient ("+said+").")
	}
	return r
}

// problem reads the errors of both: {"error":{"code":"..." or number,"message":"...","status":"...","errors":[{"reason":"..."}]}}.
func problem(text []byte) (code, message string) {
	var p struct {
		Error struct {
			Code    any    `json:"code"`
			Message string `json:"message"`
			Status  string `json:"status"`
			Errors  []struct {
				Reason string `json:"reason"`
			} `json:"errors"`
		} `json:"error"`
	}
	if json.Unmarshal(text, &p) != nil {
		return "", ""
	}
	code, _ = p.Error.Code.(string)
	if code == "" {
		code = p.Error.Status
	}
	if len(p.Error.Errors) > 0 && p.Error.Errors[0].Reason != "" {
		code = p.Error.Errors[0].Reason
	}
	return code, p.Error.Message
}

// after reads Retry-After: seconds or a date (RFC 9110 section 10.2.3).
func after(header string) time.Duration {
	d := later
	if n, err := strconv.Atoi(header); err == nil {
		d = time.Duration(min(n, int(maxRetry/time.Second))) * time.Second
	} else if t, err := http.ParseTime(header); err == nil {
		d = time.Until(t)
	}
	return min(max(d, soon), maxRetry)
}
