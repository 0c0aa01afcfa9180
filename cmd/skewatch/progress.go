package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/skewatch/skewatch/cmd/internal/api"
)

// progressAfter is how long a reading lasts before it shows how far it has come.
const progressAfter = 500 * time.Millisecond

// A progressBar shows on stderr how far a long reading has come, without colours. A nil
// one shows nothing.
type progressBar struct {
	w     io.Writer
	doing string
	now   func() time.Time
	began time.Time
	from  uint64
	bar   *progressbar.ProgressBar // nil until it is shown
}

// progressBar returns a bar for a reading that begins now, and what it does; nil where it would stand
// among the output or can't be wiped away.
func (p *program) progressBar(doing string) *progressBar {
	if p.lookup("TERM") == "dumb" || !isTerminal(p.stderr) || isTerminal(p.stdout) {
		return nil
	}
	return newProgressBar(p.stderr, doing, p.now)
}

func newProgressBar(w io.Writer, doing string, now func() time.Time) *progressBar {
	return &progressBar{w: w, doing: doing, now: now, began: now()}
}

// show returns what shows how far the reading has come, nil for a nil bar.
func (b *progressBar) show() func(api.Progress) {
	if b == nil {
		return nil
	}
	first := true
	return func(p api.Progress) {
		if first {
			b.from, first = p.At, false
		}
		if b.bar == nil && b.now().Sub(b.began) >= progressAfter && p.Last > b.from {
			b.bar = b.begin(p.Last - b.from)
		}
		if b.bar != nil && p.At > b.from {
			_ = b.bar.Set64(int64(p.At - b.from)) // it is only a bar
		}
	}
}

func (b *progressBar) begin(messages uint64) *progressbar.ProgressBar {
	return progressbar.NewOptions64(int64(messages),
		progressbar.OptionSetWriter(b.w),
		progressbar.OptionSetDescription(b.doing),
		progressbar.OptionSetWidth(40),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetTheme(progressbar.ThemeASCII))
}

// clear wipes the bar away.
func (b *progressBar) clear() {
	if b != nil && b.bar != nil {
		_ = b.bar.Clear()
	}
}

// watch returns a file of which the bar shows how much was read; whatever else it is given it
// returns as it is.
func (b *progressBar) watch(from io.Reader) io.Reader {
	f, isFile := from.(*os.File)
	if b == nil || !isFile {
		return from
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return from
	}
	return &watched{from: f, size: uint64(info.Size()), show: b.show()}
}

// A watched file shows how much of it was read.
type watched struct {
	from     io.Reader
	at, size uint64
	show     func(api.Progress)
}

func (w *watched) Read(p []byte) (int, error) {
	w.show(api.Progress{At: w.at, Last: w.size})
	n, err := w.from.Read(p)
	w.at += uint64(n)
	return n, err
}
