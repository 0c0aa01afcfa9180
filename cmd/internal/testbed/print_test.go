package testbed

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/skewatch/skewatch/analysis/report"
)

// printedKept is the variable that names a directory where TestPrinted leaves what it
// printed, to be looked at.
const printedKept = "SKEWATCH_PRINTED"

// TestPrinted has Chromium print reports on A4, and reads what stands on the paper and where.
func TestPrinted(t *testing.T) {
	directory := t.TempDir()
	if kept := os.Getenv(printedKept); kept != "" {
		directory = kept
	}
	for _, tt := range []struct {
		name        string
		r           *report.Report
		least, most int // pages: it depends on the fonts that are installed
		want        []string
	}{
		{"orderly", orderly(12), 1, 1, []string{"12: 12 pass, 0 fail", "web011.example.net"}},
		{"empty", orderly(0), 1, 1, []string{"no host has sent anything in this period"}},
		{"gallery", gallery(60), 6, 11, []string{
			"dead-rtc", "wrong-date", "2001:db8:1111", "=cmd|' /C calc'!A0", "<script>alert(1)</script>\\u202e", "our own clock was set forward",
			"not running from 2026-03-02T13:00:00Z", "insufficient: the interval from -0.200 s", "Offset: + is ahead. Time: UTC.",
		}},
		{"many", gallery(300), 10, 17, []string{"web299.example.net"}},
	} {
		page := filepath.Join(directory, tt.name+".html")
		var b bytes.Buffer
		if err := tt.r.WriteHTML(&b); err != nil {
			t.Fatal(err)
		}
		write(t, page, b.String())
		paper := readPDF(t, printPDF(t, page))
		if n := len(paper.Pages); n < tt.least || n > tt.most {
			t.Errorf("%s: %d pages, want %d to %d", tt.name, n, tt.least, tt.most)
		}
		paper.check(t, tt.name, len(tt.r.Hosts))
		text := paper.text()
		for _, want := range tt.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q isn't on the paper:\n%s", tt.name, want, text)
			}
		}
	}
}

// check looks for what is cut off, and for what each page should have.
func (p *paper) check(t *testing.T, name string, hosts int) {
	t.Helper()
	const margin = 15 // points that a printer may need
	judged := 0
	for i, page := range p.Pages {
		var words []string
		for _, w := range page.Words {
			words = append(words, w.Text)
			if w.Left < margin || w.Right > page.Width-margin || w.Top < margin || w.Bottom > page.Height-margin {
				t.Errorf("%s, page %d of %.0f by %.0f points: %q is at the edge or beyond, from %.0f, %.0f to %.0f, %.0f",
					name, i+1, page.Width, page.Height, w.Text, w.Left, w.Top, w.Right, w.Bottom)
			}
		}
		text := strings.Join(words, " ")
		rows := len(complies.FindAllString(text, -1))
		if rows > 0 && !slices.Contains(words, "Compliance") {
			t.Errorf("%s, page %d has rows of the table without its head", name, i+1)
		}
		judged += rows
		if want := fmt.Sprintf("%d / %d", i+1, len(p.Pages)); !strings.Contains(text, want) || !strings.Contains(text, "by collector.example.net") {
			t.Errorf("%s, page %d doesn't say %q, and of what report", name, i+1, want)
		}
	}
	if judged != hosts {
		t.Errorf("%s: %d rows show their compliance, want %d", name, judged, hosts)
	}
}

// complies is what stands in the last column of the table.
var complies = regexp.MustCompile(`(✓ pass|✗ fail|\? insufficient)`)

// printPDF has Chromium print a page, and returns the file.
func printPDF(t *testing.T, page string) string {
	t.Helper()
	pdf := strings.TrimSuffix(page, ".html") + ".pdf"
	output, err := exec.Command(need(t, "chromium", "chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(),
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
		"--no-pdf-header-footer", "--print-to-pdf="+pdf, "file://"+page).CombinedOutput()
	if err != nil {
		t.Fatalf("chromium prints nothing: %v\n%s", err, output)
	}
	return pdf
}

// A paper is what pdftotext finds, word by word.
type paper struct {
	Pages []struct {
		Width  float64 `xml:"width,attr"` // points
		Height float64 `xml:"height,attr"`
		Words  []struct {
			Left   float64 `xml:"xMin,attr"`
			Top    float64 `xml:"yMin,attr"`
			Right  float64 `xml:"xMax,attr"`
			Bottom float64 `xml:"yMax,attr"`
			Text   string  `xml:",chardata"`
		} `xml:"word"`
	} `xml:"body>doc>page"`
}

func readPDF(t *testing.T, pdf string) *paper {
	t.Helper()
	output, err := exec.Command(need(t, "pdftotext", "poppler-utils"), "-bbox", pdf, "-").Output()
	if err != nil {
		t.Fatalf("pdftotext: %v", err)
	}
	p := new(paper)
	d := xml.NewDecoder(bytes.NewReader(output))
	d.Strict, d.Entity = false, xml.HTMLEntity
	if err := d.Decode(p); err != nil {
		t.Fatalf("pdftotext: %v in\n%s", err, output)
	}
	return p
}

// text returns all words in their order.
func (p *paper) text() string {
	var words []string
	for _, page := range p.Pages {
		for _, w := range page.Words {
			words = append(words, w.Text)
		}
	}
	return strings.Join(words, " ")
}
