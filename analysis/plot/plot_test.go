package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// drifting returns points every five minutes of a clock that gains, with an hour missing.
func drifting(n int) (points []Point) {
	for i := range n {
		if i >= 24 && i < 36 {
			continue
		}
		offset := 0.2 + float64(i)*0.005
		points = append(points, Point{noon.Add(time.Duration(i) * 5 * time.Minute), offset - 0.01, offset, offset + 0.05})
	}
	return points
}

func TestSVG(t *testing.T) {
	for name, c := range map[string]Chart{
		"drifting": {Title: `drift of "web1" <a&b>`, From: noon, To: noon.Add(6 * time.Hour), Points: drifting(72), Tolerance: 0.5,
			Marks: []Mark{{At: noon.Add(4 * time.Hour), Label: "step of <+0.1 s>"}}},
		"with all": {Title: "all", From: noon, To: noon.Add(2 * time.Hour), Points: drifting(24), Tolerance: 0.5, Values: true,
			Raw:   []Dot{{noon.Add(time.Hour), 0.1}, {noon.Add(time.Hour), -4000}, {noon.Add(-time.Hour), 0.1}},
			Spans: []Span{{noon.Add(10 * time.Minute), noon.Add(20 * time.Minute), "a queue of <5>"}},
			Marks: []Mark{{noon.Add(30 * time.Minute), "raised & warned", Warning}}},
		"one point": {Title: "one", From: noon, To: noon.Add(time.Hour), Points: []Point{{noon, -40.1, -40, -39.9}}, Tolerance: 1},
		"nothing":   {Title: "nothing", From: noon, To: noon},
	} {
		var b bytes.Buffer
		if err := c.WriteSVG(&b); err != nil {
			t.Fatal(err)
		}
		wellFormed(t, name, b.String())
		golden(t, name, b.String())
	}
}

// golden holds a drawing against the one that is kept.
func golden(t *testing.T, name, svg string) {
	t.Helper()
	file := filepath.Join("testdata", strings.ReplaceAll(name, " ", "-")+".svg")
	if *update {
		if err := os.WriteFile(file, []byte(svg), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if svg != string(want) {
		t.Errorf("%s is not drawn as in %s", name, file)
	}
}

func wellFormed(t *testing.T, name, svg string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%s: %v in\n%s", name, err, svg)
		}
	}
	for _, bad := range []string{"NaN", "Inf", "<a&b>", "<+0.1"} {
		if strings.Contains(svg, bad) {
			t.Errorf("%s: %q in\n%s", name, bad, svg)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, tt := range []struct {
		low, high float64
		want      []float64
	}{
		{0, 10, []float64{0, 2, 4, 6, 8, 10}},
		{-1, 1, []float64{-1, -0.5, 0, 0.5, 1}},
		{0.13, 0.19, []float64{0.14, 0.16, 0.18}},
		{-41, -39, []float64{-41, -40.5, -40, -39.5, -39}},
	} {
		have := ticks(tt.low, tt.high, 5)
		same := slices.EqualFunc(have, tt.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 })
		if !same {
			t.Errorf("ticks(%v, %v) = %v, want %v", tt.low, tt.high, have, tt.want)
		}
	}
}

func TestTimeTicks(t *testing.T) {
	for _, tt := range []struct {
		span time.Duration
		want string
	}{
		{time.Minute, "12:00:00 12:00:15 12:00:30 12:00:45 12:01:00"},
		{6 * time.Hour, "12:00 13:00 14:00 15:00 16:00 17:00 18:00"},
		{36 * time.Hour, "Mar 1 12:00 Mar 1 18:00 Mar 2 00:00 Mar 2 06:00 Mar 2 12:00 Mar 2 18:00 Mar 3 00:00"},
		{10 * day, "Mar 2 Mar 4 Mar 6 Mar 8 Mar 10"},
	} {
		var labels []string
		for _, tick := range timeTicks(noon, tt.span, 7) {
			labels = append(labels, tick.label)
		}
		if have := strings.Join(labels, " "); have != tt.want {
			t.Errorf("over %v: %s, want %s", tt.span, have, tt.want)
		}
	}
}

func TestUnits(t *testing.T) {
	for _, tt := range []struct {
		seconds, distance float64
		want              string
	}{
		{90000, 10000, "+1.0417 d"}, {7200, 3600, "+2 h"}, {90, 30, "+1.5 min"}, {40, 1, "+40 s"}, {0.25, 0.1, "+250 ms"},
		{33e-6, 1e-6, "+33 us"}, {5e-9, 1e-9, "+5 ns"}, {3600.02, 0.02, "+3600.02 s"}, {-40.0005, 0.0005, "-40000.5 ms"},
	} {
		u := unitFor(math.Abs(tt.seconds), tt.distance)
		if have := u.label(tt.seconds / u.seconds); have != tt.want {
			t.Errorf("%v s at %v s is labelled %q, want %q", tt.seconds, tt.distance, have, tt.want)
		}
	}
}

func ExampleChart() {
	c := Chart{Title: "web1", From: noon, To: noon.Add(time.Hour), Points: drifting(12)}
	var b bytes.Buffer
	c.WriteSVG(&b)
	fmt.Println(strings.Count(b.String(), "<path"), "paths: the band and the offset")
	// Output: 2 paths: the band and the offset
}
