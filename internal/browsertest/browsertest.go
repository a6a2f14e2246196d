// Package browsertest opens pages in a real Chromium: one browser for each test process, one tab for each test. A console error, an
// uncaught exception or a breach of the content security policy fails the test that caused it.
package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// Width and Height are the screen that the console is made for first.
const (
	Width  = 1366
	Height = 768
)

// browser is the one Chromium of the process; tabs are made from its context.
type browser struct {
	ctx  context.Context
	stop context.CancelFunc
	dir  string
	err  error
}

var (
	start sync.Once
	one   browser
)

// Main runs the tests and closes the browser after them: func TestMain(m *testing.M) { os.Exit(browsertest.Main(m)) }.
func Main(m *testing.M) int {
	code := m.Run()
	if one.stop != nil {
		ctx, cancel := context.WithTimeout(one.ctx, 5*time.Second)
		_ = chromedp.Cancel(ctx)
		cancel()
		one.stop()
	}
	if one.dir != "" {
		_ = os.RemoveAll(one.dir)
	}
	return code
}

// Find returns the Chromium on this machine, "" when there is none. KENSHIN_CHROMIUM names another.
func Find() string {
	for _, name := range []string{os.Getenv("KENSHIN_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func launch(path string) {
	one.dir, one.err = os.MkdirTemp("", "kenshin-browser-")
	if one.err != nil {
		return
	}
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(one.dir), chromedp.WindowSize(Width, Height),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true), chromedp.Flag("mute-audio", true),
		// Nothing may leave this machine: every name but loopback fails to resolve.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1"))...)
	ctx, stopBrowser := chromedp.NewContext(alloc)
	one.ctx, one.stop = ctx, func() { stopBrowser(); stopAlloc() }
	one.err = chromedp.Do(ctx, chromedp.Navigate("about:blank"))
}

// Tab is one page under test.
type Tab struct {
	Ctx context.Context // for chromedp's own actions
	t   testing.TB

	mu       sync.Mutex
	problems []string
	allowed  []string
}

// Open gives the test a fresh tab with cookies of its own. It skips the test, with the reason, where no Chromium is installed.
func Open(t testing.TB) *Tab {
	t.Helper()
	return OpenFor(t, 15*time.Minute) // a bound for what hangs, on a machine with two cores and other work
}

// OpenFor is Open for a walk that may take longer than that.
func OpenFor(t testing.TB, most time.Duration) *Tab {
	t.Helper()
	path := Find()
	if path == "" {
		t.Skip("no Chromium found; apt-get install chromium, or set KENSHIN_CHROMIUM")
	}
	start.Do(func() { launch(path) })
	if one.err != nil {
		t.Fatalf("starting %s: %v", path, one.err)
	}
	ctx, cancel := chromedp.NewContext(one.ctx, chromedp.WithNewBrowserContext())
	ctx, timeout := context.WithTimeout(ctx, most)
	tab := &Tab{Ctx: ctx, t: t}
	messages := chromedp.Console(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m, err := range messages {
			if err != nil {
				return
			}
			tab.note(m)
		}
	}()
	t.Cleanup(func() {
		cancel()
		timeout()
		<-done
		tab.mu.Lock()
		defer tab.mu.Unlock()
		for _, p := range tab.problems {
			t.Errorf("browser console: %s", p)
		}
	})
	tab.Do(chromedp.EmulateViewport(Width, Height))
	return tab
}

// note keeps what a user's console would show in red.
func (p *Tab) note(m chromedp.ConsoleMessage) {
	if !m.IsException() && m.Type != "error" && m.Source != "security" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.allowed {
		if strings.Contains(m.Text, a) {
			return
		}
	}
	p.problems = append(p.problems, fmt.Sprintf("%s (%s:%d)", m.Text, m.URL, m.Line))
}

// Allow lets console errors that contain the text pass: a test that provokes a 403 sees the browser say so.
func (p *Tab) Allow(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.allowed = append(p.allowed, text)
}

// Do runs chromedp steps and stops the test when one fails.
func (p *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.Ctx, steps...); err != nil {
		p.t.Fatalf("browser at %s: %v", p.where(), err)
	}
}

// Run runs one action of a tab and returns its value; it stops the test when the action fails.
func Run[T any](p *Tab, action chromedp.Action[T]) T {
	p.t.Helper()
	v, err := chromedp.Run(p.Ctx, action)
	if err != nil {
		p.t.Fatalf("browser at %s: %v", p.where(), err)
	}
	return v
}

func (p *Tab) where() string {
	_, file, line, ok := runtime.Caller(2)
	if !ok {
		return "?"
	}
	return fmt.Sprintf("%s:%d", filepath.Base(file), line)
}

// Go opens an address and waits until it has loaded.
func (p *Tab) Go(url string) { p.t.Helper(); p.Do(chromedp.Navigate(url)) }

// Click waits for the element that a CSS selector finds and clicks it.
func (p *Tab) Click(css string) {
	p.t.Helper()
	_, err := settled(func() (chromedp.Void, error) { return chromedp.Run(p.Ctx, chromedp.Click(chromedp.CSS(css))) })
	if err != nil {
		p.t.Fatalf("browser at %s: click %s: %v", p.where(), css, err)
	}
}

// settled tries again when the page exchanged the element between finding and using it, as a live page may at any time.
func settled[T any](use func() (T, error)) (T, error) {
	for until := time.Now().Add(10 * time.Second); ; {
		v, err := use()
		if err == nil || !strings.Contains(err.Error(), "No node with given id") && !strings.Contains(err.Error(), "Could not find node with given id") || time.Now().After(until) {
			return v, err
		}
	}
}

// Type puts text into a field, as keys.
func (p *Tab) Type(css, text string) {
	p.t.Helper()
	_, err := settled(func() (chromedp.Void, error) { return chromedp.Run(p.Ctx, chromedp.SendKeys(chromedp.CSS(css), text)) })
	if err != nil {
		p.t.Fatalf("browser at %s: type into %s: %v", p.where(), css, err)
	}
}

// Text returns the visible text of an element.
func (p *Tab) Text(css string) string {
	p.t.Helper()
	v, err := settled(func() (string, error) { return chromedp.Run(p.Ctx, chromedp.Text(chromedp.CSS(css))) })
	if err != nil {
		p.t.Fatalf("browser at %s: text of %s: %v", p.where(), css, err)
	}
	return v
}

// Wait waits, up to twenty seconds, until a JavaScript expression is true; it outlives navigations.
func (p *Tab) Wait(expression string) {
	p.t.Helper()
	deadline := time.Now().Add(20 * time.Second) // a machine with two cores and other work
	for {
		ok, err := chromedp.Run(p.Ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if err == nil && ok {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("browser: %s never came true (last: %v, %v)", expression, ok, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Viewport changes the size of the window, e.g. to a tablet's.
func (p *Tab) Viewport(width, height int64) {
	p.t.Helper()
	p.Do(chromedp.EmulateViewport(width, height))
}

// Screenshot writes the visible part as NAME.png into KENSHIN_SHOTS, and takes no picture where nobody wants one: it is half of a walk's time.
func (p *Tab) Screenshot(name string) {
	p.t.Helper()
	if os.Getenv(shots) != "" {
		p.write(name+".png", Run(p, chromedp.CaptureScreenshot()))
	}
}

// Full writes the whole length of the page, as Screenshot does the visible part.
func (p *Tab) Full(name string) {
	p.t.Helper()
	if os.Getenv(shots) != "" {
		p.write(name+".png", Run(p, chromedp.FullScreenshot(100)))
	}
}

// PrintPDF prints the page on A4 into NAME.pdf in Shots and returns the file's path.
func (p *Tab) PrintPDF(name string) string {
	p.t.Helper()
	return p.write(name+".pdf", Run(p, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize(), chromedp.PDFPaper(chromedp.PaperA4),
		chromedp.PDFPrintBackground())))
}

const shots = "KENSHIN_SHOTS"

// Shots is where pictures go: KENSHIN_SHOTS, else a folder that the test removes.
func Shots(t testing.TB) string {
	t.Helper()
	dir := os.Getenv(shots)
	if dir == "" {
		return t.TempDir()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatalf("making %s: %v", dir, err)
	}
	return dir
}

func (p *Tab) write(name string, body []byte) string {
	p.t.Helper()
	path := filepath.Join(Shots(p.t), name)
	if err := os.WriteFile(path, body, 0o644); err != nil {
		p.t.Fatalf("writing %s: %v", path, err)
	}
	return path
}

// Authenticator gives the tab a security key of its own that says yes at once (WebAuthn virtual authenticator), so that passkeys work.
func (p *Tab) Authenticator() webauthn.AuthenticatorID {
	p.t.Helper()
	if _, err := chromedp.Call(p.Ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		p.t.Fatalf("enabling virtual authenticators: %v", err)
	}
	made, err := chromedp.Call(p.Ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
		Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		},
	})
	if err != nil {
		p.t.Fatalf("adding a virtual authenticator: %v", err)
	}
	return made.AuthenticatorID
}

// Credentials returns how many passkeys the authenticator holds.
func (p *Tab) Credentials(id webauthn.AuthenticatorID) int {
	p.t.Helper()
	got, err := chromedp.Call(p.Ctx, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: id})
	if err != nil {
		p.t.Fatalf("reading credentials: %v", err)
	}
	return len(got.Credentials)
}
