package main_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// TestEndToEndScreenshots takes pictures of a demo's pages into the directory that
// SKEWATCH_SCREENSHOTS names: `make screenshots`.
func TestEndToEndScreenshots(t *testing.T) {
	into := os.Getenv("SKEWATCH_SCREENSHOTS")
	if into == "" {
		t.Skip("SKEWATCH_SCREENSHOTS names no directory")
	}
	base := startDemo(t)
	b := testbed.StartBrowser(t, base)
	b.Open(t, "/")
	for begun := time.Now(); time.Since(begun) < 100*time.Second; {
		b.Await(t, "hosts", "document.querySelectorAll('.fleet tbody tr').length > 0")
		time.Sleep(time.Second) // until there is something to see
	}
	picture := func(name, path string, take func(*testbed.Browser, testing.TB) []byte, options ...testbed.BrowserOption) {
		b := testbed.StartBrowser(t, base, options...)
		b.Open(t, path)
		b.Await(t, "the page to be whole", `document.readyState === "complete"`)
		if err := os.WriteFile(filepath.Join(into, name+".png"), take(b, t), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	picture("readme-fleet", "/", (*testbed.Browser).View, testbed.Window(1180, 900))
	picture("readme-host", "/host?name=gw3", (*testbed.Browser).View, testbed.Dark, testbed.Window(1180, 860))
	for style, options := range map[string][]testbed.BrowserOption{"light": nil, "dark": {testbed.Dark}, "phone": {testbed.Window(390, 844)}} {
		for name, path := range map[string]string{
			"fleet": "/", "grouped": "/?group=1", "host": "/host?name=lab5", "stuck": "/host?name=ups3", "warnings": "/warnings",
			"reference": "/reference", "timeline": "/timeline?window=1m", "reports": "/reports",
		} {
			picture(name+"-"+style, path, (*testbed.Browser).Screenshot, options...)
		}
	}
}
