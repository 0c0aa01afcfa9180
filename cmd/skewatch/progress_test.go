package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/api"
)

// TestProgressBar has a reading last shorter and longer than it takes for a bar.
func TestProgressBar(t *testing.T) {
	for _, tt := range []struct {
		lasts time.Duration
		shown bool
	}{
		{progressAfter - 1, false},
		{progressAfter, true},
	} {
		var b bytes.Buffer
		now := noon
		bar := newProgressBar(&b, "searching", func() time.Time { return now })
		show := bar.show()
		show(api.Progress{At: 1000, Last: 3000})
		now = now.Add(tt.lasts)
		show(api.Progress{At: 2000, Last: 3000})
		if shown := strings.Contains(b.String(), "50%"); shown != tt.shown {
			t.Errorf("after %v the bar is %q, want half of it: %v", tt.lasts, b.String(), tt.shown)
		}
		bar.clear()
		if last := b.String()[strings.LastIndex("\r"+b.String(), "\r"):]; strings.Trim(last, " \r") != "" || strings.Contains(b.String(), "\x1b") {
			t.Errorf("in the end %q is left on the screen of %q", last, b.String())
		}
	}
}

// TestProgressBarPlace uses /dev/null in a terminal's place.
func TestProgressBarPlace(t *testing.T) {
	terminal, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	for _, tt := range []struct {
		name string
		p    program
		want bool
	}{
		{"data to a file", program{stdout: new(bytes.Buffer), stderr: terminal}, true},
		{"without colours", program{stdout: new(bytes.Buffer), stderr: terminal, environ: []string{"NO_COLOR=1"}}, true},
		{"data to the screen", program{stdout: terminal, stderr: terminal}, false},
		{"nobody looks", program{stdout: new(bytes.Buffer), stderr: new(bytes.Buffer)}, false},
		{"it can't be wiped away", program{stdout: new(bytes.Buffer), stderr: terminal, environ: []string{"TERM=dumb"}}, false},
	} {
		tt.p.now = time.Now
		bar := tt.p.progressBar("searching")
		if have := bar != nil; have != tt.want || (bar.show() != nil) != tt.want {
			t.Errorf("%s: a bar is shown: %v, want %v", tt.name, have, tt.want)
		}
		bar.clear()
	}
}
