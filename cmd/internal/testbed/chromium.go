package testbed

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	console "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A Browser is a real Chromium with one open page. It notes what a page should never do.
type Browser struct {
	page     context.Context
	host     string // the only one that pages may ask
	noScript bool
	asked    atomic.Int64

	mu     sync.Mutex
	faults []string
}

// A BrowserOption changes how a browser is started.
type BrowserOption func(*browserSettings)

type browserSettings struct {
	dark, noScript bool
	width, height  int64
}

// Dark has the browser ask for dark pages.
func Dark(s *browserSettings) { s.dark = true }

// NoScript forbids pages to run scripts.
func NoScript(s *browserSettings) { s.noScript = true }

// Window sets the size of the page, in CSS pixels.
func Window(width, height int64) BrowserOption {
	return func(s *browserSettings) { s.width, s.height = width, height }
}

// StartBrowser starts Chromium until the test ends, for pages of one server. The test fails
// if a page ever writes an error to the console, asks another host, or breaks its policy.
func StartBrowser(t testing.TB, server string, options ...BrowserOption) *Browser {
	t.Helper()
	path := need(t, "chromium", "chromium")
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	s := browserSettings{width: 1280, height: 900}
	for _, o := range options {
		o(&s)
	}
	b := &Browser{host: u.Host, noScript: s.noScript}
	process, endProcess := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(int(s.width), int(s.height)), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(t.TempDir()))...)
	page, endPage := chromedp.NewContext(process, chromedp.WithListener(b.note))
	b.page = page
	t.Cleanup(func() {
		_ = chromedp.Cancel(page) // it may have ended already
		endPage()
		endProcess()
		for _, fault := range b.Faults() {
			t.Errorf("the browser notes: %s", fault)
		}
	})
	if err := chromedp.Do(page, chromedp.EmulateViewport(s.width, s.height), s.emulate()); err != nil {
		t.Fatalf("testbed: starting Chromium: %v", err)
	}
	return b
}

// emulate has the browser be as it is set.
func (s *browserSettings) emulate() chromedp.Action[chromedp.Void] {
	scheme := emulation.MediaFeature{Name: "prefers-color-scheme", Value: "light"}
	if s.dark {
		scheme.Value = "dark"
	}
	return chromedp.Func(func(ctx context.Context, page *chromedp.Target) error {
		if _, err := cdp.Call(ctx, page, console.Enable, cdp.Empty{}); err != nil {
			return err
		}
		if _, err := cdp.Call(ctx, page, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		if _, err := cdp.Call(ctx, page, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{&scheme}}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, page, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: s.noScript})
		return err
	})
}

// note looks at what the browser tells.
func (b *Browser) note(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.fault("an exception: %s", e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			b.fault("the console: %v", e.Args)
		}
	case *console.EventEntryAdded:
		if e.Entry.Level == console.EntryLevelError || e.Entry.Level == console.EntryLevelWarning {
			b.fault("the log: %s (%s)", e.Entry.Text, e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		b.asked.Add(1)
		if u, err := url.Parse(e.Request.URL); err != nil || u.Host != b.host && u.Scheme != "data" && u.Scheme != "about" {
			b.fault("a request to another host: %s", e.Request.URL)
		}
	}
}

func (b *Browser) fault(format string, values ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = append(b.faults, fmt.Sprintf(format, values...))
}

// Faults returns what pages did that they should not, and forgets it.
func (b *Browser) Faults() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	faults := b.faults
	b.faults = nil
	return faults
}

// Do runs actions, and fails the test if one can't be done in time.
func (b *Browser) Do(t testing.TB, what string, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, end := context.WithTimeout(b.page, patience)
	defer end()
	if err := chromedp.Do(ctx, actions...); err != nil {
		page, _ := chromedp.Run(b.page, chromedp.OuterHTML(chromedp.CSS("html"))) // as far as there is one
		t.Fatalf("%s: %v; the page is\n%.4000s", what, err, page)
	}
}

// RunsNoScript reports whether pages' scripts are forbidden.
func (b *Browser) RunsNoScript() bool { return b.noScript }

// SaveTo has the browser save what it downloads in a directory.
func (b *Browser) SaveTo(t testing.TB, directory string) {
	t.Helper()
	b.Do(t, "choose where to save", chromedp.Func(func(ctx context.Context, page *chromedp.Target) error {
		_, err := cdp.Call(ctx, page, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: directory})
		return err
	}))
}

// Requests returns how many requests pages have made.
func (b *Browser) Requests() int64 { return b.asked.Load() }

// Open opens a page of the server.
func (b *Browser) Open(t testing.TB, path string) {
	t.Helper()
	b.Do(t, "open "+path, chromedp.Navigate("http://"+b.host+path))
}

// Screenshot returns the whole page as a PNG.
func (b *Browser) Screenshot(t testing.TB) []byte { return Page(t, b, chromedp.FullScreenshot(100)) }

// View returns what is seen in the window as a PNG.
func (b *Browser) View(t testing.TB) []byte { return Page(t, b, chromedp.CaptureScreenshot()) }

// Page runs an action on a browser's page and returns what comes of it.
func Page[T any](t testing.TB, b *Browser, action chromedp.Action[T]) T {
	t.Helper()
	ctx, end := context.WithTimeout(b.page, patience)
	defer end()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatalf("testbed: the page: %v", err)
	}
	return value
}

// Await polls until an expression in JavaScript is true on the page.
func (b *Browser) Await(t testing.TB, what, expression string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		holds, err := chromedp.Run(b.page, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if err == nil && holds {
			return
		}
		if time.Now().After(deadline) {
			page, _ := chromedp.Run(b.page, chromedp.OuterHTML(chromedp.CSS("html")))
			t.Fatalf("waited %v for %s (%v); the page is\n%.6000s", patience, what, err, page)
		}
	}
}

// Script returns what an expression in JavaScript comes to on a browser's page, once it is
// settled.
func Script[T any](t testing.TB, b *Browser, expression string) T {
	t.Helper()
	return Page(t, b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// A Barrier is something on a page that keeps people out of it.
type Barrier struct {
	ID     string
	Impact string // minor, moderate, serious or critical
	Help   string
	At     []string // elements
}

// Barriers returns what axe-core finds on the open page.
func (b *Browser) Barriers(t testing.TB) (found []Barrier) {
	t.Helper()
	Script[int](t, b, axe(t)+"; 0")
	text := Script[string](t, b, `axe.run(document).then(r => JSON.stringify(r.violations.map(v =>
		({ID: v.id, Impact: v.impact, Help: v.help, At: v.nodes.map(n => n.html.slice(0, 200))}))))`)
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		t.Fatalf("testbed: axe-core says %q: %v", text, err)
	}
	return found
}

// axe returns the source of axe-core.
func axe(t testing.TB) string {
	t.Helper()
	path, err := moduleFile("bin", "axe-core", "axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(path)
	if err != nil {
		lack(t, "axe-core", "npm")
	}
	return string(source)
}
