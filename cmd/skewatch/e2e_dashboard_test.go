package main_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// startDemo runs `skewatch demo` until the test ends, and returns its dashboard's address.
func startDemo(t *testing.T) (base string) {
	t.Helper()
	cmd := exec.Command(testbed.Binary(t), "demo", "--for", "15m")
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	cmd.Stderr = t.Output()
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT) // fails only if it has ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("the demo ended with: %v", err)
		}
	})
	address := regexp.MustCompile(`^\s+dashboard\s+(http://\S+)`)
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, output) }() // it may go on writing
			return m[1]
		}
	}
	t.Fatal("the demo doesn't say where its dashboard is")
	return ""
}

// dashboardPages are the dashboard's pages, and what stands on each once the demo has run
// for a while.
var dashboardPages = []struct{ path, says string }{
	{"/", "clocks are wrong"}, {"/?group=1&sort=offset&down=1", "in-sync: "}, {"/host?name=cam7", "How its offset ran"},
	{"/host?name=sw1", "Recent messages"}, {"/reference", "Time sources"}, {"/warnings", "cam7"}, {"/timeline?window=1m", "made up by skewatch"}, {"/reports", "Download"},
	{"/nowhere", "There is no page here"},
}

// TestEndToEndDashboard looks at a running demo with a real Chromium. Whatever a page does
// that it should not, such as to ask another host or to write an error to the console, fails
// the test.
func TestEndToEndDashboard(t *testing.T) {
	base := startDemo(t)
	t.Run("updates", func(t *testing.T) { watchUpdates(t, base) })
	t.Run("pages", func(t *testing.T) { lookAtPages(t, base) })
	t.Run("pages in the dark, on a phone", func(t *testing.T) { lookAtPages(t, base, testbed.Dark, testbed.Window(390, 844)) })
	t.Run("pages without script", func(t *testing.T) { lookAtPages(t, base, testbed.NoScript) })
	t.Run("sorts and filters", func(t *testing.T) { sortAndFilter(t, base) })
	t.Run("acknowledges", func(t *testing.T) { acknowledge(t, base) })
	t.Run("downloads", func(t *testing.T) { download(t, base) })
}

// watchUpdates opens a page before anything is known, and wants it to show what is found out
// without being loaded again.
func watchUpdates(t *testing.T, base string) {
	b := testbed.StartBrowser(t, base)
	b.Open(t, "/")
	testbed.Script[bool](t, b, "window.stillTheSame = true")
	b.Await(t, "cam7 to be shown as wrong", `[...document.querySelectorAll("tr.crit a")].some(a => a.textContent === "cam7")`)
	b.Await(t, "the page to say that it is live", `document.getElementById("live").textContent === "live"`)
	b.Await(t, "the headline to say so", `/of 1\d clocks (is|are) wrong/.test(document.querySelector("h1").textContent)`)
	if !testbed.Script[bool](t, b, "window.stillTheSame === true") {
		t.Error("the page was loaded again")
	}
	if b.Requests() == 0 {
		t.Error("no requests were seen: nothing is watched")
	}
}

// lookAtPages opens each page, wants it to fit its window, and has axe-core look for what
// keeps people out.
func lookAtPages(t *testing.T, base string, options ...testbed.BrowserOption) {
	b := testbed.StartBrowser(t, base, options...)
	for _, p := range dashboardPages {
		b.Open(t, p.path)
		b.Await(t, fmt.Sprintf("%q on %s", p.says, p.path), fmt.Sprintf("document.body.innerText.includes(%q)", p.says))
		if wide := testbed.Script[float64](t, b, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); wide > 0 {
			t.Errorf("%s is %g pixels wider than its window", p.path, wide)
		}
		if faults := b.Faults(); p.path != "/nowhere" && len(faults) > 0 {
			t.Errorf("%s: %q", p.path, faults)
		}
		if b.RunsNoScript() {
			continue // axe-core is one
		}
		for _, barrier := range b.Barriers(t) {
			if barrier.Impact == "serious" || barrier.Impact == "critical" {
				t.Errorf("%s: %+v", p.path, barrier)
			}
		}
	}
}

// hostsShown is what lists the hosts of the fleet's page, in its order.
const hostsShown = `[...document.querySelectorAll(".fleet td:first-child a")].map(a => a.textContent).join(" ")`

func sortAndFilter(t *testing.T, base string) {
	b := testbed.StartBrowser(t, base)
	b.Open(t, "/")
	b.Do(t, "sort by host", chromedp.Click(chromedp.CSS(`thead a[href*="sort=host"]`)))
	b.Await(t, "the hosts in order", hostsShown+` === "app2 cam7 db1 gw3 iot9 lab5 mail1 nas2 sw1 ups3 vm4 web1"`)
	b.Do(t, "the other way round", chromedp.Click(chromedp.CSS(`thead a[href*="sort=host"]`)))
	b.Await(t, "the hosts in the other order", hostsShown+`.startsWith("web1 vm4")`)
	b.Do(t, "ask for a name, by keyboard", chromedp.SendKeys(chromedp.CSS(`input[name="host"]`), "m"+kb.Enter))
	b.Await(t, "hosts with an m in order", hostsShown+` === "vm4 mail1 cam7"`)
	b.Do(t, "choose a verdict", chromedp.Navigate(base+"/"), chromedp.SetValue(chromedp.CSS(`select[name="verdict"]`), "ahead"), chromedp.Click(chromedp.CSS("form.filter button")))
	b.Await(t, "a host that is ahead", hostsShown+`.includes("cam7")`)
	b.Await(t, "no host that isn't", `![...document.querySelectorAll(".fleet tbody b")].some(v => v.textContent !== "ahead")`)
	b.Do(t, "go to a host", chromedp.Click(chromedp.CSS(".fleet tbody a")))
	b.Await(t, "its page", `location.pathname === "/host" && document.querySelector("svg.plot") !== null`)
	b.Do(t, "look at an hour", chromedp.Click(chromedp.CSS(`.windows a[href*="window=1h"]`)))
	b.Await(t, "that hour", `document.querySelector(".windows a[aria-current]")?.textContent === "1 h"`)
}

// acknowledge has somebody see to a warning, and wants the page and the server to know.
func acknowledge(t *testing.T, base string) {
	b := testbed.StartBrowser(t, base)
	b.Open(t, "/warnings")
	form := `form.acknowledge[data-host="cam7"]`
	b.Await(t, "the warning", fmt.Sprintf("document.querySelector(%q) !== null", form))
	b.Do(t, "acknowledge it", chromedp.Click(chromedp.CSS(`details:has(form[data-host="cam7"]) summary`)), chromedp.SendKeys(chromedp.CSS(form+` input[name="author"]`), "ops"),
		chromedp.SendKeys(chromedp.CSS(form+` input[name="comment"]`), "its battery is on order"), chromedp.Click(chromedp.CSS(form+" button")))
	b.Await(t, "the page to say so", `document.body.innerText.includes("its battery is on order")`)
	out, err := exec.Command(testbed.Binary(t), "warnings", "--server", base, "--format", "json").Output()
	if err != nil || !strings.Contains(string(out), "its battery is on order") {
		t.Errorf("skewatch warnings: %v, %s", err, out)
	}
}

// download has the browser save a report.
func download(t *testing.T, base string) {
	b := testbed.StartBrowser(t, base)
	into := t.TempDir()
	b.SaveTo(t, into)
	b.Open(t, "/reports")
	b.Do(t, "choose CSV and take it", chromedp.SetValue(chromedp.CSS(`select[name="format"]`), "csv"), chromedp.Click(chromedp.CSS("form.report button")))
	eventually(t, 20*time.Second, func() error {
		files, err := filepath.Glob(filepath.Join(into, "skewatch-*.csv"))
		if err != nil || len(files) != 1 {
			return fmt.Errorf("%d files were saved, %v", len(files), err)
		}
		text, err := os.ReadFile(files[0])
		if err != nil || !strings.Contains(string(text), "cam7") {
			return fmt.Errorf("the file holds %.200q, %v", text, err)
		}
		return nil
	})
}
